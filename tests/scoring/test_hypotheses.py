import math

import pytest

from harness.errors import HypothesesError, UsageError
from harness.scoring import read_hypotheses


def file_of(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def texts_of(frame):
    return dict(zip(frame["utterance_id"], frame["text"], strict=True))


WORDS = ["NA", "null", "nan", "None", "", "#N/A", "1", "007", "true"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("h.csv", "utterance_id,text\n" + "".join(f"u{i},{w}\n" for i, w in enumerate(WORDS)), id="csv"),
        pytest.param("h.tsv", "utterance_id\ttext\n" + "".join(f"u{i}\t{w}\n" for i, w in enumerate(WORDS)), id="tsv"),
        pytest.param(
            "h.jsonl",
            "".join(f'{{"utterance_id": "u{i}", "text": "{w}"}}\n' for i, w in enumerate(WORDS)),
            id="json-lines",
        ),
    ],
)
def test_what_other_readers_take_for_missing_is_a_word(tmp_path, name, content):
    frame = read_hypotheses(file_of(tmp_path, name, content))
    assert frame["text"].tolist() == WORDS
    assert frame["condition"].tolist() == ["clean"] * len(WORDS)
    assert frame["error"].tolist() == [None] * len(WORDS)
    assert frame["audio_s"].isna().all()


def test_json_lines_tell_a_failure_from_an_empty_transcript(tmp_path):
    path = file_of(
        tmp_path,
        "h.jsonl",
        '{"utterance_id": "a", "text": null, "error": "out of memory", "audio_s": 1.5, "processing_s": 0}\n'
        '{"utterance_id": "b", "text": "", "condition": "noise"}\n\n'
        '{"utterance_id": 17, "error": "no audio"}\n',
    )
    frame = read_hypotheses(path)
    assert texts_of(frame) == {"a": None, "b": "", "17": None}
    assert frame["error"].tolist() == ["out of memory", None, "no audio"]
    assert frame["condition"].tolist() == ["clean", "noise", "clean"]
    assert frame["audio_s"].tolist()[0] == 1.5
    assert frame["processing_s"].tolist()[0] == 0.0
    assert math.isnan(frame["audio_s"].tolist()[1])
    assert frame["line"].tolist() == [1, 2, 4]


def test_an_empty_cell_is_a_failure_only_beside_an_error(tmp_path):
    path = file_of(tmp_path, "h.csv", "utterance_id,text,error\na,,timeout\nb,,\nc,hello,\n")
    assert texts_of(read_hypotheses(path)) == {"a": None, "b": "", "c": "hello"}


def test_columns_are_mapped_and_others_ignored(tmp_path):
    path = file_of(tmp_path, "h.tsv", "path\tscore\tprediction\nclip_1\t0.5\tturn it off\n")
    frame = read_hypotheses(path, columns={"utterance_id": "path", "text": "prediction"})
    assert texts_of(frame) == {"clip_1": "turn it off"}


def test_quoted_cells_of_a_csv_keep_commas_quotes_and_line_breaks(tmp_path):
    path = file_of(tmp_path, "h.csv", b'\xef\xbb\xbfutterance_id,text\r\na,"one, ""two""\r\nthree"\r\nb,four\r\n')
    frame = read_hypotheses(path)
    assert texts_of(frame) == {"a": 'one, "two"\r\nthree', "b": "four"}
    assert frame["line"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        pytest.param('"Then do it," he said', '"Then do it," he said', id="bare-quotation-marks"),
        pytest.param('"Stop', '"Stop', id="a-mark-that-never-closes"),
        pytest.param('"""Stop,"" he said."', '"Stop," he said.', id="a-quoted-cell"),
        pytest.param('a "b" c', 'a "b" c', id="inside"),
    ],
)
def test_a_quotation_mark_in_a_tsv_never_swallows_the_next_row(tmp_path, cell, text):
    path = file_of(tmp_path, "h.tsv", f"utterance_id\ttext\na\t{cell}\nb\tnext\n")
    assert texts_of(read_hypotheses(path)) == {"a": text, "b": "next"}


