"""The report shows the run's own numbers in one file, every text as text, and nothing that was to be left out."""

import json
import re
import shutil
from unittest import mock

import pytest

from harness.errors import UsageError
from harness.fairness import Failures
from harness.pipelines.job import SliceOptions
from harness.pipelines.report import ReportJob, report
from harness.report.html import ReportOptions, write_html
from harness.report.html.parts import MOST_ROWS, table, typeset
from harness.report.shown import ShownRun
from harness.report.wording import gap_interval, percent, points, policy_sentence
from harness.results import Run
from tests.browser.opened import until
from tests.report.builders import finished_run, promising
from tests.report.html_builders import (
    crossed_run,
    part,
    rendered,
    rewritten,
    rows,
    section,
    squeezed,
)
from tests.report.test_pages import Read

HOSTILE = "<img src=x onerror=alert(1)> \"'</script><script>alert(2)</script>"
UNSEEN = "\u202e\u2066\x00\x1b\u2028"
SECTIONS = ["findings", "people", "slices", "gaps", "errors", "speakers", "explained", "utterances", "made", "reading"]


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    """Let a run be made without a report: these tests write their own."""
    with mock.patch("harness.pipelines.evaluation.write_html"):
        yield


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Return a run in which nothing of one accent is heard."""
    return finished_run(tmp_path_factory.mktemp("two"), deaf_to=["south"])


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    return crossed_run(tmp_path_factory.mktemp("crossed"))


@pytest.fixture(scope="module")
def page(crossed):
    return rendered(crossed)


@pytest.fixture(scope="module")
def page_of_two(two):
    return rendered(two)


def test_a_report_has_the_sections_of_its_run_in_a_reader_s_order(page, page_of_two):
    found = [attributes["id"] for tag, attributes in Read(page_of_two).elements if tag == "section"]
    assert [name for name in found if name in SECTIONS] == [name for name in SECTIONS if name in found]
    assert set(found) >= set(SECTIONS) - {"explained"}
    assert "systems" not in found  # there is no other
    assert "intersections" not in found  # nothing is crossed
    assert part(page, "intersections")


def test_every_link_leads_somewhere_and_every_chart_has_its_data(page):
    elements = Read(page).elements
    ids = {attributes["id"] for _, attributes in elements if "id" in attributes}
    links = {
        attributes["href"][1:] for tag, attributes in elements if tag == "a" and attributes["href"].startswith("#")
    }
    drawn = {attributes["data-chart"] for _, attributes in elements if "data-chart" in attributes}
    assert links | drawn <= ids
    assert {"chart-forest", "chart-gaps", "chart-composition", "chart-speakers-0", "chart-heatmap-0"} <= drawn


def test_the_verdict_stands_at_the_top(two, page_of_two):
    opening = squeezed(Read(page_of_two.partition("<header")[2].partition("</header>")[0]).text)
    assert policy_sentence(two) in opening
    assert percent(two.summary["wer"]) in opening
    assert "promised3 points" in opening


def test_the_numbers_are_those_of_the_files(crossed, page):
    slices = crossed.slices[~crossed.slices["dimension"].str.contains("&")].to_dict("records")
    shown = [row[2:] for row in rows(page, "slices")]
    assert [row[0] for row in shown] == [percent(row["wer"]) for row in slices]
    assert [row[4] for row in shown] == [f"{row['n_utterances']:,}" for row in slices]
    gaps = {(row[0], row[1]): row for row in rows(page, "gaps")}
    for row in ShownRun(crossed.path).disparities.to_dict("records"):
        told = gaps.pop((row["dimension"], row["slice"]))
        assert told[2] == row["verdict"].replace("_", " ")
        assert told[3] == typeset(points(row["gap"]))
        assert told[4] == squeezed(typeset(gap_interval(row["gap_low"], row["gap_high"])))
        assert told[-1] == row["reason"]
    assert gaps == {}


def test_clips_that_the_policy_leaves_out_move_no_speaker_s_dot(tmp_path):
    policy = promising(failures=Failures.left_out, max_failed=0.5)
    left_out = rendered(finished_run(tmp_path, failed=["00-0", "00-1"], policy=policy))
    deleted = rendered(finished_run(tmp_path / "deleted", failed=["00-0", "00-1"]))
    for html, expected in ((left_out, {"0.0 %"}), (deleted, {"0.0 %", "50.0 %"})):
        chart = Read(html).blocks["chart-speakers-0"]
        assert {dot["wer_text"] for dot in chart["datasets"]["dots"]} == expected


def test_who_was_not_measured_is_told_of_every_attribute(page):
    gender = next(row for row in rows(page, "people") if row[0] == "gender")
    assert gender[1:6] == ["demographic, self-reported", "2", "0 of 2", "9", "36"]
    assert gender[7:] == ["1 (4)", "0", "1"]  # undeclared, declined, failed
    assert "1 clip failed" in section(page, "people")


def test_the_worst_stands_first(page_of_two):
    found = section(page_of_two, "findings")
    assert found.startswith(
        "The worst first All attributes are self-reported. disparity south (accent): WER 100.0 % against 0.0 % of "
        "rest, +100.0 points"
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return the report of a run whose every text is hostile."""
    accents = [HOSTILE, "\u202etxet", "x" * 10_000, "日本 é"]
    speakers = {f"s{accent}{number}": HOSTILE for accent in range(len(accents)) for number in range(5)}
    run = finished_run(
        tmp_path_factory.mktemp("hostile"),
        accents,
        deaf_to=accents[:1],
        attributes={name: {"kind": "accent", "provenance": "annotated"} for name in ("accent", HOSTILE)},
        by_speaker={HOSTILE: speakers},
    )
    texts = [f"{number}{HOSTILE}{UNSEEN}" for number in range(len(run.scores))]
    columns = dict.fromkeys(("reference", "hypothesis", "utterance_id"), texts)
    return rendered(rewritten(run, **columns, speaker_id=run.scores["speaker_id"] + HOSTILE + UNSEEN))


