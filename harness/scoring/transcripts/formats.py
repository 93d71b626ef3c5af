"""A file of transcripts in, its format out: by its suffix, and by what is in it where a suffix has several formats."""

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

from harness.corpus.reading import LONGEST_CELL
from harness.errors import UsageError
from harness.scoring.transcripts.amazon import is_amazon
from harness.scoring.transcripts.assemblyai import is_assemblyai
from harness.scoring.transcripts.azure import is_azure
from harness.scoring.transcripts.ctm import ctm_word
from harness.scoring.transcripts.deepgram import is_deepgram
from harness.scoring.transcripts.documents import DECODER, Node, ShapeError, load
from harness.scoring.transcripts.google import is_google
from harness.scoring.transcripts.line_files import LineError
from harness.scoring.transcripts.nemo import is_nemo
from harness.scoring.transcripts.stm import stm_stretch
from harness.scoring.transcripts.trn import split
from harness.scoring.transcripts.whisper import is_whisper


class Format(Enum):
    """Names how transcripts are written."""

    auto = "auto"
    csv = "csv"
    tsv = "tsv"
    json_lines = "json_lines"
    parquet = "parquet"
    trn = "trn"
    stm = "stm"
    ctm = "ctm"
    text = "text"
    amazon = "amazon"
    google = "google"
    azure = "azure"
    deepgram = "deepgram"
    assemblyai = "assemblyai"
    whisper = "whisper"
    nemo = "nemo"


_BY_SUFFIX = {
    ".csv": Format.csv,
    ".tsv": Format.tsv,
    ".parquet": Format.parquet,
    ".trn": Format.trn,
    ".stm": Format.stm,
    ".ctm": Format.ctm,
}
_JSON_LINES = (".jsonl", ".ndjson")
_JSON = ".json"  # also NeMo's name for JSON Lines
SUFFIXES = (*_BY_SUFFIX, *_JSON_LINES, _JSON)
_SERVICES = {  # in this order: what the first ones look for is theirs alone
    Format.google: is_google,
    Format.amazon: is_amazon,
    Format.deepgram: is_deepgram,
    Format.azure: is_azure,
    Format.assemblyai: is_assemblyai,
    Format.whisper: is_whisper,
}
_LINES: dict[Format, Callable[[str], object]] = {
    Format.stm: partial(stm_stretch, 0),
    Format.ctm: partial(ctm_word, 0),
    Format.trn: split,
}
SERVICES = tuple(_SERVICES)
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")


def format_of(path: Path, id_column: str) -> Format:
    """Return the format of a file.

    Args:
        path: The file.
        id_column: What the file calls a transcript's utterance_id, by which a row of a table is known.

    Raises:
        UsageError: It cannot be told.
        HypothesesError: The file is no JSON.
    """
    suffix = path.suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix in _JSON_LINES:
        return _format_of_lines(_first_object(path), id_column)
    if suffix == _JSON:
        return _format_of_json(path, id_column)
    found = None if suffix in _SPREADSHEETS else _format_by_lines(path)
    if found is None:
        advice = "; save the sheet as CSV" if suffix in _SPREADSHEETS else ", or name it with format="
        raise UsageError(
            f"{path}: cannot tell the format of {path.suffix!r}; expected one of {', '.join(SUFFIXES)}{advice}"
        )
    return found


def service_of(document: Node) -> Format | None:
    """Return whose JSON a document is; None where it looks like nobody's."""
    if not isinstance(document.value, dict):
        return None
    try:
        return next((service for service, is_it in _SERVICES.items() if is_it(document)), None)
    except ShapeError:
        return None


def looks_like(document: Node) -> str:
    """Return what is in a document, for messages."""
    if isinstance(document.value, dict):
        keys = [f"{key[:30]!r}" for key in document.value]
        shown = ", ".join(keys[:6]) + (", …" if len(keys) > 6 else "")
        return f"an object with {shown}" if keys else "an object with nothing in it"
    if isinstance(document.value, list):
        return f"a list of {len(document.value)}"
    return f"{document.value!r:.40}"


def _format_of_json(path: Path, id_column: str) -> Format:
    """Tell JSON Lines from one document: NeMo calls both `.json`."""
    first = _first_object(path)
    if first is None:
        first = _array_element(load(path))
    elif _is_one_line(path) and id_column not in first and not is_nemo(first):
        first = None
    if first is not None:
        return _format_of_lines(first, id_column)
    document = load(path)
    service = service_of(document)
    if service is None:
        raise UsageError(
            f"{path}: cannot tell whose JSON this is: {looks_like(document)}. Name it with format="
            f"{'|'.join(each.value for each in (*SERVICES, Format.nemo))}, or the column of "
            "ids of a table with columns.utterance_id="
        )
    return service


def _array_element(document: Node) -> dict[str, object] | None:
    """Return the first object of an array of objects; None of anything else."""
    rows = document.value
    first = rows[0] if isinstance(rows, list) and rows else None
    return first if isinstance(first, dict) else None


def _format_of_lines(first: dict[str, object] | None, id_column: str) -> Format:
    is_prediction = first is not None and is_nemo(first) and id_column in ("utterance_id", "audio_filepath")
    return Format.nemo if is_prediction else Format.json_lines


def _first_object(path: Path) -> dict[str, object] | None:
    """Return the object on the first line that says something; None where that is no whole object."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        while row := file.readline(LONGEST_CELL):
            if row.strip():
                try:
                    found: object = DECODER.decode(row)
                except (ValueError, RecursionError):
                    return None
                return found if isinstance(found, dict) else None
    return None


def _is_one_line(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        return sum(1 for _ in zip(range(2), (row for row in file if row.strip()), strict=False)) < 2


def _format_by_lines(path: Path) -> Format | None:
    """Return which of NIST's formats the first lines are; None where they are none."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        rows = (row for row in iter(lambda: file.readline(LONGEST_CELL), "") if row.strip() and row[:2] != ";;")
        first = [row for row, _ in zip(rows, range(20), strict=False)]
    return next((each for each in _LINES if first and all(_is_line_of(each, row) for row in first)), None)


def _is_line_of(format: Format, row: str) -> bool:
    try:
        _LINES[format](row)
    except LineError:
        return False
    return True
