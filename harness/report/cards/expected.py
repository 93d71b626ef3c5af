"""The card that runs make now and the text of a file of another in, every value, word and row that differs out."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from harness.report.cards import markdown, page
from harness.report.cards.around import around_problems
from harness.report.cards.blocks import Claim
from harness.report.cards.card import Card, json_text, page_text
from harness.report.cards.lines import Line, Problem, differences
from harness.report.cards.stated_form import is_markdown_form, is_page_form

_MOST_SHOWN = 80  # characters of a value in a message
_NOTHING = object()


@dataclass(frozen=True)
class Expected:
    """Is what a card's files must say.

    Attributes:
        card: Made from the runs that the card names.
        knows_stated: Whether what the author stated is known, and so compared.
    """

    card: Card
    knows_stated: bool

    @cached_property
    def claims(self) -> dict[str, Claim]:
        """Return the claims by id."""
        return {claim.id: claim for claim in self.card.document.claims()}

    def problems(self, name: str, text: str) -> list[Problem]:
        """Return what is wrong with the text of a file of this name."""
        check = {".md": self._markdown, ".html": self._page, ".json": self._json}[PurePath(name).suffix.lower()]
        return check(name, text)

    def _markdown(self, name: str, text: str) -> list[Problem]:
        found = markdown.found_lines(text)
        return differences(name, self._markdown_lines, found) + self._unlike(name, found, is_markdown_form)

    def _page(self, name: str, text: str) -> list[Problem]:
        found = page.lines(text, {}, known=True)
        problems = differences(name, self._page_lines, found) + self._unlike(name, found, is_page_form)
        return [*problems, *around_problems(name, self._page_text, text, knows_title=self.knows_stated)]

    def _unlike(self, name: str, found: Iterable[Line], is_form: Callable[[Line], bool]) -> list[Problem]:
        """Return the places where an author's unknown words do not stand as words."""
        message = "what the author stated ({}) is not written as this harness writes it"
        return [
            Problem(name, None, "", "", message.format(line.stated))
            for line in found
            if line.stated and not self.knows_stated and not is_form(line)
        ]

    def _json(self, name: str, text: str) -> list[Problem]:
        try:
            found = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            return [Problem(name, None, "JSON", " ".join(str(error).split())[:_MOST_SHOWN], "cannot be read")]
        return json_problems(name, self._tree, _by_claim(found), self.claims)

    @cached_property
    def _markdown_lines(self) -> list[Line]:
        lines = markdown.expected_lines(self.card.document, self.card.authored if self.knows_stated else None)
        return [line for line in lines if line.text or line.stated]

    @cached_property
    def _page_text(self) -> str:
        return page_text(self.card)

    @cached_property
    def _page_lines(self) -> list[Line]:
        return page.lines(self._page_text, self.claims, known=self.knows_stated)

    @cached_property
    def _tree(self) -> object:
        return _by_claim(json.loads(json_text(self.card)))


def json_problems(name: str, wanted: object, given: object, claims: Mapping[str, Claim]) -> list[Problem]:
    """Return where two trees of JSON differ; a difference inside a claim is one with that claim."""
    return [
        _problem(name, path, expected, found, claims)
        for path, expected, found in _unequal(wanted, given, ())
        if path[:1] != ("runs",) or path[-1] != "digest"  # which was compared with the run's before
    ]


def _problem(name: str, path: tuple[str, ...], wanted: object, given: object, claims: Mapping[str, Claim]) -> Problem:
    claim = claims.get(path[1]) if len(path) > 1 and path[0] == "claims" else None
    return Problem(name, claim, _shown(wanted), _shown(given), "/".join(path))


def _unequal(wanted: object, given: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object, object]]:
    """Yield where two trees of JSON differ, with what is there in each."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        for key in [*wanted, *(key for key in given if key not in wanted)]:
            yield from _unequal(wanted.get(key, _NOTHING), given.get(key, _NOTHING), (*path, str(key)))
    elif isinstance(wanted, list) and isinstance(given, list):
        for place in range(max(len(wanted), len(given))):
            one, other = (items[place] if place < len(items) else _NOTHING for items in (wanted, given))
            yield from _unequal(one, other, (*path, str(place)))
    elif type(wanted) is not type(given) or wanted != given:
        yield path, wanted, given


def _by_claim(content: object) -> object:
    """Return a card's JSON with its claims by id, so that one that is gone is one difference."""
    claims = content.get("claims") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(claims, list):
        return content
    ids = [each.get("id") if isinstance(each, Mapping) else None for each in claims]
    return {**content, "claims": dict(zip(ids, claims, strict=True))} if len(set(ids)) == len(ids) else content


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a mapping, and refuse a key that stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
