"""What a card says, as blocks that know nothing of Markdown or HTML: texts, claims, and what the author stated.

A text is a sequence of spans: a `str` is the harness's own wording or somebody's name for a thing, a `Claim` is a value
that was read from a file of a run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from harness.report.cards.units import UNITS, Value

CARD_VERSION = 1  # of what a card says and how; a card of another version cannot be checked by this harness


@dataclass(frozen=True, slots=True)
class Claim:
    """Is a value as a card shows it, and where it was read.

    Attributes:
        id: Unique in a card: `c1`, `c2`, …
        text: As it is shown.
        values: What was read: one value, or the two ends of an interval; None where there is none.
        unit: A key of `UNITS`.
        run: The configuration whose run it was read from.
        file: In the run directory.
        row: What chooses the row or rows of a table: column and value, or condition; empty for a JSON file.
        columns: Of the table; of a JSON file a pointer (RFC 6901).
        how: `value` as it stands there; `rows` how many rows there are; `sum` of a column of counts over them.
    """

    id: str
    text: str
    values: tuple[Value, ...]
    unit: str
    run: str
    file: str
    row: Mapping[str, object]
    columns: tuple[str, ...]
    how: str

    @property
    def keys_text(self) -> str:
        """Say which row or rows it was read from; nothing for a JSON file."""
        return ", ".join(f"{name} {_key(value)}" for name, value in self.row.items())

    @property
    def place(self) -> str:
        """Say where it was read: file, row and column."""
        columns = ", ".join(self.columns)
        what = {"rows": "number of rows", "sum": f"{columns} added up"}.get(self.how, columns)
        return f"{self.file}, {self.keys_text}, {what}" if self.row else f"{self.file}, {what}"

    def as_json(self) -> dict[str, object]:
        """Return the claim as service_card.json keeps it."""
        return {
            "id": self.id,
            "text": self.text,
            "values": list(self.values),
            "unit": self.unit,
            "decimals": UNITS[self.unit].decimals,
            "run": self.run,
            "file": self.file,
            "row": dict(self.row),
            "columns": list(self.columns),
            "how": self.how,
        }


Spans: TypeAlias = tuple[str | Claim, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """Is a heading inside a section, of the third level or the fourth."""

    text: str
    level: int = 3


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Is a paragraph; `strong` is one that must not be passed over."""

    spans: Spans
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """Is a list, one text an item; each may have a word or two before it that say what it is about."""

    items: tuple[Spans, ...]
    leads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Is a table of measured numbers; its caption says what it is of and which rows it was read from."""

    id: str
    caption: Spans
    headers: tuple[str, ...]
    rows: tuple[tuple[Spans, ...], ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """Is a place for what the author said about a field, whatever that is."""

    field: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Is a chart's place; `table` is the id of the table that says the same."""

    name: str
    caption: Spans
    table: str


Block: TypeAlias = Heading | Paragraph | Bullets | Table | Stated | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """Is a part of the card under a heading of its own."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Is a card but for what its author stated."""

    sections: tuple[Section, ...]

    def claims(self) -> tuple[Claim, ...]:
        """Return every claim once, in the order of the card."""
        return tuple({claim.id: claim for claim in _claims(self)}.values())


def spans_of(block: Block) -> Iterator[Spans]:
    """Yield the texts of a block, in their order."""
    if isinstance(block, Heading):
        yield (block.text,)
    elif isinstance(block, Paragraph):
        yield block.spans
    elif isinstance(block, Bullets):
        yield from block.items
    elif isinstance(block, Table):
        yield block.caption
        yield from (cell for row in block.rows for cell in row)
    elif isinstance(block, Figure):
        yield block.caption


def told(template: str, **parts: str | Claim | Spans) -> Spans:
    """Return a text in which `{name}` stands for a claim, a name from somebody's data, or spans.

    >>> told("Hello {who}.", who="{you}")
    ('Hello ', '{you}', '.')
    """
    found: list[str | Claim] = []
    for position, piece in enumerate(template.replace("}", "{").split("{")):
        if position % 2 == 0:
            found += [piece] if piece else []
            continue
        part = parts[piece]
        found += part if isinstance(part, tuple) else [part]
    return tuple(found)


def joined(texts: list[Spans], separator: str = ", ") -> Spans:
    """Return texts with a separator between them."""
    found: list[str | Claim] = []
    for position, spans in enumerate(texts):
        found += [*([separator] if position else []), *spans]
    return tuple(found)


def _claims(document: Document) -> Iterator[Claim]:
    for section in document.sections:
        for block in section.blocks:
            for spans in spans_of(block):
                yield from (span for span in spans if isinstance(span, Claim))


def _key(value: object) -> str:
    if isinstance(value, Mapping):
        return " and ".join(f"{name} {_key(wanted)}" for name, wanted in value.items())
    return (" or ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
