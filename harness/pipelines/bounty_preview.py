"""A submission and the published half in, what it shows there and what the holdout will ask out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bounty import Holdout, PointerDecisionList, judge
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.report.bounties.answers import Preview, Previewed
from harness.results.bounties.answering import next_level, read_list
from harness.results.bounties.counting import errors_of
from harness.results.bounties.folder import DEVELOPMENT, IDS, BountyFolder
from harness.results.bounties.halves import check_counts, holdout_of
from harness.results.bounties.heard import read_heard, read_ids
from harness.results.bounties.rules import PublicRules, read_rules
from harness.results.bounties.sealing import read_parquet
from harness.results.bounties.standing import standing_of
from harness.results.bounties.submission import HeardElsewhere, OfferedSystem, Submission, read_submission


@dataclass(frozen=True, kw_only=True)
class BountyPreviewJob:
    """Holds what `harness bounty preview` needs, as ordinary objects.

    Attributes:
        bounty: The folder of the bounty, or one that its `public/` was copied to.
        submission: The JSON file.
    """

    bounty: Path
    submission: Path


def bounty_preview(job: BountyPreviewJob) -> BountyOutcome:
    """Judge a submission on the development half, at the level that the holdout would ask now.

    Raises:
        UsageError: The submission is not as the rules ask.
        DataError: A public file is damaged.
    """
    folder = BountyFolder.open(job.bounty)
    rules = read_rules(folder.rules)
    submission = read_submission(job.submission, rules)
    decisions = read_list(folder, rules)
    level = next_level(decisions, rules)
    over = _over(folder, rules)
    if over and not (folder.public / DEVELOPMENT).exists():
        raise UsageError(f"{folder.path}: there is nothing to preview on: {over}.")
    frame = read_parquet(folder.public / DEVELOPMENT)
    check_counts(frame, rules.columns, [rules.base, *rules.systems], str(folder.public / DEVELOPMENT))
    half = holdout_of(frame, rules.columns)
    other = _other_errors(folder, job.submission, submission, rules, frame)
    foreign = [name for name in decisions.decisions.system_names if name not in half.errors]
    found = None if other is None or foreign else _judged(half, decisions, submission, other, rules, level)
    return BountyOutcome(
        Previewed(
            path=folder.path,
            rules=rules,
            predicate=submission.predicate.text,
            system=submission.told,
            judgement=found,
            level=level,
            not_judged=_not_judged(other, foreign),
            evaluation_only=tuple(
                (each.name, each.provenance)
                for each in rules.columns
                if each.name in submission.predicate.columns and not each.is_measured
            ),
            over=over,
        )
    )


def _other_errors(
    folder: BountyFolder, path: Path, submission: Submission, rules: PublicRules, frame: pd.DataFrame
) -> npt.NDArray[np.int64] | None:
    """Return the alternative's errors on the development half; None where it has to be run first."""
    alternative = submission.alternative
    if isinstance(alternative, OfferedSystem):
        return frame[f"errors:{alternative.system}"].to_numpy(np.int64)
    if not isinstance(alternative, HeardElsewhere):
        return None
    _, texts = read_heard(path.parent / alternative.file, read_ids(folder.public / IDS))
    if "reference" not in frame or rules.normalizer is None:
        return None
    return errors_of(texts, frame, rules.normalizer)


def _judged(
    half: Holdout,
    decisions: PointerDecisionList,
    submission: Submission,
    other: npt.NDArray[np.int64],
    rules: PublicRules,
    level: float,
) -> Preview:
    own = decisions.errors(half)
    inside = submission.predicate.mask(half.frame)
    found = judge(
        own, other, words=half.words, speakers=half.speakers, in_group=inside, rules=rules.rules, level=level or 0.5
    )
    n_words = int(half.words[inside].sum())
    return Preview(
        n_speakers=found.n_speakers,
        n_words=n_words,
        share=found.share,
        own_wer=int(own[inside].sum()) / n_words if n_words else float("nan"),
        other_wer=int(other[inside].sum()) / n_words if n_words else float("nan"),
        gain=found.gain,
        gain_low=found.gain_low,
        p_value=found.p_value,
        would_be_accepted=found.accepted and level > 0,
        reason=found.reason.value,
    )


def _not_judged(other: object, foreign: list[str]) -> str:
    """Say why nothing was judged; empty where something was."""
    if foreign:
        return f"the list has {', '.join(foreign)} by now, whose errors on this half are not published"
    if other is None:
        return "the alternative has not been run on this half, or its references are not published"
    return ""


def _over(folder: BountyFolder, rules: PublicRules) -> str:
    """Say why nothing would be answered; empty where the ledger is not here to tell."""
    if not folder.ledger.path.is_file():
        return ""
    return standing_of(folder.ledger.entries(), str(folder.ledger.path)).why_over(rules.rules)
