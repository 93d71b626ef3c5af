"""A composed configuration in, plain data that is safe to obey and to write down out: a file must not run code.

Hydra would call what a file names as a callback or as a part of logging, and resolve environment variables into what is
written down. Both are refused here.
"""

import logging.config
import re
from collections.abc import Iterator, Mapping
from typing import Any

import hydra.utils
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)
from omegaconf.resolvers import oc

from harness.errors import UsageError

_LOGGING = frozenset(  # what a configuration of logging may name: it, too, calls whatever it is given
    {"logging.Formatter", "logging.NullHandler", "logging.StreamHandler", "ext://sys.stderr", "ext://sys.stdout"}
)
_PLACES = (  # options that may name environment variables
    *("path", "audio_root", "grammar", "hypotheses", "run_dir", "model", "download_root", "withdrawn", "source"),
    *(
        "run",
        "baseline",
        "candidate",
        "spellings",
        "out",
        "service",
        "verify",
        "matrix",
        "nights",
        "baselines",
        "board",
        "recording",
        "impulse_response",
        "noises",
        "beside",
        "terms",
        "bundle",
        "share_to",
        "ledger",
        "release",
        "bounty",
        "submission",
        "where",
        "manifests",
    ),
)
_EXAMPLES = {
    "manifest.path": "manifest.path=my_corpus/manifest.csv",
    "hypotheses": "hypotheses=transcripts.csv",
    "run": "run=runs/benchmark/FOLDER",
    "baseline": "baseline=runs/rescore/FOLDER",
    "candidate": "candidate=runs/rescore/FOLDER",
    "out": "out=my_corpus",
    "bundle": "bundle=published.tar",
    "format": "format=common_voice",
    "release.method": "release.method=laplace",
    "bounty": "bounty=my_bounty",
    "submission": "submission=mine.json",
    "source": "source=cv-corpus-22.0-2025-06-20/cy",
}


def guard_hydra() -> None:
    """Keep Hydra from running callbacks and from calling what a configuration of logging names; may be called again."""
    hydra.utils.instantiate = _refused  # what Hydra would run the callbacks of a configuration file with
    logging.config.DictConfigurator.__init__ = _plain_logging  # type: ignore[method-assign, assignment]


def resolved(config: DictConfig) -> dict[str, object]:
    """Return the configuration as plain data to write down, once every reference in it is known to lead somewhere."""
    try:
        found = OmegaConf.to_container(config, resolve=True, throw_on_missing=True, enum_to_str=True)
    except MissingMandatoryValue as error:
        raise UsageError(
            f"{error.full_key} is not given; expected {error.full_key}=…, e.g. {_example(error.full_key)}"
        ) from error
    except (InterpolationResolutionError, InterpolationKeyError) as error:
        raise UsageError(f"{error.full_key}: {_unresolved(error)}") from error
    if not isinstance(found, dict):
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
    return _EXAMPLES.get(str(key), f"{key}=VALUE")


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
