"""What Hydra composed in, the parts that jobs of several pipelines share out: manifest, normaliser, policy."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from harness.config.composed import Composed
from harness.config.measuring_schemas import ManifestOptions
from harness.corpus import Manifest
from harness.errors import UsageError
from harness.scoring import ByLanguage, Normalizer
from harness.scoring.spellings import DIALECT_SPELLINGS, read_spellings, with_spellings
from harness.transcription.progress import stage

DIALECT = "dialect"  # names the table of spellings that comes with the package


def normalizer(composed: Composed, spellings: str | None) -> Normalizer | ByLanguage:
    """Return the normaliser, which reads a table of spellings first where one is named: `dialect` or a CSV file."""
    chosen: Normalizer | ByLanguage = composed.plugin("normalizer")
    if spellings is None:
        return chosen
    return with_spellings(chosen, read_spellings(DIALECT_SPELLINGS if spellings == DIALECT else spellings))


def judged(options: Any, plain: dict[str, object]) -> dict[str, Any]:  # noqa: ANN401
    """Return what every pipeline that judges is made of."""
    if options.seed < 0:
        raise UsageError(f"seed={options.seed}; expected a whole number >= 0.")
    return {
        "policy": options.policy,
        "seed": options.seed,
        "run_dir": options.run_dir,
        "config": plain,
        "config_yaml": OmegaConf.to_yaml(OmegaConf.create(plain)),
    }


def manifest(options: ManifestOptions, *, require_audio: bool, audio_root: Path | None = None) -> Manifest:
    """Read the manifest.

    Args:
        options: Which, and how.
        require_audio: Whether recordings have to be there.
        audio_root: Where audio lies that no option says the place of.
    """
    path = Path(options.path)
    if require_audio and options.audio_root is not None:
        audio_root = Path(options.audio_root)
    with stage("reading", n_bytes=path.stat().st_size if path.is_file() else 0):
        return Manifest.load(
            path,
            name=options.name,
            columns=options.columns,
            audio_root=audio_root,
            allow_outside=options.allow_outside,
            language=options.language,
            require_audio=require_audio,
            withdrawn=options.withdrawn,
        )
