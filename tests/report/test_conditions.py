"""What a last-mile run comes to in words: who is hurt most, where it stays of use, what was done; report.md; screen."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest

from harness.report.applied import Applied, applied, at_level
from harness.report.conditions import evidence, extremes, hurt_most, unshown
from harness.report.crossings import crossing_interval, crossing_text
from harness.report.html import ReportOptions, render_html
from harness.report.markdown import render
from harness.report.wording import gap_interval, percent, points, policy_sentence, rate_interval
from harness.results import Run
from tests.report.html_builders import section
from tests.report.last_mile_builders import SHARES, last_mile_run, on_screen, under, without


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


def test_one_sentence_says_who_is_hurt_most_how_much_more_on_what_evidence_and_whether_the_policy_held(run):
    row = run.optional("extra_harm.csv").query("condition == 'kitchen_0db' and slice == 'south'").iloc[0]
    said = hurt_most(under(run))
    assert said.startswith("Under kitchen_0db south (accent) is hurt most: ")
    assert f"{points(row['harm'])} points on top of a clean WER of {percent(row['clean_wer'])}" in said
    assert f"{points(row['extra_harm'])} more than the rest" in said
    assert gap_interval(row["extra_harm_low"], row["extra_harm_high"]) in said
    assert "which is evidence (adjusted p " in said
    assert said.endswith("and the policy is broken under kitchen_0db, 1 of 4 conditions.")
    assert said.count(". ") == 0


def test_what_is_not_shown_is_said_to_be_no_evidence_and_what_could_have_been_seen(tmp_path):
    run = last_mile_run(tmp_path, more=0.0)
    found = under(run)
    least = run.optional("extra_harm.csv")["minimum_detectable_extra_harm"].dropna()
    said = hurt_most(found)
    assert "seems to be hurt most" in said
    assert "not shown to be more than chance" in said
    assert said.endswith("the policy held on clean audio and under all 4 conditions.")
    assert f"{points(least.min()).lstrip('+')} to {points(least.max()).lstrip('+')} points" in unshown(found)
    assert "VIOLATED" not in policy_sentence(run)


def test_with_too_few_people_nothing_is_tested_and_the_sentence_says_so(tmp_path):
    run = last_mile_run(tmp_path, few=["north", "south", "west"])
    said = hurt_most(under(run))
    assert "no evidence, for too few people" in said
    assert "could be tested neither on clean audio nor under any of 4 conditions" in said
    assert unshown(under(run)).startswith("Nothing could be tested")
    assert "NOTHING COULD BE TESTED" in policy_sentence(run)
    assert "insufficient" in section(render_html(run, ReportOptions()), "extra-harm")


def test_nobody_to_compare_is_said_and_drawn_as_nothing(tmp_path):
    run = last_mile_run(tmp_path, ("north",), hurt="north")
    assert hurt_most(under(run)).startswith("Nobody could be told from the others")
    assert "no attribute has two declared values" in section(render_html(run, ReportOptions()), "extra-harm")
    assert "Nobody could be told" in on_screen(run)


def test_the_policy_s_sentence_names_the_condition_that_broke_it(run):
    said = policy_sentence(run)
    assert said.startswith("Policy default: VIOLATED under kitchen_0db by the gap of south (accent) and 1 more (")
    assert "clean: 3 inconclusive" in said


def test_conditions_that_break_the_policy_are_counted_where_they_are_many(run):
    broken = [{"condition": f"tone_{k}", "dimension": "accent", "slice": "south"} for k in range(9)]
    beyond = run.summary["beyond"] | {"extra_harm": {"verdicts": {"disparity": 9}, "violations": broken}}
    told = mock.PropertyMock(return_value=run.summary | {"beyond": beyond})
    with mock.patch.object(Run, "summary", told):
        said = policy_sentence(run)
    assert "under tone_0 by the extra harm of south (accent)" in said
    assert ", and under 7 more conditions (" in said


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("disparity", "evidence (adjusted p 0.012)"),
        ("advantage", "evidence of less harm"),
        ("within_margin", "within the margin"),
        ("inconclusive", "not shown to be more than chance"),
        ("insufficient", "no evidence, for too few"),
    ],
)
def test_every_verdict_is_told_as_the_evidence_that_it_is(verdict, said):
    assert evidence({"verdict": verdict, "p_adjusted": 0.0123}).startswith(said)


def test_conditions_stand_by_sweep_and_level_and_clean_is_first(run, tmp_path):
    assert under(run).names == ["clean", *SHARES]
    levels = run.optional("levels.csv")
    shuffled = without(run, tmp_path / "copy", levels=levels.iloc[[2, 3, 1, 4, 0]])  # 10, 0, 20 dB: rising
    assert under(shuffled).names == ["clean", "kitchen_0db", "kitchen_10db", "kitchen_20db", "telephone"]


def test_conditions_called_like_numbers_stay_their_own(tmp_path):
    run = last_mile_run(tmp_path, shares={"20": 0.1, "10": 0.2})
    assert under(run).names == ["clean", "20", "10"]
    assert "20" in section(render_html(run, ReportOptions()), "audio")


def test_the_ends_of_the_grid_are_told_with_their_intervals(run):
    grid = run.optional("conditions.csv").query("dimension == 'accent'")
    worst = grid.loc[grid["wer"].idxmax()]
    said = extremes(under(run))
    assert f"{worst['slice']} (accent) under {worst['condition']} {percent(worst['wer'])}" in said
    assert rate_interval(worst["wer_low"], worst["wer_high"]) in said


LEVELS = pd.DataFrame({"condition": ["a", "b"], "sweep": "kitchen", "parameter": "snr_db", "level": [20.0, 0.0]})


@pytest.mark.parametrize(
    ("crossing", "low", "high", "note", "text", "interval"),
    [
        pytest.param(7.456, 4.0, 11.0, "", "7.46 dB", "4 to 11 dB", id="inside"),
        pytest.param(7.0, np.nan, 11.0, "no lower end: …", "7 dB", "below 0 to 11 dB", id="open-below"),
        pytest.param(7.0, 4.0, np.nan, "no upper end: …", "7 dB", "4 to above 20 dB", id="open-above"),
        pytest.param(
            np.nan,
            16.6,
            np.nan,
            "always above 20 %: at least 32 %",
            "always above 20 %",
            "16.6 to above 20 dB",
            id="above",
        ),
        pytest.param(np.nan, np.nan, np.nan, "never above 20 %: at most 3 %", "never above 20 %", "–", id="never"),
        pytest.param(
            np.nan, np.nan, np.nan, "no crossing: WER neither rises nor falls", "no crossing", "–", id="unsteady"
        ),
        pytest.param(np.nan, np.nan, np.nan, "", "–", "–", id="nothing-known"),
    ],
)
def test_a_crossing_beyond_the_levels_is_told_in_words(crossing, low, high, note, text, interval):
    row = {
        "sweep": "kitchen", "parameter": "snr_db", "crossing": crossing, "crossing_low": low, "crossing_high": high,
        "note": note,
    }  # fmt: skip
    assert (crossing_text(row), crossing_interval(row, LEVELS)) == (text, interval)


@pytest.mark.parametrize(
    ("config", "row", "expected"),
    [
        pytest.param({}, {"condition": "x", "sweep": "x"}, ("not in config.yaml", ""), id="unknown"),
        pytest.param(
            {"conditions": {"a": {"_target_": "p.Tone", "harmonics": [1, 2.5], "frequency_hz": [1, 2]}}},
            {"condition": "a_2hz", "sweep": "a", "parameter": "frequency_hz"},
            ("Tone", "harmonics 1, 2.5"),
            id="the-level-is-no-option",
        ),
        pytest.param(
            {"conditions": {"c": {"_target_": "p.Chain", "steps": [{"_target_": "p.Gain"}, {"_target_": "p.Speed"}]}}},
            {"condition": "c", "sweep": "c"},
            ("Chain", "steps Gain, Speed"),
            id="steps-of-a-chain",
        ),
        pytest.param(
            {}, {"condition": "telephone-kitchen_0db", "sweep": "telephone-kitchen"},
            ("several of these, one after another", ""), id="crossed",
        ),
        pytest.param(
            {"conditions": {"n": {"_target_": "p.Noise", "recording": "C:\\Users\\me\\<b>ward.wav"}}},
            {"condition": "n", "sweep": "n"},
            ("Noise", "recording <b>ward.wav"),
            id="a-windows-path",
        ),
    ],
)  # fmt: skip
def test_options_are_told_as_they_were_configured(config, row, expected):
    levels = pd.DataFrame([{"parameter": "", "level": np.nan, "digest": "d", **row}])
    assert applied(levels, config) == [Applied(row["condition"], *expected, "d")]


def test_a_level_has_the_unit_that_its_name_ends_in():
    assert [at_level(name, 0.05) for name in ("delay_s", "loss_share", "level_db")] == ["0.05 s", "0.05", "0.05 dB"]


def test_markdown_has_the_grid_the_harms_and_what_was_done(run):
    markdown = render(run)
    assert "## Under these conditions\n\n**Under kitchen\\_0db south (accent) is hurt most" in markdown
    grid = run.optional("conditions.csv").set_index(["condition", "slice"])
    row = grid.loc["kitchen_0db", "south"]
    assert f"{100 * row['wer']:.1f} ▲" in markdown
    for heading in ("Who is hurt more than others", "How far it stays of use", "Beside tones", "What was done"):
        assert f"### {heading}" in markdown
    assert markdown.index("Under these conditions") < markdown.index("## Verdicts")
    assert "somebody" not in markdown


def test_the_screen_tells_conditions_in_fifteen_lines_of_a_hundred_columns(run, monkeypatch):
    monkeypatch.setattr("harness.report.grids.PIPED_WIDTH", 100)
    lines = on_screen(run).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("What a condition adds"))
    last = next(i for i, line in enumerate(lines) if line.startswith("Overall WER"))
    shown = lines[first:last]
    assert sum(-(-len(line) // 100) for line in shown) <= 15
    assert any("kitchen_0db" in line and "south (accent)" in line and "disparity" in line for line in shown)
    assert hurt_most(under(run)) in shown
    assert extremes(under(run)) in shown
