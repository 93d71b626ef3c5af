"""Any text in; a word, or a line, that formats made of words and lines can hold, out.

What a word cannot hold stands in it as `%` and two digits, a byte of UTF-8 each, as in addresses of the web. Different
texts stay different words.
"""

import hashlib

from harness.corpus.cells import CONTROL_CHARACTERS

BLANKS = " \t\r\n\f\v"  # what separates words in files of lines; other white space is part of a word there
_JOINERS = "\u200c\u200d"  # not printable, and letters of Persian, Indic and emoji words
_HASH_CHARACTERS = 32  # hexadecimal: 128 bits


def token(text: str, *, never: str = "", at_most: int | None = None) -> str:
    """Returns a text as a word: itself where it is one.

    Args:
        text: Any text; an empty one becomes `%`.
        never: Further characters that are not to stand in the word, since the format reads something else from them.
        at_most: Bytes; a longer word becomes `%%` and the start of its SHA-256.

    >>> token("u1"), token("a b"), token("50%"), token("(um)", never="()"), token("")
    ('u1', 'a%20b', '50%25', '%28um%29', '%')
    """
    if not text:
        return "%"
    if not (text.isascii() and text.isalnum()) or any(mark in text for mark in never):
        word = "".join(each if _is_plain(each, never) else _escaped(each) for each in text)
    else:
        word = text
    if at_most is None or len(word.encode()) <= at_most:
        return word
    return f"%%{hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]}"


def one_line(text: str) -> str:
    r"""Returns a text as a line: control characters are blanks, and none stand around it.

    >>> one_line(" turn it\noff ")
    'turn it off'
    """
    return CONTROL_CHARACTERS.sub(" ", text).strip(BLANKS)


def _is_plain(character: str, never: str) -> bool:
    if character in _JOINERS:
        return True
    return character.isprintable() and not character.isspace() and character != "%" and character not in never


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode())
