"""Waveforms in, the log-Mel spectrograms that whisper hears out, bit for bit, without computing those of the padding.

whisper pads a clip with 30 s of zeros and transforms them too. Frames beyond the sound hold no power at all, so their
value is known: the floor. Frames that touch the sound are computed from it and the few zeros they reach.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform

if TYPE_CHECKING:
    import torch

WINDOW_FRAMES = 3000  # 30 s of 10 ms, what the encoder hears at once
WINDOW_SAMPLES = 30 * SAMPLE_RATE
HOP = 160  # samples from frame to frame
_FFT = 400  # samples of a frame, centred on its time
_SHORTEST = SAMPLE_RATE  # samples; fewer frames than these are multiplied by another kernel, which rounds otherwise
_FLOOR = -10.0  # log10 of the least power (whisper.audio.log_mel_spectrogram)
_DYNAMIC_RANGE = 8.0  # below a clip's own maximum, in log10


def log_mels(waveforms: Sequence[Waveform], *, n_mels: int, device: "torch.device") -> "torch.Tensor":
    """Returns `(n_clips, n_mels, 3000)`: what `log_mel_spectrogram` gives for each clip padded to 30 s.

    Raises:
        ValueError: when a clip is longer than 30 s.
    """
    if any(len(waveform) > WINDOW_SAMPLES for waveform in waveforms):
        raise ValueError("log_mels: a clip of more than 30 s; expected long_log_mel")
    length = min(WINDOW_SAMPLES, _padded_length(max(len(waveform) for waveform in waveforms)))
    return _scaled(_log_powers(waveforms, length=length, n_mels=n_mels, device=device), WINDOW_FRAMES)


def long_log_mel(waveform: Waveform, *, n_mels: int, device: "torch.device") -> "torch.Tensor":
    """Returns `(n_mels, num_samples // 160)`: the frames of a long clip that `whisper.transcribe` looks at.

    Their scale depends on the clip's maximum, as there, where 30 s of silence follow the clip.
    """
    logs = _log_powers([waveform], length=_padded_length(len(waveform)), n_mels=n_mels, device=device)
    return _scaled(logs, logs.shape[-1])[0, :, : len(waveform) // HOP]


def padded_window(mel: "torch.Tensor") -> "torch.Tensor":
    """Returns up to 3000 frames of a clip `(n_mels, n_frames)` as a window `(n_mels, 3000)`, zeros where none are."""
    import torch

    return torch.nn.functional.pad(mel, (0, WINDOW_FRAMES - mel.shape[-1]))


def _padded_length(num_samples: int) -> int:
    """Returns samples such that every frame that touches the sound sees only what follows it, in whole hops."""
    return max(_SHORTEST, -(-(num_samples + _FFT) // HOP) * HOP)


def _log_powers(waveforms: Sequence[Waveform], *, length: int, n_mels: int, device: "torch.device") -> "torch.Tensor":
    """Returns log10 of the power in each band `(n_clips, n_mels, length // 160)`, at least the floor."""
    import torch
    from whisper.audio import mel_filters

    padded = np.zeros((len(waveforms), length), dtype=np.float32)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    samples = torch.from_numpy(padded).to(device)  # (n_clips, length)
    frame = torch.hann_window(_FFT).to(device)  # made on the CPU, as whisper makes it
    spectra = torch.stft(samples, _FFT, HOP, window=frame, return_complex=True)  # (n_clips, 201, n_frames + 1)
    powers = mel_filters(device, n_mels) @ (spectra[..., :-1].abs() ** 2)  # (n_clips, n_mels, n_frames)
    logs: torch.Tensor = torch.clamp(powers, min=10**_FLOOR).log10()
    return logs


def _scaled(logs: "torch.Tensor", n_frames: int) -> "torch.Tensor":
    """Returns frames of which those not given are silent, cut 8 below each clip's maximum, about within [-1, 1]."""
    import torch

    padded = torch.nn.functional.pad(logs, (0, n_frames - logs.shape[-1]), value=_FLOOR)
    least = padded.amax(dim=(1, 2), keepdim=True) - _DYNAMIC_RANGE  # (n_clips, 1, 1)
    return (torch.maximum(padded, least) + 4.0) / 4.0
