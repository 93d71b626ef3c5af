"""Durations in, batches out: clips of like length together, as many as may be heard at once."""

import math
from collections.abc import Sequence


def batches_by_duration(
    durations_s: Sequence[float], batch_size: int, *, most_s: float = math.inf, order: Sequence[int] | None = None
) -> list[list[int]]:
    """Group positions into batches of at most `batch_size` clips and, unless one clip has more, `most_s` of audio.

    Args:
        durations_s: Of each clip, in seconds; NaN where unknown, which counts as none.
        batch_size: Clips in a batch.
        most_s: Seconds of audio in a batch.
        order: Which clips come first; None for `longest_first`.

    >>> batches_by_duration([1.0, 3.0, 2.0], 2)
    [[1, 2], [0]]
    >>> batches_by_duration([1.0, 3.0, 2.0], 2, most_s=4.0)
    [[1], [2, 0]]
    """
    batches: list[list[int]] = []
    seconds = 0.0
    for position in longest_first(durations_s) if order is None else order:
        duration_s = 0.0 if math.isnan(durations_s[position]) else durations_s[position]
        if not batches or len(batches[-1]) == batch_size or seconds + duration_s > most_s:
            batches.append([])
            seconds = 0.0
        batches[-1].append(position)
        seconds += duration_s
    return batches


def longest_first(durations_s: Sequence[float]) -> list[int]:
    """Return positions by falling duration, so that a clip too large for the device shows at once.

    Ties and unknown durations (NaN, which come last) keep their order: the same manifest always gives the same batches.
    """
    return sorted(range(len(durations_s)), key=lambda position: _falling(durations_s[position]))


def _falling(duration_s: float) -> float:
    return math.inf if math.isnan(duration_s) else -duration_s
