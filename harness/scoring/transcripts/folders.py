"""A folder with a transcript a file in, what was heard out: texts (`.txt`) or what a service answered (`.json`).

A recording's name is that of its file, with the folders it lies in: `calls/u1.json` is of `calls/u1`. Folders below are
read, too; hidden files and those with other endings (the recordings, say) are not.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HypothesesError, UsageError
from harness.scoring.transcripts.documents import LARGEST_DOCUMENT, Node, load
from harness.scoring.transcripts.formats import SERVICES, Format, looks_like, service_of
from harness.scoring.transcripts.naming import names_of_file
from harness.scoring.transcripts.records import MOST_PROBLEMS, Heard
from harness.scoring.transcripts.services import heard_in

TEXT, JSON = ".txt", ".json"
Found = tuple[Path, Heard]


def files_in(folder: Path, choice: Format) -> list[Path]:
    """Return the files that transcripts are read from, by name.

    Raises:
        UsageError: There are none, or of two kinds, and the format does not say which is meant.
        HypothesesError: One is a link out of the folder.
    """
    wanted = {Format.auto: (TEXT, JSON), Format.text: (TEXT,)}.get(choice, (JSON,) if choice in SERVICES else ())
    if not wanted:
        raise UsageError(f"{folder}: format={choice.value} is of one file, and this is a folder; give the file itself")
    everything = _files(folder)
    found = [path for path in everything if path.suffix.lower() in wanted]
    suffixes = {path.suffix.lower() for path in found}
    if len(suffixes) > 1:
        raise UsageError(
            f"{folder}: has both {TEXT} and {JSON} files. Choose with format=text, or format="
            f"{'|'.join(each.value for each in SERVICES)}"
        )
    if not found:
        others = sorted({path.suffix or path.name for path in everything})
        raise UsageError(
            f"hypotheses={folder}: no hypotheses of a run in {folder}; expected a run directory, or one CSV, TSV, JSON "
            f"Lines, Parquet, TRN, STM or CTM file, or a folder of {' or '.join(wanted)} files, one a recording. It "
            f"has {', '.join(others[:5]) or 'nothing'}"
        )
    _refuse_links(found, folder)
    return found


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder and those below, without hidden ones and without following links to folders."""
    found = []
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _refuse_links(paths: list[Path], folder: Path) -> None:
    inside = folder.resolve()
    if out := [path for path in paths if path.is_symlink() and not path.resolve().is_relative_to(inside)]:
        raise HypothesesError([f"{path}: is a link out of the folder; put the file itself there" for path in out])
    if odd := [path for path in paths if not path.is_file()]:
        raise HypothesesError([f"{path}: is no file; remove it" for path in odd])


def read_texts(paths: list[Path], folder: Path) -> list[Found]:
    """Return the text of each file; line breaks in it are spaces.

    Raises:
        HypothesesError: Files cannot be read; every one is named.
    """
    problems: list[str] = []
    found: list[Found] = []
    for path in paths:
        names = names_of_file(path.relative_to(folder).as_posix())
        try:
            if path.stat().st_size > LARGEST_DOCUMENT:
                raise ValueError(f"more than {LARGEST_DOCUMENT:,} bytes")
            text = path.read_bytes().decode("utf-8-sig")
        except ValueError as error:
            problems.append(f"{path}: cannot be read as text in UTF-8 ({error}); save it as UTF-8")
        else:
            found.append((path, Heard(names[0], " ".join(text.split()), further_names=names[1:])))
    _raise(problems)
    return found


def read_documents(paths: list[Path], folder: Path, choice: Format) -> list[Found]:
    """Return what was heard by all files; they are of one service, and a file that does not tell is of the others'.

    Raises:
        UsageError: It cannot be told which service they are of, or they are of several.
        HypothesesError: Files cannot be read; every one is named.
    """
    documents = _Documents(folder)
    unsure: list[Path] = []
    first: tuple[Format, str] | None = None if choice is Format.auto else (choice, folder.name)
    for path in paths:
        document = documents.loaded(path)
        if document is None:
            continue
        service = service_of(document) if choice is Format.auto else choice
        if service is None:
            unsure.append(path)
            continue
        first = first or (service, path.name)
        if service is not first[0]:
            raise UsageError(
                f"{path}: looks like the JSON of {service.value}, and {first[1]} like that of {first[0].value}; "
                "expected one service. Give a folder each, or name it with format="
            )
        documents.read(path, document, service)
    for path in unsure:
        document = documents.loaded(path) or Node(None)
        if first is None:
            raise UsageError(
                f"{path}: cannot tell whose JSON this is: {looks_like(document)}. Name it with format="
                f"{'|'.join(each.value for each in SERVICES)}"
            )
        documents.read(path, document, first[0])
    _raise(documents.problems)
    return sorted(documents.found, key=lambda each: each[0])


@dataclass(slots=True)
class _Documents:
    """Gathers what was heard by the files of a folder, and the problems of those that cannot be read."""

    folder: Path
    found: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def loaded(self, path: Path) -> Node | None:
        """Return the document that a file is; None where it is none."""
        try:
            return load(path)
        except HypothesesError as error:
            self._note(error)
            return None

    def read(self, path: Path, document: Node, service: Format) -> None:
        """Add what was heard by a file."""
        names = names_of_file(path.relative_to(self.folder).as_posix())
        try:
            self.found += [(path, heard) for heard in heard_in(document, service, path=path, names=names)]
        except HypothesesError as error:
            self._note(error)

    def _note(self, error: HypothesesError) -> None:
        self.problems += error.problems
        if len(self.problems) >= MOST_PROBLEMS:
            raise HypothesesError(
                [*self.problems, f"perhaps more: gave up after {MOST_PROBLEMS:,} problems"]
            ) from error


def _raise(problems: list[str]) -> None:
    if problems:
        raise HypothesesError(problems)
