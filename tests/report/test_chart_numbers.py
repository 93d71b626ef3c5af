"""What charts show: the numbers of the files, every verdict in words, and how many are not drawn."""

import json

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.report import charts
from harness.report.charts import theme
from harness.report.charts.axes import extent
from harness.report.ratios import ratios_of
from harness.report.wording import times
from tests.report.chart_tables import (
    NAMES,
    disparities,
    groups,
    overall,
    pairs,
    points,
    ratios,
    scores,
    slices,
    speeds,
    table,
)
from tests.report.test_charts import texts_of

MANY = tuple(f"accent {i}" for i in range(300))


def data(chart, name):
    return charts.spec(chart)["datasets"][name]


def close(row, expected):
    """Say whether numbers are those of a table, to the five digits that a chart keeps."""
    return {key: row[key] for key in expected} == pytest.approx(dict(expected), rel=5e-5)


def test_the_forest_has_the_tables_rates_and_support():
    frame = slices(wer=0.123456789)
    rows = data(charts.forest(frame), "rows")
    assert len(rows) == len(frame)
    by_name = {row["label"]: row for row in rows}
    for each in frame.to_dict("records"):
        row = by_name["everybody" if each["slice"] == "all" else each["slice"]]
        assert close(row, {name: each[name] for name in ("wer", "wer_low", "wer_high")})
        assert (row["speakers"], row["utterances"]) == ("12", "120")
        assert row["wer_text"] == f"{100 * each['wer']:.1f} %"


@pytest.mark.parametrize("field", ["speakers", "utterances"])
def test_support_that_no_slice_tells_has_no_column_and_no_line_in_the_tooltip(field):
    known = charts.forest(slices())
    untold = charts.forest(slices(**{f"n_{field}": float("nan")}))
    assert field in texts_of(charts.svg(known))
    assert field not in texts_of(charts.svg(untold))
    assert f'"title": "{field}"' in json.dumps(charts.spec(known))
    assert f'"title": "{field}"' not in json.dumps(charts.spec(untold))


def test_slices_stand_from_the_highest_wer_to_the_lowest_but_the_silent_last():
    rows = data(charts.forest(slices(("declined", *NAMES))), "rows")
    told = [row["label"] for row in sorted(rows, key=lambda row: row["row"])]
    assert told == ["everybody", "west", "south", "north", "declined"]
    assert [row["apart"] for row in rows if row["label"] in ("declined", "west")] == [False, True]


def test_a_dimension_with_an_order_keeps_it():
    rows = data(charts.forest(slices(), ordered={"accent"}), "rows")
    assert [row["label"] for row in rows] == ["everybody", *NAMES]


def test_a_slice_without_an_interval_is_hollow_and_says_why():
    chart = charts.forest(
        slices(("north",), wer_low=float("nan"), wer_high=float("nan"), note="1 speaker: no interval")
    )
    assert "1 speaker: no interval" in texts_of(charts.svg(chart))
    assert "Hollow: no interval could be given." in charts.notes(chart)


def test_an_interval_that_goes_far_beyond_the_points_is_clipped_and_said_so():
    frame = slices(wer_high=0.3)
    frame.loc[1, "wer_high"] = 316.0
    chart = charts.forest(frame)
    row = next(row for row in data(chart, "rows") if row["label"] == "north")
    assert row["wer_high"] == 316  # the number is whole, the arrow says that the line is not
    assert row["over"] < 1
    assert any("beyond the axis" in note for note in charts.notes(chart))


@pytest.mark.parametrize("verdict", theme.VERDICTS)
def test_every_verdict_is_named_and_has_a_shape_of_its_own(verdict):
    drawn = charts.svg(charts.gaps(disparities(verdict=verdict), margin=0.03))
    assert verdict.replace("_", " ") in texts_of(drawn)
    assert len({shape for shape, _ in theme.VERDICTS.values()}) == len(theme.VERDICTS)


