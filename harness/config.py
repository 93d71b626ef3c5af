"""Hydra's configuration in, the ordinary objects of a pipeline out.

Nests the options of each module into one schema per pipeline, finds `configs/`, and lets `instantiate` run only
targets on an allow-list: a configuration file is data, it must not be able to run code.
"""

import logging.config
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import hydra.utils
from hydra.core.config_store import ConfigStore
from hydra.errors import CompactHydraException
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)
from omegaconf.resolvers import oc

from harness.corpus import Manifest
from harness.errors import HarnessError, UsageError
from harness.fairness import DimensionPolicy, Policy
from harness.pipelines.benchmark import BenchmarkJob
from harness.pipelines.evaluation import SliceOptions
from harness.pipelines.rescore import RescoreJob
from harness.plugins import TARGETS, build
from harness.transcription import ExecutorOptions

_NOT_A_PLUGINS = ("_partial_", "_recursive_", "_convert_", "_args_")  # what else Hydra would obey in a node
_LOGGING = frozenset(  # what a configuration of logging may name: it, too, calls whatever it is given
    {"logging.Formatter", "logging.NullHandler", "logging.StreamHandler", "ext://sys.stderr", "ext://sys.stdout"}
)
_METHODS = {"backend": ("transcribe", "identity"), "normalizer": ("id",)}


_PLACES = ("path", "audio_root", "grammar", "hypotheses", "run_dir", "model", "download_root")  # may name variables


@dataclass(kw_only=True)
class ManifestOptions:
    """Says which manifest is read, and how.

    Attributes:
        path: The manifest file.
        name: What outputs call it; None: what the datasheet or the file is called.
        columns: The file's column for a contract column, where they differ.
        audio_root: Folder that audio paths are relative to; None: the manifest's.
        allow_outside: Whether audio may lie outside that folder.
        language: BCP 47, for rows that name none.
        grammar: JSGF grammar of the domain, for backends that can use one.
    """

    path: str = MISSING
    name: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    audio_root: str | None = None
    allow_outside: bool = False
    language: str | None = None
    grammar: str | None = None


