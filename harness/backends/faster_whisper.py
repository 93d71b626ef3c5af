"""Waveforms in, the transcripts of faster-whisper out: Whisper's weights in CTranslate2's format, int8 to float32.

Clips of up to 30 s are encoded and decoded together, each with the features, prompt and rules that
`faster_whisper.WhisperModel.transcribe(clip, without_timestamps=True)` gives it alone, so a text is the same (measured
in float32 and int8 on a CPU: the encoder's output is bit-equal at any batch size). Longer clips, clips with word times
and clips that may be sampled go through `transcribe` one by one. Voice activity detection is never used: it would be a
second recogniser that decides what the first one hears.

CTranslate2 reads its weights, `model.bin`, as numbers only; there is no code in them.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.audio.waveform import Waveform
from harness.backends.base import Identity, Transcript, Word, check_waveforms
from harness.backends.weights import (
    Source,
    Stopwatch,
    check_name,
    digest_of_files,
    first_line,
    found_source,
    needed,
    package_versions,
)
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    import ctranslate2
    import faster_whisper
    from faster_whisper.tokenizer import Tokenizer

_WEIGHTS, _NEEDED = "model.bin", ("model.bin", "config.json", "tokenizer.json")
_SETTINGS = ("config.json", "tokenizer.json", "preprocessor_config.json", "vocabulary.*")
_SILENT, _UNLIKELY = 0.6, -1.0  # no-speech probability and mean log probability; Whisper's own thresholds
_FIRST_TIMESTAMP = 50  # steps of 20 ms: a first segment begins within a second; the library's default
_COMPUTE_TYPES = (
    "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip


class FasterWhisper:
    """Recognises with a Whisper model that was converted for CTranslate2.

    Args:
        model: A name that faster-whisper knows, the hub's name of a converted model, or a folder that holds one.
        revision: A commit, branch or tag of the hub; None is its main branch, or a folder.
        language: A language code of Whisper such as `en`; None detects it clip by clip.
        beam_size: How many hypotheses the search keeps; 1 is greedy.
        temperatures: What to decode with, one after the other until a text is neither repetitive nor unlikely. Above 0
            tokens are sampled, and CTranslate2's seed cannot be set clip by clip: such texts differ from run to run,
            and the identity says so.
        condition_on_previous_text: Whether the model sees the text of a long clip's previous window.
        word_times: Whether to find when each word was said; texts may differ, since windows then end with a word. A
            clip has none when the library cannot place all of its text.
        compute_type: CTranslate2's name of a precision; `default` keeps that of the weights where the device has it.
        device: `cpu`, `cuda` or `cuda:1`; None takes a GPU when there is one.
        cpu_threads: Threads on a CPU; 0 is CTranslate2's own choice.

    Raises:
        UsageError: when an option is out of range or `model` can be no name. What the model and the device can do is
            checked when it loads, at `load`, `identity` or the first `transcribe`.
    """

    def __init__(
        self,
        *,
        model: str = "base.en",
        revision: str | None = None,
        language: str | None = "en",
        beam_size: int = 5,
        temperatures: Sequence[float] = (0.0,),
        condition_on_previous_text: bool = True,
        word_times: bool = False,
        compute_type: str = "default",
        device: str | None = None,
        cpu_threads: int = 0,
    ) -> None:
        if beam_size < 1:
            raise UsageError(f"FasterWhisper: beam_size={beam_size}; expected 1 (greedy) or more")
        if not temperatures or not all(math.isfinite(each) and each >= 0 for each in temperatures):
            raise UsageError(f"FasterWhisper: temperatures={list(temperatures)}; expected finite numbers >= 0")
        if compute_type not in _COMPUTE_TYPES:
            raise UsageError(f"FasterWhisper: compute_type={compute_type}; expected one of {', '.join(_COMPUTE_TYPES)}")
        if cpu_threads < 0:
            raise UsageError(f"FasterWhisper: cpu_threads={cpu_threads}; expected 0 or more")
        check_name("FasterWhisper", model, revision)
        self._model_name, self._revision, self._language = model, revision, language
        self._beam_size, self._temperatures = beam_size, [float(each) for each in temperatures]
        self._condition, self._word_times = condition_on_previous_text, word_times
        self._compute_type, self._device, self._cpu_threads = compute_type, _device(device), cpu_threads
        self._stopwatch = Stopwatch()

    def load(self) -> None:
        """Loads the model onto its device; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the package is absent, or there is no such model name, language, device or precision.
            BackendError: when the weights cannot be fetched or are no converted Whisper model.
        """
        _ = self._model

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform, with word times when they were asked for.

        Raises:
            UsageError: as `load` does.
            BackendError: as `load` does, or when a waveform is not finite.
        """
        check_waveforms("FasterWhisper", waveforms)
        model, heard = self._model, {}
        features = {position: self._features(each) for position, each in enumerate(waveforms) if len(each)}
        together = [position for position, each in features.items() if self._is_batched(each)]
        if together:
            texts = self._decoded([features[position] for position in together])
            heard = {position: text for position, text in zip(together, texts, strict=True) if text is not None}
        return [
            Transcript(text=heard[position], words=None) if position in heard else self._alone(model, waveform)
            for position, waveform in enumerate(waveforms)
        ]

    def identity(self) -> Identity:
        """Returns packages, digests of weights and settings, their commit on the hub, precision and decoding options.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        return {
            **self._digests,
            "compute_type": str(self._model.model.compute_type),
            "language": self._language,
            "beam_size": self._beam_size,
            "temperatures": " ".join(map(str, self._temperatures)),
            "reproducible": not any(self._temperatures),
            "condition_on_previous_text": self._condition,
            "word_times": self._word_times,
        }

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds spent in `features`, `encoder` and `decoder`, which has all of a clip heard alone.

        CTranslate2 gives nothing to wait for: on a GPU it may still encode when the decoder's clock starts.
        """
        return self._stopwatch.seconds()

    def _features(self, waveform: Waveform) -> npt.NDArray[np.float32]:
        """Returns a clip's log-Mel spectrogram `(n_mels, n_frames + 1)`, scaled by its own maximum."""
        with self._stopwatch.stage("features"):
            features: npt.NDArray[np.float32] = self._model.feature_extractor(waveform)
        return features

    def _is_batched(self, features: npt.NDArray[np.float32]) -> bool:
        """Returns whether a clip's text is one window's: not of a long clip, nor when it may be decoded again."""
        short = 1 < features.shape[-1] <= self._model.feature_extractor.nb_max_frames + 1
        return short and not self._word_times and self._temperatures == [0.0]

    def _decoded(self, features: Sequence[npt.NDArray[np.float32]]) -> list[str | None]:
        """Returns the texts of clips of one window; None for a clip whose tokens ask for another look at it.

        A model that was asked for no timestamps and still writes them has heard more than one segment, and the library
        then decodes the rest of the window again.
        """
        from faster_whisper.audio import pad_or_trim

        model = self._model
        with self._stopwatch.stage("encoder"):
            encoded = model.encode(np.stack([pad_or_trim(each[:, :-1]) for each in features]))  # (n_clips, 1500, width)
            tokenizers = self._tokenizers(features)
        with self._stopwatch.stage("decoder"):
            results = model.model.generate(
                encoded,
                [model.get_prompt(tokenizer, [], without_timestamps=True) for tokenizer in tokenizers],
                beam_size=self._beam_size,
                patience=1,
                max_length=model.max_length,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_blank=True,
                suppress_tokens=_suppressed(tokenizers[0]),
                max_initial_timestamp_index=_FIRST_TIMESTAMP,
            )
        return [_text(tokenizer, result) for tokenizer, result in zip(tokenizers, results, strict=True)]

    def _tokenizers(self, features: Sequence[npt.NDArray[np.float32]]) -> "list[Tokenizer]":
        """Returns the tokenizer of each clip's language, found in the features that the library looks at."""
        from faster_whisper.audio import pad_or_trim
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        languages = [self._language or "en"] * len(features)
        if self._language is None and model.model.is_multilingual:
            window = model.feature_extractor.nb_max_frames
            encoded = model.encode(np.stack([pad_or_trim(each[:, :window]) for each in features]))
            languages = [likeliest[0][0][2:-2] for likeliest in model.model.detect_language(encoded)]
        return [
            Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
            for language in languages
        ]

    def _alone(self, model: "faster_whisper.WhisperModel", waveform: Waveform) -> Transcript:
        """Returns what the library's own `transcribe` hears in one clip."""
        if not len(waveform):
            return Transcript(text="", words=() if self._word_times else None)
        long = len(waveform) > model.feature_extractor.n_samples
        with self._stopwatch.stage("decoder"):
            segments, _ = model.transcribe(
                waveform,
                language=self._language,
                beam_size=self._beam_size,
                temperature=self._temperatures,
                condition_on_previous_text=self._condition,
                without_timestamps=not (long or self._word_times),
                word_timestamps=self._word_times,
                vad_filter=False,
            )
            found = list(segments)  # which is when they are decoded
        text = "".join(segment.text for segment in found).strip()
        return Transcript(text=text, words=_words(found, text) if self._word_times else None)

    @cached_property
    def _model(self) -> "faster_whisper.WhisperModel":
        with needed("faster_whisper", "faster-whisper"):
            import faster_whisper
        kind, index = self._device
        folder = self._source.folder
        try:
            model = faster_whisper.WhisperModel(
                str(folder),
                device=kind,
                device_index=index,
                compute_type=self._compute_type,
                cpu_threads=self._cpu_threads,
                local_files_only=True,
            )
        except ValueError as error:
            asked = f"compute_type={self._compute_type}, device={kind}:{index}"
            raise UsageError(
                f"FasterWhisper: {asked}: {first_line(error)}. compute_type=default always works"
            ) from error
        except Exception as error:  # CTranslate2's are RuntimeErrors, those of tokenizers plain Exceptions
            raise BackendError(
                f"FasterWhisper: {folder} is no Whisper model that CTranslate2 can load: {first_line(error)}. Expected "
                "what ct2-transformers-converter writes, with tokenizer.json copied"
            ) from error
        _check_language(self._language, model)
        return model

    @cached_property
    def _source(self) -> Source:
        from faster_whisper.utils import _MODELS

        repository = _MODELS.get(self._model_name, self._model_name)
        source = found_source("FasterWhisper", repository, revision=self._revision, patterns=(_WEIGHTS, *_SETTINGS))
        missing = [name for name in _NEEDED if not (source.folder / name).is_file()]
        if missing:
            raise BackendError(
                f"FasterWhisper: {source.folder} has no {', '.join(missing)}; expected a folder written by "
                "ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json"
            )
        return source

    @cached_property
    def _digests(self) -> Identity:
        _ = self._model
        source = self._source
        settings = [path.name for pattern in _SETTINGS for path in source.folder.glob(pattern)]
        return {
            "backend": "faster_whisper",
            "package": package_versions("faster-whisper", "ctranslate2", "tokenizers"),
            "model": source.name,
            "revision": source.revision,
            "weights_sha256": digest_of_files(source.folder, [_WEIGHTS]),
            "settings_sha256": digest_of_files(source.folder, settings),
        }


