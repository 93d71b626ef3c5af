"""Waveforms in, Whisper's transcripts out: any model name or checkpoint of openai-whisper, in true batches.

Clips up to 30 s are padded and decoded together, without timestamps, as OpenAI's own evaluations do; longer ones go
through `whisper.transcribe` one by one. There is no temperature fallback: the same clip gives the same text, whatever
stands beside it in the batch. torch and whisper are imported when the model loads, not before.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Identity, Transcript
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    import torch
    from whisper import DecodingOptions, DecodingResult
    from whisper.model import Whisper as WhisperModel

WINDOW_S = 30  # what Whisper's encoder hears at once
_WINDOW = WINDOW_S * SAMPLE_RATE  # samples


class Whisper:
    """Recognises speech with openai-whisper.

    Args:
        model: A name (`base.en`, `large-v3`, …), fetched once and kept, or the path of a checkpoint (`.pt`).
        language: A code such as `en`; None lets a multilingual model detect it clip by clip.
        beam_size: The number of beams; None decodes greedily.
        temperature: 0 takes the likeliest token; above 0 tokens are sampled, seeded by the clip, one clip at a time.
        fp16: Whether to compute in half precision; None does so on a GPU. A CPU cannot.
        device: A torch device such as `cuda:0`; None takes a GPU when there is one.
        download_root: Where named models are kept; None is `~/.cache/whisper`.

    Raises:
        UsageError: when an option is out of range or the path does not exist. The name, the language and the device are
            checked when the model loads, at `load`, `identity` or the first `transcribe`.
    """

    def __init__(
        self,
        *,
        model: str = "base.en",
        language: str | None = "en",
        beam_size: int | None = None,
        temperature: float = 0.0,
        fp16: bool | None = None,
        device: str | None = None,
        download_root: str | None = None,
    ) -> None:
        if beam_size is not None and beam_size < 1:
            raise UsageError(f"Whisper: beam_size={beam_size}; expected 1 or more, or null for greedy decoding")
        if not (math.isfinite(temperature) and temperature >= 0):
            raise UsageError(f"Whisper: temperature={temperature}; expected a finite number >= 0")
        if beam_size is not None and temperature > 0:
            raise UsageError(f"Whisper: beam_size={beam_size} with temperature={temperature}; a beam search needs 0")
        if _looks_like_a_path(model) and not Path(model).is_file():
            raise UsageError(f"Whisper: model={model}: no such file; expected a checkpoint, relative to {Path.cwd()}")
        self._model_name = model
        self._language = language
        self._beam_size = beam_size
        self._temperature = temperature
        self._fp16 = fp16
        self._device_name = device
        self._download_root = download_root

    def load(self) -> None:
        """Loads the model onto its device; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the model's name, the language, the device or its precision does not exist.
            BackendError: when the weights cannot be fetched or are no Whisper checkpoint.
        """
        _ = self._loaded

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform, without word times.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        import torch

        loaded = self._loaded
        texts: dict[int, str] = {}
        with torch.inference_mode():
            for batch in self._batches(waveforms):
                texts |= zip(batch, _texts(loaded, [waveforms[position] for position in batch]), strict=True)
        return [Transcript(text=texts[position]) for position in range(len(waveforms))]

    def identity(self) -> Identity:
        """Returns the package's version, the weights' digest and dimensions, and the decoding options.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        loaded = self._loaded
        return {
            "backend": "whisper",
            "package": f"openai-whisper {version('openai-whisper')}",
            "model": Path(self._model_name).name,
            "weights_sha256": loaded.weights_sha256,
            "dimensions": " ".join(f"{name}={size}" for name, size in asdict(loaded.model.dims).items()),
            "language": loaded.options.language,
            "beam_size": self._beam_size,
            "temperature": self._temperature,
            "without_timestamps": True,
            "dtype": "float16" if loaded.options.fp16 else "float32",
        }

    def _batches(self, waveforms: Sequence[Waveform]) -> list[list[int]]:
        """Returns the positions to decode together: the short clips at once, but alone what is long or sampled."""
        together = [
            position
            for position, waveform in enumerate(waveforms)
            if len(waveform) <= _WINDOW and self._temperature == 0
        ]
        alone = [[position] for position in sorted(set(range(len(waveforms))) - set(together))]
        return ([together] if together else []) + alone

    @cached_property
    def _loaded(self) -> "_Loaded":
        import whisper

        device = _device(self._device_name)
        fp16 = device.type == "cuda" if self._fp16 is None else self._fp16
        if fp16 and device.type == "cpu":
            raise UsageError("Whisper: fp16=true needs a GPU; expected fp16=null, or device=cuda where there is one")
        model, weights_sha256 = self._weights(device)
        options = whisper.DecodingOptions(
            language=_language(self._language, model),
            beam_size=self._beam_size,
            temperature=self._temperature,
            fp16=fp16,
            without_timestamps=True,
        )
        return _Loaded(model=model.eval(), options=options, weights_sha256=weights_sha256)

    def _weights(self, device: "torch.device") -> "tuple[WhisperModel, str]":
        import whisper

        if self._model_name in whisper.available_models():
            return self._named_weights(device)
        if Path(self._model_name).is_file():
            return _checkpoint(Path(self._model_name), device)
        raise UsageError(
            f"Whisper: model={self._model_name}: no such model and no such file; expected the path of a checkpoint or "
            f"one of {', '.join(whisper.available_models())}"
        )

    def _named_weights(self, device: "torch.device") -> "tuple[WhisperModel, str]":
        import whisper

        name, url = self._model_name, str(whisper._MODELS[self._model_name])
        root = self._download_root or "~/.cache/whisper"
        try:
            model = whisper.load_model(name, device=device, download_root=self._download_root)
        except (OSError, RuntimeError) as error:
            raise BackendError(
                f"Whisper: the weights of '{name}' are not in {root} and could not be fetched from {url}: {error}. "
                f"Give model=/path/to/checkpoint.pt, or download_root= a folder that holds {Path(url).name}"
            ) from error
        return model, url.split("/")[-2]  # whisper has compared the file's SHA-256 with this part of its address


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Holds a model on its device and how to decode with it."""

    model: "WhisperModel"
    options: "DecodingOptions"
    weights_sha256: str


def _looks_like_a_path(model: str) -> bool:
    return "/" in model or "\\" in model or model.endswith(".pt")


def _device(name: str | None) -> "torch.device":
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"Whisper: device={name}: {error}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"Whisper: device={name}, but torch sees {torch.cuda.device_count()} GPUs; device=cpu works")
    return device


def _checkpoint(path: Path, device: "torch.device") -> "tuple[WhisperModel, str]":
    """Loads a file in the format of OpenAI's own; whisper reads it with `weights_only`, so it cannot run code."""
    import whisper

    try:
        model = whisper.load_model(str(path), device=device)
    except (UnpicklingError, EOFError, KeyError, TypeError, ValueError, RuntimeError) as error:
        # torch's own words on a pickle are an invitation to run it
        found = "more than tensors and numbers" if isinstance(error, UnpicklingError) else f"{error!r}"
        raise BackendError(
            f"Whisper: {path} is no Whisper checkpoint: expected a file that torch.load(weights_only=True) reads as "
            f"{{'dims': …, 'model_state_dict': …}}, found {found}. Give the path of a .pt file of openai-whisper"
        ) from error
    with path.open("rb") as file:
        return model, hashlib.file_digest(file, "sha256").hexdigest()


