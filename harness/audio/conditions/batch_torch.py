"""Clips as one tensor in, the same under a condition out: what `apply_batch` has torch compute, kind by kind."""

from collections.abc import Callable, Mapping, Sequence
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from harness.audio.conditions.companding import FULL_SCALE, companding_table
from harness.audio.conditions.filters import between
from harness.audio.conditions.levels import Clipping, Gain
from harness.audio.conditions.mixing import facts_of_mix, level_to_refer_to, noise_gain, scale_for
from harness.audio.conditions.noise import Noise
from harness.audio.conditions.protocol import Conditioned
from harness.audio.conditions.reverberation import Reverberant, Reverberation, Room, factors
from harness.audio.conditions.telephone import LowPass, Telephone
from harness.audio.conditions.tensors import Clips, convolved_rows, energies, quantiles, speech_levels
from harness.audio.conditions.tone import Phases, Tone, amplitudes
from harness.audio.waveform import SAMPLE_RATE

if TYPE_CHECKING:
    import torch

Rngs = Sequence[np.random.Generator]


def noisy(condition: Noise, clips: Clips, rngs: Rngs) -> list[Conditioned]:
    """Adds noise to each clip."""
    drawn = [condition.drawn(length, rng) for length, rng in zip(clips.lengths, rngs, strict=True)]
    noise = Clips.of(drawn, device=str(clips.samples.device)).samples
    powers = [energy / length for energy, length in zip(energies(noise), clips.lengths, strict=True)]
    return _mixed(condition, clips, noise, powers=powers, ratio_db=condition.snr_db)


def with_tone(condition: Tone, clips: Clips, rngs: Rngs) -> list[Conditioned]:
    """Adds the tone to each clip."""
    drawn = [condition.drawn(rng) for rng in rngs]
    envelopes = [condition.envelope(start, n) for (_, start), n in zip(drawn, clips.lengths, strict=True)]
    tone = _tones(condition, clips, np.array([phases for phases, _ in drawn]))
    sounding = [envelope for envelope in envelopes if envelope is not None]
    if sounding:
        tone = tone * Clips.of(sounding, device=str(tone.device)).samples
    done = _mixed(condition, clips, tone, powers=[1.0] * len(drawn), ratio_db=-condition.level_db)
    return [condition.told(each, envelope) for each, envelope in zip(done, envelopes, strict=True)]


def telephoned(condition: Telephone, clips: Clips, _rngs: Rngs) -> list[Conditioned]:
    """Sends each clip through the line; up to the codec in double precision, as one by one."""
    import torch

    whole = (clips.samples * FULL_SCALE).round().clamp(-FULL_SCALE, FULL_SCALE - 1).double()
    passed = convolved_rows(whole, condition.kernel(), every=2)
    line = passed.round().clamp(-FULL_SCALE, FULL_SCALE - 1)
    ends = [(length + 1) // 2 for length in clips.lengths]
    heard = _companded(condition, line) * clips.inside(ends, line.shape[1])
    doubled = torch.stack([heard, convolved_rows(heard, between())], dim=2).flatten(1)  # (n_clips, 2 * n_line)
    return clips.told(doubled, [{"clipped_share": share} for share in clips.shares(clips.samples.abs() > 1)])


def low_passed(condition: LowPass, clips: Clips, _rngs: Rngs) -> list[Conditioned]:
    """Damps the treble of each clip."""
    return clips.told(convolved_rows(clips.samples, condition.kernel()), [{} for _ in clips.lengths])


def reverberant(condition: Reverberant, clips: Clips, _rngs: Rngs) -> list[Conditioned]:
    """Puts each clip into the room."""
    response = condition.response()
    rung = convolved_rows(clips.samples, response.kernel) * clips.inside(clips.lengths, clips.width)
    each = zip(energies(clips.samples), energies(rung), rung.abs().amax(dim=1).tolist(), strict=True)
    settled = [factors(energy_in, energy_out, peak) for energy_in, energy_out, peak in each]
    scaled = rung * clips.of_each([factor for factor, _ in settled]).float()
    return clips.told(scaled, [response.facts | {"scale": scale} for _, scale in settled])


def louder(condition: Gain, clips: Clips, _rngs: Rngs) -> list[Conditioned]:
    """Changes the level of each clip."""
    made = clips.samples * float(np.float32(10 ** (condition.gain_db / 20)))
    facts = [{"gain_db": condition.gain_db, "clipped_share": share} for share in clips.shares(made.abs() > 1)]
    return clips.told(made.clamp(-1, 1), facts)


def clipped(condition: Clipping, clips: Clips, _rngs: Rngs) -> list[Conditioned]:
    """Cuts off what is loudest in each clip."""
    magnitudes = clips.samples.abs()
    limits = quantiles(clips, condition.quantile)  # (n_clips, 1)
    each = limits[:, 0].tolist()
    for limit, peak in zip(each, magnitudes.amax(dim=1).tolist(), strict=True):
        condition.check_limit(limit, peak=peak)
    shares = clips.shares(magnitudes > limits)
    facts = [{"clipped_share": share, "clipped_at": limit} for share, limit in zip(shares, each, strict=True)]
    return clips.told(clips.samples.clamp(-limits, limits), facts)


KINDS: Mapping[type, Callable[..., list[Conditioned]]] = {
    Noise: noisy,
    Tone: with_tone,
    Telephone: telephoned,
    LowPass: low_passed,
    Reverberation: reverberant,
    Room: reverberant,
    Gain: louder,
    Clipping: clipped,
}


def _mixed(
    condition: Noise | Tone, clips: Clips, disturbance: "torch.Tensor", *, powers: Sequence[float], ratio_db: float
) -> list[Conditioned]:
    """Mixes each clip with what disturbs it, `ratio_db` below its speech."""
    power, name = condition.speech_power, condition.name
    levels = [level_to_refer_to(level, power=power, name=name) for level in speech_levels(clips)]
    gains = [noise_gain(level.power, power, ratio_db) for level, power in zip(levels, powers, strict=True)]
    together = clips.samples + disturbance * clips.of_each(gains).float()
    together = together * clips.inside(clips.lengths, clips.width)
    scales = [scale_for(peak) for peak in together.abs().amax(dim=1).tolist()]
    facts = [facts_of_mix(level, ratio_db=ratio_db, scale=scale) for level, scale in zip(levels, scales, strict=True)]
    return clips.told(together * clips.of_each(scales).float(), facts)


def _tones(condition: Tone, clips: Clips, phases: Phases) -> "torch.Tensor":
    """Returns the sum of the harmonics with the phases of each clip: `(n_clips, most_samples)`."""
    import torch

    places = torch.arange(clips.width, dtype=torch.float64, device=clips.samples.device)
    drawn = torch.from_numpy(phases).to(clips.samples.device)  # (n_clips, n_harmonics)
    tone = torch.zeros_like(clips.samples)
    for k, amplitude in enumerate(amplitudes(condition.n_audible).tolist(), start=1):
        angles = 2 * pi * condition.frequency_hz / SAMPLE_RATE * k * places + drawn[:, k - 1 : k]
        tone += (amplitude * angles.sin()).float()
    return tone


def _companded(condition: Telephone, line: "torch.Tensor") -> "torch.Tensor":
    """Returns 16-bit samples after the codec, as fractions of full scale: float32."""
    import torch

    if condition.codec == "none":
        return (line / FULL_SCALE).float()
    table = torch.from_numpy(companding_table(condition.codec).copy()).to(line.device)
    return table[line.long() & 0xFFFF]
