"""The config.yaml of a run in; which manifest and which transcripts it was made of, and where it was copied to, out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError
from harness.results.forgetting.corpora import ManifestSource

_LARGEST = 1_000_000  # bytes
KIT = Path("kit") / "manifest.jsonl"  # in a folder of recordings that was given in the place of a manifest
_RUNS = ("baseline", "candidate", "run", "beside")  # options that name runs


@dataclass(frozen=True, slots=True)
class Tracked:
    """Is a store that a run was logged to."""

    uri: str
    experiment: str


def config_of(path: Path) -> Mapping[object, object]:
    """Return the configuration of a run as plain data; nothing where it cannot be read."""
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return {}
        return yaml_mapping(path.read_bytes(), path.name)
    except (OSError, ManifestError):
        return {}


def source_of(path: Path) -> ManifestSource | None:
    """Return the manifest of a run, seen from the current folder; None where it names none."""
    told = config_of(path).get("manifest")
    if not isinstance(told, Mapping) or not isinstance(told.get("path"), str):
        return None
    manifest, columns, root = Path(told["path"]), told.get("columns"), told.get("audio_root")
    if manifest.is_dir():
        root, manifest = str(manifest), manifest / KIT
    return ManifestSource(
        manifest,
        {str(name): str(column) for name, column in columns.items()} if isinstance(columns, Mapping) else {},
        Path(root) if isinstance(root, str) and Path(root).is_dir() else None,
        allow_outside=told.get("allow_outside") is True,
    )


def transcripts_of(path: Path) -> Path | None:
    """Return the transcripts that a run scored and that are no run; None where there are none, seen from here."""
    told = config_of(path).get("hypotheses")
    found = Path(told) if isinstance(told, str) else None
    return found if found is not None and found.exists() and not (found / "run.json").is_file() else None


def runs_of(path: Path) -> list[Path]:
    """Return the runs that something was made of."""
    config = config_of(path)
    return [Path(told) for name in _RUNS if isinstance(told := config.get(name), str)]


def tracked_by(path: Path) -> Tracked | None:
    """Return where a run was logged to; None: nowhere."""
    told = config_of(path).get("tracking")
    if not isinstance(told, Mapping) or told.get("kind") != "mlflow":
        return None
    return Tracked(str(told.get("uri") or "MLFLOW_TRACKING_URI"), str(told.get("experiment")))
