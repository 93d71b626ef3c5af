"""A run in, the WER of every slice out: a forest plot, intersections as heatmaps, and a table with the support."""

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report import charts
from harness.report.html.measured import Measured, Row, records, text
from harness.report.html.parts import Heading, Part, Section, Words, drawing, table
from harness.report.shown import withheld
from harness.report.wording import percent, rate_interval
from harness.results.run import SLICES

MOST_HEATMAPS = 6
_EMPTY = "A cell without people is drawn empty: nobody was measured there."
_UNTOLD = "A cell without a number is of nobody or of people of whom nothing is printed: which of these is not told."
_HEADERS = (
    *("dimension", "slice", "WER", "interval", "CER", "speakers", "utterances", "failed", "words", "hallucinated"),
    "note",
)


def slices_section(measured: Measured) -> Section:
    """Return the WER of the slices of every attribute."""
    shown = measured.of([OVERALL, *measured.dimensions])
    level = f"{100 * measured.summary['confidence']:g} %"
    parts: list[Part] = [
        Words(f"Word error rate with {level} intervals that resample speakers, and how many people each rests on.")
        if measured.has_words
        else Words("No reference has a word: there is no word error rate of anybody.", "none")
    ]
    if len(shown) > 1 and measured.has_words:
        parts.append(
            drawing("forest", charts.spec(charts.forest(shown, ordered=measured.ordered)), table="slices-table")
        )
    parts.append(
        table("slices-table", _HEADERS, [_cells(row) for row in records(shown)], caption="WER by slice.", file=SLICES)
    )
    return Section("slices", "Word error rate by slice", "Slices", parts)


def intersections_section(measured: Measured) -> Section | None:
    """Return a heatmap for every pair of attributes, whoever nobody is in visible; None where nothing is crossed."""
    if not measured.intersections:
        return None
    pairs = charts.pairs(measured.slices) if measured.has_words else []
    parts: list[Part] = [
        Words(f"Where two attributes meet. {_EMPTY if measured.run.tells_few else _UNTOLD}"),
        *(Words(told, "muted") for told in withheld(measured.run)),
    ]
    for number, pair in enumerate(pairs[:MOST_HEATMAPS]):
        few = [name for dimension, name in measured.run.few if dimension == pair] if measured.run.tells_few else None
        chart = charts.heatmap(
            measured.slices, pair, disparities=measured.disparities, few=few, floor=measured.run.floor
        )
        parts += [Heading(pair, pair), drawing(f"heatmap-{number}", charts.spec(chart), table="intersections-table")]
    if len(pairs) > MOST_HEATMAPS:
        parts.append(Words(f"{len(pairs) - MOST_HEATMAPS} more pairs are in the table only.", "muted"))
    rows = [_cells(row) for row in records(measured.of(measured.intersections))]
    parts.append(table("intersections-table", _HEADERS, rows, caption="WER by intersection.", file=SLICES, folded=True))
    return Section("intersections", "Intersections", "Intersections", parts)


def _cells(row: Row) -> tuple[object, ...]:
    name = "everybody" if (row["dimension"], row["slice"]) == (OVERALL, EVERYBODY) else row["slice"]
    return (
        row["dimension"],
        name,
        (percent(row["wer"]), row["wer"]),
        rate_interval(row["wer_low"], row["wer_high"]),
        (percent(row["cer"]), row["cer"]),
        *(int(row[count]) for count in ("n_speakers", "n_utterances", "n_failed", "reference_words")),
        (percent(row["hallucination_rate"]), row["hallucination_rate"]),
        text(row["note"]),
    )
