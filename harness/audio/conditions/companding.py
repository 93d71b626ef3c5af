"""16-bit samples in, what G.711 makes of them out: mu-law and A-law, each a table of 65,536 answers."""

from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int64]
Table = npt.NDArray[np.float32]

MU = 255
FULL_SCALE = 32_768  # of 16-bit samples
_MU_BIAS, _MU_LARGEST = 132, 32_635  # on the 16-bit scale (G.711 table 2a, of 14 bits)


def mu_law(amplitude: float) -> float:
    """Returns what continuous mu-law makes of an amplitude: sgn(x) ln(1 + 255|x|) / ln 256.

    >>> round(mu_law(0.01), 6), round(mu_law(-1.0), 6)
    (0.228477, -1.0)
    """
    return float(np.copysign(np.log1p(MU * abs(amplitude)) / np.log1p(MU), amplitude))


@cache
def companding_table(law: str) -> Table:
    """Returns what a 16-bit sample is after G.711 there and back: `(65_536,)`, as a fraction of full scale.

    Args:
        law: `mulaw` or `alaw`. A negative sample n stands at 65,536 + n, as its bits do read as unsigned.
    """
    samples = np.arange(65_536).astype(np.uint16).view(np.int16).astype(np.int64)
    decoded = _through_mu_law(samples) if law == "mulaw" else _through_a_law(samples)
    table: Table = (decoded / FULL_SCALE).astype(np.float32)
    table.flags.writeable = False
    return table


def _through_mu_law(samples: Samples) -> Samples:
    """Keeps four bits after the leading one of the biased magnitude."""
    magnitude = np.minimum(np.abs(samples), _MU_LARGEST) // 4 * 4 + _MU_BIAS
    step = 1 << (_exponent(magnitude) - 4)
    return np.asarray(np.sign(samples) * (magnitude // step * step + step // 2 - _MU_BIAS))


def _through_a_law(samples: Samples) -> Samples:
    """Keeps four bits after the leading one of the magnitude, of 12 bits; the lowest segment is linear."""
    magnitude = np.minimum(np.abs(samples), FULL_SCALE - 1) // 16 * 16
    step = 1 << np.maximum(_exponent(np.maximum(magnitude, 1)) - 4, 4)
    decoded = magnitude // step * step + step // 2
    return np.asarray(np.where(samples < 0, -decoded, decoded))


def _exponent(magnitude: Samples) -> Samples:
    return np.frexp(magnitude.astype(np.float64))[1].astype(np.int64) - 1
