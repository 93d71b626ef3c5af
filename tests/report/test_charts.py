"""Every chart: that it is valid, draws, says the same twice, and shows the texts of data as texts and nothing else."""

import json
import math
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.report import charts
from tests.report.builders import finished_run
from tests.report.chart_tables import CHARTS, disparities, pairs, points, ratios, scores, slices, speeds

NAN = math.nan
MARKUP = "<img src=x onerror=alert(1)>"
HOSTILE = (
    MARKUP,
    "</script><script>alert(1)</script>",
    "a' + alert(1) + \"b\\",
    "datum['x'].y[0]",
    "var(--ink)",
    "line\nbreak\tand \x00 and \x1b[31m",
    "\u202eright to left\u2066 override",
    "قيمة عربية",
    "👩‍👩‍👧 emoji",
    "not a character: \ufffe",
    "x" * 10_000,
    " ",
)
SHAPES = [
    pytest.param({}, id="usual"),
    pytest.param({"names": ("north",)}, id="one-slice"),
    pytest.param({"names": ("undeclared", "declined")}, id="nobody-declared"),
    pytest.param(dict.fromkeys(("wer_low", "wer_high", "gap_low", "gap_high", "ratio_low"), NAN), id="no-intervals"),
    pytest.param(dict.fromkeys(("wer", "gap", "ratio", "rtfx", "latency_p50_s", "value"), NAN), id="no-numbers"),
    pytest.param(
        {"wer": 3.5, "wer_high": 12.0, "gap": 2.5, "gap_high": 9.0, "ratio": 40.0, "value": 3.0}, id="over-100%"
    ),
    pytest.param({"wer": 0.0, "gap": 0.0, "rtfx": 0.0, "ratio": 1.0, "value": 0.0}, id="zero"),
    pytest.param({"wer_high": math.inf, "minimum_detectable_gap": math.inf, "ratio_high": math.inf}, id="infinite"),
    pytest.param({"n_speakers": NAN, "n_utterances": NAN}, id="unknown-support"),
    pytest.param({"names": HOSTILE}, id="hostile-names"),
]  # fmt: skip


def texts_of(svg: str) -> set[str]:
    return {"".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")}


def named_twice(chart):
    """Return what is left of a chart without data, under two names: all that differs is data and words about it."""
    names = ("north", "datum['x'].y + alert(1)")
    return [without_data(charts.spec(chart((name, "other", "third")))) for name in names]


def without_data(part):
    """Return a part of a specification without what may hold texts of data."""
    if isinstance(part, list):
        return [without_data(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: without_data(each)
        for name, each in part.items()
        if name not in ("datasets", "description", "usermeta", "domain")
    }


def made(chart, shape):
    """Draw a chart of a shape; columns that its table lacks stay out."""
    columns = {name: value for name, value in shape.items() if name != "names"}
    return CHARTS[chart](*([shape["names"]] if "names" in shape else []), **columns)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_valid_and_plain(chart, shape):
    spec = charts.spec(made(chart, shape))
    json.dumps(spec, allow_nan=False)  # no number of numpy, no NaN, nothing but JSON
    alt.TopLevelLayerSpec.validate(spec)
    assert spec["width"] == "container"
    assert spec["description"]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("shape", [SHAPES[4], SHAPES[5], SHAPES[9]])
def test_a_chart_is_drawn_whatever_the_numbers_and_the_names(chart, shape):
    drawn = charts.svg(made(chart, shape))
    nodes = list(ElementTree.fromstring(drawn).iter())
    assert {node.tag.rpartition("}")[2] for node in nodes} <= {
        "svg",
        "g",
        "path",
        "text",
        "defs",
        "clipPath",
        "rect",
        "line",
        "tspan",
    }
    assert not [name for node in nodes for name in node.attrib if name.lower().startswith("on")]
    assert "NaN" not in drawn
    assert "undefined" not in drawn


def test_markup_in_a_name_is_seen_as_it_is_written():
    assert MARKUP in texts_of(charts.svg(charts.forest(slices((MARKUP, "north")))))


@pytest.mark.parametrize("chart", CHARTS)
def test_no_expression_and_no_field_is_made_of_data(chart):
    plain, hostile = named_twice(CHARTS[chart])
    assert plain == hostile


@pytest.mark.parametrize("chart", CHARTS)
def test_the_same_table_gives_the_same_bytes(chart):
    first, second = (json.dumps(charts.spec(CHARTS[chart]())) for _ in range(2))
    assert first == second
    assert set(charts.spec(CHARTS[chart]())["datasets"]) <= {
        "rows", "headers", "one", "reference", "bands", "segments", "dots", "cells", "columns", "estimates", "systems",
        "runs", "ends",
    }  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_leaves_its_table_as_it_is(chart):
    tables = {"slices": slices(), "gaps": disparities(), "scores": scores()}
    copies = {name: table.copy() for name, table in tables.items()}
    charts.forest(tables["slices"]), charts.gaps(tables["gaps"], margin=0.03)
    charts.speakers(tables["scores"], "accent", slices=tables["slices"])
    CHARTS[chart]()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, copies[name])


@pytest.mark.parametrize("chart", CHARTS)
def test_names_are_shortened_and_lose_what_turns_text_round(chart):
    spec = json.dumps(charts.spec(CHARTS[chart](HOSTILE)), ensure_ascii=False)
    assert "x" * 61 not in spec
    assert not [letter for letter in spec if ord(letter) < 32 or letter in "\u202e\u2066\ufffe\u200d"]


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda: charts.forest(slices().head(1)), id="forest-of-the-overall-row-alone"),
        pytest.param(lambda: charts.gaps(disparities().head(0), margin=None), id="gaps"),
        pytest.param(lambda: charts.heatmap(pairs(), "accent"), id="heatmap-of-one-attribute"),
        pytest.param(lambda: charts.composition(slices().head(0)), id="composition"),
        pytest.param(lambda: charts.speakers(scores(hits=0, substitutions=0, deletions=0), "accent"), id="no-words"),
        pytest.param(lambda: charts.speakers(scores(speaker_id=None), "accent"), id="no-speaker-ids"),
        pytest.param(lambda: charts.adjusted(ratios().head(0)), id="adjusted"),
        pytest.param(lambda: charts.systems({}), id="no-system"),
        pytest.param(lambda: charts.wer_against_gap(points().head(0)), id="no-points"),
        pytest.param(lambda: charts.speed(speeds().head(1)), id="speed"),
        pytest.param(lambda: charts.latency(speeds().head(0)), id="latency"),
    ],
)
def test_nothing_to_draw_is_told_not_drawn(draw):
    with pytest.raises(UsageError, match=r"expected|nobody"):
        draw()


