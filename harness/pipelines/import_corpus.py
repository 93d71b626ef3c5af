"""A corpus as it was released in, a folder with its manifest and datasheet out.

No audio is decoded, and none is copied but what a source holds as bytes, which is written to files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.cells import CellError, language_tag
from harness.corpus.datasheet import read_datasheet
from harness.corpus.importers import FORMATS, Corpus, Imported, ImportOptions, Ledger, reader, write_corpus
from harness.corpus.importers.checked import Changes
from harness.corpus.importers.folding import read_foldings
from harness.corpus.people import SALT, list_in, read_lists, salt_of
from harness.errors import UsageError
from harness.pipelines.evaluation import EXIT_WITHIN_POLICY
from harness.transcription.progress import CountedProgress

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar", ".tar.zst")


@dataclass(frozen=True, kw_only=True)
class ImportJob:
    """Holds what `harness import_corpus` needs, as ordinary objects.

    Attributes:
        format: A name of `FORMATS`.
        source: The corpus: a folder, or a file where the format is one.
        out: The folder that is written.
        options: What is taken of the source, where its layout leaves a choice.
        name: What the corpus is called; None: as its datasheet says.
        fold: The tables that bring spellings together.
        datasheet: A datasheet to take instead of the format's; None: that.
        withdrawn: A list of people who withdrew, beside that which an earlier import left in `out`; None: only that.
        hash_speakers: Whether a hash stands for each speaker id.
    """

    format: str
    source: Path
    out: Path
    options: ImportOptions
    name: str | None = None
    fold: Sequence[str] = ()
    datasheet: Path | None = None
    withdrawn: Path | None = None
    hash_speakers: bool = False


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """Says what was imported, and how the command ends."""

    answer: Imported
    exit_status: int = EXIT_WITHIN_POLICY


def import_corpus(job: ImportJob) -> ImportOutcome:
    """Read a corpus and write it as a manifest with its datasheet.

    Raises:
        UsageError: The source is no such corpus, or the options do not fit it.
        ManifestError: Rows of it are wrong; all are named, and nothing is written.
        StorageError: The folder cannot be written.
    """
    read_format = reader(job.format)
    _check(job)
    sheet = None if job.datasheet is None else read_datasheet(job.datasheet)
    lists = [path for path in (list_in(job.out), job.withdrawn) if path is not None]
    changes = Changes(_salt(job), read_lists(lists), read_foldings(job.fold))

    def read(ledger: Ledger) -> Corpus:
        corpus = read_format(job.source, job.options, ledger)
        return corpus if sheet is None else replace(corpus, datasheet=sheet)

    with CountedProgress(None, doing="importing", done="imported") as progress:
        imported = write_corpus(
            read,
            job.out,
            changes,
            asked=_asked(job),
            name=job.name,
            counted=lambda n: progress.count(n, 0),
        )
    return ImportOutcome(imported)


def _check(job: ImportJob) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if not _is_there(job.source) and not _names_several(job.source):
        raise UsageError(f"source={job.source}: no such file or folder. Name {FORMATS[job.format].what}.")
    if job.source.is_file() and job.source.name.lower().endswith(ARCHIVES):
        raise UsageError(f"source={job.source}: is an archive. Unpack it, and name the folder.")
    if job.datasheet is not None and not job.datasheet.is_file():
        raise UsageError(f"datasheet={job.datasheet}: no such file. Correct the path.")
    _check_language(job.options.language)
    given = [name for name in ("split", "language", "recipe", "columns") if getattr(job.options, name)]
    for name in given:
        if name not in FORMATS[job.format].options:
            known = ", ".join(FORMATS[job.format].options) or "none of them"
            raise UsageError(f"{name}: means nothing to format={job.format}, which takes {known}. Leave it out.")
    if job.source.resolve() == job.out.resolve():
        raise UsageError(f"out={job.out}: is the source itself. Name another folder: the corpus is left as it is.")


def _is_there(source: Path) -> bool:
    try:
        return source.exists()
    except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be read
        raise UsageError(f"source={source}: cannot be looked at ({error}). Correct the path.") from error


def _check_language(language: str | None) -> None:
    try:
        language_tag(language)
    except CellError as error:
        raise UsageError(f"language={language}; expected {error}") from error


def _names_several(source: Path) -> bool:
    """Say whether a path stands for several files, as NeMo writes shards: `manifest__OP_0..7_CL_.json`."""
    return source.parent.is_dir() and ("_OP_" in source.name or "{" in source.name)


def _salt(job: ImportJob) -> bytes | None:
    if not job.hash_speakers:
        return None
    salt = salt_of()
    if salt is None:
        raise UsageError(
            f"hash_speakers=true: {SALT} is not set. Set it to a secret of 16 characters or more, and keep it: the "
            "same salt gives the same people the same ids."
        )
    return salt


def _asked(job: ImportJob) -> Mapping[str, object]:
    """Return what is written down of the job."""
    asked = {
        "format": job.format,
        "source": str(job.source),
        "split": job.options.split,
        "language": job.options.language,
        "recipe": job.options.recipe,
        "columns": dict(job.options.columns),
        "fold": list(job.fold),
        "datasheet": None if job.datasheet is None else str(job.datasheet),
        "hash_speakers": job.hash_speakers or None,
    }
    return {key: value for key, value in asked.items() if value}
