from dataclasses import replace

import pytest

from harness.corpus import Attribute, AttributeKind, Provenance
from harness.corpus.cells import CellError
from harness.corpus.datasheet import Datasheet, absent_datasheet
from harness.corpus.values import value_reader

ACCENT = Attribute("accent", AttributeKind.accent, Provenance.self_reported)
AGE = Attribute("age", AttributeKind.demographic, Provenance.self_reported, bins=(30.0, 60.0))
ACCENTS = Attribute("accents", AttributeKind.accent, Provenance.self_reported, multivalued=True)
NOTHING_LISTED = replace(absent_datasheet("toy"), undeclared=(), declined=(), declared=True)
LISTED = replace(NOTHING_LISTED, undeclared=("N/A", "unknown "), declined=("Prefer not to say",))
NO_DATASHEET = absent_datasheet("toy")


@pytest.mark.parametrize(
    ("cell", "datasheet", "value"),
    [
        pytest.param("scottish", NOTHING_LISTED, "scottish", id="a-value"),
        pytest.param(" scottish ", NOTHING_LISTED, "scottish", id="spaces-around-are-no-part-of-a-value"),
        pytest.param("Que\u0301bec", NOTHING_LISTED, "Qu\xe9bec", id="two-spellings-of-one-letter"),
        pytest.param(None, NOTHING_LISTED, "undeclared", id="null"),
        pytest.param(float("nan"), NOTHING_LISTED, "undeclared", id="nan"),
        pytest.param("", NOTHING_LISTED, "undeclared", id="empty"),
        pytest.param("  ", NOTHING_LISTED, "undeclared", id="blank"),
        pytest.param("Undeclared", NOTHING_LISTED, "undeclared", id="the-word-itself"),
        pytest.param("NA", NOTHING_LISTED, "NA", id="na-is-a-value-unless-listed"),
        pytest.param("None", NO_DATASHEET, "None", id="none-is-a-value"),
        pytest.param("nan", NO_DATASHEET, "nan", id="nan-in-words-is-a-value"),
        pytest.param("null", NO_DATASHEET, "null", id="null-in-words-is-a-value"),
        pytest.param("na", NO_DATASHEET, "undeclared", id="na-without-a-datasheet"),
        pytest.param("Prefer not to SAY", NO_DATASHEET, "declined", id="declined-without-a-datasheet"),
        pytest.param("unknown", NO_DATASHEET, "unknown", id="unknown-is-a-value-unless-listed"),
        pytest.param(" n/a", LISTED, "undeclared", id="listed-in-other-capitals"),
        pytest.param("UNKNOWN", LISTED, "undeclared", id="listed-with-spaces"),
        pytest.param("prefer not to say", LISTED, "declined", id="declined"),
        pytest.param(7, NOTHING_LISTED, "7", id="whole-number"),
        pytest.param(7.0, NOTHING_LISTED, "7", id="whole-number-stored-as-fraction"),
        pytest.param(0.5, NOTHING_LISTED, "0.5", id="fraction"),
        pytest.param(True, NOTHING_LISTED, "true", id="yes-or-no"),
    ],
)
def test_a_cell_becomes_one_value(cell: object, datasheet: Datasheet, value: str) -> None:
    assert value_reader(ACCENT, datasheet)(cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param(30, "30-60", id="number-on-an-edge"),
        pytest.param("29.5", "<30", id="number-in-text"),
        pytest.param(" 6e1 ", ">=60", id="exponent"),
        pytest.param("N/A", "undeclared", id="undeclared"),
        pytest.param(float("nan"), "undeclared", id="nan"),
        pytest.param("Prefer not to say", "declined", id="declined"),
    ],
)
def test_a_number_becomes_its_bin(cell: object, value: str) -> None:
    assert value_reader(AGE, LISTED)(cell) == value


@pytest.mark.parametrize("cell", ["thirties", "1_000", "nan", "inf", "0x1F", float("inf"), True, "30 years"])
def test_a_binned_value_that_is_no_number_is_refused(cell: object) -> None:
    with pytest.raises(CellError, match="a finite number"):
        value_reader(AGE, LISTED)(cell)


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        pytest.param(["us", "scottish"], ("us", "scottish"), id="list"),
        pytest.param("us|scottish", ("us", "scottish"), id="text-with-separators"),
        pytest.param(" us | us ", ("us",), id="a-value-twice-counts-once"),
        pytest.param("us||N/A", ("us",), id="undeclared-beside-a-value-adds-nothing"),
        pytest.param(["N/A", "Prefer not to say"], ("declined",), id="declined-is-said-undeclared-is-not"),
        pytest.param([], ("undeclared",), id="empty-list"),
        pytest.param("", ("undeclared",), id="empty-text"),
        pytest.param(None, ("undeclared",), id="null"),
        pytest.param([None, float("nan")], ("undeclared",), id="list-of-nothing"),
        pytest.param(7, ("7",), id="number"),
    ],
)
def test_a_multivalued_cell_becomes_a_tuple(cell: object, values: tuple[str, ...]) -> None:
    assert value_reader(ACCENTS, LISTED)(cell) == values


@pytest.mark.parametrize(
    ("attribute", "cell", "expected"),
    [
        pytest.param(ACCENT, ["us"], "multivalued: true", id="list-where-one-value-belongs"),
        pytest.param(ACCENT, {"a": 1}, "one value", id="mapping"),
        pytest.param(ACCENTS, [["us"]], "one value", id="list-in-a-list"),
        pytest.param(ACCENT, "us\x1b[2J", "control characters", id="terminal-escape"),
        pytest.param(ACCENT, "us\ud800", "UTF-8", id="lone-surrogate"),
    ],
)
def test_a_cell_that_is_no_value_is_refused(attribute: Attribute, cell: object, expected: str) -> None:
    with pytest.raises(CellError, match=expected):
        value_reader(attribute, LISTED)(cell)
