"""A last-mile run in, some fifteen lines for the terminal out: the extra harms to look at first, the grid's ends."""

from rich.table import Table

from harness.report.conditions import ADVANTAGE, UnderConditions, extremes, hurt_most, rows_of
from harness.report.grids import Column, grid
from harness.report.terms import WordsThatMatter, opening
from harness.report.wording import gap_interval, percent, plain, points
from harness.results.run import EXTRA_HARM

MOST_ROWS = 4
_STYLES = {"disparity": "bold red", "advantage": "green", "within_margin": "green", "insufficient": "dim"}


def harms_table(under: UnderConditions, *, width: int) -> Table | None:
    """Return the first extra harms, without whom a condition hurts less; None where nobody is told from the others."""
    worse = under.judged[under.judged["verdict"] != ADVANTAGE]
    rows = rows_of(worse.head(MOST_ROWS))
    if not rows:
        return None
    columns = [
        Column("condition", is_name=True),
        Column("slice", is_name=True),
        Column("clean", missed=2),
        Column("adds"),
        Column("more"),
        Column("interval", missed=3),
        Column("verdict", is_word=True),
    ]
    cells = [
        (
            plain(row["condition"]),
            f"{plain(row['slice'])} ({plain(row['dimension'])})",
            percent(row["clean_wer"]),
            points(row["harm"]),
            points(row["extra_harm"]),
            gap_interval(row["extra_harm_low"], row["extra_harm_high"]),
            str(row["verdict"]).replace("_", " "),
        )
        for row in rows
    ]
    styles = [_STYLES.get(str(row["verdict"]), "") for row in rows]
    title = "What a condition adds to WER, and how much more than to the rest, in points"
    return grid(title, columns, cells, width=width, styles=styles)


def condition_lines(under: UnderConditions) -> list[str]:
    """Return what to read of the conditions beneath the table."""
    more = len(under.judged) - MOST_ROWS
    return [
        line
        for line in (
            f"… and {more:,} more pairs of condition and slice in {EXTRA_HARM}" if more > 0 else "",
            hurt_most(under),
            extremes(under),
        )
        if line
    ]


def term_lines(terms: WordsThatMatter | None) -> list[str]:
    """Return what to read of the words that matter."""
    return [] if terms is None else [f"Words that matter: {opening(terms)}"]
