"""A Hugging Face model's name in, its configuration, weights and processors out, and a digest of all that was read.

A checkpoint is material from strangers. What is loaded is exactly what is digested: safetensors, else a `.bin` that
torch reads with `weights_only`. Code that comes with it, kernels it names and other weights it points to are refused or
not looked at, and weights it lacks are an error: the library itself would draw them at random and go on.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.audio.waveform import SAMPLE_RATE
from harness.backends.base import Identity
from harness.backends.weights import (
    Source,
    digest_of_files,
    first_line,
    found_source,
    package_versions,
)
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    import torch
    from transformers import (
        AutoModelForCTC,
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        SequenceFeatureExtractor,
    )

NAME = "Transformers"  # how messages begin

_SETTINGS = ("*.json", "*.txt", "*.model")  # configuration, vocabulary, merges, SentencePiece
_SAFETENSORS = ("model.safetensors", "model-*-of-*.safetensors")
_PICKLED = ("pytorch_model.bin", "pytorch_model-*-of-*.bin")
_REDIRECTING = ("quantization_config", "transformers_weights", "fusion_config")  # of config.json: other weights, code
_UNUSED = "masked_spec_embed"  # is for training, and published checkpoints lack it
_EXPECTED = "Expected safetensors, or a .bin that torch.load(weights_only=True) reads, of the model in config.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """Holds the options that decide a text; `Transformers` says what they mean."""

    language: str | None
    num_beams: int
    condition_on_previous_text: bool
    chunk_s: float
    stride_s: float


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Holds where a model's files are, which of them are weights, and what it will compute on.

    Attributes:
        source: The folder.
        config: What `config.json` says.
        weights: The names of the files that are loaded as weights.
        adapter: The language whose adapter goes into them; None when they take none.
        device: Where it computes.
        dtype: In which precision.
    """

    source: Source
    config: "PreTrainedConfig"
    weights: tuple[str, ...]
    adapter: str | None
    device: "torch.device"
    dtype: str

    def identity(self) -> Identity:
        """Returns the packages, the commit on the hub, and digests of the weights and of all else that was read."""
        folder = self.source.folder
        settings = {path.name for pattern in _SETTINGS for path in folder.glob(pattern)} - set(self.weights)
        return {
            "backend": "transformers",
            "package": package_versions("transformers", "tokenizers", "torch"),
            "model": self.source.name,
            "revision": self.source.revision,
            "weights_sha256": digest_of_files(folder, self.weights),
            "settings_sha256": digest_of_files(folder, settings),
            "dtype": self.dtype,
        }


def fetched(model: str, *, revision: str | None, language: str | None) -> Source:
    """Returns where a model's files are; a `.bin` is fetched only of a model that has no safetensors.

    Raises:
        BackendError: The hub does not give them.
    """
    safe = (*_SETTINGS, *_SAFETENSORS, f"adapter.{language}.safetensors")
    source = found_source(NAME, model, revision=revision, patterns=safe)
    if source.revision is None or any(source.folder.glob("model*.safetensors")):
        return source
    pickled = (*_SETTINGS, *_PICKLED, f"adapter.{language}.bin")
    return found_source(NAME, model, revision=source.revision, patterns=pickled)


