"""A card's blocks and what its author stated in, `service_card.html` out; and such a page in, its lines out.

A line of a page is what one of its blocks has, with the tags inside: a title that says another row is another line.
"""

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from harness.report.cards.authored import IDENTITY, Authored
from harness.report.cards.blocks import Claim, Document, Figure, Spans, Table, spans_of
from harness.report.cards.lines import TAG_BEGINS, TAG_ENDS, Line, Piece
from harness.report.cards.places import Places
from harness.report.cards.units import UNITS
from harness.report.wording import plain

ADDRESS = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9._~:/?#@!$'()*+,;=%-]*")
_DATA = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.DOTALL)
_HEADER = "data-card"
_SHORT = 40  # characters
_BLOCKS = frozenset(
    "section h1 h2 h3 h4 p ul ol li table caption thead tbody tr dl dt dd div figure figcaption style".split()  # noqa: SIM905
)
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "path", "circle"})


def render(
    document: Document,
    authored: Authored,
    facts: Mapping[str, object],
    *,
    charts: Mapping[str, Mapping[str, Any]],
    captions: Mapping[str, str],
) -> str:
    """Return the card as one self-contained page.

    Args:
        document: What was measured, and the places for what was stated.
        authored: What was stated.
        facts: What a check must know of the card: its version and its runs.
        charts: Vega-Lite specifications of the figures that are drawn.
        captions: What is said below each.
    """
    from harness.report.pages import page

    places = _numbered(document)
    service = authored.line("service") or "A service that is not named"
    return page(
        "service_card",
        title=f"{service}: service card",
        description="How well a speech recogniser served the people it was measured on, group by group.",
        charts=charts,
        data={"card": dict(facts)},
        sections=[(section.id, section.title) for section in document.sections if section.title],
        document=document,
        authored=authored,
        identity=[(title, authored.line(key) or "not stated") for key, title in IDENTITY.items() if key != "service"],
        drawn=dict(captions),
        numbers=lambda spans: _numbers(spans, places),
        sources_of=places.notes,
        is_number=_is_number,
        is_short=_is_short,
        sorted_by=_sorted_by,
        is_address=lambda text: ADDRESS.fullmatch(text) is not None,
        kind_of=lambda block: type(block).__name__,
    )


def lines(text: str, claims: Mapping[str, Claim], *, known: bool) -> list[Line]:
    """Return the lines of a page.

    Args:
        text: The page.
        claims: By id, for the lines that a card must have; empty for those that were found.
        known: Whether what was stated is compared.
    """
    reader = _Reader(claims, known=known)
    reader.feed(text[text.find("<main") : text.rfind("</main>") + len("</main>")])
    reader.close()
    reader.end_line()
    return [line for line in reader.lines if line.text or line.stated]


def header(text: str) -> str | None:
    """Return the JSON by which a page says what card it is; None where it is none."""
    return dict(_DATA.findall(text)).get(_HEADER)


def figures(document: Document) -> list[Figure]:
    """Return the places of charts."""
    return [block for section in document.sections for block in section.blocks if isinstance(block, Figure)]


class _Reader(HTMLParser):
    """Collects the lines of what is inside `main`."""

    def __init__(self, claims: Mapping[str, Claim], *, known: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self._claims = claims
        self._known = known
        self._pieces: list[Piece] = []
        self._open: list[str] = []  # tags inside main
        self._stated: tuple[str, int] | None = None  # a field, and how deep its element lies
        self._claim: tuple[Claim, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._open and tag != "main":
            return
        given = dict(attrs)
        if tag in _BLOCKS and self._stated is None:
            self.end_line()
        if "data-stated" in given and self._stated is None:
            self._stated = (str(given["data-stated"]), len(self._open))
        self._add(_tag(tag, attrs))
        if tag not in _VOID:
            self._open.append(tag)
        claim = self._claims.get(str(given.get("data-claim")))
        if claim is not None and tag not in _VOID:
            self._claim = (claim, len(self._open))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open:
            self._add(_tag(tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open:
            closed = self._open.pop()
            if self._claim is not None and len(self._open) < self._claim[1]:
                self._claim = None
            self._add(f"{TAG_BEGINS}/{closed}{TAG_ENDS}")
            ends_stated = self._stated is not None and len(self._open) <= self._stated[1]
            if ends_stated or (closed in _BLOCKS and self._stated is None):
                self.end_line()
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        if self._claim is not None:
            self._pieces.append(Piece(data, self._claim[0]))
        else:
            self._add(data)

    def handle_comment(self, data: str) -> None:
        if self._open:
            self._add(f"{TAG_BEGINS}!{data}{TAG_ENDS}")

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def unknown_decl(self, data: str) -> None:  # <![CDATA[ a > b ]]>, which a browser ends at the first >
        self.handle_comment(data)

    def end_line(self) -> None:
        """Keep what was read since the last line."""
        field = self._stated[0] if self._stated else ""
        if self._pieces:
            self.lines.append(Line(tuple(self._pieces), stated=field, known=self._known or not field))
        self._pieces, self._stated = [], None

    def _add(self, text: str) -> None:
        self._pieces.append(Piece(text))


def _tag(tag: str, attributes: Sequence[tuple[str, str | None]]) -> str:
    said = "".join(f' {name}="{value}"' for name, value in sorted(attributes, key=lambda each: each[0]))
    return f"{TAG_BEGINS}{tag}{said}{TAG_ENDS}"


def _numbered(document: Document) -> Places:
    """Number the sources in the order of the card; those of table cells have no number."""
    places = Places()
    for section in document.sections:
        for block in section.blocks:
            texts = (
                [block.caption] if isinstance(block, Table) else [] if isinstance(block, Figure) else spans_of(block)
            )
            for spans in texts:
                _numbers(spans, places)
    return places


def _numbers(spans: Sequence[str | Claim], places: Places) -> list[int]:
    return list(dict.fromkeys(places.number(span) for span in spans if isinstance(span, Claim)))


def _is_number(table: Table, column: int) -> bool:
    return any(is_number_cell(row[column]) for row in table.rows)


def is_number_cell(spans: Spans) -> bool:
    """Say whether a cell is one number."""
    return len(spans) == 1 and isinstance(spans[0], Claim) and UNITS[spans[0].unit].is_number


def _is_short(spans: Spans) -> bool:
    """Say whether a cell is so short that it stays on one line."""
    return sum(len(span.text if isinstance(span, Claim) else span) for span in spans) <= _SHORT


def _sorted_by(spans: Spans) -> str:
    """Return the number that a cell is sorted by; nothing where it has none."""
    value = next((span.values[0] for span in spans if isinstance(span, Claim)), None)
    return "" if value is None else plain(value)
