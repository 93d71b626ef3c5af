"""Gaps placed beside another run's in, what they come to in sentences out."""

from collections.abc import Iterator

from harness.report.charts.placed import furthest
from harness.report.conditions import Row, UnderConditions, rows_of
from harness.report.wording import gap_interval, plain, points

MOST_SENTENCES = 5


def there(under: UnderConditions) -> str:
    """Return what to call the other run: its manifest, and its folder where that says more."""
    manifest, run = (plain(under.beside.get(name) or "") for name in ("manifest", "run"))
    return manifest if not run or run == manifest else f"{manifest} ({run})" if manifest else run


def placed_sentences(under: UnderConditions, most: int = MOST_SENTENCES) -> list[str]:
    """Say of the slices that are furthest from their gap in the other run what it is here, under which condition."""
    return [_sentence(row, there(under)) for row in _rows(under, most)]


def _rows(under: UnderConditions, most: int) -> Iterator[Row]:
    yield from (row for row in rows_of(furthest(under.placed).head(most)) if row["further"] > 0)


def _sentence(row: Row, other: str) -> str:
    interval = gap_interval(row["further_low"], row["further_high"])
    return (
        f"{plain(row['slice'])} ({plain(row['dimension'])}): on {other} this gap is {points(row['there_gap'])} points, "
        f"here under {plain(row['condition'])} {points(row['gap'])}: {points(row['further'])} further"
        f"{'' if interval == '–' else f' ({interval})'}."
    )
