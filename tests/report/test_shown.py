"""A person alone where two attributes meet is printed nowhere: planted, and looked for in every output."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.corpus.attributes import AttributeKind
from harness.pipelines.job import SliceOptions
from harness.report.explorer_few import FEW, without_few
from harness.report.html import ReportOptions
from harness.report.html.redacted import RedactedRun
from harness.report.markdown import render
from harness.report.shown import ShownRun, few_sentence
from harness.results import Run
from harness.results.complements import NOTHING, keys_shown
from harness.results.sharing.cells import Key, members_of
from harness.results.tracking import metrics
from tests.builders import harness
from tests.report.builders import finished_run, promising
from tests.report.cards.builders import checked, written
from tests.report.html_builders import rendered, without_scripts
from tests.report.test_screen import shown

ALONE = "s00"  # the one woman of the north
GENDERS = {f"s{accent}{n}": "woman" if accent or n == 0 else "man" for accent in (0, 1) for n in range(5)}
ATTRIBUTES = {
    "accent": {"kind": "accent", "provenance": "self_reported"},
    "gender": {"kind": "demographic", "provenance": "self_reported"},
}
CELL = "north & woman"
FLOOR = 3
SAID = "1 intersection of fewer than 3 speakers is not printed"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a run in which one person is the only woman of the north, and is not understood."""
    return finished_run(
        tmp_path_factory.mktemp("planted"),
        failed=[f"00-{number}" for number in range(4)],
        attributes=ATTRIBUTES,
        by_speaker={"gender": GENDERS},
        slices=SliceOptions(by=["accent", "gender"], intersections=2),
        policy=promising(min_words=1, min_speakers=FLOOR, min_utterances=2, max_failed=1.0),
    )


def test_the_files_of_the_run_keep_every_count(planted):
    (row,) = planted.slices[planted.slices["slice"] == CELL].to_dict("records")
    assert (row["n_speakers"], row["wer"]) == (1, 1.0)


@pytest.mark.parametrize("table", ["slices", "disparities"])
def test_a_run_as_it_is_printed_has_no_row_of_the_planted_person(planted, table):
    before, after = (getattr(run, table) for run in (planted, ShownRun(planted.path)))
    assert len(before) - len(after) == 1
    assert CELL not in set(after["slice"])
    assert (before["dimension"] == "accent & gender").sum() - 1 == (after["dimension"] == "accent & gender").sum()


@pytest.mark.parametrize("name", ["metrics.csv", "normalizers.csv", "adjusted.csv", "matched.csv", "speed.csv"])
def test_no_other_table_has_one(planted, name):
    found = ShownRun(planted.path).optional(name)
    assert found is None or CELL not in found.astype(str).to_numpy()


def test_the_page_says_that_there_are_few_and_nothing_else_of_them(planted):
    page = rendered(planted)
    text, heatmap = without_scripts(page), re.search(r'id="chart-heatmap-0">(.*?)</script>', page, re.DOTALL)
    assert SAID in text
    assert CELL not in text
    (cell,) = [each for each in cells_of(json.loads(heatmap[1])) if each.get("label") == CELL]
    assert {name: cell[name] for name in ("kind", "number", "speakers", "wer_text")} == {
        "kind": "few",
        "number": "–",
        "speakers": f"< {FLOOR}",
        "wer_text": "–",
    }
    assert "wer" not in cell
    charts = [json.loads(found) for found in re.findall(r'id="chart-(?!heatmap)[^"]*">(.*?)</script>', page, re.DOTALL)]
    assert CELL not in json.dumps(charts)


def cells_of(spec):
    return [row for rows in spec["datasets"].values() for row in rows if "kind" in row]


def test_the_report_and_the_screen_do_not_name_them(planted):
    for text in (render(planted), shown(planted)):
        assert CELL not in text
        assert SAID in text


def test_no_metric_of_a_tracker_is_theirs(planted):
    names = [name for name in metrics(planted) if "accent _ gender" in name or "accent & gender" in name]
    assert names
    assert not [name for name in names if "north" in name and "woman" in name]


def test_a_violation_of_theirs_counts_and_is_not_told(planted, tmp_path):
    run = Run(shutil.copytree(planted.path, tmp_path / "run"))
    row = {"dimension": "accent & gender", "slice": CELL, "verdict": "insufficient", "reason": "1 speaker"}
    beyond = {"gaps": {"verdicts": {}, "violations": [row | {"condition": "noise"}]}, "n_conditions": 2}
    summary = {"violations": [row], "normaliser_sensitive": [row], "slices_lost": [f"accent & gender: {CELL}"]}
    run.write_json("summary.json", run.summary | summary | {"beyond": beyond, "passed": False})
    assert CELL not in json.dumps(ShownRun(run.path).summary)
    assert CELL not in without_scripts(rendered(run))


@pytest.mark.parametrize(
    ("command", "written"),
    [
        pytest.param("service_card run={run} out={out}", "service_card.*", id="service-card"),
        pytest.param("history runs=[{runs}] board={out}", "index.html", id="board"),
        pytest.param("history runs=[{runs}] where.dimension=* out={out}.csv", None, id="history"),
        pytest.param("report run={run} report.redact=[speakers]", None, id="redacted"),
        pytest.param("compare baseline={run} candidate={run} run_dir={out}", "report.md", id="compare"),
        pytest.param("plan run={run} run_dir={out}", "report.md", id="plan"),
        pytest.param("discover run={run} run_dir={out} discovery.min_speakers=4", "report.md", id="discover"),
    ],
)
def test_no_command_prints_them(planted, tmp_path, command, written):
    runs = tmp_path / "runs"
    run = shutil.copytree(planted.path, runs / "run")
    out = tmp_path / "out"
    done = harness(*command.format(run=run, runs=runs, out=out).split(), cwd=tmp_path)
    assert done.exit_status in (0, 3, 4), done.err
    files = [run / "report.html"] if written is None else list(out.glob(written))
    files = [tmp_path / "out.csv"] if (tmp_path / "out.csv").exists() else files
    assert files
    for text in (done.out, *(file.read_text(encoding="utf-8") for file in files)):
        assert CELL not in text


