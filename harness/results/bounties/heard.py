"""Transcripts that a hunter handed in and the ids that are asked for in, a text of every one out, or what is wrong."""

from collections.abc import Sequence
from pathlib import Path

from harness.corpus.cells import shown
from harness.errors import DataError, UsageError
from harness.results.bounties.untrusted import object_of, parsed, read_untrusted, text_of

LONGEST_TEXT = 20_000  # characters of a transcript; half an hour of speech has them
BYTES_EACH, BYTES_MORE = 4_000, 1_000_000  # of a file: for each id that is asked, and beyond
_KEYS = frozenset({"utterance_id", "text"})


def read_ids(path: Path) -> list[str]:
    """Return the ids that are asked for, as the bounty published them.

    Raises:
        DataError: The file cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path}: is not there, or is no plain file. Get the file anew.")
    try:
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Get the file anew.") from error


def read_heard(path: Path, ids: Sequence[str]) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a file of transcripts, and the text of every id.

    Args:
        path: JSON Lines: `{"utterance_id": "…", "text": "…"}`, each id that is asked for once; "" where nothing was
            heard.
        ids: That are asked for.

    Raises:
        UsageError: A line is no such object, or ids are missing, there twice, or not asked for; the message names the
            first.
    """
    what = path.name
    data = read_untrusted(path, most=most_bytes(len(ids)), what=what)
    return data, parsed_heard(data, ids, what)


def most_bytes(n_ids: int) -> int:
    """Return how large a file of transcripts may be."""
    return BYTES_EACH * n_ids + BYTES_MORE


def parsed_heard(data: bytes, ids: Sequence[str], what: str) -> dict[str, str]:
    """Return the text of every id.

    Raises:
        UsageError: As `read_heard` raises it.
    """
    asked, texts = frozenset(ids), {}
    for line, row in enumerate(data.split(b"\n"), start=1):
        if not row.strip():
            continue
        where = f"{what}:{line}"
        told = object_of(parsed(row, where), where, needed=_KEYS, optional=frozenset())
        utterance = told["utterance_id"]
        if not isinstance(utterance, str) or utterance not in asked:
            raise UsageError(f"{where}: utterance_id {shown(utterance)} is not asked for; utterances.txt has all ids.")
        if utterance in texts:
            raise UsageError(f"{where}: utterance {shown(utterance)} stands there again; expected each once.")
        texts[utterance] = text_of(told["text"], f"{where}: text", most=LONGEST_TEXT, empty=True)
    if missing := [each for each in ids if each not in texts]:
        raise UsageError(
            f"{what}: {len(missing):,} of {len(ids):,} utterances are missing, {shown(missing[0])} first; expected a "
            'line for every id of utterances.txt, with the text "" where nothing was heard.'
        )
    return texts
