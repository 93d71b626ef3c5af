"""A condition and a batch of clips in, the clips under the condition out, computed by torch on a GPU or on the CPU.

What every sample of a clip goes through together (noise, tone, telephone, low-pass, reverberation, gain, clipping) is
computed for the whole batch; codecs, packets, speed and anybody's conditions one by one, on the CPU. What comes out
is what `conditioned` gives, to 1e-4 in every sample; what is drawn is the same.
"""

from collections.abc import Sequence

import numpy as np

from harness.audio.conditions.applying import check_clip, check_result, conditioned
from harness.audio.conditions.batch_torch import KINDS
from harness.audio.conditions.chain import Chain
from harness.audio.conditions.identity import spawned
from harness.audio.conditions.protocol import Condition, Conditioned
from harness.audio.conditions.tensors import Clips
from harness.audio.waveform import Waveform
from harness.errors import UsageError


def apply_batch(
    condition: Condition, waveforms: Sequence[Waveform], rngs: Sequence[np.random.Generator], *, device: str
) -> list[Conditioned]:
    """Applies a condition to a batch of clips of any lengths.

    Args:
        condition: One of ours, or anybody's.
        waveforms: `(num_samples,)` each, as for `conditioned`.
        rngs: One a clip, `seed_of(utterance_id, condition)`.
        device: `cpu`, `cuda` or `cuda:1`.

    Raises:
        ConditionError: when one of the clips cannot have this condition; the others are then not returned either:
            `conditioned` tells, one by one, which it is.
        UsageError: when there is no such device.
    """
    if len(waveforms) != len(rngs):
        raise UsageError(f"{len(waveforms)} clips and {len(rngs)} generators; expected one generator a clip.")
    if not waveforms:
        return []
    if isinstance(condition, Chain):
        return _through(condition, waveforms, rngs, device=device)
    together = KINDS.get(type(condition))
    if together is None:
        return [conditioned(condition, waveform, rng=rng) for waveform, rng in zip(waveforms, rngs, strict=True)]
    for waveform in waveforms:
        check_clip(condition, waveform)
    done = together(condition, Clips.of(waveforms, device=device), rngs)
    for each, waveform in zip(done, waveforms, strict=True):
        check_result(condition, each, num_samples=len(waveform))
    return done


def _through(
    chain: Chain, waveforms: Sequence[Waveform], rngs: Sequence[np.random.Generator], *, device: str
) -> list[Conditioned]:
    """Applies the steps one after the other, each to all clips, with the draws that the chain would give them."""
    own = [spawned(rng, len(chain.steps)) for rng in rngs]
    done = [Conditioned(waveform) for waveform in waveforms]
    for i, step in enumerate(chain.steps):
        last = apply_batch(step, [each.waveform for each in done], [rngs_[i] for rngs_ in own], device=device)
        done = [chain.joined(before, after, number=i + 1) for before, after in zip(done, last, strict=True)]
    return done
