"""The charts of a last-mile run: valid, drawn whatever the names, with the tables' numbers, never too many."""

import json
import math
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.report import charts
from harness.report.charts import Along, heat, theme
from tests.report.condition_tables import ALONG, CHARTS, LEVELS, NAMES, crossings, curves, grid, harms, placed
from tests.report.test_charts import HOSTILE, named_twice, texts_of

NAN = math.nan
SHAPES = [
    pytest.param({}, id="usual"),
    pytest.param({"names": ("north",)}, id="one-slice"),
    pytest.param({"names": ("undeclared", "declined"), "verdict": ""}, id="nobody-declared"),
    pytest.param(
        dict.fromkeys(("wer_low", "wer_high", "gap_low", "extra_harm_low", "further_low"), NAN), id="no-intervals"
    ),
    pytest.param({"wer": 3.5, "wer_high": 12.0, "gap": 2.5, "extra_harm": 3.0, "extra_harm_high": 9.0}, id="over-100%"),
    pytest.param({"wer": 0.0, "gap": 0.0, "extra_harm": 0.0, "further": 0.0}, id="zero"),
    pytest.param({"wer_high": math.inf, "extra_harm_high": math.inf, "n_speakers": NAN}, id="infinite"),
    pytest.param({"verdict": "insufficient"}, id="insufficient"),
    pytest.param({"names": HOSTILE}, id="hostile-names"),
]


def made(chart, shape):
    columns = {name: value for name, value in shape.items() if name != "names"}
    return CHARTS[chart](*([shape["names"]] if "names" in shape else []), **columns)


def data(chart, name):
    return charts.spec(chart)["datasets"][name]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_valid_and_plain(chart, shape):
    spec = charts.spec(made(chart, shape))
    json.dumps(spec, allow_nan=False)
    alt.TopLevelLayerSpec.validate(spec)


@pytest.mark.parametrize("shape", [SHAPES[3], SHAPES[4], SHAPES[8]])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_drawn_whatever_the_numbers_and_the_names(chart, shape):
    svg = charts.svg(made(chart, shape))
    assert not [name for node in ElementTree.fromstring(svg).iter() for name in node.attrib if name.startswith("on")]
    assert "NaN" not in svg
    assert "undefined" not in svg


@pytest.mark.parametrize("chart", CHARTS)
def test_no_expression_and_no_field_is_made_of_data(chart):
    plain, hostile = named_twice(CHARTS[chart])
    assert plain == hostile


@pytest.mark.parametrize("chart", CHARTS)
def test_names_are_shortened_and_lose_what_turns_text_round(chart):
    spec = json.dumps(charts.spec(CHARTS[chart](HOSTILE)), ensure_ascii=False)
    assert "x" * 61 not in spec
    assert not [letter for letter in spec if ord(letter) < 32 or letter in "\u202e\u2066\ufffe\u200d"]


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda: charts.conditions_grid(grid(), "gender"), id="no-such-dimension"),
        pytest.param(lambda: charts.extra_harms(harms().head(0), margin=0.03), id="no-extra-harm"),
        pytest.param(
            lambda: charts.level_curves(curves(wer=NAN), ALONG, crossings=crossings(), wer=0.2), id="nothing-said"
        ),
        pytest.param(lambda: charts.placed(placed(further=NAN), there="x"), id="nothing-beside"),
    ],
)
def test_nothing_to_draw_is_told_not_drawn(draw):
    with pytest.raises(UsageError, match="expected"):
        draw()


def test_every_cell_of_the_grid_has_its_number_and_everybody_is_the_first_column():
    table = grid()
    cells = data(charts.conditions_grid(table, "accent"), "cells")
    shown = {(cell["condition"], cell["label"]): cell["number"] for cell in cells}
    for row in table.to_dict("records"):
        name = "everybody" if row["dimension"] == "overall" else row["slice"]
        assert shown[row["condition"], name] == f"{100 * row['wer']:.1f}"
    assert len(shown) == len(table)
    assert [cell["label"] for cell in cells if cell["col"] == 0] == ["everybody"] * 4


def test_conditions_stand_in_the_order_of_the_table():
    rows = data(charts.conditions_grid(grid(), "accent"), "rows")
    assert [row["label"] for row in rows] == ["clean", *LEVELS]


@pytest.mark.parametrize("verdict", theme.VERDICTS)
def test_a_cells_verdict_is_a_shape_and_a_word_on_a_wide_chart(verdict):
    drawn = texts_of(charts.svg(charts.conditions_grid(grid(verdict=verdict), "accent"), width=900))
    assert ("too few" if verdict == "insufficient" else verdict.replace("_", " ")) in drawn


def test_cells_with_too_few_people_have_no_colour_and_cells_without_words_are_said_to_be_empty():
    table = grid()
    table.loc[(table["slice"] == "north") & (table["condition"] == "clean"), "verdict"] = "insufficient"
    table.loc[(table["slice"] == "west") & (table["condition"] == "clean"), "wer"] = NAN
    chart = charts.conditions_grid(table, "accent")
    kinds = {cell.get("label", "west"): cell for cell in data(chart, "cells") if cell["condition"] == "clean"}
    assert {name: cell["kind"] for name, cell in kinds.items()} == {
        "everybody": heat.HEAT, "north": heat.FEW, "south": heat.HEAT, "west": heat.EMPTY,
    }  # fmt: skip
    assert "band" not in kinds["north"]
    assert "Dotted: no words were said there." in charts.notes(chart)


