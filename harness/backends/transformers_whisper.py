"""Waveforms in, texts out: how Whisper models of Hugging Face are called, for clips of up to 30 s and longer ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from harness.backends.weights import Stopwatch, count_calls, waiting_for
from harness.errors import UsageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase, WhisperFeatureExtractor, WhisperForConditionalGeneration


@dataclass(frozen=True, slots=True)
class WhisperModel:
    """Is an encoder, and a decoder that writes the text of up to 30 s of spectrogram."""

    model: "WhisperForConditionalGeneration"
    features: "WhisperFeatureExtractor"
    tokenizer: "PreTrainedTokenizerBase"
    asked: Asked
    stopwatch: Stopwatch

    @classmethod
    def loaded(cls, checkpoint: Checkpoint, asked: Asked) -> "WhisperModel":
        """Loads a checkpoint.

        Raises:
            UsageError: The model does not speak the language.
            BackendError: as the parts of `transformers_checkpoint` do.
        """
        import transformers

        model = loaded_model(transformers.WhisperForConditionalGeneration, checkpoint)
        _check_language(checkpoint, model, asked.language)
        stopwatch = Stopwatch(waiting_for(checkpoint.device))
        count_calls(model.get_encoder(), stopwatch, stage="encoder", within="decoder")
        return cls(model, feature_extractor(checkpoint), tokenizer(checkpoint), asked, stopwatch)

    def options(self) -> Identity:
        """Returns the options that decide a text."""
        asked = self.asked
        return {
            "language": asked.language,
            "num_beams": asked.num_beams,
            "condition_on_previous_text": asked.condition_on_previous_text,
        }

    def texts(self, waveforms: Sequence[Waveform]) -> list[str]:
        """Returns the text of each waveform, in order; short ones are decoded together."""
        window = self.features.n_samples
        short = [position for position, waveform in enumerate(waveforms) if len(waveform) <= window]
        texts = dict(zip(short, self._short([waveforms[position] for position in short]), strict=True))
        return [texts[position] if position in texts else self._long(each) for position, each in enumerate(waveforms)]

    def _short(self, waveforms: Sequence[Waveform]) -> list[str]:
        if not waveforms:
            return []
        with self.stopwatch.stage("features"):
            heard = self.features(
                list(waveforms), sampling_rate=SAMPLE_RATE, return_tensors="pt", return_attention_mask=True
            )
        return self._generated(heard, return_timestamps=False)

    def _long(self, waveform: Waveform) -> str:
        """Returns the text of one clip of more than 30 s, as the library documents it: timestamps lead the windows."""
        with self.stopwatch.stage("features"):
            heard = self.features(
                [waveform],
                sampling_rate=SAMPLE_RATE,
                truncation=False,
                padding="longest",
                return_tensors="pt",
                return_attention_mask=True,
            )
        condition = self.asked.condition_on_previous_text
        return self._generated(heard, return_timestamps=True, condition_on_prev_tokens=condition)[0]

    def _generated(self, heard: "Mapping[str, torch.Tensor]", **long_form: bool) -> list[str]:
        model = self.model
        spoken = {"language": self.asked.language, "task": "transcribe"} if _is_multilingual(model) else {}
        with self.stopwatch.stage("decoder"):
            tokens = model.generate(
                heard["input_features"].to(model.device, model.dtype),
                attention_mask=heard["attention_mask"].to(model.device),
                num_beams=self.asked.num_beams,
                do_sample=False,
                **spoken,
                **long_form,
            )  # (n_clips, n_tokens)
        return [str(text) for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]


def _is_multilingual(model: "WhisperForConditionalGeneration") -> bool:
    """Returns whether the model takes a language and a task; checkpoints from before `generation_config` take none."""
    known = model.generation_config
    return bool(getattr(known, "is_multilingual", True)) and hasattr(known, "lang_to_id")


def _check_language(checkpoint: Checkpoint, model: "WhisperForConditionalGeneration", language: str | None) -> None:
    if language is None or (language == "en" and not _is_multilingual(model)):
        return
    if not _is_multilingual(model):
        raise UsageError(
            f"{NAME}: language={language}, but {checkpoint.source.name} is an English-only model, or its "
            "generation_config.json names no languages; expected language=en or null"
        )
    known = sorted(token.strip("<|>") for token in model.generation_config.lang_to_id)
    if language not in known:
        raise UsageError(f"{NAME}: language={language}; expected null to detect it, or one of {', '.join(known)}")
