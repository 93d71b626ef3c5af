"""Small manifests, frames of hypotheses and the original rules, for the tests of scoring."""

import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd
from rapidfuzz.distance import Levenshtein

from harness.corpus import Manifest


def manifest_of(folder: Path, references: Mapping[str, str], **columns: Sequence[object]) -> Manifest:
    """Write and load a manifest of references by id, with further columns of equal length (no datasheet)."""
    rows = [
        {"utterance_id": utterance_id, "text": text, **{name: values[i] for name, values in columns.items()}}
        for i, (utterance_id, text) in enumerate(references.items())
    ]
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return Manifest.load(path, require_audio=False)


def hypotheses_of(texts: Mapping[str, str | None], **columns: object) -> pd.DataFrame:
    """Build hypotheses from texts by id; None is a failure."""
    return pd.DataFrame({"utterance_id": list(texts), "text": pd.Series(list(texts.values()), dtype=object), **columns})


def errors_of(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Count edits with rapidfuzz, apart from jiwer's alignment."""
    return Levenshtein.distance(reference, hypothesis)


@cache
def openai_rules() -> ModuleType:
    """Load the original normalisers from where they are installed, by a way of our own and without torch."""
    (location,) = importlib.util.find_spec("whisper").submodule_search_locations
    start = Path(location) / "normalizers" / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        "original_normalizers", start, submodule_search_locations=[str(start.parent)]
    )
    module = sys.modules["original_normalizers"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def openai_english() -> Callable[[str], str]:
    """Build the original English normaliser, which leaves its spelling table open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return openai_rules().EnglishTextNormalizer()
