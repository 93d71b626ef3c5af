"""Durations in, batches out: clips of like length together, the longest first."""

import math
from collections.abc import Sequence


def batches_by_duration(durations_s: Sequence[float], batch_size: int) -> list[list[int]]:
    """Group positions into batches of at most `batch_size`, by falling duration.

    The longest come first, so that a clip too large for the device shows at once; ties and unknown durations (NaN,
    which come last) keep their order, so that the same manifest always gives the same batches.

    >>> batches_by_duration([1.0, 3.0, 2.0], 2)
    [[1, 2], [0]]
    """
    order = sorted(range(len(durations_s)), key=lambda position: _falling(durations_s[position]))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _falling(duration_s: float) -> float:
    return math.inf if math.isnan(duration_s) else -duration_s
