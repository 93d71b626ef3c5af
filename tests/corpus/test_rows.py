import json
from pathlib import Path

import pytest

from tests.corpus.builders import FORMATS, load, problems_of, row, self_reported, write_datasheet, write_manifest

BAD_CELLS = [
    pytest.param(
        {"duration": -1.0}, "utterance 'u17' has duration=-1.0; expected > 0. Re-measure it", id="negative-duration"
    ),
    pytest.param({"duration": 0}, "utterance 'u17' has duration=0; expected > 0.", id="zero-duration"),
    pytest.param({"duration": float("nan")}, "has duration=nan; expected a finite number", id="nan-duration"),
    pytest.param({"duration": float("inf")}, "has duration=inf; expected a finite number", id="infinite-duration"),
    pytest.param({"duration": 10**400}, "expected a finite number", id="number-beyond-floats"),
    pytest.param({"duration": "1,5"}, "has duration='1,5'; expected a finite number", id="decimal-comma"),
    pytest.param({"duration": "long"}, "has duration='long'; expected a finite number", id="duration-in-words"),
    pytest.param({"duration": "1_0"}, "has duration='1_0'; expected a finite number", id="python-number"),
    pytest.param(
        {"duration": True}, "has duration=True; expected a finite number, not a yes or no", id="yes-as-duration"
    ),
    pytest.param({"duration": [1]}, "has duration=a list of 1; expected a finite number", id="list-as-duration"),
    pytest.param({"offset": -0.5}, "has offset=-0.5; expected >= 0", id="negative-offset"),
    pytest.param({"offset": float("-inf")}, "has offset=-inf; expected a finite number", id="infinite-offset"),
    pytest.param({"offset": "soon"}, "has offset='soon'; expected a finite number", id="offset-in-words"),
    pytest.param({"utterance_id": ""}, "row has utterance_id=''; expected an id that is not empty", id="empty-id"),
    pytest.param({"utterance_id": None}, "row has utterance_id=None; expected an id that is not empty", id="null-id"),
    pytest.param(
        {"utterance_id": " u17"}, "row has utterance_id=' u17'; expected an id without spaces", id="space-before-id"
    ),
    pytest.param({"utterance_id": "u17\u00a0"}, "expected an id without spaces", id="hard-space-after-id"),
    pytest.param(
        {"utterance_id": "u\x0017"}, "row has utterance_id='u\\x0017'; expected an id without NUL", id="nul-in-id"
    ),
    pytest.param(
        {"utterance_id": "u\n17"}, "expected an id without NUL or other control characters", id="line-break-in-id"
    ),
    pytest.param(
        {"utterance_id": "u\x1b[2J"}, "expected an id without NUL or other control", id="terminal-escape-in-id"
    ),
    pytest.param(
        {"utterance_id": "u\ud800"}, "has utterance_id='u\\ud800'; expected valid UTF-8", id="surrogate-in-id"
    ),
    pytest.param({"utterance_id": True}, "expected a text or a whole number", id="yes-as-id"),
    pytest.param({"utterance_id": ["u17"]}, "expected one value", id="list-as-id"),
    pytest.param({"text": None}, "utterance 'u17' has text=None; expected the words that were said", id="null-text"),
    pytest.param({"text": True}, "expected the words that were said, not a yes or no", id="yes-as-text"),
    pytest.param({"text": {"a": 1}}, "has text=a mapping of 1; expected one value", id="mapping-as-text"),
    pytest.param({"text": "a\udfffb"}, "expected valid UTF-8", id="surrogate-in-text"),
    pytest.param(
        {"speaker_id": "s1 "}, "has speaker_id='s1 '; expected an id without spaces", id="space-after-speaker"
    ),
    pytest.param({"speaker_id": "s\t1"}, "expected an id without NUL or other control characters", id="tab-in-speaker"),
    pytest.param({"language": "english"}, "has language='english'; expected a BCP 47 tag", id="language-in-words"),
    pytest.param({"language": "en_GB"}, "has language='en_GB'; expected a BCP 47 tag", id="language-as-locale"),
    pytest.param({"audio_filepath": "../a.wav"}, "expected a path inside", id="audio-outside"),
    pytest.param({"age": "thirty"}, "has age='thirty'; expected a finite number", id="binned-value-in-words"),
    pytest.param({"accent": ["a", "b"]}, "expected one value. Declare `multivalued: true` for accent", id="two-values"),
    pytest.param({"accent": "a\rb"}, "expected a value on one line", id="line-break-in-value"),
]


@pytest.mark.parametrize(("cells", "expected"), BAD_CELLS)
def test_a_bad_cell_is_named_with_its_line_what_was_found_and_what_to_do(
    tmp_path: Path, cells: dict[str, object], expected: str
) -> None:
    write_datasheet(tmp_path, {"accent": self_reported("accent"), "age": self_reported(bins=[30, 60])})
    good = [row(f"g{n}", accent="us", age=20 + n, audio_filepath="a.wav") for n in range(16)]
    path = write_manifest(tmp_path, [*good, {**row("u17", accent="us", age=40), **cells}])
    (problem,) = problems_of(lambda: load(path))
    assert problem.startswith("toy.jsonl:17: ")
    assert expected in problem
    assert problem.isprintable()


