"""A token is one word for every format of words, and no two texts have the same."""

from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.tokens import BLANKS, one_line, token

NEVER = "{}()"


@given(st.text(), st.text())
def test_different_texts_are_different_words(first, second):
    assert (token(first, never=NEVER) == token(second, never=NEVER)) == (first == second)


@given(st.text())
def test_a_word_holds_no_blank_and_nothing_forbidden(text):
    word = token(text, never=NEVER)
    assert word.split() == [word]
    assert not set(word) & set(NEVER)
    assert len(token(text, at_most=40).encode()) <= 40


@given(st.from_regex(r"[a-zA-Z0-9_.'/-]+", fullmatch=True))
def test_a_plain_word_stays(word):
    assert token(word, never=NEVER) == word


@given(st.text())
def test_a_line_is_one_and_has_no_blanks_around_it(text):
    line = one_line(text)
    assert line == line.strip(BLANKS)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line
