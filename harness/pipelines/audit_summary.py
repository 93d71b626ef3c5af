"""The invariance table of an audit in, its headline out, as written to summary.json."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from harness.fairness import Policy, Verdict
from harness.fairness.membership import OVERALL
from harness.pipelines.audit_settings import AuditOptions, Setting
from harness.results.summary import number

_NUMBERS = (
    "share_changed", "share_changed_low", "share_changed_high", "wer", "against_wer", "wer_difference",
    "wer_difference_low", "wer_difference_high",
)  # fmt: skip
_COUNTS = ("n_utterances", "n_speakers", "n_failed", "n_changed", "n_changed_normalised")


def audit_summary(
    table: pd.DataFrame,
    planned: Sequence[Setting],
    reference: pd.DataFrame,
    policy: Policy,
    options: AuditOptions,
    notes: Sequence[str],
) -> dict[str, object]:
    """Return the headline: what every setting changes overall, whom it harms, and whether the audit was passed.

    Args:
        table: As made by `invariance_table`.
        planned: The settings, the reference first.
        reference: Scores under the reference.
        policy: Names the level, and how many clips may fail.
        options: Name the factors that fail the audit.
        notes: What the reader must know before believing a number.
    """
    overall = table[table["dimension"] == OVERALL].set_index("setting").to_dict("index")
    found = [_setting(each, overall[each.name], options) for each in planned[1:]]
    n_utterances, n_failed = len(reference), int(reference["failed"].sum())
    most_failed = max([n_failed, *(int(overall[each.name]["n_failed"]) for each in planned[1:])])
    too_many_failed = most_failed > 0 and most_failed / n_utterances > policy.max_failed
    failing = [row["setting"] for row in found if row["fails"]]
    judged = table["verdict"].value_counts()
    worse = table[table["verdict"] == Verdict.disparity.value]
    return {
        "n_utterances": n_utterances,
        "n_speakers": int(next(iter(overall.values()))["n_speakers"]),
        "reference": {
            "batch_size": planned[0].batch_size,
            "order": planned[0].order.value,
            "workers": planned[0].workers,
            "variant": planned[0].variant,
            "n_failed": n_failed,
        },
        "settings": found,
        "fail_on": [each.value for each in options.fail_on],
        "failing": failing,
        "confidence": 1 - policy.alpha,
        "policy": policy.name,
        "margin": policy.margin,
        "failures_count_as": policy.failures.value,
        "n_tested": int(table["p_adjusted"].notna().sum()),
        "verdicts": {each.value: int(judged.get(each.value, 0)) for each in Verdict},
        "disparities": worse[["setting", "dimension", "slice", "added_gap", "reason"]].to_dict("records"),
        "most_failed": most_failed,
        "max_failed_exceeded": too_many_failed,
        "passed": not failing and not too_many_failed,
        "notes": list(notes),
    }


def _setting(setting: Setting, row: dict[Hashable, Any], options: AuditOptions) -> dict[str, object]:
    fails = any(each in options.fail_on for each in setting.changes) and row["n_changed"] > 0
    return {
        "setting": setting.name,
        "changes": setting.told_changes,
        "against": setting.against,
        **{name: int(row[name]) for name in _COUNTS},
        **{name: number(row[name]) for name in _NUMBERS},
        "fails": bool(fails),
    }
