"""Sealed files and a salt in, a commitment to them out; and what the owner alone reads, back.

The commitment is published before the first question: who has the files and, after the end, the salt can see that
nobody exchanged the holdout meanwhile. The salt keeps it from telling anything before that.
"""

import hashlib
import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError, UsageError
from harness.provenance import digest_of_file
from harness.results.bounties.folder import AUDIO, HOLDOUT, PEOPLE, SALT, SPLIT, BountyFolder, digest, write_whole
from harness.results.bounties.untrusted import read_untrusted

COMMITTED = (HOLDOUT, SPLIT, AUDIO)  # as far as they are there
SALT_BYTES = 32
_MOST_OF_A_HEADER = 1_000  # bytes of a .npy file before its numbers


@dataclass(frozen=True, slots=True)
class Split:
    """Says how the people were divided; sealed until the end.

    Attributes:
        seed: That chance was drawn from.
        development_share: Of the people.
        run: Digests of the scores that the bounty was opened on, by system.
    """

    seed: int
    development_share: float
    scores: dict[str, str]


def commitment(sealed: Path, salt: str) -> str:
    """Return SHA-256 of the salt and of the name and digest of every sealed file.

    Raises:
        DataError: A file cannot be read.
    """
    told = hashlib.sha256(f"{salt}\n".encode())
    for name in COMMITTED:
        if (sealed / name).is_file():
            try:
                told.update(f"{name} {digest_of_file(sealed / name)}\n".encode())
            except OSError as error:
                raise DataError(f"{sealed / name}: cannot be read ({error.strerror}).") from error
    return told.hexdigest()


def parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as the bytes of a Parquet file."""
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a table of a bounty.

    Raises:
        DataError: It is none.
    """
    if not path.is_file():
        raise DataError(f"{path}: is not there, or is no plain file. Get the file anew.")
    try:
        frame: pd.DataFrame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not Parquet ({' '.join(str(error).split())}). Get the file anew.") from error
    return frame


def speakers_and_utterances(folder: BountyFolder) -> pd.DataFrame:
    """Return `speaker_id` and `utterance_id` of both halves, as far as the sealed files that tell them are there.

    Raises:
        DataError: A file is damaged.
    """
    ids = ["speaker_id", "utterance_id"]
    sealed = folder.sealed / HOLDOUT
    halves = [read_parquet(sealed)] if sealed.is_file() else []
    published = folder.sealed / PEOPLE
    if published.is_file():
        try:
            halves.append(pd.DataFrame([json.loads(line) for line in published.read_bytes().splitlines()]))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"{published}: cannot be read ({error}).") from error
    if any(not set(ids) <= set(half) for half in halves):
        raise DataError(f"{folder.sealed}: its rows have no ids. Look into it.")
    return pd.concat([half[ids] for half in halves]) if halves else pd.DataFrame(columns=ids)


def read_salt(folder: BountyFolder) -> str:
    """Return the salt.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return (folder.sealed / SALT).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise DataError(f"{folder.sealed / SALT}: cannot be read ({error}).") from error


def read_split(folder: BountyFolder) -> Split:
    """Return how the people were divided.

    Raises:
        DataError: It cannot be read.
    """
    path = folder.sealed / SPLIT
    try:
        return Split(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from error


def write_errors(path: Path, errors: npt.NDArray[np.int64]) -> str:
    """Keep the clipped errors of a submission's own system; return the digest of the file."""
    buffer = BytesIO()
    np.save(buffer, errors.astype("<i8"), allow_pickle=False)
    write_whole(path, buffer.getvalue())
    return digest(buffer.getvalue())


def read_errors(path: Path, expected: str, n_rows: int) -> npt.NDArray[np.int64]:
    """Return the clipped errors that were kept.

    Raises:
        DataError: The file is not the one that was written.
    """
    try:
        data = read_untrusted(path, most=8 * n_rows + _MOST_OF_A_HEADER, what=str(path))
        if digest(data) != expected:
            raise DataError(f"{path}: is not the file whose digest stands in the judgement beside it.")
        errors: npt.NDArray[np.int64] = np.load(BytesIO(data), allow_pickle=False).astype(np.int64)
    except (UsageError, ValueError, EOFError, MemoryError) as error:  # a header may say anything
        raise DataError(f"{path}: no counts of {n_rows:,} utterances ({error}).") from error
    if errors.shape != (n_rows,):
        raise DataError(f"{path}: has {errors.shape} counts; expected {n_rows}.")
    return errors
