"""A predicate means the same of a frame, of a row and to a reader, and is written in one way."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.predicates import Column, ColumnKind, PredicateError, named_columns, parse
from tests.predicates.columns import COLUMNS

WORDS = ("indian", "scottish", "undeclared")
TEXTS = st.sampled_from(["", "a", 'say "no"', "it's", "back\\slash", "`tick`", "तमिल", "x" * 40])
NUMBERS = st.one_of(
    st.integers(-20, 20).map(float),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(lambda x: 1e-300 < abs(x) < 1e300),
)
ORDER = {
    "==": lambda cell, value: cell == value,
    "!=": lambda cell, value: cell != value,
    "<": lambda cell, value: cell < value,
    "<=": lambda cell, value: cell <= value,
    ">": lambda cell, value: cell > value,
    ">=": lambda cell, value: cell >= value,
}


def in_quotes(text, quote):
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


@st.composite
def written_value(draw, name):
    """Return a value and one of the ways to write it."""
    if COLUMNS[name].kind is ColumnKind.number:
        value = draw(NUMBERS)
        return value, draw(st.sampled_from([repr(value), f"{value:.17e}"]))
    value = draw(st.sampled_from(WORDS) if name == "accent" else TEXTS)
    return value, in_quotes(value, draw(st.sampled_from("\"'")))


@st.composite
def comparison(draw):
    """Return a comparison as text, and a function that says of a row whether it holds: the oracle."""
    name = draw(st.sampled_from(sorted(COLUMNS)))
    is_number = COLUMNS[name].kind is ColumnKind.number
    operator = draw(st.sampled_from([*(ORDER if is_number else ("==", "!=")), "in", "not in"]))
    some = draw(st.lists(written_value(name), min_size=1, max_size=3 if "in" in operator else 1))
    values, texts = [value for value, _ in some], [text for _, text in some]
    column = f"`{name}`" if name in ("in", "2nd take", "first language") or draw(st.booleans()) else name

    def is_in(row):
        cells = row[name] if isinstance(row[name], list) else [row[name]]
        known = [cell for cell in cells if cell is not None and cell == cell]
        if operator == "in":
            return any(cell in values for cell in known)
        if operator == "not in":
            return any(cell not in values for cell in known)
        return any(ORDER[operator](cell, values[0]) for cell in known)

    several = f"({', '.join(texts)})" if "in" in operator else texts[0]
    return f"{column} {operator} {several}", is_in


def everybody():
    return st.just(("true", lambda _: True))


def larger(trees):
    return st.one_of(
        trees.map(lambda tree: (f"not ({tree[0]})", lambda row: not tree[1](row))),
        trees.map(lambda tree: (f"( ({tree[0]}))", tree[1])),
        st.tuples(trees, trees).map(
            lambda two: (f"({two[0][0]}) and\n({two[1][0]})", lambda row: two[0][1](row) and two[1][1](row))
        ),
        st.tuples(trees, trees).map(
            lambda two: (f"({two[0][0]})or({two[1][0]})", lambda row: two[0][1](row) or two[1][1](row))
        ),
    )


TREES = st.recursive(st.one_of(comparison(), everybody()), larger, max_leaves=6)
MAYBE_NUMBER = st.one_of(st.none(), NUMBERS, st.just(math.nan))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "accent": st.sampled_from([*WORDS, None]),
            "first language": st.one_of(st.none(), TEXTS),
            "tags": st.one_of(st.none(), TEXTS, st.lists(st.one_of(st.none(), TEXTS), max_size=3)),
            "género": TEXTS,
            "snr_db": MAYBE_NUMBER,
            "in": NUMBERS,
            "2nd take": MAYBE_NUMBER,
        }
    ),
    max_size=8,
)


def framed(rows):
    return pd.DataFrame({name: [row[name] for row in rows] for name in COLUMNS}, index=range(7, 7 + len(rows)))


@given(tree=TREES, rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_a_frame_a_row_and_a_direct_evaluation_agree(tree, rows):
    text, oracle = tree
    predicate = parse(text, COLUMNS)
    expected = [oracle(row) for row in rows]
    assert [predicate.holds(row) for row in rows] == expected
    mask = predicate.mask(framed(rows))
    assert (mask.dtype, mask.tolist()) == (np.bool_, expected)


@given(tree=TREES)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_as_the_same_and_written_the_same(tree):
    predicate = parse(tree[0], COLUMNS)
    again = parse(predicate.text, COLUMNS)
    assert again == predicate
    assert hash(again) == hash(predicate)
    assert again.text == predicate.text
    assert named_columns(tree[0]) == predicate.columns


@pytest.mark.parametrize(
    "text",
    [
        "snr_db < 10",
        "snr_db >= -0.5 and other != 3",
        'accent == "indian" or not (snr_db <= 10 and other > 2)',
        'not accent in ("indian", "welsh") and snr_db == 1',
        'accent not in ("indian") or accent == "indian" and snr_db < 1e-3',
    ],
)
def test_pandas_own_query_finds_the_same_rows(text):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "accent": rng.choice(["indian", "scottish", "welsh"], 200),
            "snr_db": rng.integers(-2, 12, 200) / 2,
            "other": rng.integers(0, 5, 200),
        }
    )
    columns = {"accent": Column("accent", ColumnKind.text)}
    columns |= {name: Column(name, ColumnKind.number) for name in ("snr_db", "other")}
    query = text.replace('("indian")', '["indian"]')
    assert frame.index[parse(text, columns).mask(frame)].tolist() == frame.query(query).index.tolist()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("( snr_db<10 )", "snr_db < 10", id="needless-parentheses"),
        pytest.param("snr_db == 10.50e0", "snr_db == 10.5", id="a-number"),
        pytest.param("snr_db == -0", "snr_db == 0", id="minus-nothing"),
        pytest.param("snr_db == 100000000000000000000000", "snr_db == 1e+23", id="a-large-number"),
        pytest.param("accent == 'indian'", 'accent == "indian"', id="single-quotes"),
        pytest.param("`accent` == 'indian'", 'accent == "indian"', id="needless-backquotes"),
        pytest.param("`in` < 1", "`in` < 1", id="a-keyword"),
        pytest.param("tags == 'it\\'s'", 'tags == "it\'s"', id="a-quote"),
        pytest.param("true or (true or snr_db < 1) and true", "true or (true or snr_db < 1) and true", id="what-binds"),
        pytest.param("(true and true) and (true)", "true and true and true", id="one-chain"),
        pytest.param("not(not(true))", "not not true", id="not-not"),
        pytest.param("not(true and true)", "not (true and true)", id="not-both"),
        pytest.param("not true and true", "not true and true", id="not-binds-first"),
        pytest.param("not snr_db < 1", "not snr_db < 1", id="a-comparison-binds-before-not"),
    ],
)
def test_a_predicate_is_written_in_one_way(text, written):
    assert parse(text, COLUMNS).text == written


def test_not_binds_before_and_and_before_or():
    frame = pd.DataFrame({"snr_db": [1.0, 2.0, 3.0]})
    masks = {text: parse(text, COLUMNS).mask(frame).tolist() for text in (
        "snr_db < 2 or snr_db > 2 and snr_db > 3", "not snr_db < 2 and snr_db < 3"
    )}  # fmt: skip
    assert list(masks.values()) == [[True, False, False], [False, True, False]]


def test_a_cell_without_a_number_is_in_no_comparison_and_in_not_of_each():
    frame = pd.DataFrame({"snr_db": [math.nan]})
    for operator in ("==", "!=", "<", "<=", ">", ">="):
        assert parse(f"snr_db {operator} 3", COLUMNS).mask(frame).tolist() == [False]
        assert parse(f"not snr_db {operator} 3", COLUMNS).mask(frame).tolist() == [True]
    assert parse("snr_db not in (3)", COLUMNS).mask(frame).tolist() == [False]


def test_a_cell_with_several_values_is_in_what_one_of_them_is_in():
    frame = pd.DataFrame({"tags": [["a", "b"], ("a",), np.array(["c"]), [], None, "b"]})
    assert parse('tags == "a"', COLUMNS).mask(frame).tolist() == [True, True, False, False, False, False]
    assert parse('tags != "a"', COLUMNS).mask(frame).tolist() == [True, False, True, False, False, True]
    assert parse('not tags == "a"', COLUMNS).mask(frame).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize(
    "dtype", ["str", "object", "category", pytest.param("string[pyarrow]", id="arrow"), "string[python]"]
)
def test_texts_may_be_stored_in_any_way(dtype):
    cells = pd.Series(["indian", None, "scottish"], dtype="object").astype(dtype)
    assert parse('accent != "indian"', COLUMNS).mask(pd.DataFrame({"accent": cells})).tolist() == [False, False, True]


@pytest.mark.parametrize("dtype", ["float64", "float32", "Int64", "Float64", "object", "int8"])
def test_numbers_may_be_stored_in_any_way(dtype):
    cells = [1, 2, 3] if dtype == "int8" else [1, None, 3]
    mask = parse("snr_db >= 2", COLUMNS).mask(pd.DataFrame({"snr_db": pd.Series(cells, dtype=dtype)}))
    assert mask.tolist() == [False, dtype == "int8", True]


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        pytest.param("accent", ["indian", 5], "5 \\(int\\); expected a text", id="a-number-among-texts"),
        pytest.param("accent", [[5, "indian"]], "5 \\(int\\); expected a text", id="inside-a-list"),
        pytest.param("accent", [{"a": "b"}], "\\(dict\\); expected a text", id="a-mapping"),
        pytest.param("snr_db", [1.0, "loud"], "'loud' \\(str\\); expected a number", id="a-text-among-numbers"),
        pytest.param("snr_db", [True], "\\(bool\\); expected a number", id="a-truth-value"),
        pytest.param("snr_db", [10**5000], "a int \\(int\\); expected a number below 1e308", id="5000-digits"),
    ],
)
def test_cells_of_another_kind_are_an_error_and_no_quiet_no(column, cells, words):
    predicate = parse('accent == "indian"' if column == "accent" else "snr_db < 1", COLUMNS)
    with pytest.raises(DataError, match=f"column '{column}' has .*{words}"):
        predicate.mask(pd.DataFrame({column: cells}))
    with pytest.raises(DataError, match=words):
        predicate.holds({column: cells[-1]})


def test_a_column_that_is_not_there_or_twice_is_an_error():
    predicate = parse("snr_db < 1", COLUMNS)
    with pytest.raises(DataError, match="'snr_db' stands 0 times; expected once"):
        predicate.mask(pd.DataFrame({"level": [1.0]}))
    with pytest.raises(DataError, match="'snr_db' stands 2 times"):
        predicate.mask(pd.DataFrame([[1.0, 2.0]], columns=["snr_db", "snr_db"]))
    with pytest.raises(DataError, match="'snr_db' has no value"):
        predicate.holds({})


def test_an_empty_frame_has_an_empty_mask():
    for text in ("true", "snr_db < 1", 'accent == "indian" and not true'):
        assert parse(text, COLUMNS).mask(pd.DataFrame({"snr_db": [], "accent": []})).tolist() == []


def test_nothing_that_is_asked_is_changed():
    frame = framed([{name: ["x"] if name == "tags" else None for name in COLUMNS}])
    before = frame.copy(deep=True)
    parse('tags == "x" and not snr_db < 1', COLUMNS).mask(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_what_would_be_too_long_when_it_is_written_out_is_refused():
    short = f"snr_db in ({','.join(['1e15'] * 100)})"
    predicate = parse(short, COLUMNS)
    assert len(predicate.text) > 3 * len(short)
    assert parse(predicate.text, COLUMNS) == predicate
    with pytest.raises(PredicateError, match=r"2,\d{3} characters when its numbers and spaces are written out"):
        parse(f"{short} and {' and '.join(['true'] * 70)}", COLUMNS)
