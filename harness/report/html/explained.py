"""A run in, what its errors are and what may explain its gaps out: kinds of errors, speakers, models, matches."""

import math

from harness.fairness.adjusted import WITH
from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report import charts
from harness.report.html.measured import Measured, Row, records, text
from harness.report.html.parts import Heading, Part, Section, Words, drawing, table
from harness.report.wording import gap_interval, percent, points, rate_interval, times
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
    for number, name in enumerate(measured.dimensions[:MOST_SPEAKER_CHARTS]):
        chart = charts.speakers(measured.scores, name, slices=measured.slices)
        parts += [Heading(name), drawing(f"speakers-{number}", charts.spec(chart), table="speakers-table")]
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
    alone = metrics[metrics["comparator"].isna() & metrics["slice"].notna() & metrics["metric"].isin(_RATES)]
    rows: list[tuple[object, ...]] = []
    for (dimension, name), part in alone.groupby(["dimension", "slice"], sort=False, dropna=False):
        found = {row["metric"]: row for row in records(part)}
        rows.append((dimension, name, *(_rate_cell(found.get(metric)) for metric in _RATES)))
    return sorted(rows, key=lambda row: (row[0] != OVERALL, row[1] != EVERYBODY))  # stable: everybody first


def _rate_cell(row: Row | None) -> tuple[str, float | None]:
    if row is None or row["value"] != row["value"]:
        return "–", None
    interval = rate_interval(row["value_low"], row["value_high"]).removesuffix(" %")
    return percent(row["value"]) + ("" if interval == "–" else f" ({interval})"), row["value"]


def _rate_pairs(row: Row, names: tuple[str, ...]) -> list[tuple[str, float]]:
    return [(percent(row[name]), row[name]) for name in names]


def _adjusted(measured: Measured) -> list[Part]:
    adjusted = measured.run.optional(ADJUSTED)
    if adjusted is None or adjusted.empty:
        return []
    fitted = adjusted[adjusted.groupby(["dimension", "slice"], dropna=False)["ratio"].transform("count") > 0]
    if fitted.empty:
        return [Words("No slice had enough people for a model of its gap; adjusted.csv says why of each.", "none")]
    rows = [
        _adjusted_cells(records(part)) for _, part in fitted.groupby(["dimension", "slice"], sort=False, dropna=False)
    ]
    headers = ("dimension", "slice", "against", "ratio", "interval", "adjusted", "interval", "moved most by", "note")
    caption = "WER ratios without covariates, and with all that fit into one model."
    return [
        Words(
            "WER ratios of a mixed-effects Poisson regression with a random intercept per speaker, raw and adjusted "
            "for what was recorded of each utterance. A covariate that follows from the attribute itself is part of "
            "the gap, not an excuse for it. Verdicts rest on the tests above, never on this model."
        ),
        drawing("adjusted", charts.spec(charts.adjusted(fitted.reset_index(drop=True))), table="adjusted-table"),
        table("adjusted-table", headers, rows, caption=caption, file=ADJUSTED, folded=True),
    ]


def _adjusted_cells(rows: list[Row]) -> tuple[object, ...]:
    raw, *others = rows  # without covariates, with each, and last with all that can be in one model
    fitted = [row for row in others if row["ratio"] == row["ratio"]]
    has_all = len(fitted) > 1 and fitted[-1]["covariates"] == WITH.join(row["covariates"] for row in fitted[:-1])
    alone = fitted[:-1] if has_all else fitted
    full = fitted[-1] if has_all or len(fitted) == 1 else None
    most = max(alone, key=lambda row: abs(row["ratio"] - raw["ratio"]), default=None)
    notes = dict.fromkeys(text(row["note"]) for row in (raw, full) if row is not None)
    return (
        raw["dimension"],
        raw["slice"],
        raw["comparator"],
        (times(raw["ratio"]), raw["ratio"]),
        _ratio_interval(raw),
        ("–", None) if full is None else (times(full["ratio"]), full["ratio"]),
        "–" if full is None else _ratio_interval(full),
        "–" if most is None else f"{most['covariates']} (to {times(most['ratio'])})",
        "; ".join(note for note in notes if note),
    )


def _ratio_interval(row: Row) -> str:
    low, high = row["ratio_low"], row["ratio_high"]
    return "–" if math.isnan(low) or math.isnan(high) else f"{times(low)} to {times(high)}"


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