def _language(language: str | None, model: "WhisperModel") -> str | None:
    """Returns the code to decode with; None only where the model detects it."""
    from whisper.tokenizer import LANGUAGES

    if not model.is_multilingual:
        if language not in (None, "en"):
            raise UsageError(f"Whisper: language={language} with an English-only model; expected a model without `.en`")
        return "en"
    known = list(LANGUAGES)[: model.num_languages]
    if language is not None and language not in known:
        raise UsageError(f"Whisper: language={language}; expected null to detect it, or one of {', '.join(known)}")
    return language


def _texts(loaded: _Loaded, waveforms: Sequence[Waveform]) -> list[str]:
    """Returns the texts of clips that are all short, or of one clip."""
    if loaded.options.temperature == 0:
        return _decoded(loaded, waveforms)
    import torch

    device = loaded.model.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        seed = hashlib.sha256(waveforms[0].tobytes()).digest()[:8]
        torch.manual_seed(int.from_bytes(seed, "little"))
        return _decoded(loaded, waveforms)


def _decoded(loaded: _Loaded, waveforms: Sequence[Waveform]) -> list[str]:
    if len(waveforms[0]) > _WINDOW:
        return [_long_text(loaded, waveforms[0])]
    import torch
    import whisper

    mels = torch.stack([_log_mel(loaded.model, waveform) for waveform in waveforms])  # (n_clips, n_mels, 3000)
    decode = whisper.decode if loaded.options.beam_size is None else _decode_beams
    return [str(result.text) for result in decode(loaded.model, mels, loaded.options)]


def _decode_beams(model: "WhisperModel", mels: "torch.Tensor", options: "DecodingOptions") -> "list[DecodingResult]":
    """Does what `whisper.decode` does, for several clips at once.

    `whisper.decode` (20230306 to 20250625) repeats a clip's tokens once per beam but not what its encoder heard, which
    only works for one clip. Repeating both gives each clip the beams that it has alone.
    """
    from whisper.decoding import DecodingTask

    task = DecodingTask(model, options)
    encode, detect_language = task._get_audio_features, task._detect_language
    task._get_audio_features = lambda mels: encode(mels).repeat_interleave(task.n_group, dim=0)
    task._detect_language = lambda heard, tokens: detect_language(heard[:: task.n_group], tokens)
    results: list[DecodingResult] = task.run(mels)
    return results


def _log_mel(model: "WhisperModel", waveform: Waveform) -> "torch.Tensor":
    """Returns the padded clip's log-Mel spectrogram `(n_mels, 3000)`; its scale depends on this clip's own maximum."""
    import whisper

    padded = np.pad(waveform, (0, _WINDOW - len(waveform)))  # (_WINDOW,)
    mel: torch.Tensor = whisper.log_mel_spectrogram(padded, model.dims.n_mels, device=model.device)
    return mel


def _long_text(loaded: _Loaded, waveform: Waveform) -> str:
    import whisper

    options = loaded.options
    result = whisper.transcribe(
        loaded.model,
        waveform,
        temperature=options.temperature,
        language=options.language,
        beam_size=options.beam_size,
        fp16=options.fp16,
    )
    return str(result["text"]).strip()
