"""The charts of a corpus: valid, drawn whatever the numbers and names, with no expression made of data."""

import json
import math
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from harness.errors import UsageError
from harness.report import charts
from harness.report.charts.corpus_grids import people_grid, shared_texts
from harness.report.charts.detectable_gaps import detectable_gaps
from harness.report.charts.histogram import histogram
from harness.report.charts.people_by_slice import people_by_slice

NAN = math.nan
MARKUP = "<img src=x onerror=alert(1)>"
NAMES = ("north", "south", "west")
HOSTILE = (
    MARKUP,
    "</script><script>",
    "datum['x'].y + alert(1)",
    "var(--ink)",
    "a\x00b\u202ec",
    "x" * 5_000,
    "undeclared",
)
BANDS = ["<5", "5–9", "10–24", "25–49", "50–249", "250+"]
PERSON = ("person", "people")


def people(names=NAMES, **row):
    cells = {
        "n_speakers": 12.0, "words": 400.0, "n_speakers_needed": 40.0, "people_text": "12", "detectable_gap": 0.08,
        "gap_asked": 0.03, "n_utterances": 30,
    }  # fmt: skip
    return pd.DataFrame([{"dimension": "accent", "slice": name, **cells, **row} for name in names])


def crossed(names=NAMES, **row):
    rows = [
        {"dimension": "accent & pitch", "slice": f"{name} & {other}", "size": 9, "band": BANDS[(i + j) % 6], **row}
        for i, name in enumerate(names)
        for j, other in enumerate(("low", "high"))
    ]
    return pd.DataFrame(rows[:-1]).assign(people_text="<5")


def pairs(names=NAMES, share=0.4):
    return pd.DataFrame(
        [
            {"dimension": "accent", "slice": one, "other": other, "n_utterances": 9, "share": share}
            for one in names
            for other in names
            if one != other
        ]
    )


def bins(*counts):
    return pd.DataFrame(
        [
            {"low": 5.0 * i, "high": 5.0 * (i + 1) if i < len(counts) - 1 else math.inf, "n": n}
            for i, n in enumerate(counts)
        ]
    )


CHARTS = {
    "people": lambda names=NAMES, **row: people_by_slice(people(names, **row)),
    "gaps": lambda names=NAMES, **row: detectable_gaps(people(names, **row)),
    "people_grid": lambda names=NAMES, **_: people_grid(crossed(names), "accent & pitch", bands=BANDS),
    "shared_texts": lambda names=NAMES, **_: shared_texts(pairs(names), "accent"),
    "histogram": lambda *_, **__: histogram(bins(3, 0, 9, 1), title="Words", unit="words", what=PERSON),
}
SHAPES = [
    pytest.param({}, id="usual"),
    pytest.param({"names": ("north", "undeclared")}, id="two"),
    pytest.param(dict.fromkeys(("n_speakers", "words", "n_speakers_needed", "detectable_gap"), NAN), id="no-numbers"),
    pytest.param({"n_speakers": 0.0, "n_speakers_needed": 90_000.0, "detectable_gap": 1.9}, id="nobody"),
    pytest.param({"n_speakers": 1e6, "n_speakers_needed": 2.0, "detectable_gap": 0.0001}, id="millions"),
    pytest.param({"names": HOSTILE}, id="hostile-names"),
]


