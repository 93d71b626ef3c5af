"""What Hugging Face's `datasets` writes beside a table's types in; names of classes and columns of audio out.

The features are JSON: in the metadata of an Arrow schema or Parquet file under `huggingface`, and in
`dataset_info.json`. Classes are numbers in the table, and only the features say what they are called.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow

METADATA = b"huggingface"
_LISTS = ("Sequence", "List", "LargeList")


@dataclass(frozen=True, slots=True)
class Features:
    """Says what a table's types do not.

    Attributes:
        labels: Names of the classes, by column; class 0 is called by the first.
        audio: Columns that hold recordings.
    """

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    audio: frozenset[str] = frozenset()


def schema_features(schema: pyarrow.Schema) -> Features:
    """Returns what the metadata of a schema says; nothing where it does not."""
    written = (schema.metadata or {}).get(METADATA)
    if written is None:
        return Features()
    try:
        content: object = json.loads(written)
    except (ValueError, RecursionError):
        return Features()
    info = content.get("info") if isinstance(content, dict) else None
    return features_of(info.get("features") if isinstance(info, dict) else None)


def features_of(content: object) -> Features:
    """Returns what a mapping from columns to features says; what is not understood says nothing."""
    if not isinstance(content, dict):
        return Features()
    kinds = {str(name): _of_list(feature) for name, feature in content.items()}
    return Features(
        {name: names for name, feature in kinds.items() if (names := _class_names(feature))},
        frozenset(name for name, feature in kinds.items() if feature.get("_type") == "Audio"),
    )


def _of_list(feature: object) -> Mapping[object, object]:
    """Returns a feature, or that of its elements where it is a list, which older versions write in brackets."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    elif isinstance(feature, dict) and feature.get("_type") in _LISTS:
        feature = feature.get("feature")
    return feature if isinstance(feature, dict) else {}


def _class_names(feature: Mapping[object, object]) -> tuple[str, ...]:
    names = feature.get("names")
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if all(isinstance(n, str) for n in names) else ()
