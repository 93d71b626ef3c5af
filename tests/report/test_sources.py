"""Wherever an attribute is named, a reader is told who says so: in one word each, or once for all of them."""

import dataclasses
import json

import pytest

from harness.pipelines.job import SliceOptions
from harness.report.markdown import render
from harness.report.sources import Sources
from tests.builders import harness
from tests.report.builders import finished_run, promising
from tests.report.html_builders import part, rendered, section, squeezed
from tests.report.test_pages import Read
from tests.report.test_screen import shown

ACCENT = {"kind": "accent", "provenance": "self_reported"}
GENDER = {"kind": "demographic", "provenance": "annotated"}
GENDERS = {f"s{accent}{number}": "man" if number % 2 else "woman" for accent in (0, 1) for number in range(5)}


def run_of(folder, attributes):
    return finished_run(
        folder,
        deaf_to=["south"],
        attributes=attributes,
        by_speaker={"gender": GENDERS},
        slices=SliceOptions(by=["accent", "gender"], intersections=2),
        policy=promising(min_words=1, min_speakers=2, min_utterances=2),
    )


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("mixed"), {"accent": ACCENT, "gender": GENDER})


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("alike"), {"accent": ACCENT, "gender": GENDER | ACCENT})


@pytest.fixture(scope="module")
def undeclared(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("undeclared"), None)


NAMING = ["findings", "slices", "gaps", "intersections", "errors", "speakers", "utterances"]


@pytest.mark.parametrize("name", NAMING)
def test_every_section_that_names_attributes_says_who_says_so(mixed, name):
    assert "Self-reported: accent. Annotated: gender." in section(rendered(mixed), name)


@pytest.mark.parametrize("name", NAMING)
def test_one_source_of_all_is_said_once_a_section(alike, name):
    assert section(rendered(alike), name).count("All attributes are self-reported.") == 1


def test_without_a_datasheet_it_is_said_that_nobody_told(undeclared):
    told = "All attributes are taken as annotated: there is no datasheet that says who told them."
    assert told in section(rendered(undeclared), "slices")
    assert told in shown(undeclared)


def test_an_intersection_tells_both_sources(mixed):
    page = rendered(mixed)
    cells = [squeezed(Read(row).text) for row in part(page, "intersections").split("<tr>")]
    assert any(cell.startswith("accent (self-reported) & gender (annotated)") for cell in cells)
    assert "accent & gender self-reported & annotated" in section(page, "intersections")  # its heading


def test_a_name_stands_bare_where_the_source_of_all_is_said(alike):
    assert "accent (self-reported)" not in section(rendered(alike), "gaps")


def test_the_words_used_are_explained(mixed):
    reading = section(rendered(mixed), "reading")
    assert "self-reported attributeswhat people said of themselves." in reading
    assert "annotated attributeswhat somebody else said of them." in reading
    assert "measured attributes" not in reading


def test_every_table_of_report_md_has_it_beneath(mixed):
    sections = render(mixed).split("\n## ")
    with_tables = [each for each in sections if "| dimension |" in each]
    assert len(with_tables) >= 3
    assert all("*Self-reported: accent. Annotated: gender.*" in each for each in with_tables)


def test_the_screen_says_it_after_the_table(mixed):
    assert "\nSelf-reported: accent. Annotated: gender.\n" in shown(mixed)


@pytest.mark.parametrize(
    ("command", "report"),
    [
        pytest.param("compare baseline={run} candidate={run} run_dir=out", "out/report.md", id="compare"),
        pytest.param("plan run={run} run_dir=out", "out/report.md", id="plan-a-run"),
        pytest.param("plan manifest=file manifest.path={manifest} run_dir=out", "out/report.md", id="plan-a-manifest"),
        pytest.param("discover run={run} run_dir=out discovery.min_speakers=4", "out/report.md", id="discover"),
        pytest.param("describe manifest=file manifest.path={manifest} run_dir=out", "out/report.md", id="describe"),
        pytest.param("export run={run} format=parquet manifest.path={manifest} out=out", None, id="export"),
    ],
)
def test_every_command_that_names_attributes_says_who_says_so(mixed, tmp_path, command, report):
    manifest = mixed.path.parent / "corpus" / "manifest.jsonl"
    done = harness(*command.format(run=mixed.path, manifest=manifest).split(), cwd=tmp_path)
    assert "Self-reported: accent. Annotated: gender." in done.out, done.err
    if report is not None:
        assert "*Self-reported: accent. Annotated: gender.*" in (tmp_path / report).read_text(encoding="utf-8")
    else:
        told = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
        assert told["attributes"]["gender"]["provenance"] == "annotated"


def test_the_board_says_it_of_every_manifest(mixed, tmp_path):
    done = harness("history", f"runs=[{mixed.path}]", "board=board", cwd=tmp_path)
    assert done.exit_status == 0, done.err
    text = squeezed(Read((tmp_path / "board" / "index.html").read_text(encoding="utf-8")).text)
    assert "tones: Self-reported: accent. Annotated: gender." in text


def test_a_dimension_that_is_no_attribute_has_no_source():
    sources = Sources.of_words([("accent", "self_reported")])
    assert [sources.word(name) for name in ("overall", "condition", "accent & condition")] == ["", "", "self-reported"]
    assert sources.named("condition") == "condition"


def test_no_attribute_needs_no_sentence():
    assert Sources().sentence == ""
    assert Sources.of_manifest(None) == Sources()
    assert Sources().under("a\n| b |") == "a\n| b |"


def test_a_source_that_is_not_stated_is_said_not_to_be():
    told = Sources.of_manifest({"attributes": {"accent": {"kind": "accent"}, "age": {"provenance": "measured"}}})
    assert told.sentence == "Of a source that is not stated: accent. Measured: age."


def test_many_attributes_of_one_source_are_counted():
    words = [(f"a{number}", "measured") for number in range(20)] + [("accent", "self_reported")]
    assert "a11 and 8 more. Self-reported: accent." in Sources.of_words(words).sentence


def test_what_somebody_wrote_cannot_leave_the_line():
    told = Sources.of_words([("a\nb\x1b[31m", "measured"), ("c", "annotated")])
    assert told.sentence == "Measured: a b[31m. Annotated: c."
    assert dataclasses.replace(told, declared=False).sentence == told.sentence
