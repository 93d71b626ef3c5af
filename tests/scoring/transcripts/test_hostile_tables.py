"""Any text in any quoting of a table comes back as it was, or is refused with file and line."""

import csv
import io
import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.scoring.transcripts import Format, read_hypotheses
from tests.scoring.transcripts.builders import texts_of, written

RELAXED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.sampled_from(
    ["", " ", "NA", "null", '"', '""', ",", "\t", "\u202eשלום", "e\u0301", "👩‍👩‍👧", "a\r\nb", "\\n", "{}", "'"]
)
TEXTS = ODD | st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20)
IDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=8).filter(str.strip)
ENDS = st.sampled_from(["\n", "\r\n"])
ROWS = st.dictionaries(IDS, TEXTS, min_size=1, max_size=5)
TABLES = [Format.csv, Format.tsv, Format.json_lines, Format.nemo, Format.parquet]


@RELAXED
@given(rows=ROWS, bom=st.booleans(), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), end=ENDS)
def test_any_text_of_a_csv_comes_back(tmp_path, rows, bom, quoting, end):
    file = io.StringIO()
    csv.writer(file, quoting=quoting, lineterminator=end).writerows([("utterance_id", "text"), *rows.items()])
    data = b"\xef\xbb\xbf" * bom + file.getvalue().encode()
    assert texts_of(read_hypotheses(written(tmp_path, "h.csv", data))) == rows


@RELAXED
@given(rows=ROWS, bom=st.booleans(), quoted=st.booleans(), end=ENDS)
def test_any_text_of_a_line_of_tsv_comes_back(tmp_path, rows, bom, quoted, end):
    rows = {name.translate(FLAT).strip() or "u": text.translate(FLAT) for name, text in rows.items()}

    def cell(text):
        return '"' + text.replace('"', '""') + '"' if quoted or text.startswith('"') else text

    lines = ["utterance_id\ttext", *(f"{cell(name)}\t{cell(text)}" for name, text in rows.items())]
    data = b"\xef\xbb\xbf" * bom + (end.join(lines) + end).encode()
    assert texts_of(read_hypotheses(written(tmp_path, "h.tsv", data))) == rows


FLAT = dict.fromkeys(map(ord, "\t\r\n"), " ")


@RELAXED
@given(rows=ROWS, bom=st.booleans(), ascii=st.booleans(), end=ENDS)
def test_any_text_of_json_lines_comes_back(tmp_path, rows, bom, ascii, end):
    lines = [json.dumps({"utterance_id": name, "text": text}, ensure_ascii=ascii) for name, text in rows.items()]
    data = b"\xef\xbb\xbf" * bom + "".join(line + end for line in lines).encode()
    assert texts_of(read_hypotheses(written(tmp_path, "h.jsonl", data))) == rows
    array = json.dumps([{"utterance_id": name, "text": text} for name, text in rows.items()], indent=1)
    assert texts_of(read_hypotheses(written(tmp_path, "h.json", array))) == rows


@RELAXED
@given(rows=ROWS)
def test_any_text_of_parquet_comes_back(tmp_path, rows):
    path = tmp_path / "h.parquet"
    pd.DataFrame({"utterance_id": list(rows), "text": list(rows.values())}).to_parquet(path)
    assert texts_of(read_hypotheses(path)) == rows


@RELAXED
@given(rows=ROWS)
def test_any_text_of_predictions_comes_back(tmp_path, rows):
    lines = [json.dumps({"utterance_id": name, "text": "said", "pred_text": text}) for name, text in rows.items()]
    assert texts_of(read_hypotheses(written(tmp_path, "h.json", "\n".join(lines)))) == rows


@RELAXED
@given(data=st.text() | st.binary(), format=st.sampled_from(TABLES), header=st.booleans())
def test_anything_is_read_or_refused_with_its_file(tmp_path, data, format, header):
    data = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    separator = b"\t" if format is Format.tsv else b","
    path = written(tmp_path, "h.data", (b"utterance_id" + separator + b"text\n" if header else b"") + data)
    assert str(path) in (refusal(path, format) or str(path))


def refusal(path, format):
    """Return what is said of a file that is refused; None of one that is read."""
    try:
        read_hypotheses(path, format=format)
    except HarnessError as error:
        return str(error)


@pytest.mark.parametrize(
    "value", [[], {}, 3, True, 10**4000, [[[]]], "\ud83d", float("nan")], ids=lambda value: f"{value!r:.20}"
)
@pytest.mark.parametrize(
    "column", ["utterance_id", "text", "pred_text", "audio_filepath", "offset", "duration", "word"]
)
@pytest.mark.parametrize("format", [Format.json_lines, Format.nemo])
def test_any_cell_may_be_anything(tmp_path, column, value, format):
    row = {"utterance_id": "u1", "text": "a", "pred_text": "a", "audio_filepath": "a.wav", "offset": 1} | {
        column: value
    }
    path = written(tmp_path, "h.jsonl", row)
    assert f"{path}:1: " in (refusal(path, format) or f"{path}:1: ")


@pytest.mark.parametrize("format", TABLES[:4])
def test_a_line_of_a_hundred_thousand_characters_is_read(tmp_path, format):
    text = "word " * 20_000 + "end"
    content = {
        Format.csv: f"utterance_id,text\nu1,{text}\n",
        Format.tsv: f"utterance_id\ttext\nu1\t{text}\n",
        Format.json_lines: json.dumps({"utterance_id": "u1", "text": text}),
        Format.nemo: json.dumps({"utterance_id": "u1", "pred_text": text}),
    }[format]
    assert texts_of(read_hypotheses(written(tmp_path, "h.data", content), format=format)) == {"u1": text}