def test_a_text_from_data_is_shown_and_never_run(hostile, page):
    read = Read(hostile)
    assert {tag for tag, _ in read.elements}.isdisjoint({"img", "iframe", "object", "embed"})
    assert read.handlers == []
    assert read.loaded == []
    assert read.run == Read(page).run  # the scripts of any report
    assert HOSTILE in read.text
    assert HOSTILE in json.dumps(read.blocks["data-utterances"], ensure_ascii=False).replace('\\"', '"')


def test_no_character_that_turns_text_round_or_cannot_be_seen_is_in_the_file(hostile):
    assert set(UNSEEN).isdisjoint(hostile)
    assert hostile.count("x" * 301) <= 1  # in a chart's data at most
    assert len(hostile.encode()) < 3_000_000


def test_a_device_that_is_not_known_is_not_called_none(tmp_path, two):
    run = Run(shutil.copytree(two.path, tmp_path / "run"))
    assert ", device cpu" in section(rendered(run), "made")
    run.write_json("run.json", run.facts | {"device": None})
    made = section(rendered(Run(run.path)), "made")
    assert "device" not in made
    assert "None" not in made


def test_equal_is_said_with_the_interval_that_it_rests_on(page_of_two):
    words = section(page_of_two, "reading")
    assert "equal: the whole 90 % interval lies inside the margin; shown is that of 95 %." in words


def test_the_same_run_has_the_same_bytes(crossed, page):
    assert rendered(Run.open(crossed.path)) == page


def test_the_report_of_a_small_run_is_small(page):
    assert len(page.encode()) < 1_500_000


ODD_RUNS = [
    pytest.param({"slices": SliceOptions(by=[])}, "No slice could be compared", id="no-attributes"),
    pytest.param({"few": ["north", "south"]}, "No gap could be tested", id="everything-insufficient"),
    pytest.param({"speaker_id": ""}, "no speaker has an id", id="no-speakers"),
    pytest.param({"deaf_to": ["north", "south"]}, "100.0 %", id="nothing-heard"),
    pytest.param({"text": ""}, "No reference has a word", id="nothing-said"),
    pytest.param(
        {"failed": [f"{a}{n}-{i}" for a in (0, 1) for n in range(5) for i in range(4)]}, "40", id="all-failed"
    ),
]


