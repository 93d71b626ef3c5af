"""A run in, what its errors are and what may explain its gaps out: kinds of errors, speakers, models, matches."""

from harness.fairness.membership import OVERALL
from harness.report import charts
from harness.report.evidence import rate_text, rates_by_slice
from harness.report.html.measured import Measured, Row, records, text
from harness.report.html.parts import Heading, Part, Section, Words, drawing, table
from harness.report.ratios import Ratios, fitted_slices, ratio_interval
from harness.report.wording import gap_interval, percent, points, times
from harness.results.run import ADJUSTED, MATCHED, METRICS

MOST_SPEAKER_CHARTS = 6
_RATES = (  # of metrics.csv: what is heard, what is lost, what is made up
    *("word_recall", "word_precision", "word_f1", "substitution_rate", "deletion_rate", "insertion_rate"),
    *("usable_rate", "hallucination_rate", "empty_output_rate", "speaker_wer_p90"),
)
_RATE_NAMES = {"speaker_wer_p90": "9 in 10 speakers below"}


def errors_section(measured: Measured) -> Section:
    """Return what the errors of every slice are made of."""
    shown = measured.of([OVERALL, *measured.dimensions])
    parts: list[Part] = [
        Words("Words heard as others, words lost, words made up: errors that cost a person differently.")
    ]
    if measured.has_words and len(shown) > 1:
        parts.append(
            drawing(
                "composition", charts.spec(charts.composition(shown, ordered=measured.ordered)), table="errors-table"
            )
        )
    rows = _rates(measured)
    headers = (
        "dimension",
        "slice",
        *(_RATE_NAMES.get(name, name.removesuffix("_rate").replace("_", " ")) for name in _RATES),
    )
    caption = (
        "Shares of reference words, of words heard, or of utterances, with speaker-clustered intervals. Usable: "
        "utterances whose WER leaves a text worth reading."
    )
    parts.append(
        table("errors-table", headers, rows, caption=caption, file=METRICS, folded=True)
        if rows
        else Words("The shares were not computed for this run.", "none")
    )
    return Section("errors", "What the errors are", "Errors", parts)


def speakers_section(measured: Measured) -> Section | None:
    """Return every speaker as a dot beside the WER of the slice; None without ids or words."""
    if not measured.everybody["n_speakers"] or not measured.dimensions or not measured.has_words:
        return None
    parts: list[Part] = [
        Words("Each dot is a speaker's own WER. A slice's mean can hide a few people who are served far worse.")
    ]
    heard = measured.counted
    for number, name in enumerate(measured.dimensions[:MOST_SPEAKER_CHARTS]):
        chart = charts.speakers(heard, name, slices=measured.slices)
        parts += [Heading(name, name), drawing(f"speakers-{number}", charts.spec(chart), table="speakers-table")]
    rows = [
        (row["dimension"], row["slice"], int(row["n_speakers"]), *_rate_pairs(row, ("wer", "speaker_mean_wer")))
        for row in records(measured.of([OVERALL, *measured.dimensions]))
    ]
    headers = ("dimension", "slice", "speakers", "WER", "mean of speakers")
    caption = "WER of all words of a slice, and the mean over its speakers, where each counts once."
    parts.append(table("speakers-table", headers, rows, caption=caption, file="slices.csv", folded=True))
    return Section("speakers", "Every speaker", "Speakers", parts)


def explained_section(measured: Measured) -> Section | None:
    """Return the gaps adjusted for covariates and between matched people, beside the raw ones; None without either."""
    parts = [*_adjusted(measured), *_matched(measured)]
    return Section("explained", "What may explain the gaps", "Explained", parts) if parts else None


def _rates(measured: Measured) -> list[tuple[object, ...]]:
    """Return a row a slice with the shares of metrics.csv."""
    metrics = measured.run.optional(METRICS)
    if metrics is None or metrics.empty:
        return []
    found = rates_by_slice(metrics, _RATES)
    return [(*key, *(_rate_cell(rates.get(metric)) for metric in _RATES)) for key, rates in found.items()]


def _rate_cell(row: Row | None) -> tuple[str, float | None]:
    return rate_text(row), None if row is None or row["value"] != row["value"] else row["value"]


def _rate_pairs(row: Row, names: tuple[str, ...]) -> list[tuple[str, float]]:
    return [(percent(row[name]), row[name]) for name in names]


def _adjusted(measured: Measured) -> list[Part]:
    adjusted = measured.run.optional(ADJUSTED)
    if adjusted is None or adjusted.empty:
        return []
    fitted = fitted_slices(adjusted)
    if not fitted:
        return [Words("No slice had enough people for a model of its gap; adjusted.csv says why of each.", "none")]
    rows = [_adjusted_cells(ratios) for ratios in fitted]
    headers = ("dimension", "slice", "against", "ratio", "interval", "adjusted", "interval", "moved most by", "note")
    caption = "WER ratios without covariates, and with all that fit into one model."
    return [
        Words(
            "WER ratios of a mixed-effects Poisson regression with a random intercept per speaker, raw and adjusted "
            "for what was recorded of each utterance. A covariate that follows from the attribute itself is part of "
            "the gap, not an excuse for it. Its raw ratio is that of one speaker to another, not of all words to all "
            "words as in the table of gaps. Verdicts rest on the tests above, never on this model."
        ),
        drawing("adjusted", charts.spec(charts.adjusted(adjusted)), table="adjusted-table"),
        table("adjusted-table", headers, rows, caption=caption, file=ADJUSTED, folded=True),
    ]


def _adjusted_cells(ratios: Ratios) -> tuple[object, ...]:
    raw, everything, moving = ratios.raw, ratios.everything, ratios.moving
    return (
        raw["dimension"],
        raw["slice"],
        raw["comparator"],
        (times(raw["ratio"]), raw["ratio"]),
        ratio_interval(raw),
        ("–", None) if everything is None else (times(everything["ratio"]), everything["ratio"]),
        "–" if everything is None else ratio_interval(everything),
        "–" if moving is None else f"{moving['covariates']} (to {times(moving['ratio'])})",
        ratios.note,
    )


def _matched(measured: Measured) -> list[Part]:
    matched = measured.run.optional(MATCHED)
    if matched is None or matched.empty or not matched["n_pairs"].any():
        return []
    rows = [
        (
            row["dimension"],
            row["slice"],
            row["comparator"],
            int(row["n_pairs"]),
            (points(row["raw_gap"]), row["raw_gap"]),
            (points(row["gap"]), row["gap"]),
            gap_interval(row["gap_low"], row["gap_high"]),
            ("–" if row["p_adjusted"] != row["p_adjusted"] else f"{row['p_adjusted']:.3f}", row["p_adjusted"]),
            "yes" if row["balanced"] else "no",
            text(row["note"]),
        )
        for row in records(matched[matched["n_pairs"] > 0])
    ]
    headers = ("dimension", "slice", "against", "pairs", "gap", "gap matched", "interval", "p adj.", "balanced", "note")
    caption = "Gaps between people matched to be alike; how alike they are: balance.csv."
    return [
        Heading("The same gaps between matched people"),
        table("matched-table", headers, rows, caption=caption, file=MATCHED),
    ]
