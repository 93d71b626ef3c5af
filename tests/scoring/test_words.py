import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring import LowercaseNoPunctuation, Verbatim, words
from harness.scoring.words import word_by_word

SPACES = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
PIECES = [
    *SPACES,
    "'",
    "’",
    "...",
    "…",
    ".",
    "-",
    "/",
    "\u0301",
    "\u0338",
    "a",
    "É",
    "ß",
    "İ",
    "Σ",
    "가",
    "ᄀ",
    "ᅡ",
    "क",
    "़",
]


@pytest.mark.parametrize(
    "rules", [pytest.param(LowercaseNoPunctuation(), id="strict"), pytest.param(Verbatim(), id="verbatim")]
)
@settings(max_examples=500, deadline=None)
@given(text=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_rules_that_read_no_word_with_its_neighbours_give_the_same_text_word_by_word(rules, text):
    assert word_by_word(rules)(text) == rules(text)


@pytest.mark.parametrize(
    "rules", [pytest.param(LowercaseNoPunctuation(), id="strict"), pytest.param(Verbatim(), id="verbatim")]
)
def test_a_memory_of_words_does_not_change_with_what_it_has_seen(rules, monkeypatch):
    monkeypatch.setattr(words, "_MOST_WORDS", 5)
    remembering, rng = word_by_word(rules), random.Random(5)
    texts = ["".join(rng.choices([*PIECES, " ", " ", " "], k=12)) for _ in range(2_000)]
    assert [remembering(text) for text in texts] == [rules(text) for text in texts]
