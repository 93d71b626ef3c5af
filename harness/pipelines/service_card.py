"""Finished runs or releases and an author's YAML in, a service card out; or a card and these in, whether they agree.

Beside a private release of a corpus no exact card of it is made: who has both has the noise. An exact card is the
owner's own until they publish it, so making one is not written into the corpus's ledger; what it gives
away beside what is out already, such as slices that a suppressed release hides, is told.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.errors import RunDirectoryError, UsageError
from harness.pipelines.evaluation import EXIT_VIOLATED, EXIT_WITHIN_POLICY
from harness.report.cards.authored import NOTHING_STATED, read_authored
from harness.report.cards.card import files, make_card
from harness.report.cards.model_index import MODEL_INDEX, NEEDS, PACKAGE, model_index_text
from harness.report.cards.screen import CardAnswer, CardWritten
from harness.report.cards.verify import verify
from harness.results import Run
from harness.results.releases.beside import given_away_by
from harness.results.releases.corpus import check_made_from, has_known_corpus
from harness.results.releases.record import ReleasedRun
from harness.results.whole import check_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ServiceCardJob:
    """Holds what `harness service_card` needs, as ordinary objects.

    Attributes:
        runs: Finished runs: one for each configuration of the service; beside releases, those they were made from,
            which is checked; the card has no number of theirs.
        releases: Releases whose numbers the card has in the place of the runs'.
        service: What the author states; None: nothing.
        out: The folder that is written to; None: the run's own, where there is one run.
        verify: A card to check; None: one is made.
        model_index: Whether the model index is written, too; None: where the package that it needs is installed.
    """

    runs: Sequence[Run] = ()
    releases: Sequence[ReleasedRun] = ()
    service: Path | None = None
    out: Path | None = None
    verify: Path | None = None
    model_index: bool | None = None


@dataclass(frozen=True, slots=True)
class CardOutcome:
    """Says what was written or found, and how the command ends."""

    answer: CardAnswer
    exit_status: int


def service_card(job: ServiceCardJob) -> CardOutcome:
    """Write a card, or check one; a card that says what its runs do not ends the command as a violated policy does.

    Raises:
        UsageError: An option is missing or is of the other of the two; the author's file is wrong.
        RunDirectoryError: A run is damaged.
        StorageError: The card cannot be written.
    """
    _check_options(job)
    for run in job.runs:
        check_whole(run)
    for made, run in zip(job.releases, job.runs, strict=False):
        check_made_from(made, run)
    if job.verify is not None:
        found = verify(job.verify, job.releases or job.runs)
        return CardOutcome(found, EXIT_VIOLATED if found.problems else EXIT_WITHIN_POLICY)
    return CardOutcome(_write(job), EXIT_WITHIN_POLICY)


def _write(job: ServiceCardJob) -> CardWritten:
    """Make a card and write its files."""
    subjects = job.releases or job.runs
    beside = () if job.releases else given_away_by(job.runs)
    card = make_card(subjects, NOTHING_STATED if job.service is None else read_authored(job.service))
    texts = files(card)
    if not job.releases and (job.model_index or (job.model_index is None and find_spec(PACKAGE))):
        texts[MODEL_INDEX] = model_index_text(card)
    folder = _folder(job.out or subjects[0].path)
    for name, text in texts.items():
        folder.write_text(name, text)
    what = f"{'release' if job.releases else 'run'}{'' if len(subjects) == 1 else 's'}"
    log.info("a card of %d values from %d %s", len(card.document.claims()), len(subjects), what)
    return CardWritten(
        path=folder.path,
        files=tuple(texts),
        n_claims=len(card.document.claims()),
        not_stated=card.authored.not_stated,
        notes=(*_notes(job, texts), *beside, *(() if job.releases else _without_corpus(job.runs))),
    )


def _notes(job: ServiceCardJob, texts: Mapping[str, str]) -> tuple[str, ...]:
    if job.releases:
        made = ", which was made from the run" if job.runs else ""
        return (f"Every number is from the release{made}. What the author states is not checked for numbers.",)
    return (f"No {MODEL_INDEX}: {NEEDS}.",) if job.model_index is None and MODEL_INDEX not in texts else ()


def _without_corpus(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what to say of runs of whose corpus nobody can tell here what was released."""
    for run in runs:
        if not has_known_corpus(run):
            yield (
                f"{run.path}: its manifest is not where the run found it, so that a private release of its corpus "
                "would not be seen. If there is one, publish no exact numbers beside it."
            )


def _folder(path: Path) -> Run:
    """Return a folder to write whole files to.

    Raises:
        RunDirectoryError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot make this folder ({error.strerror})"
        raise RunDirectoryError(f"out={path}: {reason}. Choose another out=.") from error
    return Run(path)


def _check_options(job: ServiceCardJob) -> None:
    """Refuse options that are missing, or that would be ignored."""
    if not job.runs and not job.releases:
        raise UsageError(
            "run=[] gives no run; expected run=RUN, run=[RUN1,RUN2] for several configurations, or release=FOLDER for "
            "a card of what harness release wrote."
        )
    _check_releases(job)
    folders = [run.path.resolve() for run in job.runs]
    if len(set(folders)) < len(folders):
        raise UsageError(f"run= gives the same run twice: {[folder.name for folder in folders]}; expected each once.")
    if job.verify is not None:
        given = [name for name in ("service", "out") if getattr(job, name) is not None]
        if given:
            raise UsageError(f"{', '.join(given)}: of a card that is made; verify={job.verify} checks one.")
    elif job.out is None and len(job.releases or job.runs) > 1:
        raise UsageError("a card of several runs belongs to none of their folders; expected out=FOLDER.")


def _check_releases(job: ServiceCardJob) -> None:
    """Refuse what beside releases would be ignored, or would put exact numbers beside theirs."""
    if not job.releases:
        return
    if job.runs and len(job.runs) != len(job.releases):
        raise UsageError(
            f"release= has {len(job.releases)} and run= {len(job.runs)}; expected a run for each, or none."
        )
    if job.model_index:
        raise UsageError("model_index=true: a card of a release has none; leave it out.")
    if job.out is not None and (job.out / MODEL_INDEX).exists() and job.verify is None:
        raise UsageError(
            f"out={job.out}: has {MODEL_INDEX} of another card, with exact numbers. Choose another folder."
        )
