"""What a run says of itself in, what of it can be shared out: numbers, choices and versions, and no text from data.

Kept is what is named here. A text is kept where it is a choice from a fixed set, a version, a digest or a name that
code gives; a path, a description, a name of a person's making is not.
"""

import re
from collections.abc import Mapping
from dataclasses import fields

from harness.fairness import Policy
from harness.fairness.policy import KEYWORDS
from harness.fairness.policy import REST as REST_COMPARATOR
from harness.results.sharing.cells import REST, Key
from harness.results.sharing.suppression import Suppressed
from harness.results.sharing.tables import DIGITS

_RUN = ("commit", "python", "seed", "finished", "normalizer", "pipeline", "n_rows_in", "n_scored", "n_failed")
_SUMMARY = (
    "wer", "wer_low", "wer_high", "cer", "confidence", "n_utterances", "n_speakers", "reference_words", "n_failed",
    "failures_count_as", "n_empty_references", "n_comparisons", "n_tested", "verdicts", "margin", "margin_ratio",
    "passed", "max_failed_exceeded",
)  # fmt: skip
_CONFIG = ("policy", "slices", "seed", "evidence", "normalizer", "conditions", "condition")
_CHOICES = frozenset(("_target_", "correction", "family", "failures", "colour", "codec", "conceal"))
_BACKEND = re.compile(
    r"name|backend|package|model|model_id|version|revision|device|dtype|compute_type|task|\w*sha256\w*"
)
_POLICY_NAMES = ("name", "comparator", "dimensions", "fail_on")  # of a person's making, or naming slices
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+(),=:-]{0,200}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}/[A-Za-z0-9][A-Za-z0-9._-]{0,80}")  # as model hubs name them
_FILE = re.compile(r"\.[A-Za-z0-9]{1,6}$")


def shared_facts(facts: Mapping[str, object], *, dimensions: frozenset[str]) -> dict[str, object]:
    """Return run.json without paths, descriptions, the machine and the slices of attributes.

    Args:
        facts: Of the run.
        dimensions: Those of which anything is published.
    """
    manifest, policy, backend = (_mapping(facts.get(name)) for name in ("manifest", "policy", "backend"))
    attributes = _mapping(manifest.get("attributes"))
    sliced_by = facts.get("sliced_by")
    return {
        **{name: facts[name] for name in _RUN if _is_plain(facts.get(name))},
        "versions": _plain(_mapping(facts.get("versions"))),
        "manifest": {
            "digest": manifest.get("digest"),
            "attributes": {
                name: _plain({key: _mapping(told).get(key) for key in ("kind", "provenance")})
                for name, told in attributes.items()
                if name in dimensions
            },
        },
        "sliced_by": [name for name in sliced_by if name in dimensions] if isinstance(sliced_by, list) else [],
        "policy": _shared_policy(policy),
        "backend": {name: value for name, value in backend.items() if _is_of_backend(name, value)},
    }


def shared_summary(summary: Mapping[str, object], allowed: Suppressed) -> dict[str, object]:
    """Return summary.json with the worst slice and the largest gap only where they are published."""
    kept: dict[str, object] = {name: _rounded(summary[name]) for name in _SUMMARY if name in summary}
    worst, largest = _mapping(summary.get("worst_slice")), _mapping(summary.get("max_gap"))
    broken = summary.get("violations")
    return kept | {
        "worst_slice": _numbers(worst) if _key(worst) in allowed.published else None,
        "max_gap": _numbers(largest) if _is_compared(largest, allowed) else None,
        "violations": [
            {name: found[name] for name in ("dimension", "slice", "verdict")}
            for found in (broken if isinstance(broken, list) else ())
            if _key(found) in allowed.published
        ],
    }


def shared_config(config: Mapping[str, object], *, dimensions: frozenset[str]) -> dict[str, object]:
    """Return config.yaml with numbers and choices; a text that is neither is left out with its key."""
    kept: dict[str, object] = {name: _choices(config[name], name) for name in _CONFIG if name in config}
    slices = _mapping(config.get("slices"))
    by = slices.get("by")
    if "policy" in kept:
        kept["policy"] = _shared_policy(_mapping(config.get("policy")))
    if "slices" in kept and isinstance(by, list):
        kept["slices"] = {**_mapping(kept["slices"]), "by": [name for name in by if name in dimensions]}
    return {name: value for name, value in kept.items() if value not in (None, {})}


def _shared_policy(policy: Mapping[str, object]) -> dict[str, object]:
    names = [field.name for field in fields(Policy) if field.name in policy and field.name not in _POLICY_NAMES]
    kept, comparator = _plain({name: policy[name] for name in names}), policy.get("comparator")
    if comparator in (REST_COMPARATOR, *KEYWORDS):
        kept["comparator"] = comparator
    return kept


def _choices(value: object, key: str) -> object:
    """Return numbers and choices of a nested configuration; None for what is neither."""
    if isinstance(value, Mapping):
        found = {str(name): _choices(each, str(name)) for name, each in value.items() if _is_plain(str(name))}
        return {name: each for name, each in found.items() if each is not None}
    if isinstance(value, list):
        return [choice for each in value if (choice := _choices(each, key)) is not None]
    if isinstance(value, str):
        return value if key in _CHOICES and _is_plain(value) else None
    return value if isinstance(value, bool | int | float) else None


def _is_plain(value: object) -> bool:
    """Say whether a value is a number or a name that code gives: no path, and no file."""
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None and not _looks_like_a_file(value)


def _looks_like_a_file(text: str) -> bool:
    suffix = _FILE.search(text)
    return suffix is not None and not suffix.group()[1:].isdigit() and "." not in text[: suffix.start()]


def _is_of_backend(name: str, value: object) -> bool:
    """Say whether a part of a backend's identity is shared: numbers, and texts that are no prompt and no path."""
    if isinstance(value, str):
        return _BACKEND.fullmatch(name) is not None and (_is_plain(value) or _is_model(value))
    return isinstance(value, bool | int | float) and _is_plain(name)


def _is_model(value: object) -> bool:
    return isinstance(value, str) and _MODEL.fullmatch(value) is not None and not _looks_like_a_file(value)


def _plain(told: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in told.items() if _is_plain(value)}


def _key(told: Mapping[str, object]) -> Key:
    return Key(str(told.get("dimension")), str(told.get("slice")))


def _is_compared(told: Mapping[str, object], allowed: Suppressed) -> bool:
    key, comparator = _key(told), str(told.get("comparator"))
    beside = Key(key.dimension, key.slice_name, REST) if comparator == "rest" else Key(key.dimension, comparator)
    return key in allowed.published and beside in allowed.published


def _numbers(told: Mapping[str, object]) -> dict[str, object]:
    return {name: _rounded(value) for name, value in told.items()}


def _rounded(value: object) -> object:
    return round(value, DIGITS) if isinstance(value, float) else value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