def test_gaps_have_the_tables_numbers_and_each_dimension_its_margin():
    frame = pd.concat([disparities(), disparities().assign(dimension="age")], ignore_index=True)
    chart = charts.gaps(frame, margin=0.03, margins={"age": 0.05})
    rows = {(row["label"], round(row["gap"], 4)): row for row in data(chart, "rows")}
    for each in frame.to_dict("records"):
        row = rows[each["slice"], round(each["gap"], 4)]
        assert close(row, {name: each[name] for name in ("gap", "gap_low", "gap_high", "minimum_detectable_gap")})
    assert [(band["low"], band["high"]) for band in data(chart, "bands")] == [(-0.03, 0.03), (-0.05, 0.05)]


def test_the_gap_that_could_have_been_seen_is_a_tick_of_inconclusive_slices_only():
    chart = charts.gaps(pd.concat([disparities(("north",)), disparities(("south",), verdict="disparity")]), margin=0.03)
    assert {row["label"]: row["detectable"] for row in data(chart, "rows")} == {"north": 0.06, "south": None}


def test_a_policy_without_a_margin_has_no_band():
    assert data(charts.gaps(disparities(), margin=None), "bands") == []


def test_no_disparity_is_told_as_not_detected_not_as_none():
    assert "detected at this sample size" in charts.description(charts.gaps(disparities(), margin=0.03))


def test_insufficient_slices_stand_apart_and_are_the_first_to_be_left_out():
    frame = pd.concat([disparities(("north",), verdict="insufficient"), disparities(("south", "west"))])
    assert {row["label"]: row["apart"] for row in data(charts.gaps(frame, margin=0.03), "rows")}["north"]
    fewer = charts.gaps(frame, margin=0.03, most=2)
    assert {row["label"] for row in data(fewer, "rows")} == {"south", "west"}
    assert charts.left_out(fewer) == 1


def test_cells_that_nobody_is_in_are_named_empty():
    frame = pd.concat([slices(), pairs()])
    cells = data(charts.heatmap(frame, "accent & pitch"), "cells")
    assert len(cells) == 6
    assert [cell["label"] for cell in cells if cell["kind"] == "empty"] == ["west & high"]
    numbers = {cell["label"]: cell for cell in cells}
    for each in pairs().to_dict("records"):
        cell = numbers[each["slice"]]
        assert (cell["wer"], cell["number"], cell["speakers"]) == (0.123, "12.3", "12")
    assert "empty" in texts_of(charts.svg(charts.heatmap(frame, "accent & pitch")))


def test_cells_of_few_and_of_nobody_are_alike_where_that_is_not_to_be_told():
    frame = pd.concat([slices(), pairs()])
    frame = frame[frame["slice"] != "south & low"]  # of few; nobody is in west & high
    chart = charts.heatmap(frame, "accent & pitch", few=None)
    cells = {cell.pop("label"): cell for cell in data(chart, "cells")}
    untold = [{**cells[name], "row": 0, "col": 0} for name in ("south & low", "west & high")]
    assert untold[0] == untold[1]
    assert "empty" not in texts_of(charts.svg(chart))
    assert "empty" not in charts.description(chart)


def test_cells_without_a_verdict_have_no_colour():
    judged = table({"verdict": "insufficient"}, [{"dimension": "accent & pitch", "slice": "north & low"}])
    judged = pd.concat([judged, judged.assign(slice="south & low", verdict="inconclusive")])
    cells = data(charts.heatmap(pairs(), "accent & pitch", disparities=judged), "cells")
    kinds = {cell["label"]: cell["kind"] for cell in cells}
    assert (kinds["north & low"], kinds["south & low"]) == ("few", "heat")
    assert all("band" not in cell for cell in cells if cell["kind"] != "heat")


