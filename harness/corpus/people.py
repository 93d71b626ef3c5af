"""Speaker ids in; ids that tell nobody's name, and the people who withdrew their consent left out, out.

A salted hash keeps one person one id within an import and says nothing to those who do not have the salt. The salt is a
secret: it comes from the environment alone and is never written down.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, identifier
from harness.corpus.textfiles import text_lines
from harness.errors import ManifestError, UsageError

SALT = "HARNESS_SPEAKER_SALT"  # environment variable
SHORTEST_SALT = 16  # characters; names of people are few, and a short salt is tried out in an afternoon
HASH_CHARACTERS = 16  # hexadecimal: 64 bits, so that a million people meet once in ten million corpora
WITHDRAWN_FILE = "withdrawn.txt"  # beside a manifest: a speaker id a line


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Is a list of people who withdrew their consent.

    Attributes:
        speaker_ids: As their corpus calls them, or hashed.
        data: The bytes of the list, which are part of what a run was made of.
    """

    speaker_ids: frozenset[str]
    data: bytes = b""

    def names(self, speaker_id: str, salt: bytes | None) -> bool:
        """Returns whether a person is on the list, by their id or by its hash."""
        listed = self.speaker_ids
        return speaker_id in listed or (salt is not None and bool(listed) and hashed(speaker_id, salt) in listed)

    def with_hashes(self, salt: bytes | None) -> "Withdrawn":
        """Returns the list with the hash of every id beside it, for manifests whose ids were hashed."""
        if salt is None:
            return self
        return Withdrawn(self.speaker_ids | {hashed(each, salt) for each in self.speaker_ids}, self.data)


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


def hashed(speaker_id: str, salt: bytes) -> str:
    """Returns what stands for a person in everything that is written (HMAC-SHA-256, RFC 2104, cut to 64 bits)."""
    return hmac.new(salt, speaker_id.encode(), hashlib.sha256).hexdigest()[:HASH_CHARACTERS]


def withdrawn_beside(manifest: Path, further: Path | None) -> Withdrawn:
    """Returns who withdrew: as `withdrawn.txt` beside a manifest says, and a further list, both as ids and as hashes.

    Raises:
        UsageError: The further list is not there, or the salt is too short.
        ManifestError: A line of a list is no id.
    """
    beside = manifest.absolute().parent / WITHDRAWN_FILE
    lists = [read_withdrawn(path) for path in (beside if beside.exists() else None, further) if path is not None]
    speaker_ids = frozenset().union(*(each.speaker_ids for each in lists))
    everybody = Withdrawn(speaker_ids, b"\0".join(each.data for each in lists))
    return everybody.with_hashes(salt_of()) if speaker_ids else everybody


def read_withdrawn(path: Path) -> Withdrawn:
    """Reads a list of people: a speaker id a line; blank lines and those that begin with `#` say nothing.

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