@pytest.mark.parametrize(
    ("name", "content", "problems"),
    [
        pytest.param(
            "h.csv",
            "utterance_id,text\na,one,two\nb\nc,fine\n",
            ["h.csv:2: has 3 cells; expected 2", "h.csv:3: has 1 cells; expected 2"],
            id="csv-cells",
        ),
        pytest.param("h.csv", 'utterance_id,text\na,"one\nb,two\n', ["h.csv:2: cannot be read as CSV"], id="csv-quote"),
        pytest.param("h.csv", "utterance_id,text\n,one\n", ["h.csv:2: utterance '' is not a name"], id="no-id"),
        pytest.param(
            "h.csv",
            "utterance_id,text,audio_s\na,one,long\nb,two,-1\nc,three,inf\nd,four,nan\n",
            [f"h.csv:{line}: utterance '{u}' has audio_s=" for line, u in zip(range(2, 6), "abcd", strict=True)],
            id="seconds",
        ),
        pytest.param(
            "h.csv",
            "utterance_id,text,error\na,one,late\n",
            ["h.csv:2: utterance 'a' has the text 'one' and"],
            id="both",
        ),
        pytest.param(
            "h.csv", "utterance_id,text,text\na,one,two\n", ["h.csv:1: column 'text' appears twice"], id="twice"
        ),
        pytest.param("h.csv", "", ["h.csv: is empty"], id="empty-csv"),
        pytest.param("h.jsonl", "\n", ["h.jsonl: is empty"], id="empty-json-lines"),
        pytest.param("h.tsv", b"utterance_id\ttext\na\tcaf\xe9\n", ["h.tsv: is not UTF-8"], id="latin-1"),
        pytest.param(
            "h.jsonl",
            '{"utterance_id": "a", "text": "one"}\n{"utterance_id": "b", "te',
            ["h.jsonl:2: cannot be read as JSON"],
            id="torn-last-line",
        ),
        pytest.param(
            "h.jsonl",
            '["a"]\n{"utterance_id": "a", "text": 42}\n{"utterance_id": true, "text": ""}\n'
            '{"utterance_id": "d", "text": "", "audio_s": true}\n{"utterance_id": "e", "text": "\\ud83d"}\n',
            [
                "h.jsonl:1: holds '[\"a\"]'; expected an object",
                "h.jsonl:2: utterance 'a' has text=42; expected a text",
                "h.jsonl:3: utterance True is not a name",
                "h.jsonl:4: utterance 'd' has audio_s=True",
                "h.jsonl:5: utterance 'e' has text='\\ud83d', in which a character is cut in half",
            ],
            id="json-types",
        ),
    ],
)
def test_every_bad_row_is_named_with_file_and_line(tmp_path, name, content, problems):
    path = file_of(tmp_path, name, content)
    with pytest.raises(HypothesesError) as raised:
        read_hypotheses(path)
    assert raised.value.exit_status == 1
    assert len(raised.value.problems) == len(problems)
    for problem, expected in zip(raised.value.problems, problems, strict=True):
        assert problem.startswith(f"{tmp_path}/{expected}")


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        pytest.param("absent.csv", {}, "absent.csv: no such file", id="no-file"),
        pytest.param("h.xlsx", {}, "h.xlsx: cannot tell the format of '.xlsx'; expected one of .csv", id="format"),
        pytest.param(
            "h.csv", {}, "no column 'utterance_id', 'text' among 'path', 'prediction'; say what", id="columns"
        ),
        pytest.param(
            "h.csv",
            {"utterance_id": "path", "text": "prediction", "audio_s": "seconds"},
            "no column 'seconds'",
            id="a-mapped-column-that-is-not-there",
        ),
        pytest.param(
            "h.csv", {"hypothesis": "prediction"}, "columns hypothesis: no such column", id="an-unknown-column"
        ),
        pytest.param("h.jsonl", {"utterance_id": "path"}, "no column 'text' among 'path', 'sentence'", id="json-lines"),
    ],
)
def test_wrong_usage_says_what_to_give(tmp_path, name, columns, message):
    file_of(tmp_path, "h.csv", "path,prediction\na,one\n")
    file_of(tmp_path, "h.xlsx", "")
    file_of(tmp_path, "h.jsonl", '{"path": "a", "sentence": "one"}\n')
    with pytest.raises(UsageError) as raised:
        read_hypotheses(tmp_path / name, columns=columns)
    assert message in str(raised.value)
    assert raised.value.exit_status == 2


def test_a_file_with_a_header_only_has_no_hypotheses(tmp_path):
    assert len(read_hypotheses(file_of(tmp_path, "h.csv", "utterance_id,text\n"))) == 0
