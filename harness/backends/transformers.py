"""Waveforms in, the transcripts of a Hugging Face model out: Whisper, or a CTC model (wav2vec 2.0, HuBERT, MMS, …).

Whisper: clips of up to 30 s are decoded together, each padded to 30 s as the model wants it; a longer one goes alone
through the model's own long-form generation, window after window. CTC: a text must not depend on how far its batch was
padded. Only models whose frames ignore padding are padded, with an attention mask (measured in float64: logits differ
by less than 1e-14; by more than 1 where the first layer normalises over time, in conformers, in data2vec and with
strided adapters). Others hear clips of equal length together and any other clip alone. A long clip is heard in windows
that overlap, as the library's own pipeline does it. No language model is consulted.

Weights are safetensors, or a `.bin` that torch reads with `weights_only`; code that comes with a model is never run.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf

from harness.audio import torchaudio_door
from harness.audio.waveform import Waveform
from harness.backends.base import Identity, Transcript, check_waveforms
from harness.backends.transformers_checkpoint import (
    NAME,
    Asked,
    Checkpoint,
    adapter_of,
    checked_config,
    fetched,
    weight_names,
)
from harness.backends.transformers_ctc import CtcModel
from harness.backends.transformers_whisper import WhisperModel
from harness.backends.weights import check_dtype, check_name, device_of, dtype_of, needed
from harness.errors import UsageError


class Transformers:
    """Recognises with a Whisper or CTC model of the Hugging Face hub.

    Args:
        model: The hub's name of the model, or a folder that holds one.
        revision: A commit, branch or tag of the hub; None is its main branch, or a folder.
        language: For Whisper such as `en`, None to detect it clip by clip; for MMS its adapter, such as `eng`;
            otherwise None.
        num_beams: How many hypotheses Whisper keeps; 1 is greedy. A CTC model is always greedy.
        condition_on_previous_text: Whether Whisper sees the text of a long clip's previous window.
        chunk_s: Seconds of a long clip that a CTC model hears at once.
        stride_s: Seconds at either end of such a window that its neighbour hears again and whose text is dropped.
        dtype: `float32`, `float16` or `bfloat16`; None is float16 on a GPU and float32 elsewhere.
        device: A torch device such as `cuda:0`; None takes a GPU when there is one.

    Raises:
        UsageError: when an option is out of range or `model` can be no name. What the model can do is checked when it
            loads, at `load`, `identity` or the first `transcribe`.
    """

    def __init__(
        self,
        *,
        model: str = "openai/whisper-base.en",
        revision: str | None = None,
        language: str | None = None,
        num_beams: int = 1,
        condition_on_previous_text: bool = False,
        chunk_s: float = 30.0,
        stride_s: float = 5.0,
        dtype: str | None = None,
        device: str | None = None,
    ) -> None:
        if num_beams < 1:
            raise UsageError(f"{NAME}: num_beams={num_beams}; expected 1 (greedy) or more")
        if not (stride_s >= 0 and 2 * stride_s + 1 <= chunk_s < inf):
            raise UsageError(
                f"{NAME}: chunk_s={chunk_s}, stride_s={stride_s}; expected stride_s >= 0, chunk_s >= 2 stride_s + 1"
            )
        check_dtype(NAME, dtype)
        check_name(NAME, model, revision)
        self._model_name, self._revision = model, revision
        self._dtype_name, self._device_name = dtype, device
        self._asked = Asked(language, num_beams, condition_on_previous_text, chunk_s, stride_s)

    def load(self) -> None:
        """Loads the model onto its device; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the package is absent, or the model has no such language, device or precision.
            BackendError: when the weights cannot be fetched, are incomplete or are not what they should be.
        """
        _ = self._recogniser

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform, without word times; a clip shorter than a frame gives "".

        Raises:
            UsageError: as `load` does.
            BackendError: as `load` does; when a waveform is not finite, or the model's numbers overflow.
        """
        check_waveforms(NAME, waveforms)
        recogniser = self._recogniser
        heard = [position for position, waveform in enumerate(waveforms) if len(waveform)]
        import torch

        with torch.inference_mode():
            texts = dict(zip(heard, recogniser.texts([waveforms[position] for position in heard]), strict=True))
        return [Transcript(text=texts.get(position, "").strip()) for position in range(len(waveforms))]

    def identity(self) -> Identity:
        """Returns packages, digests of weights and configuration, their commit on the hub, and the decoding options.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        return {**self._checkpoint_identity, **self._recogniser.options()}

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds spent in `features`, `encoder` and `decoder`; a CTC model is all encoder."""
        return self._recogniser.stopwatch.seconds()

    @cached_property
    def _recogniser(self) -> WhisperModel | CtcModel:
        kind = WhisperModel if self._checkpoint.config.model_type == "whisper" else CtcModel
        return kind.loaded(self._checkpoint, self._asked)

    @cached_property
    def _checkpoint(self) -> Checkpoint:
        with needed("transformers", "transformers"):
            torchaudio_door.functional()  # transformers imports torchaudio, which needs help beside a CPU-only torch
            import transformers  # noqa: F401
        device = device_of(NAME, self._device_name)
        dtype = dtype_of(NAME, self._dtype_name, device)
        source = fetched(self._model_name, revision=self._revision, language=self._asked.language)
        config = checked_config(source)
        adapter = adapter_of(source, config, self._asked.language)
        weights = weight_names(source.folder, adapter=adapter)
        return Checkpoint(source=source, config=config, weights=weights, adapter=adapter, device=device, dtype=dtype)

    @cached_property
    def _checkpoint_identity(self) -> Identity:
        return self._checkpoint.identity()
