"""A section and who says so of every attribute in, the section with that said wherever it names one out."""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.html.parts import Drawing, Findings, Heading, Part, Section, Table, Words
from harness.report.sources import Sources
from harness.report.wording import plain

TOLD_ALREADY = "people"  # a section whose table says it of every attribute
_NAMES = ("dimension", "attribute", "worst dimension")  # headers of columns that name dimensions


def sourced(section: Section, sources: Sources) -> Section:
    """Return a section whose headings, tables and findings say who says so, and one sentence for what is drawn.

    Where all attributes have one source, the sentence says it of them all; where they differ, every name in a table has
    its own beside it.
    """
    if not sources.of or section.id == TOLD_ALREADY or not any(_names_attributes(part) for part in section.parts):
        return section
    parts = [_sourced(part, sources) for part in section.parts]
    place = 1 if isinstance(parts[0], Words) else 0
    parts.insert(place, Words(sources.sentence, "muted small"))
    return replace(section, parts=parts)


def _names_attributes(part: Part) -> bool:
    if isinstance(part, Table):
        return not set(_NAMES).isdisjoint(part.headers)
    return isinstance(part, Drawing | Findings) or (isinstance(part, Heading) and bool(part.dimension))


def _sourced(part: Part, sources: Sources) -> Part:
    if isinstance(part, Table):
        return replace(part, rows=[_cells(row, part.headers, sources) for row in part.rows])
    if isinstance(part, Heading) and part.dimension:
        return replace(part, source=sources.word(part.dimension))
    if isinstance(part, Findings) and not sources.same:
        items = [replace(item, text=_finding(item.dimension, item.text, sources)) for item in part.items]
        return replace(part, items=items)
    return part


def _cells(row: Sequence[object], headers: Sequence[str], sources: Sources) -> list[object]:
    return [
        (sources.cell(cell), cell) if header in _NAMES and isinstance(cell, str) else cell
        for header, cell in zip(headers, row, strict=True)
    ]


def _finding(dimension: str, text: str, sources: Sources) -> str:
    """Return a finding's words, which begin with its dimension in brackets where it is of one."""
    told = f"({plain(dimension)})"
    return f"({sources.named(dimension)}){text.removeprefix(told)}" if dimension and text.startswith(told) else text
