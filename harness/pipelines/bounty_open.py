"""Runs of several systems on one corpus in, the folder of a bounty out: half of it published, half sealed."""

import logging
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from harness.corpus.cells import shown
from harness.errors import RunDirectoryError, StorageError, UsageError
from harness.fairness.bounty import BountyRules, State
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.bounty_rerun import audio_lines
from harness.provenance import digest_of_file, version
from harness.report.bounties.answers import Opened
from harness.report.bounties.how_to import how_to
from harness.report.wording import how_many
from harness.results import Run
from harness.results.bounties.answering import list_bytes
from harness.results.bounties.counting import check_counts_alike, profile_of
from harness.results.bounties.folder import (
    AUDIO,
    DEVELOPMENT,
    HOLDOUT,
    HOW_TO,
    IDS,
    LIST,
    OPENED,
    PART,
    PEOPLE,
    PRIVATE,
    RULES,
    SALT,
    SPLIT,
    SUBMISSIONS,
    BountyFolder,
    canonical,
    digest,
    shown_json,
    write_whole,
)
from harness.results.bounties.gathering import Gathered, Source, gather
from harness.results.bounties.halves import Halves, counted, published, split, with_values
from harness.results.bounties.rules import LeftOut, PublicRules
from harness.results.bounties.sealing import SALT_BYTES, Split, commitment, parquet
from harness.results.ledger import LedgerError
from harness.results.releases.beside import BOUNTY, given_away_by
from harness.results.releases.corpus import budget_beside
from harness.results.run import SCORES
from harness.transcription.store import CLEAN

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BountyOpenJob:
    """Holds what `harness bounty open` needs, as ordinary objects.

    Attributes:
        systems: Runs by the name of their system; the first is the one that is to be improved.
        out: The folder to write; there must be none.
        source: The manifest that the runs were made of; None: it is not there.
        rules: What has to be shown, and how often may be asked.
        columns: Attributes that predicates may name; None: every one that is not inferred.
        development_share: Share of people whose half is published.
        texts: Whether references and hypotheses of that half are published.
        hypotheses: Whether hunters may hand in transcripts.
        backends: Options that hunters may set, by the backend that is run for them.
        seed: Of the split; None: drawn.
    """

    systems: Mapping[str, Run]
    out: Path
    source: Source | None = None
    rules: BountyRules = field(default_factory=BountyRules)
    columns: Sequence[str] | None = None
    development_share: float = 0.5
    texts: bool = True
    hypotheses: bool = False
    backends: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is wrong; the message names it.
        """
        if not 0 < self.development_share < 1:
            raise UsageError(f"development_share={self.development_share}; expected a share between 0 and 1.")
        if len(self.systems) < 2 and not self.hypotheses and not self.backends:
            raise UsageError(
                "nothing could be claimed: expected alternatives.NAME=RUN, hypotheses=true or backends.NAME=[OPTION]."
            )
        if (self.hypotheses or self.backends) and self.source is None:
            raise UsageError("hypotheses and backends need the manifest of the run; give manifest.path=FILE.")


def bounty_open(job: BountyOpenJob) -> BountyOutcome:
    """Divide the people, seal one half, publish the other, and commit to the sealed one.

    What is published is exact: a corpus with private releases has no bounty, its ledger says that one was opened,
    and what it gives away of earlier publications is told.

    Raises:
        HarnessError: The runs are not of the same utterances, or the folder cannot be made; the message says what
            to do.
    """
    _check_free(job.out)
    beside = given_away_by(job.systems.values())
    gathered = gather(job.systems, columns=job.columns, source=job.source)
    seed = secrets.randbits(128) if job.seed is None else job.seed
    halves = split(
        gathered.frame,
        development_share=job.development_share,
        seed=seed,
        min_speakers=job.rules.min_speakers,
    )
    salt = secrets.token_hex(SALT_BYTES)
    part = job.out.with_name(f".{job.out.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
    try:
        folder = BountyFolder(part)
        _seal(folder, job, halves, Split(seed, job.development_share, _digests(job.systems)), salt)
        rules = _rules(job, gathered, halves, commitment(folder.sealed, salt))
        files = _publish(folder, rules, halves, gathered, job, seed)
        content = {"files": files, "commitment": rules.commitment, "harness": version("asr-fairness-harness")}
        folder.ledger.append(OPENED, content)
        _move(part, job.out)
    except OSError as error:
        raise StorageError(
            f"out={job.out}: cannot be written ({error.strerror or error}). Nothing was opened."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    log.info("%d people published, %d sealed", rules.development.n_speakers, rules.holdout.n_speakers)
    notes = (*_notes(rules, gathered, halves, job), *beside, *_not_recorded(job, rules))
    return BountyOutcome(Opened(job.out, rules, notes))


def _check_free(out: Path) -> None:
    """Refuse a folder in which something is.

    Raises:
        RunDirectoryError: Something is.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise RunDirectoryError(f"out={out}: is there already. A bounty is opened once; choose another out=.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunDirectoryError(f"out={out}: cannot be made ({error.strerror}). Choose another out=.") from error


def _not_recorded(job: BountyOpenJob, rules: PublicRules) -> tuple[str, ...]:
    """Write beside the manifest that exact numbers are out; return what to say where that cannot be."""
    try:
        if job.source is None:
            raise UsageError("the manifest is not known")
        budget = budget_beside(job.source.manifest.path, job.source.manifest.name)
        budget.publish({"method": BOUNTY, "commitment": rules.commitment})
    except (UsageError, StorageError, LedgerError) as error:
        return (f"NOT WRITTEN DOWN beside the manifest ({error}): make no private release of this corpus.",)
    return ()


def _move(part: Path, out: Path) -> None:
    if out.is_dir():
        out.rmdir()
    part.rename(out)


def _digests(systems: Mapping[str, Run]) -> dict[str, str]:
    return {name: digest_of_file(run.path / SCORES) for name, run in systems.items()}


def _seal(folder: BountyFolder, job: BountyOpenJob, halves: Halves, division: Split, salt: str) -> None:
    folder.sealed.mkdir(parents=True)
    folder.sealed.chmod(PRIVATE)
    write_whole(folder.sealed / HOLDOUT, parquet(halves.holdout))
    write_whole(folder.sealed / SPLIT, canonical(asdict(division)))
    write_whole(folder.sealed / SALT, f"{salt}\n".encode())
    told = halves.development[["speaker_id", "utterance_id"]].sort_values("utterance_id").to_dict("records")
    write_whole(folder.sealed / PEOPLE, b"".join(map(canonical, told)))
    if job.backends and job.source is not None:
        write_whole(folder.sealed / AUDIO, audio_lines(job.source.manifest, halves.holdout["utterance_id"].tolist()))


def _rules(job: BountyOpenJob, gathered: Gathered, halves: Halves, committed: str) -> PublicRules:
    base, *others = job.systems
    run = job.systems[base]
    profile = profile_of(str(run.facts["normalizer"]))
    if job.backends and gathered.condition != CLEAN:
        raise UsageError(
            f"{run.path}: was heard under {gathered.condition}; backends are run on recordings as they are. Open the "
            "bounty on a run without a condition, or without backends=."
        )
    if job.hypotheses or job.backends:
        if profile is None:
            raise UsageError(
                f"{run.path}: was scored with {run.facts['normalizer']}, which is no normaliser of the harness's own; "
                "hypotheses and backends could not be counted alike. Score it again with normalizer=auto."
            )
        check_counts_alike(run, gathered.frame, system=base, normalizer=profile)
    return PublicRules(
        name=str(run.facts["manifest"]["name"]),
        base=base,
        systems=tuple(others),
        columns=with_values(gathered.columns, halves.development),
        rules=job.rules,
        development=counted(halves.development),
        holdout=counted(halves.holdout),
        left_out=LeftOut(gathered.n_without_speaker, gathered.n_withdrawn),
        condition=gathered.condition,
        normalizer=profile,
        hypotheses=job.hypotheses,
        backends={name: tuple(options) for name, options in job.backends.items()},
        texts=job.texts,
        commitment=committed,
    )


def _publish(
    folder: BountyFolder, rules: PublicRules, halves: Halves, gathered: Gathered, job: BountyOpenJob, seed: int
) -> dict[str, str]:
    """Write what everybody may read; return the digests of what stays as it is."""
    development = published(
        halves.development,
        rules_columns=[each.name for each in rules.columns],
        texts=job.texts,
        ids=job.hypotheses,
        seed=seed,
    )
    files = {
        RULES: shown_json(rules.to_dict()),
        DEVELOPMENT: parquet(development),
        HOW_TO: how_to(rules, _first_rows(development)).encode(),
    }
    if job.hypotheses:
        ids = sorted(gathered.frame["utterance_id"])
        if wrong := [each for each in ids if "\n" in each]:
            raise UsageError(f"the id {shown(wrong[0])} has a line's end in it; hypotheses cannot be asked for.")
        files[IDS] = "".join(f"{each}\n" for each in ids).encode()
    for name, data in files.items():
        write_whole(folder.public / name, data)
    write_whole(folder.public / LIST, list_bytes(State.opened(rules.base), rules))
    (folder.path / SUBMISSIONS).mkdir()
    return {name: digest(data) for name, data in files.items()}


def _first_rows(development: pd.DataFrame) -> list[str]:
    return [str(name) for name in development]


def _notes(rules: PublicRules, gathered: Gathered, halves: Halves, job: BountyOpenJob) -> tuple[str, ...]:
    """Say what the owner must know before the first submission."""
    notes = [
        "While it is open, publish no other table or bounty of these people: the whole run's slices.csv less the "
        "published half is the sealed half's."
    ]
    if gathered.inferred:
        notes.append(f"No column, for their values are inferred: {', '.join(gathered.inferred)}.")
    left = rules.left_out
    if left.n_without_speaker:
        notes.append(_in_no_half(left.n_without_speaker, "without an id"))
    if left.n_withdrawn:
        notes.append(_in_no_half(left.n_withdrawn, "who withdrew consent"))
    if job.seed is not None:
        notes.append("A seed that somebody can guess tells who is in which half; without seed= it is drawn.")
    rare = _rare(halves.development, rules)
    if rare:
        notes.append(
            f"{how_many(rare, 'value is', 'values are')} of fewer than {rules.rules.min_speakers} people of the "
            "published half, whom some may recognise there; columns= leaves attributes out."
        )
    return tuple(notes)


def _in_no_half(n_utterances: int, whose: str) -> str:
    verb = "is" if n_utterances == 1 else "are"
    return f"{how_many(n_utterances, 'utterance')} of people {whose} {verb} in no half."


def _rare(development: pd.DataFrame, rules: PublicRules) -> int:
    """Count the values of texts that few people of the published half have."""
    n = 0
    for each in rules.columns:
        if each.values:
            told = development[["speaker_id", each.name]].explode(each.name)
            people = told.groupby(each.name, observed=True)["speaker_id"].nunique()
            n += int((people < rules.rules.min_speakers).sum())
    return n
