"""Speaker ids in; ids that tell nobody's name, and the people who withdrew their consent left out, out.

A salted hash keeps one person one id within an import and says nothing to those who do not have the salt. The salt is a
secret: it comes from the environment alone and is never written down.
"""

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.corpus.cells import CellError, identifier, shown
from harness.corpus.textfiles import text_lines
from harness.errors import ManifestError, UsageError

SALT = "HARNESS_SPEAKER_SALT"  # environment variable
SHORTEST_SALT = 16  # characters; names of people are few, and a short salt is tried out in an afternoon
HASH_CHARACTERS = 16  # hexadecimal: 64 bits, so that a million people meet once in ten million corpora
WITHDRAWN_FILE = "withdrawn.txt"  # beside a manifest: a speaker id a line
HIDDEN = "(withdrew)"  # stands for somebody who withdrew, where a file of theirs is named

_MISSPELT = (
    "Withdrawn.txt",
    "WITHDRAWN.txt",
    "WITHDRAWN.TXT",
    "withdrawn",
    "withdrawn.csv",
    "withdrawn.tsv",
    "withdrawn.txt.txt",
)
_HASH = re.compile(rf"[0-9a-f]{{{HASH_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Is a list of people who withdrew their consent.

    Attributes:
        speaker_ids: As their corpus calls them, or hashed.
        data: The bytes of the list, which are part of what a run was made of.
    """

    speaker_ids: frozenset[str]
    data: bytes = b""


class Search:
    """Finds the people of a list, and remembers whom it found and whom it nearly found.

    An id is the same however its letters are composed (NFC, NFD); with a salt its hash is the same person, too.
    """

    def __init__(self, withdrawn: Withdrawn, salt: bytes | None) -> None:
        self._salt = salt
        self._listed = {_composed(each): each for each in withdrawn.speaker_ids}
        self._hashes = (
            {} if salt is None else {hashed(form, salt): each for each in self._listed for form in _forms(each)}
        )
        self._folded = {_folded(each): each for each in self._listed}
        self._found: set[str] = set()
        self._nearly: dict[str, str] = {}

    def names(self, speaker_id: str) -> bool:
        """Returns whether a person is on the list, by their id or by its hash."""
        if not self._listed:
            return False
        composed = _composed(speaker_id)
        found = composed if composed in self._listed else self._hashes.get(composed)
        if found is None and self._salt is not None:
            found = next((each for each in map(self._hashed, _forms(speaker_id)) if each in self._listed), None)
        if found is not None:
            self._found.add(found)
        elif near := self._folded.get(_folded(composed)):
            self._nearly.setdefault(near, composed)
        return found is not None

    @property
    def n_absent(self) -> int:
        """Returns how many people of the list were not among those asked for."""
        return len(self._listed) - len(self._found)

    def problems(self) -> list[str]:
        """Returns a problem for each person of the list whom a slip of spelling kept in."""
        return [
            f"{WITHDRAWN_FILE}: names {shown(listed)}, who is nobody here; {shown(near)} differs in capitals, blanks, "
            "quotes or invisible characters alone. Write the id as the corpus has it; if they are two people, keep "
            "a list for each corpus."
            for listed, near in self._nearly.items()
            if listed not in self._found
        ]

    def _hashed(self, speaker_id: str) -> str:
        return hashed(speaker_id, self._salt or b"")


def hiding(withdrawn: Withdrawn) -> Callable[[str], str]:
    """Returns what takes the ids of these people out of a text, such as the path of a file that is left out."""
    if not withdrawn.speaker_ids:
        return str
    forms = {form for each in withdrawn.speaker_ids for form in _forms(each)}
    names = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![^\W_])(?:{names})(?![^\W_])")
    return lambda text: pattern.sub(HIDDEN, text)


def salt_of(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Returns the salt, or None where none is set.

    Raises:
        UsageError: It is too short to hide anything.
    """
    salt = environment.get(SALT)
    if not salt:
        return None
    if len(salt) < SHORTEST_SALT:
        raise UsageError(f"{SALT} has {len(salt)} characters; expected {SHORTEST_SALT} or more that nobody can guess.")
    return salt.encode("utf-8", "surrogateescape")


def is_hash(speaker_id: str) -> bool:
    """Returns whether an id has the form of a hash."""
    return re.fullmatch(f"[0-9a-f]{{{HASH_CHARACTERS}}}", speaker_id) is not None


def hashed(speaker_id: str, salt: bytes) -> str:
    """Returns what stands for a person in everything that is written (HMAC-SHA-256, RFC 2104, cut to 64 bits)."""
    return hmac.new(salt, speaker_id.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:HASH_CHARACTERS]


def withdrawn_beside(manifest: Path, further: Path | None) -> Withdrawn:
    """Returns who withdrew: as `withdrawn.txt` beside a manifest says, and a further list.

    Where the manifest is a link, the list beside the file that it leads to counts, too.

    Raises:
        UsageError: A list is not there, or has a name by which nobody would find it.
        ManifestError: A line of a list is no id.
    """
    folders = dict.fromkeys([manifest.absolute().parent, manifest.resolve().parent])
    beside = [list_in(folder) for folder in folders]
    return read_lists([path for path in (*beside, further) if path is not None])


def list_in(folder: Path) -> Path | None:
    """Returns the list of people who withdrew that is in a folder; None where there is none.

    Raises:
        UsageError: There is one whose name nobody would find it by.
    """
    path = folder / WITHDRAWN_FILE
    if os.path.lexists(path):
        return path
    for name in _MISSPELT:
        if os.path.lexists(folder / name):
            raise UsageError(f"{folder / name}: would not be read. Rename it to {WITHDRAWN_FILE}.")
    return None


def read_lists(paths: Sequence[Path]) -> Withdrawn:
    """Reads lists of people as one, as `read_withdrawn` does each."""
    lists = [read_withdrawn(path) for path in paths]
    speaker_ids = frozenset().union(*(each.speaker_ids for each in lists))
    return Withdrawn(speaker_ids, b"\0".join(each.data for each in lists))


def read_withdrawn(path: Path) -> Withdrawn:
    """Reads a list of people: a speaker id a line; blank lines and those that begin with `#` say nothing.

    Blanks around an id are none of it; an id that itself begins with `#` has one before it.

    Raises:
        UsageError: It is not there.
        ManifestError: A line is no id; every one is named.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such list of people who withdrew. Correct the path; nothing was measured.")
    speaker_ids, problems = set(), []
    for line, text in text_lines(path):
        if not text.strip() or text.startswith("#"):
            continue
        try:
            speaker_ids.add(identifier(text.strip()))
        except CellError as error:
            problems.append(f"{path.name}:{line}: expected {error}")
    if problems:
        raise ManifestError(problems)
    return Withdrawn(frozenset(speaker_ids), path.read_bytes())


def list_text(withdrawn: Withdrawn, salt: bytes | None) -> str:
    """Returns a list for later runs, of which `read_withdrawn` reads the same people; with a salt nobody's own id."""
    listed = withdrawn.speaker_ids
    if salt is not None:
        hashes = {each for each in listed if _HASH.fullmatch(each)}  # of an earlier list
        listed = frozenset({*hashes, *(hashed(form, salt) for each in listed for form in _forms(each))})
    return "".join(f"{' ' if each.startswith('#') else ''}{each}\n" for each in sorted(listed))


def _composed(speaker_id: str) -> str:
    return speaker_id if speaker_id.isascii() else unicodedata.normalize("NFC", speaker_id)


def _forms(speaker_id: str) -> set[str]:
    """Returns the ways to write the same id; a hash is made of one of them."""
    if speaker_id.isascii():
        return {speaker_id}
    return {speaker_id, *(unicodedata.normalize(form, speaker_id) for form in ("NFC", "NFD"))}


@lru_cache(maxsize=100_000)
def _folded(speaker_id: str) -> str:
    """Returns an id without what a person who copies it easily gets wrong."""
    composed = unicodedata.normalize("NFKC", speaker_id).casefold()
    return "".join(sign for sign in composed if sign not in "\"'" and unicodedata.category(sign) not in ("Cf", "Zs"))