def test_a_picture_that_stands_alone_carries_its_title_and_its_notes():
    chart = charts.gaps(disparities(), margin=0.03)
    said = " ".join(texts_of(charts.svg(chart, width=1200)))
    assert "WER gaps by accent" in said
    assert charts.notes(chart)[0] in said


def test_the_kinds_of_errors_are_named_in_two_rows_where_one_is_too_long():
    (legend,) = [
        layer["encoding"]["color"]["legend"]
        for layer in charts.spec(charts.composition(slices()))["layer"]
        if "color" in layer["encoding"]
    ]
    assert legend["columns"] == {"expr": "narrow ? 2 : 3"}


def test_a_narrow_chart_leaves_numbers_to_the_table():
    chart = charts.forest(slices())
    assert "120" in texts_of(charts.svg(chart, width=760))
    assert "120" not in texts_of(charts.svg(chart, width=390))


def test_a_png_is_as_large_as_its_scale_says():
    small, large = (charts.png(charts.forest(slices()), scale, width=500) for scale in (1, 2))
    assert small.startswith(b"\x89PNG")
    widths = [int.from_bytes(picture[16:20]) for picture in (small, large)]
    assert widths[0] == pytest.approx(500, abs=2)
    assert widths[1] == 2 * widths[0]


def test_a_finished_run_is_drawn_from_its_files(tmp_path):
    run = finished_run(tmp_path, deaf_to=("south",))
    slice_table, gaps, margin = run.slices, run.disparities, run.summary["margin"]
    drawn = [
        charts.forest(slice_table),
        charts.gaps(gaps, margin=margin),
        charts.composition(slice_table),
        charts.speakers(run.scores, "accent", slices=slice_table),
        charts.systems({"one": slice_table, "two": slice_table}),
        *(charts.heatmap(slice_table, name, disparities=gaps) for name in charts.pairs(slice_table)),
    ]
    adjusted = run.optional("adjusted.csv")
    drawn += [charts.adjusted(adjusted)] if adjusted is not None and len(adjusted) else []
    for chart in drawn:
        assert "south" in charts.description(chart) + charts.svg(chart)