@pytest.mark.parametrize(("made_with", "said"), ODD_RUNS)
def test_a_run_with_little_to_show_says_so(tmp_path, made_with, said):
    text = squeezed(Read(rendered(finished_run(tmp_path, **made_with))).text)
    assert said in text
    assert not re.search(r"\bnan\b", text)


def test_what_was_not_detected_is_not_called_equal(tmp_path, two):
    equal = finished_run(tmp_path)
    html = rendered(two, beside=[str(equal.path)])
    systems = section(html, "systems")
    assert all(percent(run.summary["wer"]) in systems for run in (two, equal))
    assert f"tones ({two.path.name})" in systems  # both are called tones
    assert "not tested here" in systems
    assert "which is not the same as none" in section(rendered(equal), "findings")


def test_other_utterances_do_not_stand_beside(tmp_path, two):
    other = finished_run(tmp_path, ["north", "south", "west"])
    with pytest.raises(UsageError, match=r"not of the same utterances.*60.*40"):
        rendered(two, beside=[str(other.path)])


def test_a_run_does_not_stand_beside_itself(two):
    with pytest.raises(UsageError, match="is the run itself"):
        rendered(two, beside=[str(two.path)])


def test_a_report_is_written_beside_its_run_and_can_be_turned_off(two, page_of_two):
    write_html(two, ReportOptions(html=False))
    assert not (two.path / "report.html").exists()
    assert not two.summary["passed"]  # which does not make the command fail
    assert report(ReportJob(run=two, options=ReportOptions())).exit_status == 0
    assert (two.path / "report.html").read_text(encoding="utf-8") == page_of_two
    with pytest.raises(UsageError, match="html=false"):
        report(ReportJob(run=two, options=ReportOptions(html=False)))


def test_a_long_table_says_where_its_other_rows_are():
    found = table("a", ("n",), [(number,) for number in range(MOST_ROWS + 5)], caption="All.", file="slices.csv")
    assert len(found.rows) == MOST_ROWS
    assert found.caption == f"All. The first {MOST_ROWS} of {MOST_ROWS + 5} rows; all are in slices.csv."


def test_every_verdict_has_its_word_in_the_glossary(two, page_of_two):
    words = section(page_of_two, "reading")
    assert [name for name in two.summary["verdicts"] if name.replace("_", " ") not in words] == []


@pytest.fixture(scope="module")
def browser():
    """Return a Chromium without a network."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on the path")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched.new_context(offline=True, viewport={"width": 1280, "height": 900})
        launched.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a page whose charts are drawn; what the browser complains of fails the test."""
    complaints = []

    def open_page(html):
        (tmp_path / "report.html").write_text(html, encoding="utf-8")
        tab = browser.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.goto((tmp_path / "report.html").as_uri())
        tab.wait_for_selector("html[data-charts=drawn]")
        return tab

    yield open_page
    assert complaints == []


def test_a_browser_draws_every_chart_and_runs_nothing_from_data(opened, hostile):
    tab = opened(hostile)
    assert tab.locator(".drawing svg").count() == tab.locator("figure.chart").count() > 3
    assert tab.locator("img").count() == 0


def test_a_header_sorts_its_table_with_the_keyboard(opened, page_of_two):
    tab = opened(page_of_two)
    header = tab.locator("#slices-table th", has_text="WER").first
    header.locator("button").focus()
    for order, wers in (("descending", ["100.0 %", "50.0 %", "0.0 %"]), ("ascending", ["0.0 %", "50.0 %", "100.0 %"])):
        tab.keyboard.press("Enter")
        assert header.get_attribute("aria-sort") == order
        cells = tab.locator("#slices-table tbody tr td:nth-child(3)").all_inner_texts()
        assert [squeezed(cell) for cell in cells] == wers


def test_charts_follow_the_page_into_the_dark_and_onto_paper(opened, page_of_two):
    tab = opened(page_of_two)
    ink = 'getComputedStyle(document.documentElement).getPropertyValue("--accent").trim()'
    drawn = 'document.querySelector(".drawing svg")?.outerHTML ?? ""'
    for change in ({"color_scheme": "dark"}, {"media": "print"}, {"media": "screen"}):
        tab.emulate_media(**change)
        tab.wait_for_timeout(500)
        assert until(tab, lambda: tab.evaluate(ink) in tab.evaluate(drawn))
