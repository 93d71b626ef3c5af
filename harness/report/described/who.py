"""What was found of a corpus in, who is in it out: people of every slice, who told what, where attributes meet."""

import math

import pandas as pd

from harness.corpus.attributes import KINDS_OF_PEOPLE
from harness.fairness.membership import AND, OVERALL
from harness.report import charts
from harness.report.charts.corpus_grids import people_grid
from harness.report.charts.people_by_slice import people_by_slice
from harness.report.described.cells import Cell, Row, counted, measured, rows_of, shared
from harness.report.described.seen import ATTRIBUTES, PEOPLE, Seen
from harness.report.described.words import notes_of
from harness.report.html.parts import Heading, Listing, Part, Section, Words, drawing, table
from harness.report.wording import percent, plain

MOST_GRIDS = 6
_PEOPLE = (
    "dimension", "slice", "people", "utterances", "hours", "words", "words each", "largest share", "weighs as",
)  # fmt: skip
_TOLD = (
    "attribute", "what it is", "values", "declared", "declined", "undeclared", "several values", "in part",
    "utterances undeclared", "of all",
)  # fmt: skip


def people_section(seen: Seen) -> Section:
    """Return how many people, hours and words every slice of one attribute has."""
    notes, slices = notes_of(seen), seen.slices
    parts: list[Part] = [Listing(notes)] if notes else []
    if len(slices) and seen.summary["n_speakers"]:
        parts.append(
            drawing("people", charts.spec(people_by_slice(slices, ordered=seen.ordered)), table="people-table")
        )
    elif len(slices):
        parts.append(Words("No speaker has an id: people cannot be counted, only what was said.", "none"))
    else:
        parts.append(Words("No attribute is declared: nothing can be said of any group.", "none"))
    caption = (
        "Hours are of utterances whose length is stated. Words each: of people who said any. Largest share: of the "
        "slice's words, by who said most. Weighs as: so many people who say as many words each tell as much."
    )
    rows = [people_cells(row) for row in rows_of(pd.concat([seen.people.head(1), slices]))]
    parts.append(table("people-table", _PEOPLE, rows, caption=caption, file=PEOPLE))
    return Section("people", "Who is here", "People", parts)


def told_section(seen: Seen) -> Section | None:
    """Return how many told each attribute; None where there is none."""
    if seen.told.empty:
        return None
    words = Words(
        "Whoever is undeclared is measured and in no group. Asking people who were recorded already is the cheapest "
        "way to show more."
    )
    caption = (
        "Of people with an id, and of utterances. Declared: in any utterance. Declined: asked and not answered. "
        "Undeclared: not recorded. Several values: different ones in different utterances; these people are in several "
        "slices. In part: declared in some utterances and not in others."
    )
    rows = [_told_cells(seen, row) for row in rows_of(seen.told)]
    parts: list[Part] = [words, table("told-table", _TOLD, rows, caption=caption, file=ATTRIBUTES)]
    return Section("told", "Who told what", "Told", parts)


def crossed_section(seen: Seen) -> Section | None:
    """Return how many people are where two attributes meet; None where nobody is."""
    crossed = seen.crossed
    if crossed.empty or not seen.summary["n_speakers"]:
        return None
    names = list(dict.fromkeys(crossed["dimension"]))
    pairs = [name for name in names if len(name.split(AND)) == 2]
    of_people = set(seen.told.loc[seen.told["kind"].isin([kind.value for kind in KINDS_OF_PEOPLE]), "attribute"])
    drawn = sorted(pairs, key=lambda name: len(set(name.split(AND)) - of_people))[:MOST_GRIDS]
    parts: list[Part] = [Words("Where attributes meet. A cell without people is dotted: nobody was recorded there.")]
    for number, name in enumerate(drawn):
        chart = people_grid(seen.people[~seen.people["left_out"]], name, bands=seen.bands)
        parts += [Heading(plain(name), name), drawing(f"crossed-{number}", charts.spec(chart), table="crossed-table")]
    if len(names) > len(drawn):
        parts.append(Words(f"{len(names) - len(drawn)} more crossings are in the table only.", "muted"))
    rows = [(row["dimension"], row["slice"], (row["people_text"], float(row["rank"]))) for row in rows_of(crossed)]
    headers, caption = ("dimension", "slice", "people"), "People where attributes meet."
    parts.append(table("crossed-table", headers, rows, caption=caption, file=PEOPLE, folded=True))
    return Section("crossed", "Where attributes meet", "Crossings", parts)


def people_cells(row: Row) -> tuple[object, ...]:
    """Return what a table shows of a slice."""
    return (
        row["dimension"],
        "everybody" if row["dimension"] == OVERALL else row["slice"],
        (row["people_text"], float(row["rank"])),
        counted(row["n_utterances"]),
        measured(row["hours"]),
        counted(row["words"]),
        counted(row["words_per_speaker"]),
        shared(row["largest_share"]),
        measured(row["effective_speakers"]),
    )


def _told_cells(seen: Seen, row: Row) -> tuple[object, ...]:
    n_silent = math.nan if row["attribute"] in seen.unasked else row["n_utterances_undeclared"]
    return (
        row["attribute"],
        f"{row['kind']}, {row['provenance'].replace('_', '-')}",
        row["n_values"],
        *(_of_all(seen, cell) for cell in seen.people_of(row)),
        *(seen.people_told(row[f"n_speakers_{name}"]) for name in ("several", "partly")),
        counted(n_silent),
        shared(n_silent / max(1, seen.summary["n_utterances"])),
    )


def _of_all(seen: Seen, told: tuple[str, float]) -> Cell:
    """Return how many people, and which share of all where the number is shown."""
    (text, number), n_people = told, seen.summary["n_speakers"]
    is_shown = number and n_people and text == f"{number:,.0f}"
    return (f"{text} ({percent(number / n_people)})" if is_shown else text), number
