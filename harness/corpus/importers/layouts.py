"""A release's folder in; the parts, files and words in it out, whatever capitals its file system knows.

Several importers walk folders of small files; what they share is here. Names come from the release and are not trusted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.corpus.cells import CONTROL_CHARACTERS, number
from harness.corpus.importers.corpus import Ledger
from harness.corpus.textfiles import Refuse, text_lines
from harness.errors import TextFileError, UsageError

ALL = "all"  # every part of a corpus
NO_TRANSCRIPT = "has no transcript"
NO_RECORDING = "its recording is not in the release"
LONGEST_TRANSCRIPT = 1_000_000  # characters of a file that is one transcript; an hour of speech has about 60,000


def parts(wanted: str | None, known: Sequence[str], *, usual: str) -> tuple[str, ...]:
    """Returns the parts of a corpus that are to be read.

    Raises:
        UsageError: It has no such part.
    """
    if wanted is None:
        return (usual,)
    if wanted.casefold() == ALL:
        return tuple(known)
    if wanted.casefold() not in known:
        raise UsageError(f"split={wanted}: is no part of this corpus; expected one of {', '.join(known)} or {ALL}.")
    return (wanted.casefold(),)


def child(folder: Path, name: str) -> Path | None:
    """Returns what a folder has under a name, in any capitals; None where it has nothing."""
    if (folder / name).exists():
        return folder / name
    return next((each for each in children(folder) if each.name.casefold() == name.casefold()), None)


def children(folder: Path) -> Iterator[Path]:
    """Yields what a folder has, by name, without hidden files; nothing where there is no such folder.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        if folder.is_dir():
            yield from sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be read: {error.strerror}. Allow it, or leave it out of the source."
        ) from error


def files_by_stem(folder: Path | None, suffix: str) -> dict[str, str]:
    """Returns names of files that end so, in any capitals, by what stands before."""
    if folder is None:
        return {}
    names = (each.name for each in children(folder))
    return {name[: -len(suffix)]: name for name in names if name.casefold().endswith(suffix)}


def is_plain_name(text: str) -> bool:
    """Returns whether a name from a release can be that of a file, without leading anywhere else."""
    return bool(text) and not text.startswith(".") and not CONTROL_CHARACTERS.search(text) and not set(text) & {*"/\\"}


def words_of(path: Path, name: str, ledger: Ledger) -> str | None:
    """Returns the words of a file that is one transcript, on one line; None where it cannot be read, which is noted.

    Args:
        path: The file.
        name: What messages call it.
        ledger: Told of what is wrong with it.
    """
    lines: list[str] = []
    n_characters = 0
    try:
        for line, text in text_lines(path, name=name):
            n_characters += len(text) + 1
            if n_characters > LONGEST_TRANSCRIPT:
                ledger.refuse(f"{name}:{line}", "is too long to be the words of one recording. Is it a transcript?")
                return None
            lines.append(text)
    except TextFileError as error:
        refuse_all(error, ledger)
        return None
    return " ".join(" ".join(lines).split())


def refusing(name: str, ledger: Ledger) -> Refuse:
    """Returns what notes rows of a list that cannot be read."""
    return lambda line, problem: ledger.refuse(f"{name}:{line}", problem)


def refuse_all(error: TextFileError, ledger: Ledger) -> None:
    """Notes every problem of a file that is one row."""
    for problem in error.problems:
        place, _, what = problem.partition(": ")
        ledger.refuse(place, what)


def seconds(cell: str | None) -> float | None:
    """Returns a stated length in seconds; None where none is stated.

    Raises:
        CellError: It is no number.
    """
    return number(cell or None)