@dataclass(kw_only=True)
class PolicyOptions(Policy):
    """Is a policy whose overrides by dimension are plain mappings, as command lines and YAML files have them."""

    dimensions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Turn the overrides into what a policy holds, and check them."""
        self.dimensions = {name: _override(name, options) for name, options in self.dimensions.items()}
        super().__post_init__()


@dataclass(kw_only=True)
class Common:
    """Holds what every pipeline that measures is configured by."""

    manifest: ManifestOptions = field(default_factory=ManifestOptions)
    normalizer: Any = MISSING
    policy: PolicyOptions = field(default_factory=PolicyOptions)
    slices: SliceOptions = field(default_factory=SliceOptions)
    seed: int = 0
    run_dir: str | None = None
    allow_targets: list[str] = field(default_factory=list)
    reference_pattern: str | None = None


@dataclass(kw_only=True)
class BenchmarkConfig(Common):
    """Is the schema of `harness benchmark`."""

    backend: Any = MISSING
    executor: ExecutorOptions = field(default_factory=ExecutorOptions)


@dataclass(kw_only=True)
class RescoreConfig(Common):
    """Is the schema of `harness rescore`."""

    hypotheses: str = MISSING
    columns: dict[str, str] = field(default_factory=dict)
    stem_ids: bool = False
    allow_missing: bool = False


def configs_folder() -> Path:
    """Return `configs/`: inside the package when installed, at the top level in a checkout."""
    return _beside_or_inside("configs")


def register() -> None:
    """Tell Hydra the schemas and where manifests lie; may be called again."""
    hydra.utils.instantiate = _refused  # what Hydra would run the callbacks of a configuration file with
    logging.config.DictConfigurator.__init__ = _plain_logging  # type: ignore[method-assign, assignment]
    store = ConfigStore.instance()
    store.store(name="benchmark_schema", node=_schema(BenchmarkConfig))
    store.store(name="rescore_schema", node=_schema(RescoreConfig))
    OmegaConf.register_new_resolver("manifests", lambda path: str(_beside_or_inside("manifests") / path), replace=True)


def _refused(config: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, ARG001
    raise CompactHydraException(  # Hydra shows its own errors without a traceback
        "harness: a configuration names hydra.callbacks; expected none: a configuration file must not run code."
    )


_configure_logging = logging.config.DictConfigurator.__init__


def _plain_logging(configurator: logging.config.DictConfigurator, config: Any) -> None:  # noqa: ANN401
    refused = sorted(set(_named_by_logging(config)) - _LOGGING)
    if refused:
        raise CompactHydraException(
            f"harness: a configuration of logging names {refused}; expected none but {sorted(_LOGGING)}: a "
            "configuration file must not run code."
        )
    _configure_logging(configurator, config)


def _named_by_logging(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        yield from (str(node[key]) for key in ("()", "class") if node.get(key) is not None)
    if isinstance(node, str) and node.startswith("ext://"):
        yield node
    for part in node.values() if isinstance(node, Mapping) else node if isinstance(node, list | tuple) else ():
        yield from _named_by_logging(part)


def _schema(options: type[Common]) -> DictConfig:
    """Return a schema whose mappings take any key, so that `manifest.columns.text=sentence` needs no plus sign."""
    schema = OmegaConf.structured(options)
    for key in ("manifest.columns", "columns", "policy.dimensions"):
        node = OmegaConf.select(schema, key)
        if node is not None:
            OmegaConf.set_struct(node, False)
    if not isinstance(schema, DictConfig):
        raise TypeError(f"{options.__name__} is no dataclass")
    return schema


def benchmark_job(config: DictConfig, *, choices: Mapping[str, str], named_targets: Sequence[str]) -> BenchmarkJob:
    """Build a benchmark from its configuration.

    Args:
        config: As composed by Hydra.
        choices: Which file was chosen in each group.
        named_targets: Targets that the user allowed on the command line.

    Raises:
        UsageError: The configuration is wrong; the message names the option.
    """
    resolved = _resolved(config)
    backend = _build(config, "backend", named_targets)
    options = _typed(config)
    return BenchmarkJob(
        manifest=_manifest(options.manifest, require_audio=True),
        backend=backend,
        backend_name=choices.get("backend", type(backend).__name__),
        normalizer=_build(config, "normalizer", named_targets),
        policy=options.policy,
        slices=options.slices,
        executor=options.executor,
        seed=_seed(options),
        run_dir=options.run_dir,
        reference_pattern=options.reference_pattern,
        config=resolved,
        config_yaml=OmegaConf.to_yaml(OmegaConf.create(resolved)),
    )


def rescore_job(config: DictConfig, *, choices: Mapping[str, str], named_targets: Sequence[str]) -> RescoreJob:
    """Build a rescoring from its configuration; arguments and errors as for `benchmark_job`."""
    del choices
    resolved = _resolved(config)
    options = _typed(config)
    hypotheses = Path(options.hypotheses)
    if not hypotheses.exists():
        raise UsageError(
            f"hypotheses={options.hypotheses}: no such file or folder. Give a CSV, TSV or JSON Lines file, or a run "
            "directory."
        )
    return RescoreJob(
        manifest=_manifest(options.manifest, require_audio=False),
        hypotheses=hypotheses,
        columns=options.columns,
        stem_ids=options.stem_ids,
        allow_missing=options.allow_missing,
        reference_pattern=options.reference_pattern,
        normalizer=_build(config, "normalizer", named_targets),
        policy=options.policy,
        slices=options.slices,
        seed=_seed(options),
        run_dir=options.run_dir,
        config=resolved,
        config_yaml=OmegaConf.to_yaml(OmegaConf.create(resolved)),
    )


def _beside_or_inside(name: str) -> Path:
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def _resolved(config: DictConfig) -> dict[str, object]:
    """Return the configuration as plain data to write down, once every reference in it is known to lead somewhere."""
    try:
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True, enum_to_str=True)
    except MissingMandatoryValue as error:
        raise UsageError(
            f"{error.full_key} is not given; expected {error.full_key}=…, e.g. {_example(error.full_key)}"
        ) from error
    except (InterpolationResolutionError, InterpolationKeyError) as error:
        raise UsageError(f"{error.full_key}: {_unresolved(error)}") from error
    if not isinstance(resolved, dict):
        raise UsageError("the configuration is not a mapping; expected options by name.")
    return _without_environment(config)


def _without_environment(config: DictConfig) -> dict[str, object]:
    """Return the configuration as it may be written down: names of environment variables, never their values."""
    OmegaConf.register_new_resolver("oc.env", lambda name, *default: f"${{oc.env:{name}}}", replace=True)  # noqa: ARG005
    try:
        shown = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    plain = {str(key): value for key, value in shown.items()} if isinstance(shown, dict) else {}
    _check_places(plain)
    return plain


def _check_places(node: object, key: str = "") -> None:
    """Refuse a variable of the environment where its value would be written down.

    Raises:
        UsageError: The option; only those that name a file or folder may come from the environment.
    """
    if isinstance(node, Mapping):
        for name, value in node.items():
            _check_places(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for value in node:
            _check_places(value, key)
    elif isinstance(node, str) and "${oc.env:" in node and key.rpartition(".")[2] not in _PLACES:
        raise UsageError(
            f"{key}={node}: expected a plain value; only {', '.join(_PLACES)} may come from the environment."
        )


def _unresolved(error: OmegaConfBaseException) -> str:
    said = str(error).splitlines()[0]
    variable = re.search(r"Environment variable '(\w+)' not found", said)
    if variable is None:
        return said
    name = variable.group(1)
    return f"the environment variable {name} is not set. Set it, e.g. export {name}=/path; see manifests/README.md."


def _example(key: str | None) -> str:
    examples = {"manifest.path": "manifest.path=my_corpus/manifest.csv", "hypotheses": "hypotheses=transcripts.csv"}
    return examples.get(str(key), f"{key}=VALUE")


def _typed(config: DictConfig) -> Any:  # noqa: ANN401
    """Return the options as the dataclasses that declare them; their own checks run here."""
    plain = {key: value for key, value in config.items() if key not in ("backend", "normalizer")}
    schema = RescoreConfig if "hypotheses" in config else BenchmarkConfig
    try:
        return OmegaConf.to_object(
            OmegaConf.merge(OmegaConf.structured(schema), plain | {"normalizer": None} | _no_backend(schema))
        )
    except HarnessError:
        raise
    except OmegaConfBaseException as error:
        raise UsageError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def _no_backend(schema: type) -> dict[str, None]:
    return {"backend": None} if schema is BenchmarkConfig else {}


def _build(config: DictConfig, key: str, named_targets: Sequence[str]) -> Any:  # noqa: ANN401
    node = OmegaConf.to_container(config[key], resolve=True)
    return build(key, node, allowed=TARGETS | frozenset(named_targets))


def _override(dimension: str, options: object) -> DimensionPolicy:
    """Return one dimension's overrides as their dataclass.

    Raises:
        UsageError: It is no mapping, or names an option that dimensions do not have.
    """
    if isinstance(options, DimensionPolicy):
        return options
    known = [each.name for each in fields(DimensionPolicy)]
    if not isinstance(options, Mapping) or not set(options) <= set(known):
        raise UsageError(f"policy.dimensions.{dimension}={options!r}; expected a mapping of {known}.")
    try:
        typed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(DimensionPolicy), dict(options)))
    except OmegaConfBaseException as error:
        said = str(error).splitlines()[0]
        raise UsageError(f"policy.dimensions.{dimension}.{error.full_key}: {said}") from error
    if not isinstance(typed, DimensionPolicy):
        raise TypeError(f"{typed!r} is no DimensionPolicy")
    return typed


def _manifest(options: ManifestOptions, *, require_audio: bool) -> Manifest:
    return Manifest.load(
        Path(options.path),
        name=options.name,
        columns=options.columns,
        audio_root=Path(options.audio_root) if options.audio_root is not None and require_audio else None,
        allow_outside=options.allow_outside,
        language=options.language,
        require_audio=require_audio,
    )


def _seed(options: Common) -> int:
    if options.seed < 0:
        raise UsageError(f"seed={options.seed}; expected a whole number >= 0.")
    return options.seed
