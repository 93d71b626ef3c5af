"""A clean waveform and a condition in, the waveform under that condition and the facts of what was done to it out."""

import math

import numpy as np

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.protocol import Condition, Conditioned
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import ConditionError, HarnessError

LENGTH_TOLERANCE = SAMPLE_RATE // 50  # samples, 20 ms; more would put words where they were not spoken


def conditioned(condition: Condition, waveform: Waveform, *, rng: np.random.Generator) -> Conditioned:
    """Applies a condition to a clip, and checks what comes out: nothing downstream checks again.

    Args:
        condition: One of ours, whose facts come with it, or anybody's.
        waveform: `(num_samples,)`, float32, finite, at least one sample.
        rng: `seed_of(utterance_id, condition)`.

    Raises:
        ConditionError: when the clip cannot have this condition (the SNR of a silent clip), or when somebody's
            condition fails or returns no waveform of the right length.
    """
    check_clip(condition, waveform)
    if isinstance(condition, AcousticCondition):
        done = condition.apply(waveform, rng)
    else:
        done = _foreign(condition, waveform, rng)
    check_result(condition, done, num_samples=len(waveform))
    return done


def stretch_of(condition: Condition) -> float:
    """Returns the length of what comes out divided by that of what went in: 1 but where the speed changes.

    A condition of yours that changes the length says so in an attribute `stretch`.

    Raises:
        ConditionError: when the attribute is no number above 0.
    """
    stretch = getattr(condition, "stretch", 1.0)
    if not isinstance(stretch, int | float) or not 0 < stretch < math.inf:
        raise ConditionError(f"condition '{condition.name}' has stretch={stretch!r}; expected a number above 0")
    return float(stretch)


def check_clip(condition: Condition, waveform: Waveform) -> None:
    """Refuses what is no clip.

    Raises:
        ConditionError: when it is not float32, mono, of at least one sample, all of them finite.
    """
    problem = _problem(waveform)
    if problem is not None:
        raise ConditionError(f"condition '{condition.name}' was given {problem}; expected what read_waveform returns")


def check_result(condition: Condition, done: Conditioned, *, num_samples: int) -> None:
    """Refuses what a condition must not return.

    Args:
        condition: Is named in the message.
        done: What it made.
        num_samples: Of the clip that it was given.

    Raises:
        ConditionError: for anything but a finite float32 mono waveform of the clip's length times `stretch_of`, to 20
            ms, and finite facts.
    """
    problem = _problem(done.waveform)
    if problem is not None:
        raise ConditionError(f"condition '{condition.name}' returned {problem}; expected a waveform as it was given")
    expected = num_samples * stretch_of(condition)
    if abs(len(done.waveform) - expected) > LENGTH_TOLERANCE:
        raise ConditionError(
            f"condition '{condition.name}' returned {len(done.waveform):,} samples for {num_samples:,}; expected "
            f"{expected:,.0f}. Give it an attribute `stretch` if it changes the length, and let it lose nothing"
        )
    wrong = {fact: value for fact, value in done.facts.items() if not math.isfinite(value)}
    if wrong:
        raise ConditionError(f"condition '{condition.name}' gave the facts {wrong}; expected finite numbers")


def _foreign(condition: Condition, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
    """Applies somebody's condition, whose every failure is told with its name."""
    try:
        return Conditioned(condition(waveform, rng=rng))
    except HarnessError:
        raise
    except Exception as error:
        raise ConditionError(f"condition '{condition.name}' failed: {type(error).__name__}: {error}") from error


def _problem(waveform: object) -> str | None:
    """Says what keeps this from being a waveform; None when nothing does."""
    if not isinstance(waveform, np.ndarray):
        return f"{type(waveform).__name__}, no array"
    if waveform.dtype != np.float32 or waveform.ndim != 1:
        return f"an array of {waveform.dtype} and shape {waveform.shape}, not float32 and (num_samples,)"
    if waveform.size == 0:
        return "no samples"
    n_wrong = int(waveform.size - np.count_nonzero(np.isfinite(waveform)))
    return f"{n_wrong:,} samples of {waveform.size:,} that are not finite numbers" if n_wrong else None
