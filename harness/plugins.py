"""A plugin's node of the configuration in, the object it names out; only classes on an allow-list are ever run.

A configuration file is data. What it may name stands in TARGETS; what else a user trusts is named on the command line.
Hydra's own `instantiate` is not used: it follows references once more after they were checked, and calls functions.
"""

import importlib
from collections.abc import Iterator, Mapping

from harness.errors import HarnessError, UsageError

TARGETS = frozenset(
    {
        "harness.backends.aws_transcribe.AwsTranscribe",
        "harness.backends.command.Command",
        "harness.backends.faster_whisper.FasterWhisper",
        "harness.backends.nemo.Nemo",
        "harness.backends.openai_api.OpenAIApi",
        "harness.backends.pocketsphinx.PocketSphinx",
        "harness.backends.tones.Tones",
        "harness.backends.transformers.Transformers",
        "harness.backends.whisper.Whisper",
        "harness.scoring.normalization.ByLanguage",
        "harness.scoring.normalization.LowercaseNoPunctuation",
        "harness.scoring.normalization.Verbatim",
        "harness.scoring.normalization.WhisperBasic",
        "harness.scoring.normalization.WhisperEnglish",
    }
)
_METHODS = {"backend": ("transcribe", "identity"), "normalizer": ("id",)}


def build(kind: str, node: object, *, allowed: frozenset[str]) -> object:
    """Make the object of a node: `_target_` and its constructor's arguments, nothing else.

    Args:
        kind: `backend` or `normalizer`.
        node: Plain data, every reference followed.
        allowed: What `_target_` may be.

    Raises:
        UsageError: The target is not allowed, cannot be had, or does not take these arguments.
        HarnessError: What the constructor itself says is wrong.
    """
    if not isinstance(node, Mapping) or not isinstance(node.get("_target_"), str):
        raise UsageError(f"{kind} has no _target_; expected a choice of configs/{kind}/, e.g. {kind}=…")
    check_targets(node, allowed)
    made = _class(node["_target_"])
    arguments = {str(key): value for key, value in node.items() if key != "_target_"}
    try:
        plugin = made(**arguments)
    except HarnessError:
        raise
    except TypeError as error:
        raise UsageError(f"{kind}: {error}. Its options are those of {node['_target_']}.") from error
    missing = [name for name in _METHODS[kind] if not hasattr(plugin, name)]
    if missing:
        raise UsageError(f"{made.__name__} has no {' and no '.join(missing)}; README says what a {kind} needs.")
    return plugin


def check_targets(node: object, allowed: frozenset[str]) -> None:
    """Refuse a node that names what is not on the allow-list, or that is more than plain data.

    Raises:
        UsageError: The target, and how a user allows it.
    """
    for key, value in _entries(node):
        if key == "_target_" and value not in allowed:
            raise UsageError(
                f"_target_={value!r} is not on the allow-list of this harness: a configuration file must not run code "
                f"unasked. If you trust it, name it on the command line: 'allow_targets=[{value}]'."
            )
        if key.startswith("_") and key.endswith("_") and key != "_target_":
            raise UsageError(f"{key} stands in a plugin's node; expected _target_ and its constructor's arguments.")
        if isinstance(value, str) and "${" in value:
            raise UsageError(f"{key}={value!r} refers to something; expected a plain value in a plugin's node.")


def _class(target: str) -> type:
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"_target_={target!r} cannot be imported: {error}. Is its package installed, or its folder in PYTHONPATH?"
        ) from error
    if not isinstance(found, type):
        raise UsageError(f"_target_={target!r} is not a class; expected a class with the plugin's methods.")
    return found


def _entries(node: object) -> Iterator[tuple[str, object]]:
    """Yield every key and value, however deep; a value in a list has the list's key."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key), value
            yield from ((str(key), each) for each in value if isinstance(each, str)) if isinstance(value, list) else ()
            yield from _entries(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _entries(value)
