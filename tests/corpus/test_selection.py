from pathlib import Path

import pytest

from harness.corpus import AttributeKind, Provenance
from harness.errors import UsageError
from tests.corpus.builders import FORMATS, load, problems_of, row, self_reported, write_datasheet, write_manifest


@pytest.mark.parametrize("suffix", FORMATS)
def test_columns_are_mapped_by_name(tmp_path: Path, suffix: str) -> None:
    rows = [{"path": "a.mp3", "sentence": "hi", "client_id": "NA", "accents": "us", "text": "unused"}]
    write_datasheet(tmp_path, {"accent": self_reported("accent")})
    path = write_manifest(tmp_path, rows, suffix=suffix)
    columns = {"utterance_id": "path", "text": "sentence", "speaker_id": "client_id", "accent": "accents"}
    manifest = load(path, columns=columns)
    assert manifest.frame[["utterance_id", "text", "speaker_id", "accent"]].to_numpy().tolist() == [
        ["a.mp3", "hi", "NA", "us"]
    ]
    assert manifest.notes == ("columns not declared in the datasheet, not used: text",)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(
            {"text": "sentense"}, "found 'path', 'sentence', 'accent'. Did you mean 'sentence'?", id="not-there"
        ),
        pytest.param({"utterence_id": "path"}, "Did you mean utterance_id?", id="not-a-contract-column"),
        pytest.param(
            {"accent": "path"}, "neither a manifest column nor a declared attribute", id="undeclared-attribute"
        ),
    ],
)
def test_a_mapping_that_does_not_fit_says_what_would(tmp_path: Path, columns: dict[str, str], expected: str) -> None:
    path = write_manifest(tmp_path, [{"path": "a.mp3", "sentence": "hi", "accent": "us"}])
    with pytest.raises(UsageError) as caught:
        load(path, columns=columns)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "options", "expected"),
    [
        pytest.param(
            {"utterance_id": "u1", "sentence": "hi"},
            {},
            "has no column text; found 'utterance_id', 'sentence'",
            id="text",
        ),
        pytest.param(
            {"path": "a", "text": "hi"}, {}, "has no column utterance_id, nor audio_filepath to derive", id="no-id"
        ),
        pytest.param(row(), {"require_audio": True}, "has no column audio_filepath; found", id="no-audio"),
    ],
)
def test_a_missing_column_is_one_problem_that_says_how_to_map_it(
    tmp_path: Path, cells: dict[str, object], options: dict[str, object], expected: str
) -> None:
    path = write_manifest(tmp_path, [cells, cells])
    problems = problems_of(lambda: load(path, **options))
    assert expected in problems[0]
    missing = expected.split()[3].rstrip(",;")
    assert problems[0].endswith(f"Map one: manifest.columns.{missing}=ITS_NAME.")


def test_without_a_datasheet_every_other_column_is_an_annotated_attribute(tmp_path: Path) -> None:
    manifest = load(write_manifest(tmp_path, [row(accent="us", gender="NA", topic=None)]))
    assert [(a.name, a.kind, a.provenance) for a in manifest.attributes] == [
        ("accent", AttributeKind.accent, Provenance.annotated),
        ("gender", AttributeKind.demographic, Provenance.annotated),
        ("topic", AttributeKind.content, Provenance.annotated),
    ]
    assert manifest.frame[["accent", "gender", "topic"]].to_numpy().tolist() == [["us", "undeclared", "undeclared"]]
    assert manifest.notes == ("no datasheet: attributes are used as annotated",)
    assert not manifest.datasheet.declared


@pytest.mark.parametrize(
    ("n_values", "n_rows", "is_kept"),
    [
        pytest.param(100, 100, True, id="few-values"),
        pytest.param(101, 101, False, id="every-row-its-own"),
        pytest.param(101, 1_010, True, id="exactly-a-tenth"),
        pytest.param(102, 1_010, False, id="more-than-a-tenth"),
    ],
)
def test_free_text_is_no_attribute_and_is_named(tmp_path: Path, n_values: int, n_rows: int, is_kept: bool) -> None:
    path = write_manifest(tmp_path, [row(f"u{n}", remark=f"r{n % n_values}") for n in range(n_rows)])
    manifest = load(path)
    assert ("remark" in manifest.frame) is is_kept
    assert (
        any("too many different values to slice on, not used: remark" in note for note in manifest.notes) is not is_kept
    )


def test_without_a_datasheet_lists_are_several_values_and_records_are_left_aside(tmp_path: Path) -> None:
    manifest = load(write_manifest(tmp_path, [row("u1", tags=["a", "b"], meta={"x": 1}), row("u2", tags="c")]))
    assert list(manifest.frame["tags"]) == [("a", "b"), ("c",)]
    assert "columns with nested records or bytes, not used: meta" in manifest.notes


def test_a_column_that_the_mapping_replaces_is_named(tmp_path: Path) -> None:
    manifest = load(write_manifest(tmp_path, [row(raw="HELLO")]), columns={"text": "raw"})
    assert list(manifest.frame["text"]) == ["HELLO"]
    assert "columns that the mapping replaces, not used: text" in manifest.notes


@pytest.mark.parametrize("name", ["wer", "condition", "hits", "Slice", "a & b", " padded", "new\nline"])
def test_without_a_datasheet_a_column_that_cannot_be_an_attribute_is_refused(tmp_path: Path, name: str) -> None:
    path = write_manifest(tmp_path, [row(**{name: "x"})])
    (problem,) = problems_of(lambda: load(path))
    assert problem.startswith("toy.jsonl: attribute ")
    assert problem.endswith("Or write a datasheet.yaml that declares the columns to use.")


def test_with_a_datasheet_a_column_it_does_not_declare_does_no_harm(tmp_path: Path) -> None:
    write_datasheet(tmp_path, {"accent": self_reported("accent")})
    manifest = load(write_manifest(tmp_path, [row(accent="us", wer=0.5, **{"x\ny": 1})]))
    assert "wer" not in manifest.frame
    assert manifest.notes == ("columns not declared in the datasheet, not used: wer, 'x\\ny'",)


def test_a_declared_attribute_without_a_column_is_an_error(tmp_path: Path) -> None:
    write_datasheet(tmp_path, {"accents": self_reported("accent"), "gender": self_reported()})
    problems = problems_of(lambda: load(write_manifest(tmp_path, [row(accent="us")])))
    assert len(problems) == 2
    assert "attribute 'accents' has no column in toy.jsonl" in problems[0]
    assert "Did you mean 'accent'?" in problems[0]


@pytest.mark.parametrize("declared", [True, False])
def test_columns_that_differ_in_capitals_only_are_refused(tmp_path: Path, declared: bool) -> None:
    if declared:
        write_datasheet(tmp_path, {"age": self_reported(), "Age": self_reported()})
    problems = problems_of(lambda: load(write_manifest(tmp_path, [row(age="1", Age="2")])))
    assert any("in capitals only" in problem for problem in problems)


def test_an_attribute_called_speaker_is_not_taken_for_the_speaker_id(tmp_path: Path) -> None:
    write_datasheet(tmp_path, {"speaker": self_reported()})
    cells = {"utterance_id": "u1", "text": "hi", "speaker": "child"}
    frame = load(write_manifest(tmp_path, [cells])).frame
    assert frame[["speaker_id", "speaker"]].to_numpy().tolist() == [[None, "child"]]
