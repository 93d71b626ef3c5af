"""A plugin's node of the configuration in, the object it names out; only classes on an allow-list are ever run.

A configuration file is data. What it may name stands in TARGETS; what else a user trusts is named on the command line.
Hydra's own `instantiate` is not used: it follows references once more after they were checked, and calls functions.
"""

import importlib
from collections.abc import Iterator, Mapping

from harness.errors import HarnessError, UsageError

TARGETS = frozenset(
    {
        "harness.audio.conditions.Chain",
        "harness.audio.conditions.Clean",
        "harness.audio.conditions.Clipping",
        "harness.audio.conditions.Codec",
        "harness.audio.conditions.Gain",
        "harness.audio.conditions.LowPass",
        "harness.audio.conditions.Noise",
        "harness.audio.conditions.PacketLoss",
        "harness.audio.conditions.Reverberation",
        "harness.audio.conditions.Room",
        "harness.audio.conditions.Speed",
        "harness.audio.conditions.Telephone",
        "harness.audio.conditions.Tone",
        "harness.backends.aws_transcribe.AwsTranscribe",
        "harness.backends.command.Command",
        "harness.backends.faster_whisper.FasterWhisper",
        "harness.backends.nemo.Nemo",
        "harness.backends.openai_api.OpenAIApi",
        "harness.backends.pocketsphinx.PocketSphinx",
        "harness.backends.router.Router",
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
_METHODS = {"backend": ("transcribe", "identity"), "normalizer": ("id",), "condition": ("name", "__call__")}


def build(kind: str, node: object, *, allowed: frozenset[str]) -> object:
    """Make the object of a node: `_target_` and its constructor's arguments, nothing else.

    An argument that is a list of nodes, such as the steps of a chain, becomes a list of what they name; one that is a
    mapping of nodes, such as the backends of a router, becomes a mapping of it.

    Args:
        kind: `backend`, `normalizer` or `condition`.
        node: Plain data, every reference followed.
        allowed: What `_target_` may be.

    Raises:
        UsageError: The target is not allowed, cannot be had, or does not take these arguments.
        HarnessError: What the constructor itself says is wrong.
    """
    made = class_of(kind, node, allowed=allowed)
    arguments = {key: _built(kind, value, allowed) for key, value in _arguments(node)}
    try:
        plugin = made(**arguments)
    except HarnessError:
        raise
    except TypeError as error:
        raise UsageError(f"{kind}: {error}. Its options are those of {made.__module__}.{made.__name__}.") from error
    missing = [name for name in _METHODS[kind] if not hasattr(plugin, name)]
    if missing:
        raise UsageError(f"{made.__name__} has no {' and no '.join(missing)}; README says what a {kind} needs.")
    return plugin


def class_of(kind: str, node: object, *, allowed: frozenset[str]) -> type:
    """Return the class that a node names, once all of the node is checked.

    Raises:
        UsageError: As `build` does.
    """
    if not isinstance(node, Mapping) or not isinstance(node.get("_target_"), str):
        raise UsageError(f"{kind} has no _target_; expected a choice of configs/{kind}/, e.g. {kind}=…")
    check_targets(node, allowed)
    return _class(node["_target_"])


def check_targets(node: object, allowed: frozenset[str]) -> None:
    """Refuse a node that names what is not on the allow-list, or that is more than plain data.

    Raises:
        UsageError: The target, and how a user allows it.
    """
    for key, value in _entries(node):
        if key == "_target_" and not (isinstance(value, str) and value in allowed):
            raise UsageError(
                f"_target_={value!r} is not on the allow-list of this harness: a configuration file must not run code "
                f"unasked. If you trust it, name it on the command line: 'allow_targets=[{value}]'."
            )
        if key.startswith("_") and key.endswith("_") and key != "_target_":
            raise UsageError(f"{key} stands in a plugin's node; expected _target_ and its constructor's arguments.")
        if isinstance(value, str) and "${" in value:
            raise UsageError(f"{key}={value!r} refers to something; expected a plain value in a plugin's node.")


def _arguments(node: object) -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping):
        yield from ((str(key), value) for key, value in node.items() if key != "_target_")


def _built(kind: str, value: object, allowed: frozenset[str]) -> object:
    """Return an argument; nodes in a list of nodes, or in a mapping of them, built."""
    if isinstance(value, list) and value and all(map(_is_node, value)):
        return [build(kind, each, allowed=allowed) for each in value]
    if isinstance(value, Mapping) and value and all(map(_is_node, value.values())):
        return {key: build(kind, each, allowed=allowed) for key, each in value.items()}
    return value


def _is_node(value: object) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


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
