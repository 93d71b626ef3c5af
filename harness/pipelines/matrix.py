"""A YAML file of systems, manifests, conditions and transcripts in, the cells of a night out: each a run to make."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError

KEYS = ("systems", "manifests", "conditions", "transcripts", "exclude", "overrides")
CLEAN = "clean"  # the condition that goes without saying
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_OURS = ("run_dir", "allow_targets", "hydra")  # a night chooses folders; a file allows itself nothing
_OPTION = re.compile(r"[+~]{0,2}([A-Za-z_]\w*)[\w./@$-]*=.*", re.DOTALL)  # its first name, and what it is to be
_FILES = (".json", ".log", ".md", ".xml", ".csv", ".part")  # of a night, beside the folders of its cells
_LARGEST = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Cell:
    """Is one run of a night.

    Attributes:
        name: Of its folder and its baseline.
        pipeline: `benchmark` or `rescore`.
        system: What the matrix calls the recogniser or the transcripts.
        manifest: What it calls what they heard; empty for transcripts, which name no manifest of the matrix.
        condition: What it calls the condition that they were heard under.
        overrides: What the command line would say.
    """

    name: str
    pipeline: str
    system: str
    manifest: str
    condition: str
    overrides: tuple[str, ...]


def read_matrix(path: Path) -> tuple[Cell, ...]:
    """Return the cells of a matrix: systems × manifests × conditions, less those excluded, and the transcripts.

    Raises:
        UsageError: The file is not there, is not YAML, or says what no cell can be made of; the message names it.
    """
    try:
        data = path.read_bytes()[: _LARGEST + 1]
    except OSError as error:
        raise UsageError(f"matrix={path}: cannot be read ({error.strerror}). Give the YAML file of a night.") from error
    if len(data) > _LARGEST:
        raise UsageError(f"matrix={path}: has more than {_LARGEST:,} bytes; expected a list of a night's runs.")
    try:
        content = yaml_mapping(data, str(path))
    except ManifestError as error:
        raise UsageError(str(error)) from error
    cells = _cells(content, path)
    if not cells:
        raise UsageError(f"{path}: makes no cell; expected systems and manifests, or transcripts.")
    return cells


def _cells(content: Mapping[object, object], path: Path) -> tuple[Cell, ...]:
    unknown = [key for key in content if key not in KEYS]
    if unknown:
        raise UsageError(f"{path}: has the key {unknown[0]!r}; expected some of {list(KEYS)}.")
    shared = _overrides(content.get("overrides"), path, "overrides")
    systems, manifests, transcripts = (
        _named(content.get(key), path, key) for key in ("systems", "manifests", "transcripts")
    )
    excluded = _excluded(content.get("exclude"), path, systems, manifests)
    heard = [
        Cell(
            "_".join([system, manifest, *([] if condition == CLEAN else [condition])]),
            "benchmark",
            system,
            manifest,
            condition,
            (*options, *chosen, *changed, *shared),
        )
        for system, options in systems.items()
        for manifest, chosen in manifests.items()
        for condition, changed in _conditions(content.get("conditions"), path).items()
        if (system, manifest) not in excluded
    ]
    written = [Cell(name, "rescore", name, "", CLEAN, (*options, *shared)) for name, options in transcripts.items()]
    _check_unique([cell.name for cell in (*heard, *written)], path)
    return (*heard, *written)


def _conditions(conditions: object, path: Path) -> dict[str, tuple[str, ...]]:
    """Return the overrides of each condition: those given, or its choice where only names are."""
    if conditions is None:
        return {CLEAN: ()}
    if not isinstance(conditions, list):
        return _named(conditions, path, "conditions")
    if twice := [name for name in conditions if conditions.count(name) > 1]:
        raise UsageError(f"{path}: conditions has {twice[0]!r:.80} twice; expected each once.")
    chosen = {name: [] if name == CLEAN else [f"condition={name}"] for name in conditions if isinstance(name, str)}
    if len(chosen) != len(conditions):
        raise UsageError(f"{path}: conditions is {conditions!r:.80}; expected names, such as [clean, telephone].")
    return _named(chosen, path, "conditions")


def _named(options: object, path: Path, key: str) -> dict[str, tuple[str, ...]]:
    """Return the overrides of each name."""
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise UsageError(f"{path}: {key} is {options!r:.80}; expected names, each with a list of overrides.")
    for name in options:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(
                f"{path}: {key} has the name {name!r:.80}; expected at most 60 of A-Z a-z 0-9 . _ - that begin with a "
                "letter or a digit: folders are called so."
            )
    return {name: _overrides(given, path, f"{key}.{name}") for name, given in options.items()}


def _overrides(options: object, path: Path, where: str) -> tuple[str, ...]:
    if options is None:
        return ()
    if not isinstance(options, list) or not all(isinstance(each, str) for each in options):
        raise UsageError(f"{path}: {where} is {options!r:.80}; expected a list of overrides such as [policy=strict].")
    for each in options:
        option = _OPTION.fullmatch(each)
        if option is None or option.group(1) in _OURS or "hydra" in each.split("=")[0]:
            raise UsageError(
                f"{path}: {where} has {each!r}; expected OPTION=VALUE, of a run's own options: {', '.join(_OURS)} are "
                "not a matrix's to choose."
            )
    return tuple(options)


def _excluded(
    pairs: object, path: Path, systems: Iterable[str], manifests: Iterable[str]
) -> frozenset[tuple[str, str]]:
    """Return the pairs of system and manifest that make no cell."""
    if pairs is None:
        return frozenset()
    found = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, list) or len(pair) != 2 or pair[0] not in systems or pair[1] not in manifests:
            raise UsageError(f"{path}: exclude has {pair!r:.80}; expected [SYSTEM, MANIFEST] of those above.")
        found.append((str(pair[0]), str(pair[1])))
    return frozenset(found)


def _check_unique(names: Sequence[str], path: Path) -> None:
    """Refuse two cells that would share a folder, or a file of the night, also where capitals do not count."""
    folded = [name.casefold() for name in names]
    files = [name for name, same in zip(names, folded, strict=True) if same.endswith(_FILES)]
    if files:
        raise UsageError(f"{path}: {files} are called as the files of a night are, {', '.join(_FILES)}. Rename them.")
    twice = [name for name, same in zip(names, folded, strict=True) if folded.count(same) > 1]
    if twice:
        raise UsageError(f"{path}: {twice} would share a folder. Rename one.")
