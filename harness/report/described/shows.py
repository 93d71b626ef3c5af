"""What was found of a corpus in, what it could show out: the gaps its people would show, and who says the same."""

from collections.abc import Iterator

import pandas as pd

from harness.fairness.described.prompts import MOST_PAIRED
from harness.report import charts
from harness.report.charts.corpus_grids import shared_texts
from harness.report.charts.detectable_gaps import detectable_gaps
from harness.report.described.cells import Row, counted, in_points, rows_of, shared
from harness.report.described.seen import OVERLAP_PAIRS, OVERLAPS, PEOPLE, Seen
from harness.report.described.words import assumptions
from harness.report.html.parts import Heading, Part, Section, Words, drawing, table
from harness.report.wording import percent, plain

MOST_GRIDS = 6
MOST_NAMED = 5  # slices in a sentence
LEAST_SHARED = 0.05  # of all utterances; where slices share less there is nothing to see
_GAPS = ("dimension", "slice", "people", "gap found, points", "chance of the gap asked", "needed", "note")
_TEXTS = (
    "dimension", "slice", "utterances", "said elsewhere, too", "if dealt out at random", "texts",
    "only here, by several",
)  # fmt: skip


def gaps_section(seen: Seen) -> Section | None:
    """Return the smallest gap that every slice would show; None where no two slices can be compared."""
    planned = seen.planned
    if planned.empty:
        return None
    if not seen.summary["n_speakers"]:
        words = Words("No speaker has an id: a test resamples people, and cannot show any gap without.", "none")
        return Section("gaps", "What it could show", "Gaps", [words])
    chart = detectable_gaps(planned, ordered=seen.ordered)
    caption = (
        f"The gap found is the smallest that a test would find with {100 * seen.summary['power']:g} % probability; the "
        f"gap asked is {_asked(planned)} points. Needed: people in the slice for that gap, everybody else as they are; "
        "– where no number of them is enough, or it is not shown."
    )
    parts: list[Part] = [
        Words(assumptions(seen)),
        drawing("gaps", charts.spec(chart), table="gaps-table"),
        table("gaps-table", _GAPS, [_gap_cells(row) for row in rows_of(planned)], caption=caption, file=PEOPLE),
    ]
    return Section("gaps", "What it could show", "Gaps", parts)


def texts_section(seen: Seen) -> Section | None:
    """Return how far slices say the same texts; None where there are no two slices."""
    if seen.overlaps.empty:
        return None
    repeated = seen.summary["n_utterances_repeated"] / max(1, seen.summary["n_utterances"])
    parts: list[Part] = [
        Words(
            f"{percent(repeated)} of utterances have a text that comes up more than once, but for case and "
            "punctuation. Slices that say different texts differ in people and in texts at once: a gap between them "
            "may be either's. A text that only one group says is the same danger. In conversations nobody says the "
            "same, and what people talk about takes the place of prompts."
        )
    ]
    said = seen.overlaps.groupby("dimension", sort=False)[["n_utterances_shared", "n_utterances"]].sum()
    alike = said["n_utterances_shared"] >= LEAST_SHARED * said["n_utterances"]
    names = list(said.index[alike & said.index.isin(seen.pairs["dimension"])])
    for number, name in enumerate(names[:MOST_GRIDS]):
        chart = shared_texts(seen.pairs, name, n_unpaired=len(seen.unpaired.get(name, ())))
        parts += [Heading(plain(name), name), drawing(f"texts-{number}", charts.spec(chart), table="texts-table")]
    n_others = len(said) - len(names[:MOST_GRIDS])
    if n_others:
        few = f" Of attributes whose slices share less than {100 * LEAST_SHARED:g} % there is no picture."
        parts.append(Words(f"{n_others} more {'is' if n_others == 1 else 'are'} in the table only.{few}", "muted"))
    caption = (
        "Share of a slice's utterances whose text is also said in another slice of the dimension, beside what it would "
        "be had texts been dealt out without regard to who says them. Only here, by several: texts that two people or "
        "more say, all of this slice."
    )
    parts += [Words(told, "muted") for told in _unpaired(seen)]
    rows = [_text_cells(row) for row in rows_of(seen.overlaps)]
    parts.append(table("texts-table", _TEXTS, rows, caption=caption, file=OVERLAPS))
    return Section("texts", "Who says the same", "Texts", parts)


def _unpaired(seen: Seen) -> Iterator[str]:
    """Say of every dimension which of its slices are compared with no other one."""
    for dimension, names in seen.unpaired.items():
        listed = ", ".join(plain(name) for name in names[:MOST_NAMED])
        more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
        yield (
            f"{plain(dimension)}: pairs are of the {MOST_PAIRED} slices of most utterances. {listed}{more} are in no "
            f"pair, here and in {OVERLAP_PAIRS}; the table compares each with all others together."
        )


def _asked(planned: pd.DataFrame) -> str:
    return ", ".join(f"{100 * gap:g}" for gap in sorted(set(planned["gap_asked"])))


def _gap_cells(row: Row) -> tuple[object, ...]:
    power = row["power"]
    return (
        row["dimension"],
        row["slice"],
        (row["people_text"], float(row["rank"])),
        in_points(row["detectable_gap"]),
        ("–", None) if pd.isna(power) else (f"{100 * power:.0f} %", power),
        counted(row["n_speakers_needed"]),
        row["note"],
    )


def _text_cells(row: Row) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        counted(row["n_utterances"]),
        shared(row["share"]),
        shared(row["share_expected"]),
        counted(row["n_texts"]),
        counted(row["n_texts_several_read_only_here"]),
    )
