"""A decision list in, checked that waveforms alone tell whom it means; with its backends, the YAML of a router out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from harness.errors import UsageError
from harness.predicates import Column, ColumnKind, DecisionList, asked_columns

KNOWABLE = ("level_dbfs", "speech_level_dbfs", "speech_share", "snr_db")  # what a waveform at 16 kHz tells
AS_RECORDED = ("clipped_share", "bandwidth_hz")  # what resampling and the mean of two channels change
LARGEST_FILE = 4_000_000  # bytes of a list
_OF_WORDS = "words_per_s"  # measured, too, but of the reference
_TARGET = "harness.backends.router.Router"


def runnable(told: object, *, prefix: str = "", as_recorded: bool = False) -> DecisionList:
    """Returns a decision list that waveforms alone can be sent by.

    Args:
        told: As JSON has it.
        prefix: What the names of measured columns begin with.
        as_recorded: Whether recordings are mono at 16 kHz, so that what resampling changes is known, too.

    Raises:
        UsageError: It is no list, or asks something else: which column, what it is as far as the list says.
    """
    known = [f"{prefix}{name}" for name in (*KNOWABLE, *(AS_RECORDED if as_recorded else ()))]
    asked = asked_columns(told)
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise UsageError(_unknowable(unknown[0], asked[unknown[0]], prefix=prefix, known=known))
    return DecisionList.from_dict(told, {name: Column(name, ColumnKind.number) for name in known})


def read_decisions(path: str) -> object:
    """Returns what a JSON file has, to be checked by `runnable`.

    Raises:
        UsageError: There is no such file, or it is no JSON, or too large or too deep for a list.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"Router: file={path}: no such file; expected a decision list, such as list.json of a bounty")
    if file.stat().st_size > LARGEST_FILE:
        raise UsageError(f"Router: file={path}: larger than {LARGEST_FILE:,} bytes; no decision list is")
    try:
        told: object = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Router: file={path}: no JSON: {error}; expected a decision list") from error
    return told


def router_yaml(
    decisions: DecisionList,
    backends: Mapping[str, Mapping[str, object]],
    *,
    prefix: str = "",
    as_recorded: bool = False,
) -> str:
    """Returns the file `backend/NAME.yaml` of a router, for `harness benchmark --config-dir FOLDER backend=NAME`.

    Args:
        decisions: What it does; its `about` says in a refusal what a column is: `{"accent": "accent, self_reported"}`.
        backends: By the list's names: `_target_` and options, as `config.yaml` of a run has them under `backend`.
        prefix: What the names of measured columns begin with, as in `harness measure`.
        as_recorded: Whether recordings are mono at 16 kHz, as for `Router`.

    Raises:
        UsageError: The list asks what waveforms do not tell, and is for evaluation only; or a system has no backend,
            or its options are more than plain data.
    """
    told = decisions.to_dict()
    runnable(told, prefix=prefix, as_recorded=as_recorded)
    missing = [name for name in decisions.system_names if name not in backends]
    if missing:
        raise UsageError(f"the system {missing[0]!r} has no backend that can be run: its transcripts came as a file.")
    used = {name: dict(backends[name]) for name in decisions.system_names}
    for name, node in used.items():
        _check_plain(node, name)
    node = {
        "_target_": _TARGET,
        "prefix": prefix or None,
        "as_recorded": as_recorded,
        "decisions": told,
        "backends": used,
    }
    for text in _texts(node):
        if "${" in text or text == "???":
            raise UsageError(f"{text!r:.80} refers to something; expected plain values in what a router is made of.")
    return yaml.dump(node, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _unknowable(name: str, about: str, *, prefix: str, known: list[str]) -> str:
    own = name.removeprefix(prefix)
    because = f"the list asks for {name!r}{f' ({about})' if about else ''}, which"
    runs_on = f"what a waveform tells is {', '.join(known)}"
    if own in AS_RECORDED:
        return (
            f"Router: {because} is measured on recordings as they are stored, before they are made mono at 16 kHz. If "
            f"yours are mono at 16 kHz, say as_recorded=true; otherwise the list is for evaluation only: {runs_on}"
        )
    said = "is counted in the words of the reference" if own == _OF_WORDS else "no waveform tells"
    return (
        f"Router: {because} {said}: such a list is for evaluation only and cannot choose a backend for speech that "
        f"nobody has tagged; {runs_on}"
    )


def _check_plain(node: Mapping[str, object], name: str) -> None:
    """Refuses what is no backend's node.

    Raises:
        UsageError: It has no target, or something that is no plain value.
    """
    if not isinstance(node.get("_target_"), str):
        raise UsageError(f"the backend of {name!r} has no _target_; expected what config.yaml of its run has.")
    try:
        json.dumps(node, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the backend of {name!r}: {error}; expected plain values.") from error


def _texts(node: object) -> Iterator[str]:
    """Yields every text of plain data, names included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value)


class _Dumper(yaml.SafeDumper):
    """Writes every text in quotes: readers of YAML do not agree on which plain words are numbers."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Says that nothing is written by reference."""
        return True


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
