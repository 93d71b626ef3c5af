"""The page of a last-mile run: the files' own numbers, every text as text, and nothing that was to be left out."""

import json
import re
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from harness.pipelines.job import SliceOptions
from harness.report.html import ReportOptions, render_html
from harness.report.html.frames import MOST_ROWS
from harness.report.html.parts import typeset
from harness.report.markdown import render
from harness.report.placed import placed_sentences
from harness.report.wording import gap_interval, percent, points
from harness.results import Run
from tests.report.builders import promising
from tests.report.html_builders import part, rows, section, squeezed, without_scripts
from tests.report.last_mile_builders import HOSTILE, SHARES, UNSEEN, last_mile_run, on_screen, under, without
from tests.report.test_pages import Read

SECTIONS = ["conditions", "extra-harm", "sweeps", "placed", "audio", "findings"]


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    """Let a run be made without a report: these tests write their own."""
    with mock.patch("harness.pipelines.evaluation.write_html"):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run whose kitchen hurts one accent more, beside one of the same accents elsewhere."""
    benchmark = last_mile_run(tmp_path_factory.mktemp("benchmark"), shares={"telephone": 0.1})
    return last_mile_run(tmp_path_factory.mktemp("ward"), beside=benchmark)


@pytest.fixture(scope="module")
def page(run):
    return render_html(run, ReportOptions())


@pytest.fixture(scope="module")
def by_speaker(tmp_path_factory):
    """Return a run sliced by speaker, too."""
    return last_mile_run(
        tmp_path_factory.mktemp("speakers"),
        slices=SliceOptions(by=["accent", "speaker_id"]),
        policy=promising(min_words=1, min_speakers=2, min_utterances=1),
    )


def test_a_last_mile_report_begins_with_its_conditions_and_says_where_clean_audio_begins(page):
    ids = [attributes["id"] for tag, attributes in Read(page).elements if tag == "section"]
    assert ids[: len(SECTIONS)] == SECTIONS
    assert "On clean audio: the worst first" in section(page, "findings")
    assert "without any condition" in section(page, "findings")
    assert "extra harm" in section(page, "reading")


def test_a_run_without_conditions_has_none_of_these(run, tmp_path):
    plain = without(run, tmp_path / "plain")
    for name in ("levels", "conditions", "extra_harm", "crossings", "placed"):
        (plain.path / f"{name}.csv").unlink()
    plain.write_json("summary.json", {name: told for name, told in run.summary.items() if name != "beyond"})
    plain.write_table("scores.parquet", run.scores.query("condition == 'clean'"))
    html = render_html(plain, ReportOptions())
    ids = {attributes["id"] for tag, attributes in Read(html).elements if tag == "section"}
    assert not ids & (set(SECTIONS) - {"findings"})
    assert "extra harm" not in section(html, "reading")
    assert "Under these conditions" not in render(plain)
    assert "What a condition adds" not in on_screen(plain)


def test_every_number_of_the_tables_is_that_of_its_file(run, page):
    grid = run.optional("conditions.csv")
    shown = {tuple(row[:3]): row for row in rows(page, "conditions") if len(row) == 16}
    for row in grid.to_dict("records"):
        name = "everybody" if row["dimension"] == "overall" else row["slice"]
        told = shown[row["condition"], row["dimension"], name]
        assert told[3] == percent(row["wer"]).replace("\u00a0", " ")
        assert told[6] == typeset(points(row["gap"]))
        assert told[10] == str(row["n_speakers"])
    harms = run.optional("extra_harm.csv").query("verdict == verdict")
    shown = {tuple(row[:3]): row for row in rows(page, "extra-harm")}
    assert len(shown) == len(harms)
    for row in harms.to_dict("records"):
        told = shown[row["condition"], row["dimension"], row["slice"]]
        assert told[3] == row["verdict"].replace("_", " ")
        assert told[9] == typeset(points(row["extra_harm"]))
        assert told[10] == squeezed(typeset(gap_interval(row["extra_harm_low"], row["extra_harm_high"])))
        assert told[11] == ("–" if np.isnan(row["harm_ratio"]) else f"×{row['harm_ratio']:.2f}")
        assert row["reason"].startswith(told[-1].removesuffix("…"))


def test_who_is_counted_is_who_was_heard_clean_and_the_explorer_has_every_condition(run, page):
    clean = run.scores.query("condition == 'clean'")
    who = section(page, "people")
    assert f"{len(clean)} utterances" in who
    data = json.loads(re.search(r'id="data-utterances">(.*?)</script>', page, re.DOTALL)[1])
    assert data["n_rows"] == len(run.scores) == 5 * len(clean)
    assert set(data["filters"][0]["values"]) == {"clean", *SHARES}


def test_every_link_leads_somewhere_and_every_chart_has_its_data(page):
    elements = Read(page).elements
    ids = {attributes["id"] for _, attributes in elements if "id" in attributes}
    links = {each["href"][1:] for tag, each in elements if tag == "a" and each["href"].startswith("#")}
    drawn = {attributes["data-chart"] for _, attributes in elements if "data-chart" in attributes}
    assert links | drawn <= ids
    assert {"chart-grid-0", "chart-extra-harm", "chart-curves-0", "chart-placed"} <= drawn


def test_gaps_are_placed_beside_those_of_the_other_run(run, page):
    placed = run.optional("placed.csv")
    row = placed.loc[placed["further"].idxmax()]
    (said, *_) = placed_sentences(under(run))
    assert f"{row['slice']} (accent): on tones" in said
    assert f"{points(row['there_gap'])} points, here under {row['condition']} {points(row['gap'])}" in said
    assert gap_interval(row["further_low"], row["further_high"]) in said
    assert squeezed(typeset(said)) in section(page, "placed")
    assert len(rows(page, "placed")) == len(placed)


def test_what_was_done_is_told_without_the_folders_of_files(run, page):
    shown = {row[0]: row for row in rows(page, "audio")}
    assert set(shown) == {"clean", *SHARES}
    assert shown["clean"][1] == "as recorded"
    assert shown["kitchen_10db"][1:5] == ["Noise", "recording kitchen.flac", "kitchen", "10 dB"]
    assert shown["telephone"][1:3] == ["Telephone", "low 300 Hz"]
    n_clean = len(run.scores.query("condition == 'clean'"))
    assert shown["telephone"][6:8] == ["0", str(n_clean)]
    assert "somebody" not in without_scripts(page)


def test_clips_that_failed_under_a_condition_are_counted(run, tmp_path):
    grid = run.optional("conditions.csv")
    lost = (grid["condition"] == "telephone") & (grid["dimension"] == "overall")
    copy = without(run, tmp_path / "copy", conditions=grid.assign(n_failed=grid["n_failed"].where(~lost, 3)))
    shown = {row[0]: row for row in rows(render_html(copy, ReportOptions()), "audio")}
    assert shown["telephone"][6] == "3"
    assert "| 3 of 60 |" in render(copy)


def test_a_configuration_that_cannot_be_read_costs_the_options_not_the_report(run, tmp_path):
    copy = without(run, tmp_path / "copy")
    (copy.path / "config.yaml").write_text("a: [", encoding="utf-8")
    assert "not in config.yaml" in section(render_html(copy, ReportOptions()), "audio")


@pytest.mark.parametrize("redact", [["speakers"], ["transcripts"], ["transcripts", "speakers"]])
def test_what_is_redacted_is_in_no_section(by_speaker, redact):
    html = render_html(by_speaker, ReportOptions(redact=redact))
    ids = set(by_speaker.scores["utterance_id"])
    assert not [each for each in ids if f">{each}<" in html]
    if "speakers" in redact:
        assert not re.search(r"\bs\d\d\b", without_scripts(html))
        assert not re.search(r'"s\d\d"', html)
        assert "speaker_id" not in "".join(part(html, name) for name in SECTIONS)
    else:
        assert re.search(r"\bs\d\d\b", part(html, "conditions"))


def test_a_violation_by_a_speaker_alone_is_not_named_where_speakers_are_left_out(by_speaker):
    broken = [{"condition": "telephone", "dimension": "speaker_id", "slice": "s01"}]
    told = by_speaker.summary | {
        "passed": False,
        "violations": [],
        "beyond": {"n_conditions": 5, "gaps": {"verdicts": {"disparity": 1}, "violations": broken}},
    }
    with mock.patch.object(Run, "summary", mock.PropertyMock(return_value=told)):
        opening = render_html(by_speaker, ReportOptions(redact=["speakers"])).partition("</header>")[0]
    assert "VIOLATED by slices that are not named here" in opening
    assert "s01" not in opening


def test_names_of_slices_and_conditions_are_shown_as_texts(run, tmp_path):
    name = f"{HOSTILE}{UNSEEN}"
    tables = {
        each: run.optional(f"{each}.csv") for each in ("conditions", "extra_harm", "crossings", "placed", "levels")
    }
    for table in tables.values():
        for column in ("slice", "condition", "sweep", "note", "reason", "parameter"):
            if column in table:
                table[column] = table[column].replace({"south": name, "kitchen_0db": name, "kitchen": name})
    copy = without(run, tmp_path / "copy", **tables)
    html = render_html(copy, ReportOptions())
    found = Read(html).elements
    assert "img" not in {tag for tag, _ in found}
    assert len(re.findall(r"<script>", html)) == len(re.findall(r"<script>", render_html(run, ReportOptions())))
    assert "<img src=x" in section(html, "conditions")
    assert not re.search("[\u202e\u2066\x00\x1b\u2028]", html)
    assert "<img" not in render(copy)
    assert not re.search("[\u202e\u2066\x00\x1b]", on_screen(copy))


def test_of_thousands_of_rows_a_table_has_some_and_says_which_and_where_the_others_are(run, tmp_path):
    grid, harms = run.optional("conditions.csv"), run.optional("extra_harm.csv")
    many = pd.concat([grid.assign(slice=grid["slice"] + f" {i}") for i in range(60)])
    many.loc[many["dimension"] == "overall", "slice"] = "all"
    many = many.drop_duplicates(["condition", "dimension", "slice"])
    copy = without(run, tmp_path / "copy", conditions=many, extra_harm=pd.concat([harms] * 60))
    html = render_html(copy, ReportOptions())
    assert len([row for row in rows(html, "conditions") if len(row) == 16]) == MOST_ROWS
    assert len(rows(html, "extra-harm")) == MOST_ROWS
    assert f"The {MOST_ROWS} with the largest gap of {len(many):,} rows; all are in conditions.csv." in html
    assert f"The first {MOST_ROWS} of" in section(html, "extra-harm")
    assert len(html) < 3_000_000
