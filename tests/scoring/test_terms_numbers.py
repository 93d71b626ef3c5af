"""Numbers with their units: the same amount in any spelling is right, another amount is not, however near."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring import WhisperEnglish
from harness.scoring.terms.critical_words import COLUMNS, TABLE, critical_words, languages_with_words
from tests.scoring.term_builders import counted, list_of, pairs_of, totals

ENGLISH = critical_words("en")
NAMES = ("number_spans", "number_hits", "number_spurious", "dose_spans", "dose_hits")


def numbers(text):
    return ENGLISH.numbers(text, text.split())


def keys(text):
    return [(" ".join(number.key[0]), " ".join(number.key[1])) for number in numbers(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("take ten milligrams", [("10", "milligram")], id="words"),
        pytest.param("take 10 mg", [("10", "milligram")], id="numeral"),
        pytest.param("take 10mg", [("10", "milligram")], id="without-a-space"),
        pytest.param("two point five mg", [("2.5", "milligram")], id="decimals-in-words"),
        pytest.param("2.50 mg", [("2.5", "milligram")], id="needless-zero"),
        pytest.param("point five mg", [("0.5", "milligram")], id="tenfold-without-it"),
        pytest.param(".5 mg", [("0.5", "milligram")], id="no-digit-before-the-point"),
        pytest.param("$20", [("20", "dollar")], id="currency"),
        pytest.param("twenty dollars", [("20", "dollar")], id="currency-in-words"),
        pytest.param("50%", [("50", "percent")], id="percent-sign"),
        pytest.param("fifty percent", [("50", "percent")], id="percent"),
        pytest.param("one hundred and eighty degrees", [("180", "degree")], id="and"),
        pytest.param("five and six", [("5", ""), ("6", "")], id="and-between-two"),
        pytest.param("5 milligrams per kilogram", [("5", "milligram per kilogram")], id="per"),
        pytest.param("5 mg per patient", [("5", "milligram")], id="per-something-else"),
        pytest.param("two thousand twenty four", [("2024", "")], id="thousands"),
        pytest.param("3 million people", [("3000000", "")], id="numeral-and-scale"),
        pytest.param("the twenty third", [("23th", "")], id="ordinal"),
        pytest.param("the 23rd", [("23th", "")], id="ordinal-numeral"),
        pytest.param("nine fifteen", [("915", "")], id="time-in-words"),
        pytest.param("9 15", [("915", "")], id="time"),
        pytest.param("2 10 mg", [("2 10", "milligram")], id="two-of-ten"),
        pytest.param("no one likes the one", [], id="a-pronoun"),
        pytest.param("one tablet", [("1", "tablet")], id="one-of-something"),
        pytest.param("b12", [("b12", "")], id="letters-and-digits"),
        pytest.param("10,000", [("10000", "")], id="comma"),
        pytest.param("the point is and a mile", [], id="no-number"),
    ],
)
def test_numbers_are_found_and_written_one_way(text, found):
    assert keys(text) == found


@pytest.mark.parametrize(
    ("said", "heard", "counts"),
    [
        pytest.param("give ten milligrams", "give 10 mg", (1, 1, 0, 1, 1), id="another-spelling"),
        pytest.param("give ten milligrams", "give two milligrams", (1, 0, 1, 1, 0), id="another-number"),
        pytest.param("give 5 mg", "give 5 mcg", (1, 0, 1, 1, 0), id="another-unit"),
        pytest.param("give 5 mg", "give 5", (1, 0, 1, 1, 0), id="no-unit"),
        pytest.param("give 5 mg", "give 2 5 mg", (1, 0, 1, 1, 0), id="more-digits"),
        pytest.param("give 2 10 mg", "give 210 mg", (1, 0, 1, 1, 0), id="run-together"),
        pytest.param("give point five mg", "give five mg", (1, 0, 1, 1, 0), id="point-lost"),
        pytest.param("at nine fifteen", "at 9 15", (1, 1, 0, 0, 0), id="time"),
        pytest.param("5 mg then 10 mg", "10 mg then 5 mg", (2, 0, 2, 2, 0), id="exchanged"),
        pytest.param("at noon", "at 9", (0, 0, 1, 0, 0), id="invented"),
        pytest.param("at 9", "", (1, 0, 0, 0, 0), id="nothing-heard"),
        pytest.param("give 10 mg", "give 10 mg 10 mg", (1, 1, 1, 1, 1), id="twice"),
    ],
)
def test_numbers_by_hand(said, heard, counts):
    sums = totals(counted(pairs_of((said, heard)), list_of()))
    assert tuple(sums[name] for name in NAMES) == counts


TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
BELOW_TWENTY = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]


def in_words(number):
    """Spell a number below a million, independently of how it is read."""
    if number >= 1000:
        rest = f" {in_words(number % 1000)}" if number % 1000 else ""
        return f"{in_words(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{in_words(number // 100)} hundred{rest}"
    if number < 20:
        return BELOW_TWENTY[number]
    return TENS[number // 10 - 2] + (f" {BELOW_TWENTY[number % 10]}" if number % 10 else "")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 999_999))
def test_every_number_in_words_is_the_numeral(number):
    assert keys(f"{in_words(number)} mg") == keys(f"{number} mg") == [(str(number), "milligram")]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_two_amounts_are_the_same_when_their_numbers_are(one, other):
    sums = totals(counted(pairs_of((f"give {in_words(one)} ml now", f"give {other} ml now")), list_of()))
    assert (sums["dose_spans"], sums["dose_hits"]) == (1, int(one == other))


@pytest.mark.parametrize("text", ["Give two point five milligrams.", "It's fifty percent.", "Twenty-two degrees!"])
def test_the_english_rules_and_the_words_say_the_same_number(text):
    left = WhisperEnglish()(text)
    plain = text.lower().replace("-", " ").strip(".!")
    assert keys(left) == keys(plain)


def test_the_table_is_whole_and_each_word_means_one_thing():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert all(row[column].strip() for row in rows for column in COLUMNS)
    assert {row["kind"] for row in rows} == {"number", "weak", "scale", "ordinal", "joint", "unit", "negation"}
    words = [(row["language"], row["word"]) for row in rows]
    assert len(words) == len(set(words))
    assert languages_with_words() == {"en"}


def test_numerals_are_found_in_every_language():
    spans = critical_words("de").numbers("gib 10 mg", ["gib", "10", "mg"])
    assert [span.key for span in spans] == [(("10",), ())]
    assert critical_words(None).numbers("zehn", ["zehn"]) == []
