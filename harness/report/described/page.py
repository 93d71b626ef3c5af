"""The run directory of a description in, `describe.html` out: what to do next first, then what that rests on."""

from harness.fairness.described import Redact
from harness.report.described.cells import rows_of
from harness.report.described.sections import sections
from harness.report.described.seen import NEXT, PAGE, Seen
from harness.report.described.steps import GROUPS, sentence
from harness.report.described.words import corpus_sentence, gaps_sentence
from harness.report.html.parts import Drawing, Section, typeset
from harness.report.html.sourced import sourced
from harness.report.pages import page
from harness.report.wording import figure, plain
from harness.results import Run

MOST_STEPS = 10  # below a heading of the page; the file has all


def write_page(run: Run) -> None:
    """Write `describe.html` from the files of the run, whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    run.write_text(PAGE, render_page(Seen(run)))


def render_page(seen: Seen) -> str:
    """Return the page as one HTML file; no id of a person or an utterance, and no text that was said, is in it."""
    found = [sourced(section, seen.sources) for section in sections(seen)]
    return page(
        "describe",
        title=plain(seen.summary["name"]),
        description=corpus_sentence(seen),
        charts={part.name: part.spec for each in found for part in each.parts if isinstance(part, Drawing)},
        sections=_rail(found),
        parts=found,
        made=plain(seen.facts["finished"]),
        lede=f"{corpus_sentence(seen)} {gaps_sentence(seen)}",
        headline=_headline(seen),
        withheld=_withheld(seen),
        steps=_steps(seen),
        next_file=NEXT,
        typeset=typeset,
    )


def _rail(found: list[Section]) -> list[tuple[str, str]]:
    return [("next", "Next"), *((section.id, section.short) for section in found)]


def _headline(seen: Seen) -> list[tuple[str, str, str]]:
    summary, unknown = seen.summary, seen.summary["n_without_duration"]
    people = ("people", f"{summary['n_speakers']:,}", f"{summary['n_utterances']:,} utterances")
    hours = ("hours", figure(summary["hours"]), f"{unknown:,} utterances of unknown length" if unknown else "")
    words = ("words", f"{summary['words']:,}", f"{summary['n_texts']:,} different texts")
    enough, total = summary["n_slices_enough"], summary["n_slices"]
    asked = f"could show a gap of {100 * summary['gap_asked']:g} points"
    gaps = ("slices", f"{enough:,} of {total:,}", asked)
    return [people, hours, words, *([gaps] if total else [])]


def _withheld(seen: Seen) -> str:
    """Say what is not on the page, and that it is no protection against those who have the tables."""
    if seen.redact is Redact.nothing or (seen.redact is Redact.intersections and seen.crossed.empty):
        return ""
    if seen.redact is Redact.intersections:
        which = f"Where two attributes meet, fewer than {seen.floor} people are not counted here"
    else:
        which = f"In every slice, fewer than {seen.floor} people are not counted here, nor who would give them away"
    return (
        f"{which}; larger numbers at crossings stand in bands, and values of fewer than {seen.floor} people, or whose "
        "bands would tell, are crossed with nothing. The tables beside this page have every number, ids of people and "
        "what they said: they are for the curator."
    )


def _steps(seen: Seen) -> list[tuple[str, int, list[str], int]]:
    """Return headings, the number of the first step below each, the steps, and how many more there are."""
    table, found = seen.steps, []
    for heading, kinds in GROUPS:
        part = table[table["kind"].isin(kinds)]
        if len(part):
            told = [sentence(row) for row in rows_of(part.head(MOST_STEPS))]
            found.append((heading, int(part["place"].iloc[0]), told, max(0, len(part) - MOST_STEPS)))
    return found
