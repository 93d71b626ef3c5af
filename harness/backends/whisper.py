"""Waveforms in, Whisper's transcripts out: any model name or checkpoint of openai-whisper, many clips at a time.

Clips up to 30 s are padded and decoded together, without timestamps, as OpenAI's own evaluations do; the windows of
longer ones go the way of `whisper.transcribe`, those of several clips side by side. In float32 the same clip gives the
same text, whatever stands beside it in the batch (`harness.backends.whisper_engine.listener` says how). torch and
whisper are imported when the model loads, not before.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

from harness.audio.waveform import Waveform
from harness.backends.base import Identity, Transcript, check_waveforms
from harness.backends.weights import (
    Stopwatch,
    check_dtype,
    device_of,
    dtype_of,
    package_versions,
    waiting_for,
)
from harness.backends.whisper_engine.engine import Engine
from harness.backends.whisper_engine.fallback import (
    COMPRESSION_RATIO_THRESHOLD,
    LOGPROB_THRESHOLD,
    NO_SPEECH_THRESHOLD,
)
from harness.backends.whisper_engine.listener import Decoding
from harness.errors import BackendError, UsageError
from harness.provenance import digest_of_file

if TYPE_CHECKING:
    import torch
    from whisper.model import Whisper as WhisperModel


class Whisper:
    """Recognises speech with openai-whisper.

    Args:
        model: A name (`base.en`, `large-v3`, …), fetched once and kept, or the path of a checkpoint (`.pt`).
        language: A code such as `en`; None lets a multilingual model detect it clip by clip.
        beam_size: The number of beams; None decodes greedily.
        temperature: 0 takes the likeliest token; above 0 tokens are sampled, seeded by the clip.
        fallback_temperatures: Tried in turn on a clip (on a window of a long one) whose text repeats itself or was
            guessed, by the thresholds of `whisper.transcribe`; it falls back alone, never with its batch.
        dtype: `float32`, `bfloat16` or `float16` (GPU only); None is float16 on a GPU and float32 on a CPU.
        device: A torch device such as `cuda:0`; None takes a GPU when there is one.
        max_batch_clips: The most clips decoded at once, whatever `transcribe` is given; bounds memory, decides no text.
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
        fallback_temperatures: Sequence[float] = (),
        dtype: str | None = None,
        device: str | None = None,
        max_batch_clips: int = 32,
        download_root: str | None = None,
    ) -> None:
        _check_decoding(beam_size, temperature, fallback_temperatures)
        check_dtype("Whisper", dtype)
        if max_batch_clips < 1:
            raise UsageError(f"Whisper: max_batch_clips={max_batch_clips}; expected 1 or more")
        if _looks_like_a_path(model) and not Path(model).is_file():
            raise UsageError(f"Whisper: model={model}: no such file; expected a checkpoint, relative to {Path.cwd()}")
        self._model_name = model
        self._language = language
        self._decoding = Decoding(
            beam_size=beam_size,
            temperature=float(temperature),
            fallback_temperatures=tuple(float(each) for each in fallback_temperatures),
        )
        self._dtype = dtype
        self._device_name = device
        self._max_batch_clips = max_batch_clips
        self._download_root = download_root
        self._stopwatch = Stopwatch()

    def load(self) -> None:
        """Loads the model onto its device; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the model's name, the language, the device or its precision does not exist.
            BackendError: when the weights cannot be fetched or are no Whisper checkpoint.
        """
        _ = self._loaded

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform, without word times; where there is no sample, nothing.

        Raises:
            UsageError, BackendError: as `load` does; also when a waveform is no waveform.
            torch.OutOfMemoryError: when `max_batch_clips` clips are too many for the device.
        """
        check_waveforms("Whisper", waveforms)
        sounds = [place for place, waveform in enumerate(waveforms) if len(waveform)]
        heard = dict(zip(sounds, self._loaded.engine.texts([waveforms[place] for place in sounds]), strict=True))
        return [Transcript(text=heard.get(place, "")) for place in range(len(waveforms))]

    def identity(self) -> Identity:
        """Returns the package's version, the weights' digest and dimensions, and the decoding options.

        In half precision, the kind of device and torch's version belong to it: their kernels round differently, and
        there rounding decides texts. In float32 it does not, but where two tokens are equally likely to six digits.
        The size of a batch is no part of it, and neither are paths. The thresholds are, for long clips go by them even
        without fallback.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        loaded, decoding = self._loaded, self._decoding
        half = loaded.dtype != "float32"
        return {
            "backend": "whisper",
            "package": package_versions("openai-whisper"),
            "model": Path(self._model_name).name,
            "weights_sha256": loaded.weights_sha256,
            "dimensions": loaded.dimensions,
            "language": loaded.language,
            "beam_size": decoding.beam_size,
            "temperature": decoding.temperature,
            "fallback_temperatures": " ".join(map(str, decoding.fallback_temperatures)),
            "compression_ratio_threshold": COMPRESSION_RATIO_THRESHOLD,
            "logprob_threshold": LOGPROB_THRESHOLD,
            "no_speech_threshold": NO_SPEECH_THRESHOLD,
            "without_timestamps": True,
            "dtype": loaded.dtype,
            "rounding": f"{loaded.device_type}, {package_versions('torch')}" if half else None,
        }

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds spent on `features`, `encoder` and `decoder` so far; the device has finished them."""
        return {"features": 0.0, "encoder": 0.0, "decoder": 0.0} | dict(self._stopwatch.seconds())

    @cached_property
    def _loaded(self) -> "_Loaded":
        import torch

        device = device_of("Whisper", self._device_name)
        dtype = dtype_of("Whisper", self._dtype, device)
        model, weights_sha256 = self._weights(device)
        language = _language(self._language, model)
        self._stopwatch.synchronise = waiting_for(device)
        engine = Engine(
            model.eval(),
            getattr(torch, dtype),
            decoding=self._decoding,
            language=language,
            max_batch_clips=self._max_batch_clips,
            stopwatch=self._stopwatch,
        )
        return _Loaded(
            engine=engine,
            weights_sha256=weights_sha256,
            dimensions=" ".join(f"{name}={size}" for name, size in asdict(model.dims).items()),
            language=language,
            dtype=dtype,
            device_type=device.type,
        )

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
    """Holds a model ready to listen, and what its identity says of it."""

    engine: Engine
    weights_sha256: str
    dimensions: str
    language: str | None
    dtype: str
    device_type: str


def _check_decoding(beam_size: int | None, temperature: float, fallback_temperatures: Sequence[float]) -> None:
    if beam_size is not None and beam_size < 1:
        raise UsageError(f"Whisper: beam_size={beam_size}; expected 1 or more, or null for greedy decoding")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise UsageError(f"Whisper: temperature={temperature}; expected a finite number >= 0")
    if beam_size is not None and temperature > 0:
        raise UsageError(f"Whisper: beam_size={beam_size} with temperature={temperature}; a beam search needs 0")
    rising = [temperature, *fallback_temperatures]
    if not all(math.isfinite(hotter) and hotter > cooler for cooler, hotter in pairwise(rising)):
        raise UsageError(
            f"Whisper: fallback_temperatures={list(fallback_temperatures)} after temperature={temperature}; expected "
            "finite numbers, each above the one before, e.g. [0.2,0.4,0.6,0.8,1.0]"
        )


def _looks_like_a_path(model: str) -> bool:
    return "/" in model or "\\" in model or model.endswith(".pt")


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
    return model, digest_of_file(path)


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
