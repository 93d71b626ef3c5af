"""Numbers and names of a run in, the words and figures people read out: percent exists only here."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from harness.results import Run

_CORRECTIONS = {"max_t": "step-down max-T", "fdr_bh": "Benjamini-Hochberg", "fdr_by": "Benjamini-Yekutieli"}
_MOST_NAMED = 5  # in a sentence
_MOST_CONDITIONS = 3  # the same
_BEYOND = (("gaps", "gaps"), ("extra_harm", "extra harms"))  # what summary.json judges under conditions


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


def figure(number: float | None) -> str:
    """Write a figure with about three digits that mean something, or – where there is none.

    >>> [figure(number) for number in (1234.5, 23.44, 1.234, 0.01234, 0.0, float("nan"))]
    ['1,234', '23.4', '1.23', '0.012', '0', '–']
    """
    if number is None or _absent(number):
        return "–"
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def rate_interval(low: float | None, high: float | None) -> str:
    """Write an interval of a rate in percent; – where there is none.

    >>> rate_interval(0.02, 1.5)
    '2.0 to > 100 %'
    >>> rate_interval(1.2, 1.5)
    '> 120.0 %'
    """
    if _absent(low) or _absent(high):
        return "–"
    lower, upper = float(low or 0), float(high or 0)
    if lower > 1:
        return f"> {percent(lower)}"
    return f"{100 * lower:.1f} to {f'{100 * upper:.1f}' if upper <= 1 else '> 100'} %"


def gap_interval(low: float | None, high: float | None) -> str:
    """Write an interval of a gap in points; – where there is none.

    >>> gap_interval(-3.7, 0.1)
    '< -100 to +10.0'
    >>> gap_interval(1.2, 1.5)
    '> +120.0'
    """
    if _absent(low) or _absent(high):
        return "–"
    lower, upper = float(low or 0), float(high or 0)
    if lower > 1 or upper < -1:  # both ends out of the usual range
        return f"> {points(lower)}" if lower > 1 else f"< {points(upper)}"
    return f"{points(lower) if lower >= -1 else '< -100'} to {points(upper) if upper <= 1 else '> +100'}"


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
    judged = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in verdicts.items() if count)
    judged = _with_conditions(judged or "no slice could be compared", summary)
    name, n_tested = summary["policy"], summary["n_tested"] or _n_tested_beyond(summary)
    if not summary["passed"]:
        return f"Policy {name}: VIOLATED {_breaches(summary)} ({judged})."
    if not n_tested:
        return f"Policy {name}: not violated, but NOTHING COULD BE TESTED ({judged})."
    if not _fails_on(mapping(run.facts["policy"])):
        return f"Policy {name}: fails nothing ({judged})."
    unseen = "; an unflagged gap is not detected at this sample size, which is not the same as none"
    return f"Policy {name}: held ({judged}){'' if verdicts.get('disparity') else unseen}."


def _fails_on(policy: Mapping[str, Any]) -> bool:
    """Say whether any verdict, in any dimension, violates the policy."""
    overrides = mapping(policy["dimensions"]).values()
    return bool(policy["fail_on"]) or any(mapping(override).get("fail_on") for override in overrides)


def _with_conditions(judged: str, summary: Mapping[str, Any]) -> str:
    """Add what was judged under conditions to what was judged of clean audio; nothing where a run has none."""
    beyond = mapping(summary.get("beyond"))
    if not beyond:
        return judged
    n_others = int(beyond.get("n_conditions", 1)) - 1
    whose = {"gaps": f"gaps, clean and under {n_others} conditions", "extra_harm": "extra harms"}
    counts = [f"{told}: {n}" for name, told in whose.items() if (n := _counted(mapping(beyond.get(name))))]
    return "; ".join([f"clean: {judged}", *counts])


def _counted(part: Mapping[str, Any]) -> str:
    counts = mapping(part.get("verdicts")).items()
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts if name and count)


def _n_tested_beyond(summary: Mapping[str, Any]) -> int:
    parts = [mapping(mapping(summary.get("beyond")).get(name)) for name, _ in _BEYOND]
    counts = [mapping(part.get("verdicts")).items() for part in parts]
    return sum(int(n) for part in counts for name, n in part if name not in ("", "insufficient"))


def _broken_beyond(summary: Mapping[str, Any]) -> list[str]:
    """Say what broke the policy under which conditions; the clean ones are told as those of the run."""
    broken: dict[str, list[str]] = {}
    for name, what in _BEYOND:
        for row in mapping(mapping(summary.get("beyond")).get(name)).get("violations") or []:
            told = f"the {what.removesuffix('s')} of {plain(row['slice'])} ({plain(row['dimension'])})"
            broken.setdefault(str(row["condition"]), []).append(told)
    if summary["violations"]:
        broken.pop("clean", None)
    found = [_under(plain(name), told) for name, told in list(broken.items())[:_MOST_CONDITIONS]]
    more = len(broken) - len(found)
    return found + ([f"and under {more} more condition{'' if more == 1 else 's'}"] if more else [])


def _failing(summary: Mapping[str, Any]) -> list[str]:
    """Say under which conditions too many clips failed; nothing where a run has none."""
    rows = mapping(summary.get("beyond")).get("too_many_failed") or []
    told = "{n_failed:,} of {n_utterances:,} clips that failed, more than allowed"
    found = [_under(plain(row["condition"]), [told.format_map(row)]) for row in rows[:_MOST_CONDITIONS]]
    more = len(rows) - len(found)
    return found + ([f"and likewise under {more} more condition{'' if more == 1 else 's'}"] if more else [])


def _under(condition: str, told: Sequence[str]) -> str:
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return f"{'on clean audio' if condition == 'clean' else f'under {condition}'} by {told[0]}{more}"


def _breaches(summary: Mapping[str, Any]) -> str:
    """Say what broke the policy, after `VIOLATED`: of clean audio first."""
    n_broken, failing = len(summary["violations"]), _failing(summary)
    found = [f"{n_broken} of {summary['n_comparisons']} slices, {summary['n_tested']} tested"] if n_broken else []
    if summary["slices_lost"]:
        found.append(f"every clip failing of {_named(summary['slices_lost'])}")
    elif summary["max_failed_exceeded"] and not failing:
        found.append(f"{summary['n_failed']:,} of {summary['n_utterances']:,} clips failed, more than allowed")
    beyond = [*failing, *_broken_beyond(summary)]
    if not found and not beyond:
        found = ["slices that are not named here" if summary["n_tested"] else "having nothing to compare"]
    return ", ".join([*([f"by {' and '.join(found)}"] if found else []), *beyond])


def _named(slices: Sequence[str]) -> str:
    more = len(slices) - _MOST_NAMED
    return ", ".join(map(plain, slices[:_MOST_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def promise_sentence(run: Run) -> str:
    """Say what the policy promises and how it is tested."""
    policy = mapping(run.facts["policy"])
    ratio = f" and ×{policy['margin_ratio']:g}" if policy["margin_ratio"] else ""
    changed = [_override(name, options) for name, options in mapping(policy["dimensions"]).items()]
    overrides = f" Overrides: {'; '.join(changed)}." if changed else ""
    return (
        f"Promised: every slice within {100 * policy['margin']:g} points{ratio} of its comparator "
        f"({policy['comparator']}). A verdict rests on the test, not on the interval: p-values are corrected over "
        f"{run.summary['n_tested']} slices tested ({_correction(policy)}, level {policy['alpha']:g}), intervals are "
        f"for one slice alone.{overrides}"
    )


def _correction(policy: Mapping[str, Any]) -> str:
    """Name the correction, and its families where they are not the run."""
    families = ", each attribute on its own" if policy.get("family") == "dimension" else ""
    return _CORRECTIONS.get(policy["correction"], str(policy["correction"])) + families


def _override(dimension: str, options: Mapping[str, Any]) -> str:
    """Say what a policy promises otherwise for one dimension."""
    told = [f"{name.replace('_', ' ')} {plain(value)}" for name, value in options.items() if value is not None]
    return f"{plain(dimension)} {', '.join(told)}"


def overall(run: Run) -> str:
    """Say the WER over everybody, its interval and its support."""
    summary: dict[str, Any] = run.summary
    return (
        f"Overall WER {percent(summary['wer'])} ({rate_interval(summary['wer_low'], summary['wer_high'])}), "
        f"{summary['n_utterances']:,} utterances, {summary['n_speakers']:,} speakers, "
        f"{summary['reference_words']:,} reference words, {summary['n_failed']:,} failed."
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
            f"{summary['n_failed']:,} of {summary['n_utterances']:,} clips failed. WER with their words as deletions: "
            f"{percent(both_ways['deletions'])}; with them left out: {percent(both_ways['left_out'])}. "
            f"This run counts failures as {str(summary['failures_count_as']).replace('_', ' ')}."
        )
    found += _sensitive(summary.get("normaliser_sensitive"))
    if summary["slices_lost"]:
        found.append(f"Every clip failed of {', '.join(map(plain, summary['slices_lost']))}")
    for reason in summary.get("failure_reasons", []):
        found.append(f"{reason['n']:,} clips failed with {plain(reason['error'])[:200]}")
    if summary["n_empty_references"]:
        emptied = (
            f", {summary['n_references_emptied']} of them only after normalising"
            if summary["n_references_emptied"]
            else ""
        )
        found.append(
            f"References without words: {summary['n_empty_references']}{emptied}; words heard there are insertions."
        )
    return found


def _sensitive(rows: object) -> list[str]:
    """Say which gaps depend on the normaliser, those with a finding by name."""
    if not isinstance(rows, list) or not rows:
        return []
    told = [mapping(row) for row in rows]
    tested = [row for row in told if row["verdict"] != "insufficient"]
    named = ", ".join(
        f"{plain(row['dimension'])} {plain(row['slice'])} ({plain(row['verdict']).replace('_', ' ')})"
        for row in (tested or told)[:_MOST_NAMED]
    )
    more = "" if len(tested or told) <= _MOST_NAMED else " and more"
    subject = "1 gap depends" if len(told) == 1 else f"{len(told)} gaps depend"
    return [
        f"{subject} on the normaliser, in verdict, sign or, where too few for a test, in exceeding the margin: "
        f"{named}{more}; each under every normaliser: normalizers.csv"
    ]


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, empty when there is none."""
    return dict(value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def _absent(value: float | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def how_many(number: int, one: str, more: str | None = None) -> str:
    """Write a number of things.

    >>> how_many(1, "slice"), how_many(1200, "slice")
    ('1 slice', '1,200 slices')
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"
