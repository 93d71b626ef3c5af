"""A format is found by suffix and content, or named; an archive is unpacked first, by who sent it."""

import io
import tarfile
import zipfile

import pandas as pd
import pytest

from harness.errors import HypothesesError, UsageError
from harness.scoring.transcripts import Format, read_hypotheses
from harness.scoring.transcripts.formats import format_of
from tests.scoring.transcripts.builders import SERVICES, service, texts_of, written

ROW = '{"utterance_id": "u1", "text": "a"}'
NEMO = '{"audio_filepath": "u1.wav", "text": "said", "pred_text": "heard"}'


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        pytest.param("h.csv", "", Format.csv, id="csv"),
        pytest.param("H.TSV", "", Format.tsv, id="tsv"),
        pytest.param("h.parquet", "", Format.parquet, id="parquet"),
        pytest.param("h.jsonl", ROW, Format.json_lines, id="json-lines"),
        pytest.param("h.json", ROW, Format.json_lines, id="one-row"),
        pytest.param("h.json", f"{ROW}\n{ROW}\n", Format.json_lines, id="json-lines-called-json"),
        pytest.param("h.json", f"[{ROW},\n {ROW}]", Format.json_lines, id="an-array-of-rows"),
        pytest.param("h.json", f"{NEMO}\n{NEMO}\n", Format.nemo, id="nemo"),
        pytest.param("h.jsonl", NEMO, Format.nemo, id="nemo-jsonl"),
        pytest.param("h.json", NEMO, Format.nemo, id="one-prediction"),
        pytest.param("h.hyp", "one two (u1)\n", Format.trn, id="trn"),
        pytest.param("h.txt", ";; c\n\nrec 1 0.5 0.2 word\n", Format.ctm, id="ctm"),
        pytest.param("h.txt", "rec 1 spk 0.5 1.2 some words here\n", Format.stm, id="stm"),
        *(
            pytest.param("h.json", service(path.stem), Format[path.stem.split("_")[0].replace("whisperx", "whisper")],
                         id=path.stem)
            for path in sorted(SERVICES.glob("*.json")) if path.stem != "nemo"
        ),
    ],
)  # fmt: skip
def test_a_format_is_told_by_suffix_and_content(tmp_path, name, content, format):
    assert format_of(written(tmp_path, name, content), "utterance_id") is format


def test_predictions_are_rows_of_a_table_where_a_column_of_ids_is_named(tmp_path):
    path = written(tmp_path, "h.jsonl", NEMO.replace("}", ', "utt": "u7"}'))
    frame = read_hypotheses(path, columns={"utterance_id": "utt", "text": "pred_text"})
    assert texts_of(frame) == {"u7": "heard"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("h.xlsx", "", "cannot tell the format of '.xlsx'; expected one of .csv", id="spreadsheet"),
        pytest.param("h.txt", "one two three\n", "cannot tell the format of '.txt'", id="plain-text"),
        pytest.param("h.txt", "", "cannot tell the format of '.txt'", id="empty"),
        pytest.param(
            "h.json", {"a": 1, "b": 2}, "an object with 'a', 'b'. Name it with format=google|amazon", id="json"
        ),
        pytest.param("h.json", "[1, 2]", "cannot tell whose JSON this is: a list of 2", id="a-list"),
        pytest.param("h.json", "17", "cannot tell whose JSON this is: 17", id="a-number"),
    ],
)
def test_a_format_that_cannot_be_told_says_what_it_looked_like(tmp_path, name, content, problem):
    with pytest.raises(UsageError) as raised:
        read_hypotheses(written(tmp_path, name, content))
    assert problem in str(raised.value)
    assert "format=" in str(raised.value) or "save the sheet as CSV" in str(raised.value)


def test_a_named_format_is_believed_and_its_error_says_what_it_looks_like(tmp_path):
    path = written(tmp_path, "odd.data", '{"text": "a", "segments": []}')
    assert texts_of(read_hypotheses(path, format=Format.whisper)) == {"odd": "a"}
    with pytest.raises(HypothesesError, match=r"it looks like the JSON of whisper \(read as format=deepgram\)"):
        read_hypotheses(path, format=Format.deepgram)
    assert texts_of(read_hypotheses(written(tmp_path, "u1.text", "a b"), format=Format.text)) == {"u1": "a b"}


def zipped():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("../u1.txt", "a")
    return data.getvalue()


def tarred(mode):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("../u1.txt"), io.BytesIO())
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        pytest.param("h.zip", zipped(), "a zip archive", id="zip"),
        pytest.param("h.csv", zipped(), "a zip archive", id="zip-called-csv"),
        pytest.param("h.tar", tarred("w"), "a tar archive", id="tar"),
        pytest.param("h.tar.gz", tarred("w:gz"), "packed with gzip", id="tar-gz"),
        pytest.param("h.csv.gz", tarred("w:gz")[:20], "packed with gzip", id="a-torn-gzip"),
        pytest.param("h.json.bz2", tarred("w:bz2"), "packed with bzip2", id="bzip2"),
        pytest.param("h.json.xz", tarred("w:xz"), "packed with xz", id="xz"),
    ],
)
def test_an_archive_is_refused_with_what_to_do(tmp_path, name, data, what):
    with pytest.raises(UsageError, match=f"is {what}.*Unpack it into a folder of its own and give the folder"):
        read_hypotheses(written(tmp_path, name, data))
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_parquet_has_rows_as_json_lines_have(tmp_path):
    path = tmp_path / "h.parquet"
    frame = pd.DataFrame({
        "utt": ["u1", "u2", "u3"], "text": ["NA", "", None], "audio_s": [1.5, None, 2], "other": [[1], [2], [3]],
    })  # fmt: skip
    frame.to_parquet(path)
    found = read_hypotheses(path, columns={"utterance_id": "utt"})
    assert texts_of(found) == {"u1": "NA", "u2": "", "u3": None}
    assert found["line"].tolist() == [1, 2, 3]
    assert found["audio_s"].isna().tolist() == [False, True, False]
    frame.assign(text=[b"a", b"b", b"c"]).to_parquet(path)
    with pytest.raises(HypothesesError, match=r"h.parquet:2: utterance 'u2' has text=b'b'; expected a text"):
        read_hypotheses(path, columns={"utterance_id": "utt"})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HypothesesError, match=r"h.parquet: is not a readable Parquet file"):
        read_hypotheses(path)