def test_without_speakers_slices_of_few_are_left_out_as_well(planted):
    few = RedactedRun(planted.path, frozenset({"speakers"})).few
    assert few == {("accent & gender", CELL)}
    stricter = RedactedRun(planted.path, frozenset({"speakers"}))
    object.__setattr__(stricter, "floor", 5)
    assert ("gender", "man") in stricter.few


def test_without_speakers_no_utterance_says_that_its_speaker_is_one_of_few(planted):
    page = rendered(planted, redact=["speakers"])
    data = json.loads(re.search(r'id="data-utterances">(.*?)</script>', page, re.DOTALL)[1])
    values = {each["name"]: dict(zip(each["values"], each["totals"], strict=True)) for each in data["filters"]}
    assert values["accent"] == {FEW: 4 + 20, "north": 16}  # women less women of the south are the one of the north
    assert values["gender"] == {FEW: 4 + 20, "man": 16}


@pytest.fixture(scope="module")
def subtractable(tmp_path_factory):
    """Return a run in which one person, of a gender of their own, and one woman of the north are few."""
    genders = dict(zip(GENDERS, ["other", *["man"] * 3, "woman", *["man"] * 3, *["woman"] * 2], strict=True))
    return finished_run(
        tmp_path_factory.mktemp("subtractable"),
        attributes=ATTRIBUTES,
        by_speaker={"gender": genders},
        slices=SliceOptions(by=["accent", "gender"], intersections=2),
        policy=promising(min_words=1, min_speakers=2, min_utterances=2),
    )


def test_no_slice_of_few_is_the_difference_of_slices_that_a_redacted_report_prints(subtractable):
    run = RedactedRun(subtractable.path, frozenset({"speakers"}))
    assert {("gender", "other"), ("accent & gender", CELL)} <= run.few
    assert given_away(subtractable.scores, run.few, keys_shown(run.slices, run.disparities)) == []
    assert {"man", "north & man"} <= set(run.slices["slice"])
    assert "woman" not in set(run.slices["slice"])  # everybody less men and women is the other one
    page = without_scripts(rendered(subtractable, redact=["speakers"]))
    assert "from which those could be worked out by subtraction" in page


def test_what_its_owner_reads_has_every_slice_of_enough_people(subtractable):
    assert ShownRun(subtractable.path).beside == NOTHING


def test_a_card_shows_no_intersection_that_less_the_whole_is_a_person_and_verifies(subtractable, tmp_path):
    card = written(tmp_path / "card", subtractable)
    for file in card.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [name for name in (CELL, "north & man", "south & man", "south & woman") if name in text]
        assert "woman" in text
    assert "could be worked out by subtraction" in (card / "service_card.md").read_text(encoding="utf-8")
    assert checked(card, subtractable).exit_status == 0


def test_without_speakers_no_chart_tells_where_few_people_are(subtractable):
    page = rendered(subtractable, redact=["speakers"])
    heatmap = json.loads(re.search(r'id="chart-heatmap-0">(.*?)</script>', page, re.DOTALL)[1])
    assert "other" not in re.findall(r"\w+", json.dumps(heatmap["datasets"]))
    untold = [{**cell, "label": "", "row": 0, "col": 0} for cell in cells_of(heatmap) if cell["number"] == "–"]
    assert untold == [untold[0]] * len(untold)
    assert "< 2" not in json.dumps(heatmap)
    assert "is drawn empty" not in page


def given_away(scores, few, shown):
    """Return the cells of few that are sums and differences of cells shown, found by rank."""
    by = [name for name in dict.fromkeys(key.dimension for key in shown) if name != "overall"]
    keys, incidence = members_of(scores, by)
    matrix = {key: row.astype(float) for key, row in zip(keys, incidence, strict=True)}
    told = np.array([matrix[key] for key in shown])
    rank = np.linalg.matrix_rank(told)
    return [name for name in few if np.linalg.matrix_rank(np.vstack([told, matrix[Key(*name)]])) == rank]


def test_acoustic_attributes_make_nobody_one_of_few():
    scores = pd.DataFrame({"speaker_id": list("aabbcc"), "device": list("xyzuvw"), "accent": list("nnnnss")})
    about = {"device": {"kind": AttributeKind.acoustic.value}, "accent": {"kind": "accent"}}
    facts = {"manifest": {"attributes": about}, "policy": {"min_speakers": 2}}
    found = without_few(scores, facts)
    assert found["device"].tolist() == list("xyzuvw")
    assert found["accent"].tolist() == [*"nnnn", FEW, FEW]


def test_people_without_an_id_may_be_one():
    scores = pd.DataFrame({"speaker_id": [None] * 4, "accent": ["n"] * 4})
    facts = {"manifest": {"attributes": {"accent": {"kind": "accent"}}}, "policy": {"min_speakers": 2}}
    assert without_few(scores, facts)["accent"].tolist() == [FEW] * 4


def test_nothing_left_out_is_not_spoken_of():
    assert few_sentence(0, 5) == ""


def test_options_of_a_report_are_those_of_old():
    assert ReportOptions().redact == []