def test_the_parts_of_a_bar_are_the_counts_and_end_at_the_wer():
    frame = slices().assign(
        wer=lambda rows: (rows.substitutions + rows.deletions + rows.insertions) / rows.reference_words
    )
    chart = charts.composition(frame)
    for row in data(chart, "rows"):
        parts = [part for part in data(chart, "segments") if part["row"] == row["row"]]
        assert [(part["kind"], part["count"]) for part in parts] == [
            ("substitutions", 60), ("deletions", 40), ("insertions", 23),
        ]  # fmt: skip
        assert [part["start"] for part in parts] == [0, *(part["end"] for part in parts[:-1])]
        assert parts[-1]["end"] == pytest.approx(row["wer"])


def test_a_speakers_dot_is_their_errors_per_word():
    frame = scores(n_speakers=7)
    chart = charts.speakers(frame, "accent", slices=slices())
    expected = []
    for (_, _), part in frame.groupby(["accent", "speaker_id"]):
        words = int((part.hits + part.substitutions + part.deletions).sum())
        expected.append((words, (part.substitutions + part.deletions + part.insertions).sum() / words))
    dots = sorted((dot["words"], dot["wer"]) for dot in data(chart, "dots"))
    assert dots == [pytest.approx(pair, rel=5e-5) for pair in sorted(expected)]
    assert "secret" not in json.dumps(charts.spec(chart))


def test_two_thousand_speakers_are_drawn_and_of_more_it_is_said_how_many():
    frame = scores(n_speakers=1_000)
    assert len(data(charts.speakers(frame, "accent", most=3_000), "dots")) == 3_000
    fewer = charts.speakers(frame, "accent")
    assert len(data(fewer, "dots")) <= 2_000 + len(NAMES)
    assert charts.left_out(fewer) == 3_000 - len(data(fewer, "dots"))
    assert any(note.startswith("Of 3,000 dots") for note in charts.notes(fewer))
    assert len(json.dumps(charts.spec(fewer))) < 300_000


def test_which_speakers_are_drawn_does_not_depend_on_the_order_of_rows():
    frame = scores(n_speakers=200)
    first, second = (
        json.dumps(charts.spec(charts.speakers(each, "accent", most=100))) for each in (frame, frame[::-1])
    )
    assert first == second


def test_a_ratio_stands_beside_the_one_with_everything_held_equal():
    frame = ratios(("north",))
    frame["ratio"] = [2.0, 1.9, 1.8, 1.5]
    estimates = data(charts.adjusted(frame), "estimates")
    assert [(each["kind"], each["covariates"], each["ratio"]) for each in estimates] == [
        ("raw", "none", 2), ("alone", "length", 1.9), ("alone", "age", 1.8), ("adjusted", "length + age", 1.5),
    ]  # fmt: skip
    assert {"×2.00", "×1.50"} <= texts_of(charts.svg(charts.adjusted(frame)))


def test_slices_that_could_not_be_fitted_are_counted():
    frame = pd.concat([ratios(("north",)), ratios(("south",), ratio=float("nan"))])
    chart = charts.adjusted(frame)
    assert charts.left_out(chart) == 1
    assert any("could not be fitted" in note for note in charts.notes(chart))


def test_every_system_has_its_own_rates_on_the_row_of_a_slice():
    chart = charts.systems({"one": slices(wer=0.2), "two": slices(wer=0.3)})
    rates = {(row["system"], row["label"]): row["wer"] for row in data(chart, "estimates")}
    assert rates["one", "north"] == 0.2
    assert rates["two", "south"] == pytest.approx(0.33)
    assert {"one", "two"} <= texts_of(charts.svg(chart))


def test_systems_of_one_name_are_told_apart():
    frame = points(("same", "same ", "other"))
    assert [row["system"] for row in data(charts.wer_against_gap(frame), "systems")] == ["same", "same (2)", "other"]