def texts_of(svg):
    return {"".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_valid_and_plain(chart, shape):
    spec = charts.spec(CHARTS[chart](**shape))
    json.dumps(spec, allow_nan=False)
    alt.TopLevelLayerSpec.validate(spec)
    assert spec["description"]


@pytest.mark.parametrize("shape", [SHAPES[2], SHAPES[5]])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_drawn_whatever_the_numbers_and_the_names(chart, shape):
    picture = charts.svg(CHARTS[chart](**shape))
    assert "NaN" not in picture
    assert "undefined" not in picture
    nodes = list(ElementTree.fromstring(picture).iter())
    assert not [name for node in nodes for name in node.attrib if name.lower().startswith("on")]


@pytest.mark.parametrize("chart", sorted(set(CHARTS) - {"histogram"}))
def test_no_expression_and_no_field_is_made_of_data(chart):
    def without_data(part):
        if isinstance(part, list):
            return [without_data(each) for each in part]
        if not isinstance(part, dict):
            return part
        kept = set(part) - {"datasets", "description", "usermeta", "domain"}
        return {name: without_data(part[name]) for name in sorted(kept)}

    plain, hostile = (charts.spec(CHARTS[chart]((name, "other", "third"))) for name in ("north", HOSTILE[2]))
    assert without_data(plain) == without_data(hostile)


@pytest.mark.parametrize("chart", sorted(set(CHARTS) - {"histogram"}))
def test_names_are_shortened_and_lose_what_turns_text_round(chart):
    spec = json.dumps(charts.spec(CHARTS[chart](HOSTILE)), ensure_ascii=False)
    assert "x" * 61 not in spec
    assert not [letter for letter in spec if ord(letter) < 32 or letter in "\u202e\u2066"]


@pytest.mark.parametrize("chart", CHARTS)
def test_the_same_table_gives_the_same_bytes(chart):
    first, second = (json.dumps(charts.spec(CHARTS[chart]())) for _ in range(2))
    assert first == second


def test_people_who_are_needed_beyond_the_axis_are_an_arrow():
    spec = charts.spec(people_by_slice(people(n_speakers_needed=90_000.0)))
    assert all(row["over"] is not None for row in spec["datasets"]["rows"])
    notes = spec["usermeta"]["notes"]
    assert any("3 slices need more people than the axis has room for" in note for note in notes)
    assert "90,000" in texts_of(charts.svg(people_by_slice(people(n_speakers_needed=90_000.0))))


def test_what_is_withheld_has_no_bar_and_the_text_that_says_so():
    drawn = people_by_slice(people(n_speakers=NAN, people_text="<5"))
    assert "<5" in texts_of(charts.svg(drawn))
    assert any("too few people" in note for note in charts.notes(drawn))


def test_a_gap_that_is_withheld_is_not_called_none():
    texts = texts_of(charts.svg(detectable_gaps(people(n_speakers=NAN, people_text="<5", detectable_gap=NAN))))
    assert "none up to 200 points" not in texts
    assert "not shown here" in texts


def test_slices_that_are_in_no_pair_are_among_those_not_drawn():
    notes = charts.notes(shared_texts(pairs(), "accent", n_unpaired=440))
    assert any("440 slices of fewest utterances not drawn" in note for note in notes)


def test_the_undeclared_need_nobody():
    spec = charts.spec(people_by_slice(people(("north", "undeclared"))))
    needed = {row["label"]: row["n_speakers_needed"] for row in spec["datasets"]["rows"]}
    assert needed == {"north": 40.0, "undeclared": None}


def test_a_slice_that_shows_what_is_asked_is_counted_in_the_finding():
    table = pd.concat([people(("north",), detectable_gap=0.02), people(("south",), detectable_gap=NAN)])
    finding = charts.description(detectable_gaps(table))
    assert finding.startswith("1 slice of 2 could show the gap that is asked for. The smallest gap found is 2.0 points")
    assert "none up to 200 points" in texts_of(charts.svg(detectable_gaps(table)))


def test_a_crossing_without_anybody_is_dotted_and_the_others_say_their_people():
    spec = charts.spec(people_grid(crossed(), "accent & pitch", bands=BANDS))
    cells = spec["datasets"]["cells"]
    assert [cell["kind"] for cell in cells].count("empty") == 1
    assert len(cells) == 6
    assert "5 cells with people, 1 with nobody" in spec["description"]


def test_the_texts_that_two_slices_share_are_percent_of_the_row():
    spec = charts.spec(shared_texts(pairs(share=0.426), "accent"))
    hot = [cell for cell in spec["datasets"]["cells"] if cell["kind"] == "heat"]
    assert {(cell["number"], cell["band"]) for cell in hot} == {("43", "40–60 %")}
    assert len(hot) == 6


def test_bins_without_an_end_stand_apart():
    spec = charts.spec(histogram(bins(3, 9, 1), title="Words", unit="words", what=PERSON))
    assert [bar["open"] for bar in spec["datasets"]["rows"]] == [False, False, True]
    assert spec["usermeta"]["notes"] == ["At the right, grey: 1 person of 10 or more."]
    assert "of 13 people most, 9, lie in 5 to 10" in spec["description"]


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda: people_by_slice(people(())), id="people"),
        pytest.param(lambda: people_grid(crossed(), "accent & age", bands=BANDS), id="people-grid"),
        pytest.param(lambda: shared_texts(pairs(), "age"), id="shared-texts"),
        pytest.param(lambda: histogram(bins(0, 0), title="Words", unit="", what=PERSON), id="histogram"),
    ],
)
def test_nothing_to_draw_is_told_not_drawn(draw):
    with pytest.raises((UsageError, KeyError), match=r"expected|dimension"):
        draw()
