"""A normaliser that reads no word with its neighbours goes in, the same rules with a memory for words come out."""

from collections.abc import Callable

_MOST_WORDS = 200_000  # remembered, 25 MB; past it all are forgotten at once and learnt anew


def word_by_word(rules: Callable[[str], str]) -> Callable[[str], str]:
    """Return rules that look up words they have seen.

    Args:
        rules: Give for a text what they give for each of its words (apart by white space), joined by single spaces;
            `LowercaseNoPunctuation` and `Verbatim` do.

    >>> word_by_word(str.lower)("Turn  it OFF")
    'turn it off'
    """
    known = _Known(rules)

    def normalised(text: str) -> str:
        return " ".join(filter(None, map(known.__getitem__, text.split())))

    return normalised


class _Known(dict[str, str]):
    """Maps a word to what the rules make of it, as they say when asked for the first time."""

    def __init__(self, rules: Callable[[str], str]) -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, word: str) -> str:
        if len(self) >= _MOST_WORDS:
            self.clear()
        normalised = self[word] = self._rules(word)
        return normalised
