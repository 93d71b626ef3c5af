"""Where `configs/` and `manifests/` lie, and what Hydra is told before it composes."""

from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from harness.config.guards import guard_hydra
from harness.config.schemas import SCHEMAS, schema


def configs_folder() -> Path:
    """Return `configs/`: inside the package when installed, at the top level in a checkout."""
    return _beside_or_inside("configs")


def register(*pipelines: str) -> None:
    """Tell Hydra the schemas of some pipelines, or of all where none is named, and where manifests lie.

    It may be called again. A schema takes some milliseconds, so a command registers its own alone.
    """
    guard_hydra()
    store = ConfigStore.instance()
    for pipeline in pipelines or SCHEMAS:
        store.store(name=f"{pipeline}_schema", node=schema(SCHEMAS[pipeline]))
    OmegaConf.register_new_resolver("manifests", lambda path: str(_beside_or_inside("manifests") / path), replace=True)


def _beside_or_inside(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
