"""A run whose terms were counted in, the words that matter out: rates per slice, the terms missed most, examples."""

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.conditions import Row
from harness.report.html.frames import frame_table
from harness.report.html.measured import Measured, text
from harness.report.html.parts import Finding, Findings, Heading, Part, Section, Words, table
from harness.report.pages import verdict
from harness.report.terms import (
    CALLED,
    FIRST,
    WordsThatMatter,
    example_rows,
    finding_text,
    opening,
    rate_cell,
    words_that_matter,
)
from harness.report.wording import gap_interval, percent, plain, points, rate_interval
from harness.results.run import TERM_EXAMPLES, TERM_LIST, TERMS

MOST_FOUND, MOST_EXAMPLES = 6, 12
_RATE_HEADERS = (
    *("measure", "condition", "dimension", "slice", "rate", "interval", "verdict", "gap", "interval", "p adj."),
    *("of", "speakers", "reason"),
)
_TERM_HEADERS = (
    *("term", "kind", "condition", "missed", "of", "rate", "heard instead", "times", "speakers", "worst slice"),
    "missed there",
)


def terms_section(measured: Measured) -> Section | None:
    """Return how often terms, numbers and negations went wrong, for whom; None where they were not counted."""
    found = words_that_matter(measured.run)
    if found is None:
        return None
    worse = [Finding("disparity", plain(row["slice"]), finding_text(row)) for row in found.found[:MOST_FOUND]]
    parts: list[Part] = [
        Words(f"{opening(found)} A wrong term, number or negation can cost more than many other words."),
        Findings(worse) if worse else Words("No slice is shown to lose more of them than its comparator.", "none"),
        _by_slice(found),
        _every_rate(found),
        *_terms(found),
        *_examples(found),
    ]
    return Section("terms", "Words that matter", "Terms", parts)


def _by_slice(found: WordsThatMatter) -> Part:
    """Return the rates told first of every slice, under every condition."""
    rates = found.rates[found.rates["measure"].isin(FIRST)]
    keys = rates[["condition", "dimension", "slice"]].drop_duplicates().itertuples(index=False, name=None)
    rows = [_slice_cells(found, str(condition), (str(dimension), str(name))) for condition, dimension, name in keys]
    headers = ("condition", "dimension", "slice", *(CALLED[name] for name in FIRST))
    caption = "Shares of what was said, with speaker-clustered intervals."
    return table("terms-slices", headers, rows, caption=caption, file=TERMS)


def _slice_cells(found: WordsThatMatter, condition: str, key: tuple[str, str]) -> tuple[object, ...]:
    rates = [found.rate(measure, condition, key) for measure in FIRST]
    name = "everybody" if key == (OVERALL, EVERYBODY) else key[1]
    return (condition, key[0], name, *((rate_cell(row), None if row is None else row["rate"]) for row in rates))


def _every_rate(found: WordsThatMatter) -> Part:
    caption = (
        "Every rate. A measure under a condition is a family of its own: p-values are corrected over its slices, not "
        "over measures and conditions."
    )
    return frame_table(
        "terms-table", _RATE_HEADERS, found.rates, _rate_cells, caption=caption, file=TERMS, first_by="gap"
    )


def _rate_cells(row: Row) -> tuple[object, ...]:
    return (
        CALLED.get(row["measure"], row["measure"]),
        row["condition"],
        row["dimension"],
        "everybody" if row["dimension"] == OVERALL else row["slice"],
        (percent(row["rate"]), row["rate"]),
        rate_interval(row["low"], row["high"]),
        (verdict(row["verdict"]), row["verdict"]) if row["verdict"] else "–",
        (points(row["gap"]), row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        ("–" if row["p_adjusted"] != row["p_adjusted"] else f"{row['p_adjusted']:.3f}", row["p_adjusted"]),
        int(row["n_spans"]),
        int(row["n_speakers"]),
        text(row["reason"]),
    )


def _terms(found: WordsThatMatter) -> list[Part]:
    """Return the terms missed most often; nothing is tested of single terms."""
    if found.terms.empty:
        return [Words("The list of terms is left out of this file.", "muted")]
    missed = found.terms[found.terms["n_missed"] > 0].sort_values("n_missed", ascending=False, kind="stable")
    if missed.empty:
        return [Words("No term of the list was missed.", "none")]
    caption = (
        "The terms missed most often. Nothing is tested here: with many terms and slices the largest of many rates is "
        "large by chance."
    )
    return [
        Heading("Terms missed most"),
        frame_table("term-list", _TERM_HEADERS, missed, _term_cells, caption=caption, file=TERM_LIST, folded=False),
    ]


def _term_cells(row: Row) -> tuple[object, ...]:
    worst = f"{row['worst_slice']} ({row['worst_dimension']})" if row["worst_slice"] else "–"
    there = row["worst_slice_missed_rate"]
    return (
        row["term"],
        text(row["kind"]),
        row["condition"],
        int(row["n_missed"]),
        int(row["n_spans"]),
        (percent(row["missed_rate"]), row["missed_rate"]),
        row["heard_instead"] or ("nothing" if row["n_heard_instead"] else "–"),
        int(row["n_heard_instead"]),
        int(row["n_speakers"]),
        worst,
        (f"{percent(there)} of {int(row['worst_slice_n_spans']):,}" if row["worst_slice"] else "–", there),
    )


def _examples(found: WordsThatMatter) -> list[Part]:
    rows = example_rows(found, MOST_EXAMPLES)
    if not rows:
        return []
    caption = "In brackets what was said and what was heard instead; the worst utterances first."
    headers = ("what", "condition", "utterance")
    return [Heading("Examples"), table("term-examples", headers, rows, caption=caption, file=TERM_EXAMPLES)]