def test_every_bad_row_is_named_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [
        json.dumps(row("u1", duration=-1.0)),
        "not json",
        json.dumps(row("u3", duration=1.0)),
        json.dumps(row("u3", duration="x", text=None)),
        json.dumps({"utterance_id": "u5"}),
        '{"utterance_id": "u6", "text": "a", "duration": NaN}',
    ]
    path = tmp_path / "toy.jsonl"
    path.write_text("\n".join(lines))
    problems = problems_of(lambda: load(path))
    assert [problem.split(";")[0].split(" Expecting")[0] for problem in problems] == [
        "toy.jsonl:1: utterance 'u1' has duration=-1.0",
        "toy.jsonl:2: row is not one JSON object:",
        "toy.jsonl:4: utterance 'u3' has the id of line 3",
        "toy.jsonl:4: utterance 'u3' has duration='x'",
        "toy.jsonl:4: utterance 'u3' has text=None",
        "toy.jsonl:5: utterance 'u5' has text=None",
        "toy.jsonl:6: utterance 'u6' has duration=nan",
    ]


def test_the_message_is_the_one_the_style_guide_promises(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, [row("u17", duration=-1.0)])
    assert problems_of(lambda: load(path)) == [
        "toy.jsonl:1: utterance 'u17' has duration=-1.0; expected > 0. Re-measure it or remove the row."
    ]


@pytest.mark.parametrize(
    ("suffix", "place"),
    [
        pytest.param(".jsonl", "toy.jsonl:3: utterance 'u1' has the id of line 1", id="jsonl"),
        pytest.param(".csv", "toy.csv:5: utterance 'u1' has the id of line 2", id="csv-with-a-cell-of-two-lines"),
        pytest.param(".tsv", "toy.tsv:5: utterance 'u1' has the id of line 2", id="tsv-with-a-cell-of-two-lines"),
        pytest.param(".parquet", "toy.parquet:row 3: utterance 'u1' has the id of row 1", id="parquet"),
    ],
)
def test_a_duplicate_id_names_both_places(tmp_path: Path, suffix: str, place: str) -> None:
    path = write_manifest(tmp_path, [row("u1"), row("u2", text="two\nlines"), row("u1")], suffix=suffix)
    (problem,) = problems_of(lambda: load(path))
    assert problem.startswith(place)


def test_the_number_one_and_the_text_one_are_the_same_id(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, [{**row(), "utterance_id": 1}, row("1")])
    (problem,) = problems_of(lambda: load(path))
    assert "has the id of line 1" in problem


def test_bytes_that_are_not_utf_8_are_found_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_bytes(b"utterance_id,text\nu1,caf\xe9\nu2,tea\nu3,\xff\n")
    problems = problems_of(lambda: load(path))
    assert [problem.split(" has ")[0] for problem in problems] == [
        "toy.csv:2: utterance 'u1'",
        "toy.csv:4: utterance 'u3'",
    ]
    assert all("expected valid UTF-8" in problem for problem in problems)


def test_a_long_found_value_is_shortened(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, [row(duration="x" * 10_000)])
    (problem,) = problems_of(lambda: load(path))
    assert len(problem) < 250


def test_missing_audio_is_named_for_every_row(tmp_path: Path) -> None:
    (tmp_path / "there.wav").touch()
    audio = ["there.wav", "gone.wav", "", None, "also gone.wav"]
    path = write_manifest(tmp_path, [row(f"u{n}", audio_filepath=name) for n, name in enumerate(audio)])
    problems = problems_of(lambda: load(path, require_audio=True))
    assert [problem.split(";")[0] for problem in problems] == [
        "toy.jsonl:2: utterance 'u1' has audio_filepath='gone.wav'",
        "toy.jsonl:3: utterance 'u2' has audio_filepath=''",
        "toy.jsonl:4: utterance 'u3' has audio_filepath=None",
        "toy.jsonl:5: utterance 'u4' has audio_filepath='also gone.wav'",
    ]
    assert str(tmp_path / "gone.wav") in problems[0]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_reference_is_a_reference(tmp_path: Path, suffix: str) -> None:
    path = write_manifest(tmp_path, [row("u1", text=""), row("u2", text="NA")], suffix=suffix)
    assert list(load(path).frame["text"]) == ["", "NA"]


def test_a_mapped_column_is_called_by_the_name_the_file_has_for_it(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, [row(seconds=-2)])
    (problem,) = problems_of(lambda: load(path, columns={"duration": "seconds"}))
    assert "has seconds=-2; expected > 0" in problem