def _words(segments: "Sequence[faster_whisper.transcribe.Segment]", text: str) -> tuple[Word, ...] | None:
    """Returns the words with their times; None when they are not the text: the library may place a part."""
    words = tuple(
        Word(
            text=word.word.strip(), start_s=float(word.start), end_s=float(word.end), confidence=float(word.probability)
        )
        for segment in segments
        for word in segment.words or ()
        if word.word.strip()
    )
    aligned = "".join("".join(word.text.split()) for word in words)
    return words if aligned == "".join(text.split()) else None


def _device(name: str | None) -> tuple[str, int]:
    """Returns CTranslate2's kind and index of a device."""
    kind, _, index = ("auto" if name is None else name).partition(":")
    if kind not in ("auto", "cpu", "cuda") or not (index or "0").isdecimal():
        raise UsageError(f"FasterWhisper: device={name}; expected null, cpu, cuda or cuda:1")
    return kind, int(index or 0)


def _check_language(language: str | None, model: "faster_whisper.WhisperModel") -> None:
    known = model.supported_languages
    if language is not None and language not in known:
        raise UsageError(
            f"FasterWhisper: language={language}; expected null to detect it, or one of {', '.join(known)}"
        )


def _suppressed(tokenizer: "Tokenizer") -> list[int]:
    """Returns the tokens that no text may hold, as the library lists them: brackets, notes, marks of other tasks."""
    from faster_whisper.transcribe import get_suppressed_tokens

    return list(get_suppressed_tokens(tokenizer, [-1]))


def _text(tokenizer: "Tokenizer", result: "ctranslate2.models.WhisperGenerationResult") -> str | None:
    """Returns what one result says: "" when it is likelier silence, None when it holds timestamps."""
    tokens = result.sequences_ids[0]
    if any(token >= tokenizer.timestamp_begin for token in tokens):
        return None
    log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)  # the mean over tokens and the end of text
    if result.no_speech_prob > _SILENT and log_probability <= _UNLIKELY:
        return ""
    return str(tokenizer.decode(tokens)).strip()
