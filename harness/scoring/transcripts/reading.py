"""A file or folder of transcripts made elsewhere in, in any format; the frame that `score` reads out."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness.errors import HypothesesError, UsageError
from harness.scoring.transcripts.ctm import read_ctm
from harness.scoring.transcripts.delimited import csv_rows, tsv_rows
from harness.scoring.transcripts.documents import load
from harness.scoring.transcripts.folders import TEXT, Found, files_in, read_documents, read_texts
from harness.scoring.transcripts.formats import SERVICES, Format, format_of
from harness.scoring.transcripts.json_lines import json_rows
from harness.scoring.transcripts.naming import names_of_file
from harness.scoring.transcripts.nemo import read_nemo
from harness.scoring.transcripts.packed import refuse_packed
from harness.scoring.transcripts.parquet import parquet_rows
from harness.scoring.transcripts.services import heard_in
from harness.scoring.transcripts.stm import read_stm
from harness.scoring.transcripts.tables import Table, read_rows
from harness.scoring.transcripts.trn import read_trn

_TABLES = {
    Format.csv: csv_rows,
    Format.tsv: tsv_rows,
    Format.json_lines: json_rows,
    Format.parquet: parquet_rows,
}
_NIST = {Format.trn: read_trn, Format.stm: read_stm, Format.ctm: read_ctm}


def read_hypotheses(
    path: Path | str, *, columns: Mapping[str, str] | None = None, format: Format = Format.auto
) -> pd.DataFrame:
    """Read one row per transcript: utterance_id, condition, text, error, audio_s, processing_s, file, line.

    `text` is None where recognition failed: in JSON Lines and Parquet where it is null or absent, in CSV and TSV where
    the cell is empty beside an `error`, in what services write where they say so; otherwise an empty text is a
    transcript without words. `condition` is `clean` when not given, seconds are NaN. `file` and `line` say where a row
    stands, for messages.

    What is not a table has a further column, `heard`: a `Heard` a row, by which `place` finds the utterances of a
    recording. There `utterance_id` is the name of the recording or of the utterance, whichever it be.

    Args:
        path: A file whose name ends in .csv, .tsv, .parquet, .jsonl, .ndjson or .json (an object a line), .trn, .stm or
            .ctm, in UTF-8; the JSON of a service; or a folder of texts or of such JSON, a file a recording.
        columns: What a table calls a column, by the name it has here; other columns of the file are ignored.
        format: What it is, where that cannot be told by suffix and content.

    Raises:
        UsageError: It is not there, its format is unknown, or a mapped column is none of its or ours.
        HypothesesError: Rows cannot be read; every one is named.
    """
    path, columns = Path(path), columns or {}
    if path.is_dir():
        _refuse_columns(columns, path, format)
        return _frame(_folder(path, format))
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give the file of transcripts")
    refuse_packed(path)
    chosen = format if format is not Format.auto else format_of(path, columns.get("utterance_id", "utterance_id"))
    if chosen in _TABLES or chosen is Format.nemo:
        return _rows(path, chosen, columns)
    _refuse_columns(columns, path, chosen)
    return _frame(_file(path, chosen))


def _refuse_columns(columns: Mapping[str, str], path: Path, format: Format) -> None:
    if columns:
        what = "a folder" if path.is_dir() else f"format={format.value}"
        raise UsageError(
            f"{path}: columns {', '.join(columns)} are those of a table, and this is {what}; leave them out"
        )


def _rows(path: Path, format: Format, columns: Mapping[str, str]) -> pd.DataFrame:
    try:
        if format is Format.nemo:
            return _frame([(path, each) for each in read_nemo(Table(path), columns)])
        empty_is_text = format in (Format.csv, Format.tsv)
        return read_rows(Table(path), _TABLES[format], columns, empty_is_text=empty_is_text)
    except UnicodeDecodeError as error:
        raise HypothesesError([f"{path}: is not UTF-8 ({error}); save it as UTF-8"]) from error


def _file(path: Path, format: Format) -> list[Found]:
    if format is Format.text:
        return read_texts([path], path.parent)
    if format in SERVICES:
        return [(path, each) for each in heard_in(load(path), format, path=path, names=names_of_file(path.name))]
    return [(path, each) for each in _NIST[format](path)]


def _folder(folder: Path, format: Format) -> list[Found]:
    paths = files_in(folder, format)
    if paths[0].suffix.lower() == TEXT:
        return read_texts(paths, folder)
    return read_documents(paths, folder, format)


def _frame(found: Sequence[Found]) -> pd.DataFrame:
    """Return the frame of what was heard.

    Raises:
        HypothesesError: There is nothing, or something has no name.
    """
    if nameless := [f"{path}:{each.line}: has no name; expected one" for path, each in found if not each.name.strip()]:
        raise HypothesesError(nameless)
    heard = [each for _, each in found]
    return pd.DataFrame(
        {
            "utterance_id": pd.Series([each.name for each in heard], dtype=object),
            "condition": pd.Series([each.condition for each in heard], dtype=object),
            "text": pd.Series([each.text for each in heard], dtype=object),
            "error": pd.Series([each.error for each in heard], dtype=object),
            "audio_s": pd.Series([each.audio_s for each in heard], dtype=float),
            "processing_s": pd.Series([math.nan] * len(heard), dtype=float),
            "file": pd.Series([str(path) for path, _ in found], dtype=object),
            "line": pd.Series([each.line for each in heard], dtype="int64"),
            "heard": pd.Series(heard, dtype=object),
        }
    )
