"""A card in, its metrics as the `model-index` of a Hugging Face model card out, and back.

It is a file of its own: the block belongs at the top of a model repository's README.md, which is not this card, and a
service need not have one. Percentages, as the Hub's own leaderboards have them; a slice is in a metric's `args`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.report.cards.card import Card, manifest_of, service_of
from harness.report.cards.evidence import Evidence
from harness.report.cards.groups import F1, enough, group_dimensions
from harness.report.cards.performance import EVERYONE
from harness.report.wording import mapping, plain
from harness.results.run import METRICS, SLICES

MODEL_INDEX = "service_card.model-index.yaml"
PACKAGE = "huggingface_hub"
NEEDS = f"it needs the package {PACKAGE}; install it with pip install 'asr-fairness-harness[card]'"
TASK = "automatic-speech-recognition"
_PERCENT_DECIMALS = 1


def model_index(card: Card) -> list[dict[str, object]]:
    """Return the model index as plain data, in the form that the Hub documents."""
    by_dataset: dict[str, dict[str, Any]] = {}
    for evidence in card.runs:
        described = _dataset(evidence)
        result = by_dataset.setdefault(
            json.dumps(described, sort_keys=True),
            {"task": {"type": TASK, "name": "Automatic Speech Recognition"}, "dataset": described, "metrics": []},
        )
        result["metrics"] += _metrics(evidence)
    return [{"name": service_of(card), "results": list(by_dataset.values())}]


def model_index_text(card: Card) -> str:
    """Return the file: YAML that huggingface_hub has read and written.

    Raises:
        UsageError: huggingface_hub is not installed; the message says what to install.
    """
    try:
        from huggingface_hub import ModelCardData
    except ImportError as error:
        raise UsageError(f"model_index=true: {NEEDS}, or give model_index=false.") from error
    index: dict[str, Any] = {"model-index": model_index(card)}
    return str(ModelCardData(**index).to_yaml()) + "\n"


def read_model_index(path: Path) -> object:
    """Return the index of a file, or all of it where that is not all; None where it is no YAML of plain data."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError):
        return None
    return content["model-index"] if isinstance(content, Mapping) and list(content) == ["model-index"] else content


def _dataset(evidence: Evidence) -> dict[str, object]:
    """Return the data set of a run; its digest is what tells two of the same name apart."""
    manifest = manifest_of(evidence)
    name = plain(manifest.get("name"))
    facts = {
        "version": manifest.get("version"),
        "license": manifest.get("license"),
        "manifest_sha256": manifest["digest"],
    }
    return {"name": name, "type": name, "args": {key: plain(value) for key, value in facts.items() if value}}


def _metrics(evidence: Evidence) -> list[dict[str, object]]:
    """Return the WER and the word F1 of everybody and of every group with enough people."""
    rows = enough(evidence, group_dimensions(evidence))
    keys = [EVERYONE, *({"dimension": str(r.dimension), "slice": str(r.slice)} for r in rows.itertuples())]
    return [metric for key in keys for metric in (_wer(evidence, key), _f1(evidence, key)) if metric]


def _wer(evidence: Evidence, key: Mapping[str, str]) -> dict[str, object] | None:
    values = evidence.values(SLICES, key, ("wer", "wer_low", "wer_high"))
    return _metric(evidence, key, values, kind="wer", name="WER")


def _f1(evidence: Evidence, key: Mapping[str, str]) -> dict[str, object] | None:
    metrics = evidence.table(METRICS)
    if metrics.empty or not ((metrics["metric"] == F1) & (metrics["slice"] == key["slice"])).any():
        return None
    values = evidence.values(METRICS, {**key, "metric": F1}, ("value", "value_low", "value_high"))
    return _metric(evidence, key, values, kind="f1", name="Word F1")


def _metric(
    evidence: Evidence, key: Mapping[str, str], values: tuple[object, ...], *, kind: str, name: str
) -> dict[str, object] | None:
    value, low, high = map(_percent, values)
    if value is None:
        return None
    everybody = key["dimension"] == OVERALL
    slice_name = "all" if everybody else f"{plain(key['dimension'])}={plain(key['slice'])}"
    support = evidence.values(SLICES, key, ("n_speakers", "n_utterances", "reference_words"))
    args: dict[str, object] = {
        "configuration": evidence.name,
        "slice": slice_name,
        "unit": "percent",
        **dict(zip(("n_speakers", "n_utterances", "reference_words"), support, strict=True)),
        **({} if low is None or high is None else {_interval_name(evidence): [low, high]}),
        "normalizer": plain(evidence.facts["normalizer"]),
    }
    return {"type": kind, "value": value, "name": f"{name}, {evidence.name}, {slice_name}", "args": args}


def _interval_name(evidence: Evidence) -> str:
    confidence = mapping(evidence.summary)["confidence"]
    return f"ci{100 * float(confidence):g}"


def _percent(fraction: object) -> float | None:
    return round(100 * float(fraction), _PERCENT_DECIMALS) if isinstance(fraction, int | float) else None
