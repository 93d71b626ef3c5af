"""The evidence beside the verdicts in, sections of `report.md` out: what explains a gap, what errors are made of."""

from collections.abc import Iterable, Sequence

import pandas as pd

from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.ratios import Ratios, Row, fitted_slices, ratio_interval
from harness.report.tables import escape, table
from harness.report.wording import gap_interval, percent, points, rate_interval, times
from harness.results import Run
from harness.results.run import ADJUSTED, MATCHED, METRICS, NORMALIZERS

MAX_ROWS = 60  # more than is read in a document; the files have all
_RATES = (  # of metrics.csv, in the order a reader asks: what is heard, what is lost, what is made up
    *("word_recall", "word_precision", "word_f1", "deletion_rate", "substitution_rate", "insertion_rate"),
    *("usable_rate", "hallucination_rate", "empty_output_rate"),
)


def evidence_sections(run: Run) -> list[str]:
    """Return the sections whose files the run has, in the order of a reader's questions."""
    return [
        section
        for section in (
            _explained(run.optional(ADJUSTED)),
            _matched(run.optional(MATCHED)),
            _normalizers(run.disparities, run.optional(NORMALIZERS)),
            _rates(run.optional(METRICS)),
        )
        if section
    ]


def _explained(adjusted: pd.DataFrame | None) -> str:
    """Return the ratio of every slice that was fitted without covariates, with all, and with the one that moves it."""
    if adjusted is None or adjusted.empty:
        return ""
    rows = [_explained_cells(ratios) for ratios in fitted_slices(adjusted)]
    n_left_out = len(adjusted[["dimension", "slice"]].drop_duplicates()) - len(rows)
    header = ("dimension", "slice", "against", "ratio", "interval", "adjusted", "interval", "moved most by", "note")
    return (
        "## What explains the gaps\n\nWER ratios of a mixed-effects Poisson regression (random intercept per speaker), "
        "without covariates and with all of them. A covariate that follows from the attribute itself is part of the "
        "gap, not an excuse for it. The verdict rests on the permutation test above, never on this model. "
        + escape(f"Every block of covariates, and why {n_left_out} slices are not here: adjusted.csv.")
        + "\n\n"
        + _shortened(header, rows)
    )


def _explained_cells(ratios: Ratios) -> tuple[object, ...]:
    raw, everything, moving = ratios.raw, ratios.everything, ratios.moving
    return (
        raw["dimension"],
        raw["slice"],
        raw["comparator"],
        times(raw["ratio"]),
        ratio_interval(raw),
        "–" if everything is None else times(everything["ratio"]),
        "–" if everything is None else ratio_interval(everything),
        "–" if moving is None else f"{moving['covariates']} (to {times(moving['ratio'])})",
        ratios.note,
    )


def _matched(matched: pd.DataFrame | None) -> str:
    if matched is None or matched.empty:
        return ""
    n_left_out = int((matched["n_pairs"] == 0).sum())
    rows = [
        (
            row["dimension"],
            row["slice"],
            row["comparator"],
            row["n_pairs"],
            points(row["raw_gap"]),
            points(row["gap"]),
            gap_interval(row["gap_low"], row["gap_high"]),
            "–" if pd.isna(row["p_adjusted"]) else f"{row['p_adjusted']:.3f}",
            "yes" if row["balanced"] else "no",
            row["note"] if pd.notna(row["note"]) else "",
        )
        for row in matched[matched["n_pairs"] > 0].to_dict("records")
    ]
    header = ("dimension", "slice", "against", "pairs", "gap", "gap matched", "interval", "p adj.", "balanced", "note")
    return (
        "## The same gaps between matched people\n\n"
        + escape(f"How alike they are: balance.csv; why {n_left_out} slices could not be matched: matched.csv.")
        + "\n\n"
        + _shortened(header, rows)
    )


def _normalizers(disparities: pd.DataFrame, profiles: pd.DataFrame | None) -> str:
    """Return the gaps that another normaliser would have judged otherwise, each under every normaliser."""
    if profiles is None or profiles.empty:
        return ""
    sensitive = disparities[disparities["normaliser_sensitive"].astype(bool)]
    names = ", ".join(dict.fromkeys(str(name) for name in profiles["normalizer"]))
    opening = f"## Under other normalisers\n\n{escape(f'Scored under {names}.')} "
    if sensitive.empty:
        return (
            opening + "No verdict and no sign of a gap depends on which is used, nor whether a gap exceeds the margin."
        )
    keys = set(zip(sensitive["dimension"], sensitive["slice"], strict=True))
    rows = [
        (
            row["dimension"],
            row["slice"],
            row["normalizer"],
            percent(row["wer"]),
            points(row["gap"]),
            gap_interval(row["gap_low"], row["gap_high"]),
            str(row["verdict"]).replace("_", " "),
            percent(row["edited_share"]),
        )
        for row in profiles.to_dict("records")
        if (row["dimension"], row["slice"]) in keys
    ]
    header = ("dimension", "slice", "normaliser", "WER", "gap", "interval", "verdict", "words it edits")
    return (
        opening
        + "These verdicts, the signs of their gaps or, where too few for a test, whether they exceed the margin depend "
        + "on which is used: a choice of the person who measures, not of the recogniser.\n\n"
        + _shortened(header, rows)
    )


def _rates(metrics: pd.DataFrame | None) -> str:
    """Return what the errors of every slice are made of."""
    if metrics is None or metrics.empty:
        return ""
    found = rates_by_slice(metrics, _RATES)
    if not found:
        return ""
    rows = [(*key, *(rate_text(rates.get(metric)) for metric in _RATES)) for key, rates in found.items()]
    header = ("dimension", "slice", *(metric.replace("_", " ").removesuffix(" rate") for metric in _RATES))
    return (
        "## What the errors are\n\nShares with speaker-clustered intervals; gaps, distances and inequality: "
        "metrics.csv.\n\n" + _shortened(header, rows)
    )


def rates_by_slice(metrics: pd.DataFrame, wanted: Sequence[str]) -> dict[tuple[str, str], dict[str, Row]]:
    """Return the rows of metrics.csv on some metrics of slices, by slice and metric, everybody first."""
    alone = metrics[metrics["comparator"].isna() & metrics["slice"].notna() & metrics["metric"].isin(list(wanted))]
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in alone.to_dict("records"):
        found.setdefault((row["dimension"], row["slice"]), {})[row["metric"]] = row
    return dict(sorted(found.items(), key=lambda each: each[0] != (OVERALL, EVERYBODY)))  # stable


def rate_text(row: Row | None) -> str:
    """Write a rate and its interval; – where there is none."""
    if row is None or pd.isna(row["value"]):
        return "–"
    interval = rate_interval(row["value_low"], row["value_high"])
    return percent(row["value"]) + ("" if interval == "–" else f" ({interval.removesuffix(' %')})")


def _shortened(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    every = list(rows)
    left_out = len(every) - MAX_ROWS
    return table(header, every[:MAX_ROWS]) + (f"\n\n… and {left_out} more in the file." if left_out > 0 else "")
