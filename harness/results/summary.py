"""Scores, slices and disparities in, the run's headline out, as written to summary.json."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.fairness import Failures, Policy, Verdict, violations
from harness.fairness.membership import EVERYBODY, OVERALL
from harness.fairness.speaker_sums import WORD_COUNTS


def summarise(
    scores: pd.DataFrame, slices: pd.DataFrame, disparities: pd.DataFrame, policy: Policy, notes: Sequence[str]
) -> dict[str, object]:
    """Return the headline: WER, the worst slice, the largest gap, verdicts, and whether the policy held.

    Args:
        scores: As made by `harness.scoring.score`.
        slices: As made by `slice_table`.
        disparities: As made by `disparity_table`.
        policy: What was promised.
        notes: What the reader must know before believing a number.
    """
    overall = slices[(slices["dimension"] == OVERALL) & (slices["slice"] == EVERYBODY)].iloc[0]
    broken = violations(disparities, policy)
    n_failed, n_utterances = int(overall["n_failed"]), int(overall["n_utterances"])
    too_many_failed = n_failed > 0 and n_failed / n_utterances > policy.max_failed  # 0.29 * 100 is less than 29
    lost = _lost(slices) if policy.failures is Failures.left_out else []
    return {
        "wer": number(overall["wer"]),
        "wer_low": number(overall["wer_low"]),
        "wer_high": number(overall["wer_high"]),
        "cer": number(overall["cer"]),
        "confidence": 1 - policy.alpha,
        "n_utterances": n_utterances,
        "n_speakers": int(overall["n_speakers"]),
        "reference_words": int(overall["reference_words"]),
        "n_failed": n_failed,
        "failures_count_as": policy.failures.value,
        "slices_lost": lost,
        "wer_if_failures_were": _both_ways(scores) if n_failed else None,
        "n_empty_references": int((scores[["hits", "substitutions", "deletions"]].sum(axis=1) == 0).sum()),
        "n_references_emptied": int(scores["reference_emptied"].sum()) if "reference_emptied" in scores else 0,
        "worst_slice": _worst_slice(slices, disparities),
        "max_gap": _max_gap(disparities),
        "n_comparisons": len(disparities),
        "n_tested": int((disparities["verdict"] != Verdict.insufficient.value).sum()),
        "verdicts": {verdict.value: int((disparities["verdict"] == verdict.value).sum()) for verdict in Verdict},
        "normaliser_sensitive": _sensitive(disparities),
        "policy": policy.name,
        "margin": policy.margin,
        "margin_ratio": policy.margin_ratio,
        "margins_of_dimensions": {
            name: {"margin": promise.margin, "margin_ratio": promise.margin_ratio}
            for name, promise in ((name, policy.for_dimension(name)) for name in policy.dimensions)
        },
        "passed": broken.empty and not too_many_failed and not lost and not _untested(disparities, policy),
        "violations": [
            {"dimension": row.dimension, "slice": row.slice, "verdict": row.verdict, "reason": row.reason}
            for row in broken.itertuples()
        ],
        "max_failed_exceeded": too_many_failed or bool(lost),
        "notes": list(notes),
    }


def _lost(slices: pd.DataFrame) -> list[str]:
    """Name the slices whose every clip failed: left out, they would be nobody's problem."""
    gone = slices[(slices["n_failed"] == slices["n_utterances"]) & (slices["dimension"] != OVERALL)]
    return [f"{dimension}: {name}" for dimension, name in zip(gone["dimension"], gone["slice"], strict=True)]


def _sensitive(disparities: pd.DataFrame) -> list[dict[str, str]] | None:
    """Name the slices whose gap depends on the normaliser; None where that was not looked at."""
    if "normaliser_sensitive" not in disparities:
        return None
    rows = disparities[disparities["normaliser_sensitive"].astype(bool)]
    return [
        {"dimension": str(row.dimension), "slice": str(row.slice), "verdict": str(row.verdict)}
        for row in rows.itertuples()
    ]


def _untested(disparities: pd.DataFrame, policy: Policy) -> bool:
    """Say whether nothing could be compared where the policy wants every slice to have enough support."""
    return disparities.empty and Verdict.insufficient.value in policy.fail_on


def number(value: float) -> float | None:
    """Return a finite number, or None, which is what JSON has for NaN."""
    return float(value) if np.isfinite(value) else None


def _both_ways(scores: pd.DataFrame) -> dict[str, float | None]:
    """Return the overall WER with failures as deletions and left out."""
    return {
        Failures.deletions.value: _wer(scores),
        Failures.left_out.value: _wer(scores[~scores["failed"].astype(bool)]),
    }


def _wer(scores: pd.DataFrame) -> float | None:
    hits, substitutions, deletions, insertions = (int(scores[name].sum()) for name in WORD_COUNTS)
    words = hits + substitutions + deletions
    return (substitutions + deletions + insertions) / words if words else None


def _worst_slice(slices: pd.DataFrame, disparities: pd.DataFrame) -> Mapping[str, object] | None:
    """Return the slice with the highest WER among those with enough support for a verdict."""
    judged = disparities[disparities["verdict"] != Verdict.insufficient.value]
    keys = set(zip(judged["dimension"], judged["slice"], strict=True))
    enough = slices[[key in keys for key in zip(slices["dimension"], slices["slice"], strict=True)]]
    enough = enough[enough["wer"].notna()]
    if enough.empty:
        return None
    row = enough.iloc[int(enough["wer"].to_numpy().argmax())]
    return {"dimension": row["dimension"], "slice": row["slice"]} | {
        name: number(row[name]) for name in ("wer", "wer_low", "wer_high", "n_speakers")
    }


def _max_gap(disparities: pd.DataFrame) -> Mapping[str, object] | None:
    """Return the largest gap among the judged slices."""
    judged = disparities[(disparities["verdict"] != Verdict.insufficient.value) & disparities["gap"].notna()]
    if judged.empty:
        return None
    row = judged.iloc[int(judged["gap"].to_numpy(float).argmax())]
    texts = {name: row[name] for name in ("dimension", "slice", "comparator", "verdict")}
    return texts | {name: number(row[name]) for name in ("gap", "gap_low", "gap_high")}
