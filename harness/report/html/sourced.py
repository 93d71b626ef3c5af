"""A section and who says so of every attribute in, the section with that said wherever it names one out."""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.html.parts import Findings, Heading, Part, Section, Table, Words
from harness.report.sources import Sources

_TOLD_ALREADY = "what it is"  # header of a column that says it of every attribute
_NAMES = ("dimension", "attribute", "worst dimension")  # headers of columns that name dimensions


def sourced(section: Section, sources: Sources) -> Section:
    """Return a section whose headings and tables say who says so, and before them one sentence for all that follows.

    Where all attributes have one source, the sentence says it of them all; where they differ, every name in a table has
    its own beside it, too.
    """
    if not sources.of or not any(_names_attributes(part) for part in section.parts):
        return section
    parts = [_sourced(part, sources) for part in section.parts]
    place = 1 if isinstance(parts[0], Words) else 0
    parts.insert(place, Words(sources.sentence, "muted small"))
    return replace(section, parts=parts)


def _names_attributes(part: Part) -> bool:
    if isinstance(part, Table):
        return not set(_NAMES).isdisjoint(part.headers) and _TOLD_ALREADY not in part.headers
    return isinstance(part, Findings) or (isinstance(part, Heading) and bool(part.dimension))


def _sourced(part: Part, sources: Sources) -> Part:
    if isinstance(part, Table):
        return replace(part, rows=[_cells(row, part.headers, sources) for row in part.rows])
    if isinstance(part, Heading) and part.dimension:
        return replace(part, source=sources.word(part.dimension))
    return part


def _cells(row: Sequence[object], headers: Sequence[str], sources: Sources) -> list[object]:
    return [
        (sources.cell(cell), cell) if header in _NAMES and isinstance(cell, str) else cell
        for header, cell in zip(headers, row, strict=True)
    ]
