"""Waveforms in, texts out: how models with a CTC head are called so that no text depends on its batch's padding.

A window of a clip is scaled by itself. Windows of unequal length meet in one batch only in a model whose frames are
deaf to masked padding; see `harness.backends.transformers` for what was measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Identity
from harness.backends.transformers_checkpoint import (
    NAME,
    Asked,
    Checkpoint,
    feature_extractor,
    loaded_model,
    tokenizer,
)
from harness.backends.weights import Stopwatch, waiting_for
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase, SequenceFeatureExtractor

_MASKABLE = {"wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat"}
_SHORTEST_SPECTROGRAM = 800  # samples: a few windows of 25 ms, by whose variance such a model scales what it hears


@dataclass(frozen=True, slots=True)
class _Window:
    """Is the part of a clip that a CTC model hears at once; `start` to `stop` are its samples, kept are its frames."""

    clip: int
    start: int
    stop: int
    first_frame: int
    end_frame: int | None  # None keeps all to the end


@dataclass(frozen=True, slots=True)
class CtcModel:
    """Is an encoder whose every frame names a character or a blank."""

    model: "PreTrainedModel"
    features: "SequenceFeatureExtractor"
    tokenizer: "PreTrainedTokenizerBase"
    asked: Asked
    stopwatch: Stopwatch

    @classmethod
    def loaded(cls, checkpoint: Checkpoint, asked: Asked) -> "CtcModel":
        """Loads a checkpoint.

        Raises:
            UsageError: It is of no model with a CTC head.
            BackendError: as the parts of `transformers_checkpoint` do.
        """
        import transformers

        if type(checkpoint.config) not in transformers.MODEL_FOR_CTC_MAPPING:
            found = f"{checkpoint.source.name} is a model of type {checkpoint.config.model_type}"
            raise UsageError(f"{NAME}: {found}; expected Whisper, or one with a CTC head such as wav2vec2")
        model = loaded_model(transformers.AutoModelForCTC, checkpoint)
        stopwatch = Stopwatch(waiting_for(checkpoint.device))
        return cls(model, feature_extractor(checkpoint), tokenizer(checkpoint), asked, stopwatch)

    def options(self) -> Identity:
        """Returns the options that decide a text."""
        return {"language": self.asked.language, "chunk_s": self.asked.chunk_s, "stride_s": self.asked.stride_s}

    def texts(self, waveforms: Sequence[Waveform]) -> list[str]:
        """Returns the text of each waveform, in order; at most as many windows are heard together as there are clips.

        Raises:
            BackendError: The model's numbers overflow.
        """
        windows = [window for clip, waveform in enumerate(waveforms) for window in self._windows(clip, len(waveform))]
        tokens: dict[_Window, npt.NDArray[np.int64]] = {}
        for batch in self._batches(windows, len(waveforms)):
            with self.stopwatch.stage("features"):
                heard = [self._heard(waveforms[window.clip][window.start : window.stop]) for window in batch]
            with self.stopwatch.stage("encoder"):
                tokens |= zip(batch, self._tokens(heard), strict=True)
        kept: list[list[int]] = [[] for _ in waveforms]
        for window in windows:  # in the order of the clip, whatever order they were heard in
            kept[window.clip] += tokens[window][window.first_frame : window.end_frame].tolist()
        return [str(self.tokenizer.decode(each)) if each else "" for each in kept]

    def _windows(self, clip: int, num_samples: int) -> Iterator[_Window]:
        """Yields what to hear of a clip: nothing of one shorter than a frame, windows of a long one."""
        if self._too_short(num_samples):
            return
        ratio = _samples_per_frame(self.model.config)
        length = 0 if ratio is None else round(self.asked.chunk_s * SAMPLE_RATE / ratio) * ratio
        if ratio is None or num_samples <= length:
            yield _Window(clip, 0, num_samples, 0, None)
            return
        stride = round(self.asked.stride_s * SAMPLE_RATE / ratio) * ratio
        for start in range(0, num_samples, length - 2 * stride):
            last = start + length >= num_samples
            end_frame = None if last else (length - stride) // ratio
            yield _Window(clip, start, min(start + length, num_samples), stride // ratio if start else 0, end_frame)
            if last:
                return

    def _batches(self, windows: Sequence[_Window], n_together: int) -> Iterator[list[_Window]]:
        """Yields windows to hear together, at most as many as there were clips; of equal length where it matters."""
        if not windows:
            return
        ordered = sorted(windows, key=lambda window: window.stop - window.start)
        alike = [ordered] if _ignores_padding(self.model.config) else _of_equal_length(ordered)
        for group in alike:
            yield from (group[first : first + n_together] for first in range(0, len(group), n_together))

    def _heard(self, waveform: Waveform) -> "torch.Tensor":
        """Returns one window as the model takes it, scaled by itself: `(num_samples,)` or `(n_frames, n_features)`."""
        heard = self.features(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        found: torch.Tensor = heard[self.model.main_input_name][0]
        return found

    def _tokens(self, heard: "Sequence[torch.Tensor]") -> list[npt.NDArray[np.int64]]:
        """Returns the likeliest token of each frame of each window `(n_frames,)`, without those of its padding."""
        import torch

        model = self.model
        lengths = torch.tensor([len(each) for each in heard], device=model.device)
        padded = torch.nn.utils.rnn.pad_sequence(list(heard), batch_first=True).to(model.device, model.dtype)
        mask = (torch.arange(padded.shape[1], device=model.device) < lengths[:, None]).long()  # (n_windows, longest)
        logits = model(padded, attention_mask=mask).logits  # (n_windows, n_frames, n_tokens)
        likeliest = logits.argmax(dim=-1).cpu().numpy()
        if not torch.isfinite(logits).all():
            raise BackendError(f"{NAME}: the model overflows in {model.dtype}; give dtype=float32")
        if bool((lengths == lengths[0]).all()):
            return list(likeliest)
        return [tokens[: _n_frames(model.config, len(each))] for tokens, each in zip(likeliest, heard, strict=True)]

    def _too_short(self, num_samples: int) -> bool:
        config = self.model.config
        if not hasattr(config, "conv_kernel"):
            return num_samples < _SHORTEST_SPECTROGRAM
        return _n_frames(config, num_samples) < getattr(config, "squeeze_factor", 1)


def _n_frames(config: "PreTrainedConfig", num_samples: int) -> int:
    """Returns how many frames the convolutions over samples make; 0 or less when there are too few samples for one."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        num_samples = (num_samples - kernel) // stride + 1
    return num_samples


def _samples_per_frame(config: "PreTrainedConfig") -> int | None:
    """Returns the samples from one frame to the next; None when a clip cannot be cut between frames, so is not cut."""
    if getattr(config, "add_adapter", False):
        return None
    if config.model_type == "wav2vec2-bert":
        return 320  # two windows of the spectrogram, 10 ms each
    return prod(config.conv_stride) if hasattr(config, "conv_stride") else None


def _ignores_padding(config: "PreTrainedConfig") -> bool:
    """Returns whether a masked batch gives each clip the logits that it has alone, as measured (see `Transformers`)."""
    over_time = getattr(config, "add_adapter", False) or getattr(config, "conv_pos_batch_norm", False)
    return config.model_type in _MASKABLE and config.feat_extract_norm == "layer" and not over_time


def _of_equal_length(windows: Sequence[_Window]) -> list[list[_Window]]:
    return [list(group) for _, group in groupby(windows, key=lambda window: window.stop - window.start)]
