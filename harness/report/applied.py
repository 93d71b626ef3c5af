"""The configuration of a last-mile run in, what was done to the audio under each of its conditions out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import pandas as pd

from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError
from harness.report.wording import mapping, plain
from harness.results import Run
from harness.results.run import CONFIG
from harness.transcription.store import CLEAN

_UNITS = {"db": "dB", "hz": "Hz", "s": "s", "ms": "ms", "m": "m"}  # suffixes of options that have one
_LONGEST = 120  # characters of an option
_AS_RECORDED, _CHAIN, _UNKNOWN = "as recorded", "several of these, one after another", "not in config.yaml"


@dataclass(frozen=True, slots=True)
class Applied:
    """Says what was done to the audio under a condition.

    Attributes:
        condition: Its name.
        what: In a word or a few; the last part of the name of its class.
        options: As configured; of files their names alone.
        digest: Of all that its output depends on.
    """

    condition: str
    what: str
    options: str
    digest: str


def configured(run: Run) -> Mapping[str, object]:
    """Return config.yaml; empty where it cannot be read."""
    try:
        content = yaml_mapping((run.path / CONFIG).read_bytes(), CONFIG)
    except (OSError, ManifestError):
        return {}
    return {str(name): value for name, value in content.items()}


def applied(levels: pd.DataFrame, config: Mapping[str, object]) -> list[Applied]:
    """Return what every condition of levels.csv did, in its order."""
    nodes = _nodes(config)
    return [_applied(row, nodes) for row in levels.to_dict("records")]


def at_level(parameter: str, level: float) -> str:
    """Write a level with its unit; nothing where there is none.

    >>> at_level("snr_db", 5.0), at_level("frequency_hz", 1000.0), at_level("", float("nan"))
    ('5 dB', '1,000 Hz', '')
    """
    if level != level:
        return ""
    unit = unit_of(parameter)
    return f"{level:,.5g}" + (f" {unit}" if unit else "")


def unit_of(parameter: str) -> str:
    """Return the unit that the name of an option ends in; empty where it has none."""
    return _UNITS.get(parameter.rpartition("_")[2], "") if "_" in parameter else ""


def called(parameter: str) -> str:
    """Return an option as a reader says it.

    >>> called("snr_db"), called("frequency_hz"), called("loss_share")
    ('SNR', 'frequency', 'loss share')
    """
    name = parameter.removesuffix(f"_{parameter.rpartition('_')[2]}") if unit_of(parameter) else parameter
    return "SNR" if name == "snr" else plain(name).replace("_", " ") or "level"


def _nodes(config: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """Return the options of every condition that was configured, by the name of its sweep."""
    nodes: dict[str, Mapping[str, object]] = {
        str(name): mapping(node) for name, node in mapping(config.get("conditions")).items()
    }
    recordings = config.get("noises")
    for path in recordings if isinstance(recordings, list) else []:
        nodes.setdefault(_room(str(path)), {"_target_": "Noise", "recording": path})
    return nodes


def _room(path: str) -> str:
    """Return what a run calls a recording of a room: its file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", PurePosixPath(path).stem).strip("_") or "noise"


def _applied(row: Mapping[object, object], nodes: Mapping[str, Mapping[str, object]]) -> Applied:
    told = {str(name): value for name, value in row.items()}
    name, sweep, digest, parameter = (str(told.get(key, "")) for key in ("condition", "sweep", "digest", "parameter"))
    node = nodes.get(sweep, nodes.get(name))
    if name == CLEAN or node is None:
        what = _AS_RECORDED if name == CLEAN else _CHAIN if "-" in sweep else _UNKNOWN
        return Applied(name, what, "", digest)
    options = {key: value for key, value in node.items() if key not in ("_target_", "name", parameter)}
    told_options = "; ".join(_option(key, value) for key, value in options.items() if value is not None)
    return Applied(name, _class(node), told_options, digest)


def _option(name: str, value: object) -> str:
    """Write an option with its unit; of a path the name of its file, of other conditions their classes."""
    values = value if isinstance(value, list) else [value]
    unit = unit_of(name)
    told = ", ".join(_plainly(each) for each in values)
    return plain(f"{called(name)} {told}{f' {unit}' if unit else ''}")[:_LONGEST]


def _plainly(value: object) -> str:
    if isinstance(value, Mapping):
        return _class(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.5g}"
    return PureWindowsPath(PurePosixPath(str(value)).name).name


def _class(node: Mapping[str, object]) -> str:
    return plain(str(node.get("_target_", "")).rpartition(".")[2]) or "options"
