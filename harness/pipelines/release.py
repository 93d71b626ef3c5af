"""A finished run and its corpus's ledger in, a folder that may be published out: with noise, or small slices hidden.

What a private release costs is on the disk before any noise is drawn; whatever stops it then, it stays spent.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import DataError, HarnessError, StorageError, UsageError
from harness.fairness import Failures, Policy
from harness.fairness.privacy import (
    PrivateTable,
    ReleaseMethod,
    Spent,
    Statistic,
    fitting_caps,
    foreseen_errors,
    private_table,
    speakers_needed,
)
from harness.fairness.speaker_sums import speaker_codes
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.report.releases.markdown import render_markdown
from harness.report.releases.page import render_page
from harness.report.releases.screen import ReleaseWritten
from harness.report.releases.words import WEAK_EPSILON
from harness.results import Run
from harness.results.ledger import Entry
from harness.results.releases.budget import SPENT, Account, Budget, BudgetError, Hides, day_of
from harness.results.releases.corpus import budget_of, point_to
from harness.results.releases.design import Dimension, chosen_dimensions, private_dimensions, slices_of
from harness.results.releases.folder import whole_folder
from harness.results.releases.options import ReleaseOptions
from harness.results.releases.record import (
    MARKDOWN,
    PAGE,
    Release,
    exact_release,
    private_release,
    run_digest,
)
from harness.results.releases.suppressed import suppressed_table
from harness.results.whole import check_whole
from harness.transcription.progress import stage
from harness.transcription.store import CLEAN

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReleaseJob:
    """Holds what `harness release` needs, as ordinary objects.

    Attributes:
        run: Finished.
        out: The folder that is written; not there yet, or empty, and not in the run's.
        options: What is released, and what it may cost.
    """

    run: Run
    out: Path
    options: ReleaseOptions


@dataclass(frozen=True, slots=True)
class ReleaseOutcome:
    """Says what was released, and how the command ends."""

    answer: ReleaseWritten
    exit_status: int = EXIT_WITHIN_POLICY


def release(job: ReleaseJob) -> ReleaseOutcome:
    """Release what a run says of groups of people, once; the same command again is another release and costs again.

    Raises:
        UsageError: The budget, an earlier publication or the design does not allow it; nothing was drawn or written.
        DataError: The ledger was changed, or the scores do not say who speaks.
        StorageError: The ledger or the folder cannot be written; the message says whether anything was spent.
    """
    check_whole(job.run)
    if job.out.resolve().is_relative_to(job.run.path.resolve()):
        raise UsageError(f"out={job.out}: is in the run's own folder, which is not for sharing. Choose another folder.")
    options = job.options
    ledger = None if options.ledger is None else Path(options.ledger)
    budget = budget_of(job.run, ledger=ledger, name=options.corpus)
    scores = _scores(job.run)
    if options.method is ReleaseMethod.suppression:
        return ReleaseOutcome(_exact(job, budget, scores))
    return ReleaseOutcome(_private(job, budget, scores))


def _private(job: ReleaseJob, budget: Budget, scores: pd.DataFrame) -> ReleaseWritten:
    """Draw a private table, once what it costs is written down."""
    options, attributes = job.options, job.run.facts["manifest"]["attributes"]
    dimensions = private_dimensions(attributes, by=options.by, slices=options.slices)
    _check_foreseen(scores, options, dimensions)
    hides = Hides.errors if options.counted is Statistic.public_words else Hides.presence
    cost = Spent(options.epsilon, options.delta if options.method is ReleaseMethod.gaussian else 0.0)
    total = None if options.total_epsilon is None else Spent(options.total_epsilon, options.total_delta)
    if total is None and budget.account().total is None:
        raise BudgetError(f"{_planned(options, dimensions)} {budget.no_budget}")
    budget.check_spend(cost, hides=hides, total=total)
    _rehearse(job, scores, dimensions)
    what = {
        "method": options.method.value,
        "dimensions": {name: list(slices) for name, slices in slices_of(dimensions).items()},
        **_made_of(job.run),
    }
    with whole_folder(job.out) as folder:
        entry = budget.spend(cost, what, hides=hides, total=total)
        point_to(budget, job.run)
        try:
            with stage("drawing", n_rows=len(scores)):
                table = _drawn(job, scores, dimensions)
            account = budget.account()
            made = private_release(job.run, table, entry=entry, account=account, dimensions=dimensions, options=options)
            folder.write(_texts(made))
        except (HarnessError, OSError) as error:
            raise _spent_for_nothing(error, cost) from error
    budget.finish(entry)
    log.info("%s: slices released: %d, epsilon %g", job.out, len(made.table), cost.epsilon)
    return ReleaseWritten(job.out, made, budget.path, _notes(account, cost))


def _planned(options: ReleaseOptions, dimensions: tuple[Dimension, ...]) -> str:
    """Say how many people a slice needs to be told: what an owner should know before choosing a budget."""
    slices = slices_of(dimensions)
    needed = [
        f"{each.name} {speakers_needed(options.largest_error, options, dimensions=slices, dimension=each.name):,}"
        for each in dimensions
    ]
    each = (
        "" if options.counted is Statistic.mean_of_speakers else f" who said {options.caps.words:,} words (caps.words)"
    )
    return (
        f"With release.epsilon={options.epsilon:g} a slice is told within {100 * options.largest_error:g} points where "
        f"it has about so many people{each}: {', '.join(needed)}."
    )


def _check_foreseen(scores: pd.DataFrame, options: ReleaseOptions, dimensions: tuple[Dimension, ...]) -> None:
    """Refuse to spend on a table that would tell nothing, where what is public shows that it would.

    Raises:
        UsageError: Reference words are public, and with them the noise of every slice would be too large.
    """
    if options.counted is not Statistic.public_words:
        return
    foreseen = foreseen_errors(scores, dimensions=slices_of(dimensions), options=options)
    if foreseen["worth"].any():
        return
    least, caps = 100 * foreseen["expected_error"].min(), fitting_caps(scores, options.caps)
    advice = (
        f"Noise is as large as release.caps.errors={options.caps.errors}, and nine in ten people said at most "
        f"{caps.words} words, which are public: take release.caps.words={caps.words} "
        f"release.caps.errors={caps.errors}. "
        if caps.errors < options.caps.errors
        else ""
    )
    raise UsageError(
        f"release: none of {len(foreseen)} slices could be told: noise would be {least:.1f} points and more, and "
        f"release.largest_error is {100 * options.largest_error:g}. {advice}A larger release.epsilon or fewer "
        "dimensions in release.by help, too. Nothing was spent."
    )


def _rehearse(job: ReleaseJob, scores: pd.DataFrame, dimensions: tuple[Dimension, ...]) -> None:
    """Make the release of nobody: whatever is refused, or fails, does so before it costs."""
    table = _drawn(job, scores.head(0), dimensions)
    nobody = Entry(0, "", SPENT, {"epsilon": job.options.epsilon, "delta": job.options.delta}, "", "")
    _texts(private_release(job.run, table, entry=nobody, account=Account(), dimensions=dimensions, options=job.options))


def _exact(job: ReleaseJob, budget: Budget, scores: pd.DataFrame) -> ReleaseWritten:
    """Write exact numbers of slices with enough people, once it is written down that they are out."""
    options, run = job.options, job.run
    budget.check_publish()
    if options.by is None:
        attributes = {
            name: told for name, told in run.facts["manifest"]["attributes"].items() if name in run.facts["sliced_by"]
        }
    else:
        attributes = run.facts["manifest"]["attributes"]
    dimensions = chosen_dimensions(attributes, by=options.by)
    with stage("hiding what is small", n_rows=len(scores)):
        table = suppressed_table(
            run,
            scores,
            [each.name for each in dimensions],
            min_speakers=options.min_speakers,
            earlier=budget.account().exact,
        )
    with whole_folder(job.out) as folder:
        entry = budget.publish({"method": options.method.value, **table.rule, **_made_of(run)})
        point_to(budget, run)
        made = exact_release(run, table, entry=entry, dimensions=dimensions, min_speakers=options.min_speakers)
        folder.write(_texts(made))
    return ReleaseWritten(job.out, made, budget.path)


def _drawn(job: ReleaseJob, scores: pd.DataFrame, dimensions: tuple[Dimension, ...]) -> PrivateTable:
    policy = Policy(failures=Failures(str(job.run.facts["policy"]["failures"])))
    return private_table(scores, dimensions=slices_of(dimensions), options=job.options, policy=policy)


def _texts(made: Release) -> dict[str, str]:
    return {**made.texts, MARKDOWN: render_markdown(made), PAGE: render_page(made)}


def _scores(run: Run) -> pd.DataFrame:
    """Return the scores that the run's slices are counted over: those of clean audio where it heard several conditions.

    Raises:
        UsageError: Its numbers are of several conditions together.
        DataError: An utterance has no speaker id.
    """
    scores = run.scores
    conditions = scores["condition"].unique()
    if len(conditions) > 1 and run.facts.get("pipeline") != "last_mile":
        raise UsageError(f"{run.path}: its numbers are of {len(conditions)} conditions together. Release a run of one.")
    if len(conditions) > 1:
        scores = scores[scores["condition"] == CLEAN].reset_index(drop=True)
    n_unknown = int((speaker_codes(scores) < 0).sum())
    if n_unknown:
        raise DataError(
            f"{run.path}: {n_unknown:,} of {len(scores):,} utterances have no speaker id. Whoever said them cannot be "
            "protected, for nobody knows which others are theirs. Map a column of speakers and make the run again."
        )
    return scores


def _made_of(run: Run) -> dict[str, object]:
    """Return what a ledger knows a run by."""
    return {"run": run_digest(run), "manifest": run.facts["manifest"].get("digest")}


def _notes(account: Account, cost: Spent) -> tuple[str, ...]:
    """Return what the owner must know, beside what everybody reads."""
    left, found = account.left, []
    if left is not None:
        found.append(
            f"ε={left.epsilon:g}, δ={left.delta:g} is left for this corpus. The same command again costs again."
        )
    begun = [entry for entry in account.unfinished if entry.n != account.private[-1].n]
    if begun:
        told = ", ".join(f"ε={entry.content['epsilon']:g} on {day_of(entry)}" for entry in begun)
        found.append(f"Spent by releases that were begun and never written: {told}. What is spent cannot be had back.")
    if cost.epsilon > WEAK_EPSILON:
        found.append(f"ε={cost.epsilon:g} is a weak promise; 1 to 4 are usual.")
    return tuple(found)


def _spent_for_nothing(error: Exception, cost: Spent) -> HarnessError:
    kind = type(error) if isinstance(error, HarnessError) else StorageError
    said = str(error) if isinstance(error, HarnessError) else f"cannot write ({error})."
    return kind(
        f"{said} The release was not written, and ε={cost.epsilon:g} stays spent: its noise may have been drawn."
    )