def test_of_two_hundred_conditions_and_forty_slices_the_largest_gaps_and_clean_are_drawn():
    names, conditions = [f"accent {i}" for i in range(40)], ["clean", *(f"tone_{k}" for k in range(200))]
    table = grid(names, conditions)
    far = (table["condition"] == "tone_150") & (table["slice"] == "accent 33")
    table.loc[far, "gap"] = 0.5
    chart = charts.conditions_grid(table, "accent")
    assert {"clean", "tone_150"} <= {row["label"] for row in data(chart, "rows")}
    assert {"everybody", "accent 33"} <= {row["label"] for row in data(chart, "columns")}
    assert (len(data(chart, "rows")), len(data(chart, "columns"))) == (40, 12)
    assert any("161 conditions and 29 slices more" in note for note in charts.notes(chart))
    assert len(json.dumps(charts.spec(chart))) < 250_000


def test_many_slices_under_few_conditions_go_down():
    chart = charts.conditions_grid(grid([f"accent {i}" for i in range(30)]), "accent")
    assert len(data(chart, "rows")) == 31
    assert [column["label"] for column in data(chart, "columns")] == ["clean", *LEVELS]


def test_extra_harms_have_the_tables_numbers_under_their_conditions():
    table = harms()
    chart = charts.extra_harms(table, margin=0.03)
    rows = data(chart, "rows")
    found = {(row["condition"], row["label"]): row for row in rows}
    for row in table.to_dict("records"):
        told = found[row["condition"], row["slice"]]
        assert told["extra_harm"] == pytest.approx(row["extra_harm"])
        assert told["ratio_text"] == "×1.50"
    assert [header["label"] for header in data(chart, "headers")] == list(LEVELS)
    assert {(band["low"], band["high"]) for band in data(chart, "bands")} == {(-0.03, 0.03)}


def test_of_many_extra_harms_the_first_thirty_are_drawn_and_the_others_counted():
    chart = charts.extra_harms(harms([f"accent {i}" for i in range(40)]), margin=0.03)
    assert len(data(chart, "rows")) == 30
    assert charts.left_out(chart) == 90
    assert "The first 30 of 120 are drawn; the table goes on." in charts.notes(chart)


def test_a_scale_that_is_not_points_has_no_band():
    assert data(charts.extra_harms(harms(), margin=None), "bands") == []


def test_slices_of_two_dimensions_that_are_called_alike_say_which_they_are():
    table = pd.concat([harms(("other",)), harms(("other", "north")).assign(dimension="gender")])
    rows = data(charts.extra_harms(table, margin=0.03), "rows")
    assert {row["label"] for row in rows} == {"other (accent)", "other (gender)", "north"}


def test_a_curve_has_every_level_of_its_slice_and_the_crossing_is_marked_on_the_line():
    table = curves()
    chart = charts.level_curves(table, ALONG, crossings=crossings(), wer=0.2)
    points = {(point["name"], point["level"]): point["wer"] for point in data(chart, "points")}
    for row in table.to_dict("records"):
        name = "everybody" if row["dimension"] == "overall" else row["slice"]
        assert points[name, row["level"]] == pytest.approx(row["wer"])
    assert {(mark["name"], mark["crossing"], mark["wer"]) for mark in data(chart, "crossed")} == {
        (name, 7.5, 0.2) for name in NAMES
    }
    assert data(chart, "one") == [{"wer": 0.2, "text": "WER 20 %"}]


def test_a_slice_without_a_crossing_has_no_mark():
    chart = charts.level_curves(curves(), ALONG, crossings=crossings(crossing=NAN), wer=0.2)
    assert data(chart, "crossed") == []


def test_of_many_slices_those_with_the_largest_gaps_are_curves():
    names = [f"accent {i}" for i in range(20)]
    table = curves(names)
    table.loc[table["slice"].isin(["accent 7", "accent 19"]), "gap"] = -0.4
    chart = charts.level_curves(table, ALONG, crossings=crossings(names), wer=None)
    drawn = {point["name"] for point in data(chart, "points")}
    assert len(drawn) == charts.level_curves.__kwdefaults__["most"] + 1
    assert {"accent 7", "accent 19", "everybody"} <= drawn
    assert any("14 slices more in the table" in note for note in charts.notes(chart))


def test_a_sweep_of_frequencies_is_drawn_over_their_logarithm():
    levels = {f"tone_{k}": 125.0 * 2**k for k in range(4)}
    chart = charts.level_curves(
        curves(levels=levels), Along("frequency, Hz", scale="log"), crossings=crossings().head(0), wer=None
    )
    scales = [
        layer["encoding"]["x"]["scale"]
        for layer in charts.spec(chart)["layer"]
        if "scale" in layer["encoding"].get("x", {})
    ]
    assert {scale["type"] for scale in scales} == {"log"}


def test_a_dumbbell_stands_under_the_condition_furthest_from_the_other_run():
    rows = data(charts.placed(placed(), there="benchmark"), "rows")
    assert {row["condition"] for row in rows} == {"kitchen_0db"}
    assert {(row["there_text"], row["gap_text"]) for row in rows} == {("+3.0", "+9.0")}
    assert [row["further_text"] for row in rows] == ["+13.0", "+12.0", "+11.0"]