def checked_config(source: Source) -> "PreTrainedConfig":
    """Reads `config.json` once it is known to lead to no weights but those beside it.

    Raises:
        BackendError: There is none, it is of a model that the library does not know, or it names other weights.
    """
    import transformers

    where = f"{NAME}: {source.folder}"
    try:
        settings = json.loads((source.folder / "config.json").read_text(encoding="utf-8"))
        config = transformers.AutoConfig.from_pretrained(source.folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a file's, json's, or what a wrong value makes of the configuration's constructor
        raise BackendError(
            f"{where} is no model that transformers knows by itself: {first_line(error)}. Expected a folder with the "
            "config.json of a Whisper or CTC model that brings no code of its own"
        ) from error
    redirecting = [name for name in _REDIRECTING if settings.get(name)]
    if (source.folder / "adapter_config.json").exists():
        redirecting.append("adapter_config.json")
    if redirecting:
        raise BackendError(f"{where}: {', '.join(redirecting)} leads to other weights; expected plain, merged weights")
    return config


def adapter_of(source: Source, config: "PreTrainedConfig", language: str | None) -> str | None:
    """Returns the language whose adapter goes into the weights: None for Whisper, and for a model without adapters.

    Raises:
        UsageError: The language is given for a model that takes none.
    """
    if config.model_type == "whisper" or language is None:
        return None
    if getattr(config, "adapter_attn_dim", None) is None:
        raise UsageError(f"{NAME}: language={language}, but {source.name} has no adapters; expected language=null")
    return language


def weight_names(folder: Path, *, adapter: str | None) -> tuple[str, ...]:
    """Returns the names of the files that hold the weights, one or several with their index; safetensors before `.bin`.

    Raises:
        BackendError: There are none, or the index leads out of the folder.
    """
    adapters = _first(folder, f"adapter.{adapter}.safetensors", f"adapter.{adapter}.bin") if adapter else ()
    if adapter and not adapters:
        known = ", ".join(sorted({path.name.split(".")[1] for path in folder.glob("adapter.*.*")})) or "none"
        raise BackendError(f"{NAME}: {folder} has no adapter.{adapter}.safetensors; the adapters it has: {known}")
    single = ("model.safetensors", "pytorch_model.bin")
    names = _first(folder, *(f"{name}{index}" for name in single for index in ("", ".index.json")))
    if not names:
        raise BackendError(f"{NAME}: {folder} holds no weights. {_EXPECTED}")
    if names[0].endswith(".index.json"):
        names += _indexed(folder / names[0])
    return names + adapters


def loaded_model(kind: "type[PreTrainedModel] | type[AutoModelForCTC]", checkpoint: Checkpoint) -> "PreTrainedModel":
    """Returns the model with the very weights that the identity names, on its device.

    Raises:
        BackendError: They cannot be read as tensors, or are not those of this model.
    """
    import torch

    folder, options = checkpoint.source.folder, {}
    if checkpoint.adapter is not None:  # its vocabulary, and so its last layer, has a size of its own
        options = {"target_lang": checkpoint.adapter, "ignore_mismatched_sizes": True}
    try:
        model, report = kind.from_pretrained(
            folder,
            config=checkpoint.config,
            attn_implementation=None,  # the configuration could name a kernel of the hub
            dtype=getattr(torch, checkpoint.dtype),
            use_safetensors=".safetensors" in checkpoint.weights[0],
            weights_only=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # pickle's, torch's, safetensors' or the library's own
        found = "more than tensors" if "weights_only" in str(error) else first_line(error)
        raise BackendError(f"{NAME}: the weights in {folder} cannot be loaded: {found}. {_EXPECTED}") from error
    missing = sorted(name for name in report["missing_keys"] if not name.endswith(_UNUSED))
    if missing:
        raise BackendError(
            f"{NAME}: the weights in {folder} lack {', '.join(missing[:3])} ({len(missing)}). {_EXPECTED}"
        )
    return model.to(checkpoint.device).eval()


def feature_extractor(checkpoint: Checkpoint) -> "SequenceFeatureExtractor":
    """Returns what turns a waveform into what the model takes.

    Raises:
        BackendError: Its configuration is missing or wrong, or it wants another sample rate.
    """
    import transformers

    folder = checkpoint.source.folder
    try:
        found = transformers.AutoFeatureExtractor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a file's, json's or its constructor's
        raise _unreadable("preprocessor_config.json", folder, error) from error
    if found.sampling_rate != SAMPLE_RATE:
        raise BackendError(f"{NAME}: {folder} hears {found.sampling_rate} Hz; expected a model for {SAMPLE_RATE} Hz")
    return found


def tokenizer(checkpoint: Checkpoint) -> "PreTrainedTokenizerBase":
    """Returns what turns tokens into text; of an adapter, its own alphabet.

    Raises:
        BackendError: Its files are missing or wrong.
    """
    import transformers

    folder = checkpoint.source.folder
    adapter = {} if checkpoint.adapter is None else {"target_lang": checkpoint.adapter}
    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, **adapter
        )
    except Exception as error:  # a file's, json's or its constructor's
        raise _unreadable("tokenizer", folder, error) from error


def _unreadable(what: str, folder: Path, error: Exception) -> BackendError:
    return BackendError(f"{NAME}: the {what} in {folder} cannot be read: {first_line(error)}. Expected the model's own")


def _first(folder: Path, *names: str) -> tuple[str, ...]:
    """Returns the first of the names that is a file in the folder; none when there is none."""
    return next(((name,) for name in names if (folder / name).is_file()), ())


def _indexed(index: Path) -> tuple[str, ...]:
    """Returns the names that an index of shards lists, once they are known to be files beside it."""
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        wrong = [name for name in names if Path(name).name != name or not (index.parent / name).is_file()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(index.name, index.parent, error) from error
    if wrong:
        raise BackendError(f"{NAME}: {index} lists {', '.join(wrong[:3])}; expected files in the same folder")
    return tuple(names)
