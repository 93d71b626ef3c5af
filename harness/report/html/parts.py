"""The few things a report is made of: words, lists, facts, tables, charts; sections of them in, one page out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

MOST_ROWS = 400  # of a table; the files have all
_OPEN_ROWS = 30  # of a table that is not folded
_INTERVAL = "interval"  # header of a column whose texts are numbers
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Words:
    """Is a paragraph; `style` is its class in style.css."""

    text: str
    style: str = ""
    kind: ClassVar[str] = "words"


@dataclass(frozen=True, slots=True)
class Heading:
    """Is a heading within a section; one of a `dimension` has its `source` beside it, once that is known."""

    text: str
    dimension: str = ""
    source: str = ""
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True, slots=True)
class Finding:
    """Is a sentence on one slice, its verdict before it."""

    verdict: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Is a list of findings, in the order given."""

    items: Sequence[Finding]
    kind: ClassVar[str] = "findings"


@dataclass(frozen=True, slots=True)
class Listing:
    """Is a list of sentences."""

    items: Sequence[str]
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True, slots=True)
class Facts:
    """Is names and what they are."""

    pairs: Sequence[tuple[str, object]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Table:
    """Is a table whose columns sort; folded away when it is long or says in numbers what a chart shows."""

    id: str
    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str
    folded: bool = False
    kind: ClassVar[str] = "table"

    @property
    def is_folded(self) -> bool:
        """Say whether the table is folded away at first."""
        return self.folded or len(self.rows) > _OPEN_ROWS


@dataclass(frozen=True, slots=True)
class Drawing:
    """Is a chart; `table` is the id of the table that says the same."""

    name: str
    spec: Mapping[str, Any]
    caption: str
    table: str
    kind: ClassVar[str] = "drawing"


Part = Words | Heading | Findings | Listing | Facts | Table | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """Is a section: what its heading and its place in the rail say, and its parts."""

    id: str
    title: str
    short: str
    parts: Sequence[Part]


def drawing(name: str, spec: Mapping[str, Any], *, table: str) -> Drawing:
    """Return a chart, a specification of `harness.report.charts.spec`, with its own notes beneath it."""
    return Drawing(name, spec, " ".join(spec["usermeta"]["notes"]), table)


def table(
    id: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    caption: str,
    file: str,
    folded: bool = False,
) -> Table:
    """Return a table of at most MOST_ROWS rows that says in which file the others are."""
    more = f" The first {MOST_ROWS} of {len(rows):,} rows; all are in {file}." if len(rows) > MOST_ROWS else ""
    written = [[_written(*cell) for cell in zip(headers, row, strict=True)] for row in rows[:MOST_ROWS]]
    return Table(id, headers, written, caption + more, folded)


def typeset(text: str) -> str:
    r"""Return words of this report with a minus sign before negative numbers and no line break before a percent sign.

    >>> typeset("-2.5 points of 10.0 %")
    '−2.5 points of 10.0\xa0%'
    """
    return _MINUS.sub("−", text).replace(" %", "\u00a0%")


def _written(header: str, cell: object) -> object:
    """Return a cell whose numbers are typeset; texts from data stay as they are."""
    if isinstance(cell, tuple) and type(cell[0]) is str and not isinstance(cell[1], str):
        return typeset(cell[0]), cell[1]
    return typeset(cell) if header == _INTERVAL and isinstance(cell, str) else cell
