"""A finished run in, a run in somebody's MLflow store out: configuration, metrics, tables. It never makes a run fail.

No transcript and no speaker id becomes a parameter, a tag or the name of a metric, and a file that may hold them is
uploaded only when `private` says so. Passwords and tokens come from the environment, where MLflow looks for them.
"""

import hashlib
import logging
import math
import os
import posixpath
import re
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pandas as pd
import yaml

from harness.errors import UsageError
from harness.fairness.membership import AND
from harness.results.few import Key, floor_of, is_few, keys_of
from harness.results.headlines import REPORTS
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    CONFIG,
    DISPARITIES,
    FACTS,
    MATCHED,
    METRICS,
    NORMALIZERS,
    SLICES,
    SPEED,
    SUMMARY,
    Run,
)

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Plain = dict[str, str]

PEOPLE = "speaker_id"  # a dimension whose slices are persons
_ABOUT = (CONFIG, FACTS)
_TABLES = (SUMMARY, SLICES, DISPARITIES, METRICS, ADJUSTED, MATCHED, BALANCE, NORMALIZERS, SPEED, REPORTS[1])
_PRIVATE = (REPORTS[0],)  # it may show transcripts and speakers
_HEADLINES = ("wer", "wer_low", "wer_high", "cer", "n_utterances", "n_speakers", "n_failed", "reference_words")
_LONGEST_NAME, _LONGEST_VALUE, _LONGEST_TAG = (
    200,
    500,
    4_000,
)  # characters; MLflow's own limits are 250, 6,000 and 8,000
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE = 1_000, 100  # MLflow's limits of a request
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_\-. ]")
_SECRETS = frozenset({"secret", "secrets", "token", "password", "passwd", "credential", "credentials", "key", "apikey"})
_PASSWORD = re.compile(r"://[^/@\s]*@")
_DEFAULTS = {  # of this process while it logs; what the user has set stays
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's 7 keep a command waiting for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


class Tracker(Enum):
    """Names where runs are logged to."""

    none = "none"
    mlflow = "mlflow"


@dataclass(kw_only=True)
class TrackingOptions:
    """Says where a finished run is logged to.

    Attributes:
        kind: `mlflow`, or nowhere.
        uri: Of the store, as `sqlite:///mlflow.db` or `https://mlflow.example.org`; None: what the environment says
            (MLFLOW_TRACKING_URI). Names and passwords are MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
        experiment: Under which name.
        private: Whether files are uploaded, too, that may hold transcripts or speaker ids.
    """

    kind: Tracker = Tracker.none
    uri: str | None = None
    experiment: str = "asr-fairness-harness"
    private: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An address without a tracker, or one with a password in it.
        """
        if self.kind is Tracker.none and self.uri is not None:
            raise UsageError(f"tracking.uri={_without_password(self.uri)} is of tracking=mlflow; give that, too.")
        if self.uri is not None and "@" in urlsplit(self.uri).netloc:
            raise UsageError(
                f"tracking.uri={_without_password(self.uri)}: expected an address without name and password, for it is "
                "written down; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            )


def track(run: Run, options: TrackingOptions) -> None:
    """Log a finished run; what keeps it from being logged is a warning, for the run itself is whole."""
    if options.kind is Tracker.none:
        return
    started = time.perf_counter()
    try:
        with _quietly():
            logged = _logged(run, options)
    except ImportError as error:
        log.warning("not logged to MLflow: %s. pip install 'asr-fairness-harness[mlflow]'; the run is whole.", error)
    except Exception as error:  # whatever a store or its client raises: the numbers are safe
        said = _without_password(f"{type(error).__name__}: {error}".splitlines()[0])[:_LONGEST_VALUE]
        log.warning("not logged to MLflow (%s); the run is whole: %s", said, run.path)
    else:
        log.info("logged to MLflow as run %s in %.1f s", logged, time.perf_counter() - started)


def parameters(run: Run) -> Plain:
    """Return a run's configuration as MLflow's parameters: dotted names and short texts, without secrets."""
    config = yaml.safe_load((run.path / CONFIG).read_text(encoding="utf-8"))
    told = {
        metric_name(name): _cut(value) for name, value in _flat(config if isinstance(config, Mapping) else {}).items()
    }
    facts = run.facts
    manifest = facts["manifest"]
    return told | {
        "manifest_name": _cut(manifest["name"]),
        "manifest_digest": _cut(manifest["digest"]),
        "normalizer_id": _cut(facts["normalizer"]),
    }


def metrics(run: Run) -> dict[str, float]:
    """Return a run's numbers by names that MLflow takes; no number that is none, and no slice that is persons."""
    summary, facts, slices = run.summary, run.facts, run.slices
    few = frozenset(keys_of(slices[is_few(slices, floor_of(facts))]))
    speed = facts.get("speed") or {}
    gap, worst = summary["max_gap"] or {}, summary["worst_slice"] or {}
    numbers: dict[str, Any] = {
        **{name: summary[name] for name in _HEADLINES},
        **{f"max_{name}": gap.get(name) for name in ("gap", "gap_low", "gap_high")},
        "worst_slice_wer": worst.get("wer"),
        "policy_held": float(summary["passed"]),
        "rtfx": speed.get("model_rtfx"),
        **{f"verdicts/{metric_name(name)}": count for name, count in summary["verdicts"].items()},
        **_of_slices(slices, ("wer", "wer_low", "wer_high"), few),
        **_of_slices(run.disparities, ("gap", "gap_low", "gap_high"), few),
    }
    return {name: float(value) for name, value in numbers.items() if _is_finite(value)}


def metric_name(text: str) -> str:
    """Return a name that MLflow takes, and no two texts the same: a digest follows what had to be replaced.

    >>> metric_name("accent"), metric_name("18–25")
    ('accent', '18_25-f7e6ca')
    """
    kept = _NOT_IN_NAME.sub("_", text)[:_LONGEST_NAME].strip(" ")
    if kept == text and posixpath.normpath(kept) == kept and kept != ".." and kept != ".":
        return kept
    return f"{kept.strip('.')}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:6]}"


def files(run: Run, *, private: bool) -> list[str]:
    """Name the files of a run that are uploaded."""
    has_people = any(PEOPLE in str(dimension).split(AND) for dimension in run.facts["sliced_by"])
    tables = _TABLES if private or not has_people else ()
    names = (*_ABOUT, *tables, *(_PRIVATE if private else ()))
    return [name for name in names if (run.path / name).is_file()]


def _logged(run: Run, options: TrackingOptions) -> str:
    """Log a run; return the id it has in the store."""
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=options.uri)
    made = client.create_run(_experiment(client, options.experiment), run_name=run.path.name, tags=_tags(run))
    run_id = str(made.info.run_id)
    try:
        now = int(time.time() * 1000)
        for some in _batches(parameters(run).items(), _PARAMETERS_AT_ONCE):
            client.log_batch(run_id, params=[Param(name, value) for name, value in some])
        for numbers in _batches(metrics(run).items(), _METRICS_AT_ONCE):
            client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in numbers])
        for name in files(run, private=options.private):
            client.log_artifact(run_id, str(run.path / name))
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield items in lists of at most a size."""
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some


def _experiment(client: "MlflowClient", name: str) -> str:
    """Return the id of an experiment, made where there is none; another command may make it at the same time."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _tags(run: Run) -> Plain:
    facts = run.facts
    tags = {
        "pipeline": facts.get("pipeline"),
        "finished": facts["finished"],
        "harness": (facts.get("versions") or {}).get("asr-fairness-harness"),
        "commit": facts.get("commit"),
        "policy": run.summary["policy"],
    }
    return {f"harness.{name}": str(value)[:_LONGEST_TAG] for name, value in tags.items() if value is not None}


