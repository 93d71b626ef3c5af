"""A cost in, integer noise that OpenDP proves to cost no more out; the one door to OpenDP.

Whatever is counted is counted in steps of which one speaker changes at most UNIT, over all cells of a dimension: so all
mechanisms take the same distance, and OpenDP itself adds up what a table costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from harness.errors import DataError, UsageError

if TYPE_CHECKING:
    from opendp.mod import Measurement

UNIT = 1_000_000_000  # steps that one speaker changes at most: sums of 9 billion speakers fit into 64 bits
_SLACK = 1e-9  # of a cost is left, so that what OpenDP rounds up in adding stays within what was asked
_MOST = 2**62  # steps in a sum; OpenDP's 64-bit integers saturate at 2**63


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Adds integer noise to sums; `loss` is what OpenDP says it costs where a speaker changes UNIT steps."""

    kind: str  # laplace, gaussian
    scale: float  # of the noise, in steps
    loss: float  # epsilon of laplace, rho of gaussian
    measurement: "Measurement" = field(repr=False)

    def release(self, sums: Sequence[int]) -> list[int]:
        """Return the sums with noise; a message never holds them.

        Raises:
            DataError: A sum does not fit into 62 bits.
        """
        exact = [int(each) for each in sums]
        if any(abs(each) > _MOST for each in exact):
            raise DataError("a sum of a private table does not fit into 62 bits; nothing was released.")
        try:
            noisy: list[int] = self.measurement(exact)
        except Exception:
            raise DataError("OpenDP could not add noise to the sums; nothing was released.") from None
        return noisy

    def map(self, distance: int) -> float:
        """Return what OpenDP says this costs where neighbouring sums differ by a distance."""
        return _cost(self.measurement, distance if self.kind == "laplace" else float(distance))


@dataclass(frozen=True, slots=True)
class Loss:
    """Is what several mechanisms cost together, as OpenDP adds them."""

    epsilon: float
    delta: float
    rho: float | None


def laplace_noise(scale: float) -> Mechanism:
    """Return integer Laplace noise of a scale in steps (Ghosh, Roughgarden and Sundararajan 2012).

    Raises:
        UsageError: OpenDP is not installed, or the scale is not above 0.
    """
    dp = _opendp()
    _require_scale(scale)
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    return _mechanism("laplace", scale, space >> dp.m.then_laplace(scale=float(scale)))


def gaussian_noise(scale: float) -> Mechanism:
    """Return integer Gaussian noise of a scale in steps (Canonne, Kamath and Steinke 2020).

    Raises:
        UsageError: OpenDP is not installed, or the scale is not above 0.
    """
    dp = _opendp()
    _require_scale(scale)
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T=float)
    return _mechanism("gaussian", scale, space >> dp.m.then_gaussian(scale=float(scale)))


def laplace_sums(epsilon: float) -> Mechanism:
    """Return noise that makes a vector of sums cost at most epsilon.

    Raises:
        UsageError: OpenDP is not installed or does not prove it.
    """
    return _within(laplace_noise(UNIT / (epsilon * (1 - _SLACK))), epsilon)


def gaussian_sums(rho: float) -> Mechanism:
    """Return noise that makes a vector of sums cost at most rho of zero-concentrated privacy.

    Raises:
        UsageError: OpenDP is not installed or does not prove it.
    """
    return _within(gaussian_noise(UNIT / (2 * rho * (1 - _SLACK)) ** 0.5), rho)


def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho that OpenDP turns into at most epsilon at a delta (Bun and Steinke 2016).

    Raises:
        UsageError: OpenDP is not installed.
    """
    dp = _opendp()

    def costs_no_more(scale: float) -> bool:
        return _epsilon(dp, gaussian_noise(scale).measurement, delta) <= epsilon

    scale = float(dp.binary_search(costs_no_more, T=float, bounds=(UNIT / 100, UNIT * 1e6)))
    return gaussian_noise(scale).loss


def composed(mechanisms: Sequence[Mechanism], *, delta: float) -> Loss:
    """Return what mechanisms of one kind cost together, each on another vector of sums over the same speakers.

    One speaker changes every vector by UNIT at most. What a later vector counts may depend on what earlier ones gave:
    costs fixed beforehand add up all the same (Dwork, Rothblum and Vadhan 2010; for rho Bun and Steinke 2016).
    """
    dp = _opendp()
    together = dp.c.make_composition([each.measurement for each in mechanisms])
    if mechanisms[0].kind == "laplace":
        return Loss(epsilon=_cost(together, UNIT), delta=0.0, rho=None)
    rho = _cost(together, float(UNIT))
    return Loss(epsilon=_epsilon(dp, together, delta), delta=delta, rho=rho)


def _cost(measurement: "Measurement", distance: float) -> float:
    return float(measurement.map(distance))  # type: ignore[no-untyped-call]


def _epsilon(dp: ModuleType, measurement: "Measurement", delta: float) -> float:
    return float(dp.c.make_zCDP_to_approxDP(measurement).map(float(UNIT)).epsilon(delta))


def _mechanism(kind: str, scale: float, measurement: "Measurement") -> Mechanism:
    distance = UNIT if kind == "laplace" else float(UNIT)
    return Mechanism(kind=kind, scale=float(scale), loss=_cost(measurement, distance), measurement=measurement)


def _within(mechanism: Mechanism, loss: float) -> Mechanism:
    if not mechanism.loss <= loss:
        raise UsageError(
            f"OpenDP proves a cost of {mechanism.loss!r}, more than the {loss!r} asked; nothing was released."
        )
    return mechanism


def _require_scale(scale: float) -> None:
    if not 0 < scale < float("inf"):  # OpenDP takes 0 without a word: no noise at all
        raise UsageError(f"noise of scale {scale!r}; expected more than 0.")


def _opendp() -> ModuleType:
    try:
        import opendp.prelude as dp
    except ImportError:
        raise UsageError(
            "a private release needs OpenDP, which is not installed; run: pip install 'asr-fairness-harness[private]'"
        ) from None
    dp.enable_features("contrib")  # all of OpenDP that is peer-reviewed but not yet vetted
    return dp
