"""The run directory of a description in, `report.md` out: what to do next, who is here, what it could show."""

from harness.report.described.cells import rows_of
from harness.report.described.made import made_pairs
from harness.report.described.page import MOST_STEPS
from harness.report.described.seen import PAGE, TABLES, Seen
from harness.report.described.steps import GROUPS, sentence
from harness.report.described.who import people_cells
from harness.report.described.words import assumptions, corpus_sentence, gaps_sentence, notes_of, uneven_sentence
from harness.report.tables import escape, table
from harness.results import Run
from harness.results.run import REPORT

MOST_SLICES = 200
_PEOPLE = ("dimension", "slice", "people", "utterances", "hours", "words", "words each", "largest share", "weighs as")


def write_markdown(run: Run) -> None:
    """Write `report.md` from the files of the run; with it the run has ended."""
    run.write_text(REPORT, render_markdown(Seen(run)))


def render_markdown(seen: Seen) -> str:
    """Return the report as Markdown; every text from data is escaped, and what the page withholds is withheld."""
    slices = seen.slices.head(MOST_SLICES)
    more = len(seen.slices) - len(slices)
    cells = [[cell[0] if isinstance(cell, tuple) else cell for cell in people_cells(row)] for row in rows_of(slices)]
    parts = [
        f"# What {escape(seen.summary['name'])} has and lacks",
        f"**{escape(corpus_sentence(seen))} {escape(gaps_sentence(seen))}**",
        "\n".join(f"- {escape(note)}" for note in notes_of(seen)),
        "## What to do next\n\n" + _steps(seen),
        "## Who is here\n\n" + (table(_PEOPLE, cells) if cells else "No attribute is declared."),
        f"{more:,} more slices are in people.csv." if more else "",
        escape(uneven_sentence(seen)),
        "## What it could show\n\n" + escape(assumptions(seen)),
        f"Pictures are in {PAGE}; every number is in {', '.join(TABLES)}.",
        "## How this was made\n\n" + "\n".join(f"- {name}: {escape(told)}" for name, told in made_pairs(seen)),
    ]
    return "\n\n".join(seen.sources.under(part) for part in parts if part) + "\n"


def _steps(seen: Seen) -> str:
    steps, lines = seen.steps, []
    for heading, kinds in GROUPS:
        part = steps[steps["kind"].isin(kinds)]
        if part.empty:
            continue
        lines += [f"### {heading}", ""]
        lines += [f"{row['place']}. {escape(sentence(row))}" for row in rows_of(part.head(MOST_STEPS))]
        lines += [f"\nand {len(part) - MOST_STEPS:,} more in next.csv"] if len(part) > MOST_STEPS else []
        lines.append("")
    return "\n".join(lines).strip() or "Nothing was found that is to be mended, asked, recorded or shared."
