"""What a run says of its manifest in, who says so of every attribute out: in a word, beside its name, in a sentence.

Every page, report, screen and card takes the words from here. A dimension that is no attribute, as `overall` or
`condition`, has none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from harness.corpus.attributes import INTERSECTION_SEPARATOR
from harness.corpus.datasheet import Datasheet
from harness.report.tables import escape
from harness.report.wording import mapping, plain

MEANS = {
    "self-reported": "what people said of themselves",
    "annotated": "what somebody else said of them",
    "measured": "what an instrument measured",
    "synthetic": "set by the program that made the recordings",
    "inferred": "guessed by a program",
}
_NOT_STATED = "of a source that is not stated"
_MOST_NAMED = 12  # attributes of one source, in a sentence


@dataclass(frozen=True)
class Sources:
    """Says of every attribute of a manifest where its values come from.

    Attributes:
        of: By attribute: self-reported, annotated, measured, synthetic or inferred; empty where it is not stated.
        declared: False where there is no datasheet: attributes are then taken as annotated.
    """

    of: Mapping[str, str] = field(default_factory=dict)
    declared: bool = True

    @classmethod
    def of_manifest(cls, manifest: object) -> "Sources":
        """Return those of `manifest` in a run.json: its `attributes`, and whether it had a `datasheet`."""
        told = mapping(manifest)
        attributes = mapping(told.get("attributes")).items()
        words = [(str(name), plain(mapping(about).get("provenance") or "")) for name, about in attributes]
        return replace(cls.of_words(words), declared=told.get("datasheet") is not False)

    @classmethod
    def of_datasheet(cls, sheet: Datasheet) -> "Sources":
        """Return those of what a datasheet, or none, declares."""
        words = [(each.name, each.provenance.value) for each in sheet.attributes]
        return replace(cls.of_words(words), declared=sheet.declared)

    @classmethod
    def of_words(cls, words: Iterable[tuple[str, str]]) -> "Sources":
        """Return those of attributes whose sources are told as a datasheet writes them."""
        return cls({name: word.replace("_", "-") for name, word in words})

    @cached_property
    def same(self) -> str:
        """Return the one source of all attributes; empty where they differ, or there is none."""
        found = set(self.of.values())
        return found.pop() if len(found) == 1 else ""

    def word(self, dimension: str) -> str:
        """Return the source of a dimension, of an intersection those of its attributes, each once.

        >>> Sources({"accent": "self-reported", "snr_db": "measured"}).word("accent & snr_db")
        'self-reported & measured'
        """
        found = [self.of.get(name, "") for name in dimension.split(INTERSECTION_SEPARATOR)]
        return INTERSECTION_SEPARATOR.join(dict.fromkeys(word for word in found if word))

    def named(self, dimension: str) -> str:
        """Return a dimension with its source, that of an intersection once where all its attributes have the same one.

        >>> Sources({"accent": "self-reported", "snr_db": "measured"}).named("accent & snr_db")
        'accent (self-reported) & snr_db (measured)'
        """
        names = dimension.split(INTERSECTION_SEPARATOR)
        words = [self.of.get(name, "") for name in names]
        if len(set(words)) == 1:
            return plain(dimension) + (f" ({words[0]})" if words[0] else "")
        told = (plain(name) + (f" ({word})" if word else "") for name, word in zip(names, words, strict=True))
        return INTERSECTION_SEPARATOR.join(told)

    def cell(self, dimension: str) -> str:
        """Return a dimension as tables name it: with its source, unless that is one for all and is said beside it."""
        return plain(dimension) if self.same else self.named(dimension)

    @cached_property
    def sentence(self) -> str:
        """Say who says so of all attributes; empty where there is none.

        >>> Sources({"accent": "self-reported", "age": "self-reported", "snr_db": "measured"}).sentence
        'Self-reported: accent, age. Measured: snr_db.'
        >>> Sources({"accent": "annotated"}, declared=False).sentence
        'All attributes are taken as annotated: there is no datasheet that says who told them.'
        """
        if not self.of:
            return ""
        if not self.declared and self.same:
            return f"All attributes are taken as {self.same}: there is no datasheet that says who told them."
        if self.same:
            return f"All attributes are {self.same}."
        by_word: dict[str, list[str]] = {}
        for name, word in self.of.items():
            by_word.setdefault(word or _NOT_STATED, []).append(plain(name))
        return " ".join(f"{word[0].upper()}{word[1:]}: {_listed(names)}." for word, names in by_word.items())

    @property
    def meanings(self) -> list[tuple[str, str]]:
        """Return the words that are used, and what each means."""
        return [(word, f"{told}.") for word, told in MEANS.items() if word in self.of.values()]

    def under(self, section: str) -> str:
        """Return a section of Markdown with the sentence at its end, where it has a table and names an attribute."""
        if "\n|" not in section or not any(escape(name) in section for name in self.of):
            return section
        return f"{section}\n\n*{escape(self.sentence)}*"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
