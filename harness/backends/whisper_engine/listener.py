"""Windows of many clips in, what was heard in each out, as if each had been alone.

In float32 that is what `whisper.decode` hears. Batches and fast kernels add numbers in another order than whisper does
and so round otherwise: where the two likeliest tokens are as close as that, whisper itself decodes the window, alone.
In half precision rounding is a thousand times coarser and no such care is possible: a text may depend on the batch.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.backends.weights import Stopwatch
from harness.backends.whisper_engine import beams, greedy
from harness.backends.whisper_engine.decoder import Decoder
from harness.backends.whisper_engine.encoder import Encoder, exact_convolutions
from harness.backends.whisper_engine.fallback import close_to_threshold, failed
from harness.backends.whisper_engine.languages import Language, detected
from harness.backends.whisper_engine.records import Heard, Window
from harness.backends.whisper_engine.rules import TokenRules

if TYPE_CHECKING:
    import torch
    from whisper import DecodingOptions
    from whisper.decoding import DecodingTask
    from whisper.model import Whisper as WhisperModel
    from whisper.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Decoding:
    """Says how to decode.

    Attributes:
        beam_size: None decodes greedily.
        temperature: 0 takes the likeliest tokens, above 0 tokens are sampled.
        fallback_temperatures: Tried one after the other while a window's text fails.
    """

    beam_size: int | None
    temperature: float
    fallback_temperatures: tuple[float, ...]


class Listener:
    """Hears windows with one model.

    Args:
        model: whisper's, on its device; its linear layers and convolutions are put into `dtype` in place.
        dtype: What to compute in.
        decoding: How to decode.
        stopwatch: Told the seconds spent in `encoder` and `decoder`.
    """

    def __init__(
        self, model: "WhisperModel", dtype: "torch.dtype", *, decoding: Decoding, stopwatch: Stopwatch
    ) -> None:
        import torch

        for module in model.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv1d):
                module.to(dtype)
        self.model = model
        self._decoding = decoding
        self._stopwatch = stopwatch
        self._careful = dtype == torch.float32 and decoding.beam_size is None and decoding.temperature == 0
        self._encoder = Encoder(model, dtype)
        self._decoder = Decoder(model, dtype)
        self._rules = {
            timestamps: TokenRules.of(_task(model, _options("en", timestamps=timestamps)), model.device)
            for timestamps in (False, True)
        }

    def tokenizer(self, language: str) -> "Tokenizer":
        """Returns the model's tokenizer of a language."""
        from whisper.tokenizer import get_tokenizer

        model = self.model
        return get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, language=language, task="transcribe"
        )

    def text(self, heard: Heard) -> str:
        """Returns the words of what was heard, timestamps left out."""
        return str(self.tokenizer("en").decode(list(heard.tokens))).strip()

    def language(self, mel: "torch.Tensor") -> str:
        """Returns the code of the language of a window `(n_mels, 3000)`."""
        (language,) = self._languages(self._encoded(mel[None]))
        if not (self._careful and language.close):
            return language.code
        with self._stopwatch.stage("decoder"), exact_convolutions():
            _, probabilities = self.model.detect_language(mel)
        return str(max(probabilities, key=probabilities.__getitem__))

    def heard(self, windows: Sequence[Window]) -> list[Heard]:
        """Returns what is heard in windows of which all or none have timestamps, and all or none have a language."""
        import torch

        audio = self._encoded(torch.stack([window.mel for window in windows]))
        spoken = list(windows)
        unsure = [False] * len(windows)
        if windows[0].language is None:
            languages = self._languages(audio)
            spoken = [replace(window, language=own.code) for window, own in zip(windows, languages, strict=True)]
            unsure = [own.close for own in languages]
        results = self._decoded(spoken, audio, self._decoding.temperature)
        if self._careful:
            results = [
                self._alone(window) if doubt or self._doubtful(heard, window) else heard
                for window, heard, doubt in zip(windows, results, unsure, strict=True)
            ]
        return self._with_fallback(spoken, audio, results)

    def _with_fallback(self, windows: Sequence[Window], audio: "torch.Tensor", results: Sequence[Heard]) -> list[Heard]:
        """Returns the results, those that fail replaced by what each temperature in turn gives until one does not."""
        final = list(results)
        failing = list(range(len(windows)))
        for temperature in self._decoding.fallback_temperatures:
            failing = [place for place in failing if failed(final[place], self.text(final[place]))]
            if failing:
                hotter = self._decoded([windows[place] for place in failing], audio[failing], temperature)
                for place, heard in zip(failing, hotter, strict=True):
                    final[place] = heard
        return final

    def _doubtful(self, heard: Heard, window: Window) -> bool:
        """Says whether rounding could have decided what becomes of a window."""
        thresholds_matter = window.timestamps or bool(self._decoding.fallback_temperatures)
        return heard.close or (thresholds_matter and close_to_threshold(heard))

    def _encoded(self, mels: "torch.Tensor") -> "torch.Tensor":
        with self._stopwatch.stage("encoder"):
            return self._encoder(mels)

    def _languages(self, audio: "torch.Tensor") -> list[Language]:
        with self._stopwatch.stage("decoder"):
            return detected(self._decoder, audio, self.tokenizer("en"))

    def _decoded(self, windows: Sequence[Window], audio: "torch.Tensor", temperature: float) -> list[Heard]:
        beginnings = [self._beginning(window, temperature) for window in windows]
        choice = greedy.Choice(
            rules=self._rules[windows[0].timestamps],
            no_speech=int(self.tokenizer("en").no_speech),
            temperature=temperature,
        )
        beam_size = self._decoding.beam_size if temperature == 0 else None
        with self._stopwatch.stage("decoder"):
            if beam_size is None:
                return greedy.decode(self._decoder, audio, beginnings, choice)
            return beams.decode(self._decoder, audio, beginnings, choice, beam_size=beam_size)

    def _beginning(self, window: Window, temperature: float) -> greedy.Beginning:
        task = _task(self.model, _options(window.language, timestamps=window.timestamps, prompt=window.prompt))
        return greedy.Beginning(
            tokens=tuple(task.initial_tokens),
            start=task.sot_index,
            limit=min(task.sample_len, task.n_ctx - len(task.initial_tokens) + 1),
            seed=hashlib.sha256(window.seed + struct.pack("<d", temperature)).digest(),
        )

    def _alone(self, window: Window) -> Heard:
        """Returns what `whisper.decode` hears in a window."""
        options = _options(window.language, timestamps=window.timestamps, prompt=window.prompt)
        with self._stopwatch.stage("decoder"), exact_convolutions():
            result = self.model.decode(window.mel, options)
        return Heard(tokens=tuple(result.tokens), avg_logprob=result.avg_logprob, no_speech_prob=result.no_speech_prob)


def _options(language: str | None, *, timestamps: bool, prompt: tuple[int, ...] = ()) -> "DecodingOptions":
    from whisper import DecodingOptions

    return DecodingOptions(language=language, without_timestamps=not timestamps, prompt=list(prompt), fp16=False)


def _task(model: "WhisperModel", options: "DecodingOptions") -> "DecodingTask":
    """Returns whisper's own plan for decoding, which knows what a text begins with and what may not be said."""
    from whisper.decoding import DecodingTask

    return DecodingTask(model, options)
