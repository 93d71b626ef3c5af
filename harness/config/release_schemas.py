"""The options of a release in, the schema of `harness release` out."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from harness.fairness.privacy import ReleaseMethod
from harness.results.releases.options import ReleaseOptions


@dataclass(kw_only=True)
class ChosenReleaseOptions(ReleaseOptions):
    """Is a release whose method has to be chosen: a corpus has private releases or exact tables, and never both.

    Attributes:
        method: `laplace`, `gaussian` (noise, counted in ε), or `suppression` (exact, small slices hidden).
    """

    method: ReleaseMethod = MISSING


@dataclass(kw_only=True)
class ReleaseConfig:
    """Is the schema of `harness release`.

    Attributes:
        run: A finished run directory.
        out: The folder that is written, to be published; not there yet, or empty.
    """

    run: str = MISSING
    out: str = MISSING
    release: ChosenReleaseOptions = field(default_factory=ChosenReleaseOptions)
