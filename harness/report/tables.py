"""Cells in, a Markdown table out, every text from data escaped."""

import html
from collections.abc import Iterable, Sequence

from harness.report.wording import plain

_SPECIAL = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]|#~"})


def escape(text: object) -> str:
    """Return a text that Markdown and HTML show as it is."""
    return html.escape(plain(text), quote=False).translate(_SPECIAL)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; every cell is escaped."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)
