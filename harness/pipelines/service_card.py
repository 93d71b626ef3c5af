"""Finished runs and an author's YAML in, a service card out; or a card and its runs in, whether they agree out."""

import logging
from collections.abc import Sequence
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
from harness.results.whole import check_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ServiceCardJob:
    """Holds what `harness service_card` needs, as ordinary objects.

    Attributes:
        runs: Finished runs: one for each configuration of the service.
        service: What the author states; None: nothing.
        out: The folder that is written to; None: the run's own, where there is one run.
        verify: A card to check; None: one is made.
        model_index: Whether the model index is written, too; None: where the package that it needs is installed.
    """

    runs: Sequence[Run]
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
    if job.verify is not None:
        found = verify(job.verify, job.runs)
        return CardOutcome(found, EXIT_VIOLATED if found.problems else EXIT_WITHIN_POLICY)
    return CardOutcome(_write(job), EXIT_WITHIN_POLICY)


def _write(job: ServiceCardJob) -> CardWritten:
    """Make a card and write its files."""
    card = make_card(job.runs, NOTHING_STATED if job.service is None else read_authored(job.service))
    texts = files(card)
    if job.model_index or (job.model_index is None and find_spec(PACKAGE)):
        texts[MODEL_INDEX] = model_index_text(card)
    folder = _folder(job.out or job.runs[0].path)
    for name, text in texts.items():
        folder.write_text(name, text)
    n_runs = len(job.runs)
    log.info("a card of %d values from %d run%s", len(card.document.claims()), n_runs, "" if n_runs == 1 else "s")
    return CardWritten(
        path=folder.path,
        files=tuple(texts),
        n_claims=len(card.document.claims()),
        not_stated=card.authored.not_stated,
        notes=(f"No {MODEL_INDEX}: {NEEDS}.",) if job.model_index is None and MODEL_INDEX not in texts else (),
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
    if not job.runs:
        raise UsageError("run=[] gives no run; expected run=RUN, or run=[RUN1,RUN2] for several configurations.")
    folders = [run.path.resolve() for run in job.runs]
    if len(set(folders)) < len(folders):
        raise UsageError(f"run= gives the same run twice: {[folder.name for folder in folders]}; expected each once.")
    if job.verify is not None:
        given = [name for name in ("service", "out") if getattr(job, name) is not None]
        if given:
            raise UsageError(f"{', '.join(given)}: of a card that is made; verify={job.verify} checks one.")
    elif job.out is None and len(job.runs) > 1:
        raise UsageError("a card of several runs belongs to none of their folders; expected out=FOLDER.")
