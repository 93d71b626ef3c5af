"""A folder in, its recordings out, and for a spreadsheet's cell the one recording that it names."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from harness.corpus.cells import CONTROL_CHARACTERS, SURROGATES
from harness.errors import UsageError

# Suffixes of what libsndfile decodes by its header; the content decides once a recording is heard.
DECODED = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".w64", ".caf", ".rf64",
    ".sph", ".nist", ".voc",
)  # fmt: skip
NOT_DECODED = (
    ".m4a", ".m4b", ".mp4", ".aac", ".wma", ".amr", ".3gp", ".webm", ".mka", ".mkv", ".mov", ".ac3", ".dss", ".ds2",
    ".spx", ".ape", ".wv",
)  # fmt: skip
MOST_SUGGESTIONS = 50  # rows for which a similar name is looked up; each costs a pass over all names


@dataclass(frozen=True, slots=True)
class Found:
    """Says what a cell names.

    Attributes:
        path: The recording, relative to the folder; None when it is none or several.
        with_suffix: Whether the cell names the file and not only what stands before its suffix.
        several: The recordings that it could be.
    """

    path: str | None
    with_suffix: bool = False
    several: tuple[str, ...] = ()


class Recordings:
    """Knows the recordings below a folder, by path, by name and by name without suffix.

    Names are compared composed (NFC) and without regard to case where no other is written just so: one system keeps
    `Müller.wav` as it was typed, another decomposes it or capitalises its suffix.

    Attributes:
        folder: Where they are.
        paths: Relative, with `/`, sorted.
        not_decoded: Recordings of formats that cannot be decoded here.
        unusable: Files whose names hold control characters or bytes that are not UTF-8, as shown.
    """

    def __init__(self, folder: Path, *, aside: Path | None = None) -> None:
        """Look through a folder.

        Args:
            folder: Links to folders are not followed, and links to files only where they stay inside.
            aside: A folder below it that is not looked into.
        """
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder. Give the folder that holds the recordings as manifest.path.")
        self.folder = folder
        paths: list[str] = []
        not_decoded: list[str] = []
        unusable: list[str] = []
        for path in _files(folder, aside):
            suffix = PurePosixPath(path).suffix.lower()
            if suffix not in DECODED and suffix not in NOT_DECODED:
                continue
            if CONTROL_CHARACTERS.search(path) or SURROGATES.search(path):
                unusable.append(ascii(path))
            else:
                (paths if suffix in DECODED else not_decoded).append(path)
        self.paths, self.not_decoded, self.unusable = tuple(sorted(paths)), tuple(sorted(not_decoded)), tuple(unusable)
        self._by_path = {_composed(path): path for path in self.paths}
        self._by_name = _index(self.paths, lambda path: path.name)
        self._by_stem = _index(self.paths, lambda path: path.stem)
        self._not_decoded = _index(self.not_decoded, lambda path: path.name)
        self._n_suggested = 0

    def find(self, cell: str) -> Found:
        """Return what a cell names: a path from here, from elsewhere, a name, or a name without suffix."""
        parts = _parts(cell)
        if not parts:
            return Found(None)
        exact = self._by_path.get(_composed("/".join(parts)))
        if exact is not None:
            return Found(exact, with_suffix=True)
        for index, with_suffix in ((self._by_name, True), (self._by_stem, False)):
            several = _consistent(parts, index.get(_key(parts[-1]), ()), with_suffix=with_suffix)
            if not several and _is_absolute(cell):  # of another machine, where the folders have other names
                several = index.get(_key(parts[-1]), ())
            if several:
                return Found(several[0] if len(several) == 1 else None, with_suffix, several)
        return Found(None)

    def missing(self, cell: str) -> str:
        """Say what is wrong with a cell that names no recording, and what may be meant."""
        parts = _parts(cell)
        other = self._not_decoded.get(_key(parts[-1])) if parts else None
        if other:
            stem = PurePosixPath(other[0]).stem
            return f"in a format that cannot be decoded here. Convert it: ffmpeg -i {other[0]!r} '{stem}.flac'"
        self._n_suggested += 1
        if parts and self._n_suggested <= MOST_SUGGESTIONS:
            close = get_close_matches(_key(parts[-1])[:200], [*self._by_name, *self._by_stem], n=1, cutoff=0.7)
            if close:
                meant = (self._by_name.get(close[0]) or self._by_stem[close[0]])[0]
                return f"which is not in the folder. Did you mean {meant!r}?"
        return "which is not in the folder. Put it there, correct the name or remove the row."


def _files(folder: Path, aside: Path | None) -> Iterator[str]:
    """Yield files relative to the folder, without hidden ones and what archives of other systems add."""
    real = folder.resolve()
    skipped = aside.resolve() if aside is not None else None
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name != "__MACOSX"
            and (skipped is None or (here / name).resolve() != skipped)
        ]
        for name in files:
            path = here / name
            if name.startswith((".", "~$")):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(real):
                continue
            if path.is_file():
                yield path.relative_to(folder).as_posix()


def spreadsheets_in(folder: Path, suffixes: tuple[str, ...], *, aside: Path | None = None) -> list[str]:
    """Return files of these suffixes, relative and sorted: those in the folder itself, else those below it."""
    found = sorted(path for path in _files(folder, aside) if PurePosixPath(path).suffix.lower() in suffixes)
    return [path for path in found if "/" not in path] or found


def _parts(cell: str) -> list[str]:
    """Return the parts of a path as some system wrote it."""
    text = cell.strip().strip("\"'").strip()
    for scheme in ("file://", "sound:"):
        text = text.removeprefix(scheme)
    parts = [part.strip() for part in text.replace("\\", "/").split("/")]
    return [part for part in parts if part not in ("", ".") and not (len(part) == 2 and part[1] == ":")]


def _is_absolute(cell: str) -> bool:
    text = cell.strip().strip("\"'").strip()
    return text.startswith(("/", "\\", "file:")) or text[1:2] == ":"


def _consistent(parts: list[str], paths: tuple[str, ...], *, with_suffix: bool) -> tuple[str, ...]:
    """Return those of equally named recordings whose folders do not contradict the cell's; written just so before."""
    agreeing = []
    for path in paths:
        theirs = [_key(part) for part in path.split("/")][:-1]
        ours = [_key(part) for part in parts][:-1]
        n_both = min(len(ours), len(theirs))
        if n_both == 0 or ours[-n_both:] == theirs[-n_both:]:
            agreeing.append(path)
    if len(agreeing) > 1:
        written = _composed(parts[-1])
        just_so = [path for path in agreeing if _last(path, with_suffix=with_suffix) == written]
        agreeing = just_so if just_so else agreeing
    return tuple(agreeing)


def _last(path: str, *, with_suffix: bool) -> str:
    pure = PurePosixPath(path)
    return _composed(pure.name if with_suffix else pure.stem)


def _index(paths: tuple[str, ...], part: Callable[[PurePosixPath], str]) -> dict[str, tuple[str, ...]]:
    index = defaultdict(list)
    for path in paths:
        index[_key(part(PurePosixPath(path)))].append(path)
    return {key: tuple(found) for key, found in index.items()}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
