"""The page says who is here and nobody's name: what is withheld, odd corpora, names that mean harm."""

import re

import pytest

from harness.fairness.described import DescribeOptions, Redact
from harness.fairness.planning import PlanOptions
from harness.report.described import seen as files
from harness.report.described.screen import MAX_ROWS
from harness.report.described.seen import Seen
from tests.corpus.builders import load, row, write_datasheet, write_manifest
from tests.report.described.builders import crowd, described, page_of, people_of, shown, table_of

HOSTILE = "<img src=x onerror=alert(1)>"


def test_no_id_of_anybody_and_nothing_that_was_said_is_on_the_page_or_in_the_report(tmp_path):
    again = row("u-again", speaker_id="secret-1", text="the private words of 1 0", accent="west", gender="male")
    manifest = people_of(tmp_path, [*crowd(), again])
    run = described(tmp_path, manifest, against=[manifest], options=DescribeOptions(redact=Redact.nothing))
    html, _ = page_of(run)
    for text in (html, (run.path / "report.md").read_text(encoding="utf-8"), shown(run)):
        assert "secret-" not in text
        assert "private words" not in text
        assert "u-again" not in text
    assert "secret-1" in (run.path / files.CONFLICTS).read_text()
    assert "private words" in (run.path / files.DUPLICATES).read_text()


@pytest.mark.parametrize(
    ("redact", "crossing", "alone"),
    [
        pytest.param(Redact.nothing, "1", "1", id="nothing"),
        pytest.param(Redact.intersections, "<5", "1", id="intersections"),
        pytest.param(Redact.slices, "<5", "<5", id="slices"),
    ],
)
def test_few_people_are_withheld_from_the_page_as_was_asked_and_never_from_the_tables(
    tmp_path, redact, crossing, alone
):
    changes = {"options": DescribeOptions(redact=redact), "plan": PlanOptions(gap=0.3)}
    run = described(tmp_path, people_of(tmp_path, crowd()), **changes)
    people = Seen(run).people.set_index(["dimension", "slice"])
    assert people.loc[("accent & gender", "north & other"), "people_text"] == crossing
    assert people.loc[("gender", "other"), "people_text"] == alone
    assert people.loc[("accent", "south"), "people_text"] == "10"
    hidden = people[people["people_text"] == "<5"]
    assert hidden[["n_speakers", "words", "hours", "largest_share"]].isna().all(axis=None)
    told = table_of(run, files.PEOPLE).set_index(["dimension", "slice"])["n_speakers"]
    assert (told["accent & gender", "north & other"], told["gender", "other"]) == (1, 1)
    _, page = page_of(run)
    assert ("gender=other: 1 person now" in page) == (alone == "1")
    assert ("gender=other: few people now" in page) == (alone == "<5")
    assert "gender=other: 1 person now" in (run.path / files.NEXT).read_text()
    if redact is not Redact.nothing:
        bands = people.loc["accent & gender", "people_text"]
        assert set(bands) <= set(Seen(run).bands)


@pytest.mark.parametrize(
    ("rows", "attributes", "says"),
    [
        pytest.param([row(text="")], (), "No attribute has two declared values", id="one-row-without-a-word"),
        pytest.param([row(accent="north")], ("accent",), "there is nobody to compare with", id="one-speaker"),
        pytest.param(
            [row(f"u{i}", speaker_id=None, accent=f"a{i % 2}") for i in range(9)],
            ("accent",),
            "9 utterances of nobody with an id",
            id="no-speakers",
        ),
        pytest.param([row("u", accent=""), row("v", accent="NA")], ("accent",), "nobody declared a value", id="silent"),
        pytest.param(
            [row(f"u{i}", speaker_id=f"s{i}", accent=f"value {i}") for i in range(500)],
            ("accent",),
            "As a table: 400 rows",
            id="500-values",
        ),
        pytest.param(
            [row(f"u{i}", speaker_id=f"s{i % 6}", accent=["north", ["north", "west"]][i % 2]) for i in range(9)],
            (),
            "Who says the same",
            id="several-values",
        ),
    ],
)
def test_any_corpus_has_a_page(tmp_path, rows, attributes, says):
    if attributes:
        manifest = people_of(tmp_path, rows, attributes, undeclared=["", "NA"])
    else:
        manifest = load(write_manifest(tmp_path, rows))
    run = described(tmp_path, manifest)
    _, page = page_of(run)
    assert says in page
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).split()
    assert shown(run)
    assert (run.path / "report.md").read_text(encoding="utf-8")


def test_names_from_data_are_shown_as_they_are_and_run_nothing(tmp_path):
    rows = [
        row(f"u{i}", speaker_id=f"{HOSTILE}{i}", text=HOSTILE, accent=[HOSTILE, "NA", "a & b"][i % 3])
        for i in range(30)
    ]
    manifest = people_of(tmp_path, rows, ("accent",), name=HOSTILE, caveats=[HOSTILE], description=HOSTILE)
    run = described(tmp_path, manifest, against=[manifest])
    html, page = page_of(run)
    assert HOSTILE not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;img" in (run.path / "report.md").read_text(encoding="utf-8")
    assert HOSTILE not in (run.path / "report.md").read_text(encoding="utf-8")
    assert HOSTILE in shown(run)
    assert "Content-Security-Policy" in html


def test_the_datasheet_s_caveats_and_synthetic_voices_are_told_first(tmp_path):
    write_datasheet(
        tmp_path, {"accent": {"kind": "accent", "provenance": "synthetic"}}, caveats=["Sentences were read."]
    )
    run = described(tmp_path, load(write_manifest(tmp_path, [row(accent="north")])))
    for text in (page_of(run)[1], shown(run)):
        assert "Sentences were read." in text
        assert "The voices are synthetic" in text


def test_many_slices_are_cut_on_the_screen_and_whole_in_the_file(tmp_path):
    rows = [row(f"u{i}", speaker_id=f"s{i}", accent=f"a{i:03d}") for i in range(MAX_ROWS + 3)]
    run = described(tmp_path, people_of(tmp_path, rows, ("accent",)))
    assert "… and 3 more rows in people.csv and describe.html" in shown(run)
    assert len(table_of(run, files.PEOPLE).query("dimension == 'accent'")) == MAX_ROWS + 3


def test_slices_whose_texts_are_compared_with_no_other_one_are_named(tmp_path):
    rows = [row(f"u{i}", speaker_id=f"s{i}", accent=f"a{i % 63:02d}", text=f"text {i % 2}") for i in range(63 * 5 + 60)]
    _, page = page_of(described(tmp_path, people_of(tmp_path, rows, ("accent",))))
    assert "accent: pairs are of the 60 slices of most utterances. a60, a61, a62 are in no pair" in page
    few = [each for each in rows if each["accent"] < "a60"]
    _, page = page_of(described(tmp_path / "few", people_of(tmp_path, few, ("accent",))))
    assert "in no pair" not in page


def test_how_many_of_every_value_it_takes_is_told_where_the_smallest_slice_is_withheld(tmp_path):
    rows = [row(f"u{i}", speaker_id=f"s{i}", accent=f"a{i % 3}") for i in range(10)]
    options = DescribeOptions(redact=Redact.slices)
    run = described(tmp_path, people_of(tmp_path, rows, ("accent",)), options=options, plan=PlanOptions(gap=0.3))
    _, page = page_of(run)
    assert "accent: few people in the smallest slice now, and more of one value alone are not enough. About" in page
    assert "no number of people up to" not in page
