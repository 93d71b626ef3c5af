"""Words in; words that NIST's sclite reads as they are, different ones as different, out.

sclite reads `{ a / b }` as alternatives, `@` as no word, `a;b` as a word and its tag, and `a*` as `a`; a backslash
takes the meaning from what follows. Brackets hold ids, a line of `;;` is a comment, and a word of a thousand letters
never ends (2.10). Such characters stand as `%` and their bytes; words longer than 90 bytes as `%%` and a digest.
"""

from functools import lru_cache

from harness.corpus.tokens import token

NEVER = "{}@*;\\()"
LONGEST_WORD = 90  # bytes
LONGEST_ID = 200  # bytes, also of a speaker


@lru_cache(maxsize=100_000)
def sclite_word(word: str) -> str:
    r"""Returns a word for sclite.

    >>> sclite_word("don't"), sclite_word("{um}"), sclite_word("नमस्ते")
    ("don't", '%7bum%7d', 'नमस्ते')
    """
    return token(word, never=NEVER, at_most=LONGEST_WORD)


def sclite_words(text: str) -> str:
    """Returns the words of a text for sclite, with single blanks between them."""
    return " ".join(map(sclite_word, text.split()))
