"""Numbers and names of a run in, the words and figures people read out: percent exists only here."""

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from harness.results import Run


def percent(fraction: float | None) -> str:
    """Write a fraction as percent, or – where there is none.

    >>> percent(0.1234)
    '12.3 %'
    """
    return "–" if _absent(fraction) else f"{100 * float(fraction or 0):.1f} %"


def points(fraction: float | None) -> str:
    """Write a difference of fractions in points, signed.

    >>> points(-0.02)
    '-2.0'
    """
    return "–" if _absent(fraction) else f"{100 * float(fraction or 0):+.1f}"


def times(ratio: float | None) -> str:
    """Write a quotient.

    >>> times(1.4)
    '×1.40'
    """
    return "–" if _absent(ratio) else f"×{float(ratio or 0):.2f}"


def interval(low: float | None, high: float | None, *, of_points: bool = False) -> str:
    """Write an interval of a rate in percent, or of a gap in points; – where there is none."""
    if _absent(low) or _absent(high):
        return "–"
    if of_points:
        return f"{points(low)} to {points(high) if float(high or 0) <= 1 else '> +100'}"
    upper = float(high or 0)
    return f"{100 * float(low or 0):.1f} – {f'{100 * upper:.1f}' if upper <= 1 else '> 100'}"


def plain(text: object) -> str:
    r"""Return a text on one line without control or direction-changing characters: it came from somebody's file.

    >>> plain("a\x1b[31mb\nc")
    'a[31mb c'
    """
    one_line = " ".join(str(text).split())
    return "".join(letter for letter in one_line if unicodedata.category(letter) not in ("Cc", "Cf", "Cs"))


def policy_sentence(run: Run) -> str:
    """Say in one sentence whether the policy held."""
    summary = run.summary
    verdicts = mapping(summary["verdicts"])
    n_found = verdicts.get("disparity", 0)
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in verdicts.items() if count)
    judged = counted or "no slice could be compared"
    if summary["passed"] and not any(count for name, count in verdicts.items() if name != "insufficient"):
        return f"Policy {summary['policy']}: not violated, but NOTHING COULD BE TESTED ({judged})."
    if summary["passed"]:
        unseen = "; an unflagged gap is not detected at this sample size, which is not the same as none"
        return f"Policy {summary['policy']}: held ({judged}){'' if n_found else unseen}."
    broken = summary["violations"]
    reasons = [f"{len(broken)} of {summary['n_comparisons']} slices"] if isinstance(broken, list) and broken else []
    if summary["max_failed_exceeded"]:
        reasons.append(f"{summary['n_failed']} of {summary['n_utterances']} clips failed, more than allowed")
    return f"Policy {summary['policy']}: VIOLATED by {' and '.join(reasons)} ({judged})."


def overall(run: Run) -> str:
    """Say the WER over everybody, its interval and its support."""
    summary: dict[str, Any] = run.summary
    return (
        f"Overall WER {percent(summary['wer'])} ({interval(summary['wer_low'], summary['wer_high'])}), "
        f"{summary['n_utterances']} utterances, {summary['n_speakers']} speakers, "
        f"{summary['reference_words']} reference words, {summary['n_failed']} failed."
    )


def remarks(run: Run) -> list[str]:
    """Return what a reader must know before believing a number."""
    summary, manifest = run.summary, mapping(run.facts["manifest"])
    found = [plain(note) for note in _texts(summary["notes"])]
    if any(mapping(about).get("provenance") == "synthetic" for about in mapping(manifest["attributes"]).values()):
        found.insert(0, "The voices are synthetic: this shows the harness at work and says nothing about people.")
    both_ways = mapping(summary["wer_if_failures_were"])
    if both_ways:
        found.append(
            f"{summary['n_failed']} of {summary['n_utterances']} clips failed. WER with their words as deletions: "
            f"{percent(both_ways['deletions'])}; with them left out: {percent(both_ways['left_out'])}. "
            f"This run counts failures as {str(summary['failures_count_as']).replace('_', ' ')}."
        )
    if summary["n_empty_references"]:
        emptied = (
            f", {summary['n_references_emptied']} of them only after normalising"
            if summary["n_references_emptied"]
            else ""
        )
        found.append(
            f"{summary['n_empty_references']} references hold no words{emptied}; words heard there count as insertions."
        )
    return found


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, empty when there is none."""
    return dict(value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def _absent(value: float | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
