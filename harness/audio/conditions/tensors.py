"""Clips in, one tensor of them on a device out; and what can be asked of all of them at once: levels, quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from harness.audio.conditions.protocol import Conditioned
from harness.audio.convolution import Kernel, grid_of, response_of, used_of
from harness.audio.speech_level import (
    ENVELOPE_STEP,
    LOWEST_EXPONENT,
    N_THRESHOLDS,
    SpeechLevel,
    held_steps,
    level_of_counts,
    smoothing_kernel,
)
from harness.audio.waveform import Waveform
from harness.errors import UsageError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Clips:
    """Is a batch of clips on a device.

    Attributes:
        samples: `(n_clips, most_samples)`, float32, zeros after the end of each clip.
        lengths: Samples of each clip.
    """

    samples: "torch.Tensor"
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, waveforms: Sequence[Waveform], *, device: str) -> Self:
        """Puts waveforms of any lengths side by side on a device.

        Raises:
            UsageError: when there is no such device.
        """
        import torch

        lengths = tuple(len(waveform) for waveform in waveforms)
        padded = np.zeros((len(waveforms), max(lengths)), dtype=np.float32)
        for row, waveform in zip(padded, waveforms, strict=True):
            row[: len(waveform)] = waveform
        try:
            return cls(torch.from_numpy(padded).to(device), lengths)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"device={device!r} cannot be used: {error}. Choose cpu.") from error

    @property
    def width(self) -> int:
        """Samples of the longest clip."""
        return max(self.lengths)

    def of_each(self, values: Sequence[float]) -> "torch.Tensor":
        """Returns a number of each clip as a column: float64, `(n_clips, 1)`."""
        import torch

        return torch.tensor(values, dtype=torch.float64, device=self.samples.device)[:, None]

    def inside(self, lengths: Sequence[int], width: int) -> "torch.Tensor":
        """Tells which of `width` places come before so many of each clip: `(n_clips, width)`."""
        import torch

        places = torch.arange(width, device=self.samples.device)
        return places[None, :] < torch.tensor(lengths, device=self.samples.device)[:, None]

    def shares(self, chosen: "torch.Tensor") -> list[float]:
        """Returns the share of each clip's samples that are chosen: `(n_clips, most_samples)` in."""
        return [n / length for n, length in zip(chosen.sum(dim=1).tolist(), self.lengths, strict=True)]

    def told(self, samples: "torch.Tensor", facts: Sequence[Mapping[str, float]]) -> list[Conditioned]:
        """Brings what was made of each clip back from the device."""
        rows = samples.float().cpu().numpy()
        each = zip(rows, self.lengths, facts, strict=True)
        return [Conditioned(row[:length].copy(), facts_of_one) for row, length, facts_of_one in each]


def convolved_rows(signals: "torch.Tensor", kernel: Kernel, *, every: int = 1) -> "torch.Tensor":
    """Returns what `convolved` makes of each row, by the same blocks: `(n_clips, ceil(num_samples / every))`.

    Args:
        signals: `(n_clips, num_samples)`, in the precision of what comes out.
        kernel: What each row is convolved with.
        every: 1 or 2, as there.
    """
    import torch

    num_samples = signals.shape[1]
    kernel = used_of(kernel, num_samples)
    grid = grid_of(kernel, num_samples)
    before = grid.n_overlap - kernel.start
    after = grid.n_overlap + grid.n_blocks * grid.hop - before - num_samples
    blocks = torch.nn.functional.pad(signals, (before, after)).unfold(1, grid.block, grid.hop)
    response = torch.from_numpy(response_of(kernel, grid.block, every).copy()).to(signals.device)
    spectra = torch.fft.rfft(blocks)[:, :, : len(response)]  # (n_clips, n_blocks, block / 2 / every + 1)
    rows: torch.Tensor = torch.fft.irfft(spectra * response, grid.block // every)[:, :, grid.n_overlap // every :]
    return rows.flatten(1)[:, : -(-num_samples // every)]


def energies(signals: "torch.Tensor") -> list[float]:
    """Returns the sum of squares of each row, added in double precision."""
    return [float(energy) for energy in signals.double().square().sum(dim=1).tolist()]


def quantiles(clips: Clips, quantile: float) -> "torch.Tensor":
    """Returns the quantile of each clip's magnitudes, interpolated as numpy does: float32, `(n_clips, 1)`."""
    import torch

    inside = clips.inside(clips.lengths, clips.width)
    ascending = torch.where(inside, clips.samples.abs(), torch.inf).sort(dim=1).values
    last = clips.of_each(clips.lengths) - 1
    place = quantile * last
    lower, upper = place.floor(), torch.minimum(place.floor() + 1, last)
    low, high = ascending.gather(1, lower.long()).double(), ascending.gather(1, upper.long()).double()
    return (low + (high - low) * (place - lower)).float()


def speech_levels(clips: Clips) -> list[SpeechLevel]:
    """Returns the active speech level of each clip, as `active_speech_level` does one by one."""
    import torch

    clips = _sounding(clips)
    envelope = _envelopes(clips)  # (n_clips, n_steps)
    ranks = torch.frexp(envelope)[1].long() - LOWEST_EXPONENT
    ranks = torch.where(envelope > 0, ranks, 0).clamp(0, N_THRESHOLDS)  # (n_clips, n_steps), thresholds reached
    ends = [-(-length // ENVELOPE_STEP) for length in clips.lengths]
    counts = torch.zeros(len(ends), N_THRESHOLDS + 1, dtype=torch.float64, device=envelope.device)
    counts.scatter_add_(1, ranks, clips.inside(ends, envelope.shape[1]).double())
    n_active = counts.flip(1).cumsum(1).flip(1)[:, 1:].cpu().numpy() * ENVELOPE_STEP  # (n_clips, N_THRESHOLDS)
    each = zip(energies(clips.samples), clips.lengths, n_active, strict=True)
    return [level_of_counts(energy, length, n) for energy, length, n in each]


def _sounding(clips: Clips) -> Clips:
    """Returns clips less their means, and exact silence for those whose samples are all equal."""
    import torch

    inside = clips.inside(clips.lengths, clips.width)
    means = clips.samples.double().sum(dim=1, keepdim=True) / clips.of_each(clips.lengths)
    highest = torch.where(inside, clips.samples, -torch.inf).amax(dim=1, keepdim=True)
    lowest = torch.where(inside, clips.samples, torch.inf).amin(dim=1, keepdim=True)
    return Clips((clips.samples - means.float()) * inside * (highest > lowest), clips.lengths)


def _envelopes(clips: Clips) -> "torch.Tensor":
    """Returns the smoothed magnitude of each clip, the largest of the last 200 ms: float64, `(n_clips, n_steps)`."""
    import torch

    n_steps = -(-clips.width // ENVELOPE_STEP)
    padded = torch.nn.functional.pad(clips.samples.abs(), (0, n_steps * ENVELOPE_STEP - clips.width))
    steps = padded.reshape(len(clips.lengths), n_steps, ENVELOPE_STEP).double().mean(dim=2)
    envelope = convolved_rows(steps, smoothing_kernel())
    for step in held_steps():
        envelope = torch.maximum(envelope, torch.nn.functional.pad(envelope, (step, 0))[:, :n_steps])
    return envelope