def _of_slices(table: pd.DataFrame, columns: Sequence[str], few: Collection[Key]) -> dict[str, object]:
    """Return the numbers of a table's slices, as `wer/accent/indian`, but for slices that are people or of few."""
    rows = [
        row
        for row, key in zip(table.to_dict("records"), keys_of(table), strict=True)
        if PEOPLE not in str(row["dimension"]).split(AND) and key not in few
    ]
    return {
        f"{column}/{metric_name(str(row['dimension']))}/{metric_name(str(row['slice']))}": row[column]
        for row in rows
        for column in columns
    }


def _flat(tree: Mapping[Any, Any], prefix: str = "") -> dict[str, object]:
    """Return a nested mapping as dotted names and values; instead of a secret it says that there is one."""
    found: dict[str, object] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{name}.")
        else:
            found[name] = "(not logged)" if _SECRETS & set(re.split(r"[._-]", name.lower())) else value
    return found


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _is_finite(value: Any) -> bool:  # noqa: ANN401 (a cell)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _without_password(text: str) -> str:
    return _PASSWORD.sub("://", text)


@contextmanager
def _quietly() -> Iterator[None]:
    """Have MLflow give up early, send nothing about its use, and keep its packages' warnings for itself."""
    added = {name: value for name, value in _DEFAULTS.items() if name not in os.environ}
    os.environ.update(added)
    connections = logging.getLogger("urllib3.connectionpool")
    level = connections.level
    connections.setLevel(logging.ERROR)  # it warns of every attempt; what comes of the last is said once
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        connections.setLevel(level)
        for name in added:
            os.environ.pop(name, None)