def test_a_system_without_a_gap_is_counted_not_drawn():
    frame = points()
    frame.loc[0, "gap"] = None
    chart = charts.wer_against_gap(frame)
    assert [row["system"] for row in data(chart, "systems")] == ["south", "west"]
    assert charts.left_out(chart) == 1


def test_speed_has_the_tables_figures():
    chart = charts.speed(speeds(rtfx=12.5))
    rows = {row["label"]: row for row in data(chart, "rows")}
    assert {name: rows[name]["rtfx"] for name in NAMES} == pytest.approx({"north": 12.5, "south": 13.75, "west": 15.0})
    assert (rows["north"]["p50_text"], rows["north"]["p95_text"]) == ("0.40", "1.90")


@pytest.mark.parametrize(
    ("draw", "most"),
    [
        pytest.param(lambda: charts.forest(slices(MANY)), 80, id="forest"),
        pytest.param(lambda: charts.gaps(disparities(MANY), margin=0.03), 80, id="gaps"),
        pytest.param(lambda: charts.composition(slices(MANY)), 80, id="composition"),
        pytest.param(lambda: charts.systems({"one": slices(MANY)}), 40, id="systems"),
    ],
)
def test_of_three_hundred_slices_those_with_most_support_are_drawn_and_the_others_counted(draw, most):
    chart = draw()
    assert charts.left_out(chart) == 300 - most
    assert any(note.startswith(f"{300 - most} slices with the least support") for note in charts.notes(chart))
    assert len(json.dumps(charts.spec(chart))) < 80_000


def test_the_finding_names_the_highest_and_the_lowest_declared_slice():
    frame = slices(("undeclared", *NAMES))
    said = charts.description(charts.forest(frame))
    assert "WER by accent: highest west 26.0 % (12 speakers), lowest north 22.0 % (12 speakers)." in said
    assert said.endswith("Overall 12.3 %." if frame["wer"][0] == 0.123 else "Overall 20.0 %.")


def test_a_table_without_an_overall_row_has_no_rule():
    frame = slices()
    chart = charts.forest(frame[frame["dimension"] != overall()["dimension"]])
    assert data(chart, "reference") == []


def test_an_axis_has_every_point_and_follows_intervals_only_so_far():
    span = extent([0.1, 0.2], [0.05, 9.0], floor=0)
    assert span.low < 0.05
    assert 0.2 < span.high < 0.4


def test_one_covariate_that_can_be_held_equal_is_all_of_them_in_the_chart_as_in_the_table():
    frame = ratios(("south",), ratio=2.0).head(3)
    frame.loc[frame["covariates"] == "length", "ratio"] = None  # e.g. the same in everybody
    (row,) = data(charts.adjusted(frame), "rows")
    assert row["adjusted_text"] == times(ratios_of(frame.to_dict("records")).everything["ratio"]) != "–"


def test_who_has_no_id_is_no_speaker_and_no_dot():
    frame = scores(("south",), n_speakers=3)
    chart = charts.speakers(frame.assign(speaker_id=frame["speaker_id"].where(frame.index > 1, "")), "accent")
    assert len(data(chart, "dots")) == 2
    assert "2 utterances have no speaker id and no dot." in charts.notes(chart)


def test_a_dumbbell_has_every_group_s_wer_before_and_after_in_the_order_given():
    table = groups().iloc[[0, 2, 1, 3]]
    rows = charts.spec(charts.served_better(table))["datasets"]["rows"]
    assert [row["label"] for row in rows] == ["everybody", "south", "north", "west"]
    assert [(row["before"], row["after"]) for row in rows] == [
        (0.4, 0.3), (0.44, 0.33), (0.4, 0.3), (0.48, 0.36),
    ]  # fmt: skip
    assert [row["change_text"] for row in rows] == ["\u221210.0", "\u221211.0", "\u221210.0", "\u221212.0"]


def test_no_accepted_group_is_told_not_drawn():
    with pytest.raises(UsageError, match="expected"):
        charts.served_better(groups().head(1))
