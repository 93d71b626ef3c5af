"""Waveforms in, the transcripts of an NVIDIA NeMo model out: Parakeet (CTC, RNNT, TDT) and Canary (multitask).

NeMo's texts can change with the length that a batch is padded to (NVIDIA-NeMo/Speech issues 3229 and 3495). Measured
with random FastConformers of NeMo 3.0.0: the encoder ignores padding (1e-15 in float64), the spectrogram's scaling does
not quite (2e-6, sums over more zeros), and Canary writes as much as the longest clip of its batch allows, which changed
texts. So only clips of equal length are heard together; `batching: padded` is faster, changes texts, and stands in the
identity. NeMo itself pads a clip of less than a second to one second, on both sides. A long clip is heard whole.

A `.nemo` file is a tar archive with a configuration that names classes, and a pickle of weights. NeMo 3.0.0 refuses
paths that lead out of the archive's folder and most classes that are not its own, but calls `torch.load` so that
TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD makes it run whatever the pickle says. Here all three are refused before NeMo looks.

Run with NeMo 3.0.0, torch 2.13.0 and random weights on a CPU; with trained weights or on a GPU it is not yet run.
"""

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Identity, Transcript, check_waveforms
from harness.backends.weights import (
    Source,
    Stopwatch,
    check_dtype,
    check_name,
    count_calls,
    device_of,
    first_line,
    found_source,
    needed,
    package_versions,
    waiting_for,
)
from harness.errors import BackendError, UsageError
from harness.provenance import digest_of_file

if TYPE_CHECKING:
    import torch
    from nemo.collections.asr.models import ASRModel
    from nemo.core.connectors.save_restore_connector import SaveRestoreConnector

_BATCHINGS = ("equal_lengths", "padded")
_SHORTEST = SAMPLE_RATE  # samples; NeMo pads what is shorter
_TARGETS = ("_target_", "target", "cls")  # keys whose value NeMo imports
_UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


class Nemo:
    """Recognises with a speech recogniser of NVIDIA NeMo.

    Args:
        model: The hub's name of a model whose repository holds a `.nemo` file, or the path of such a file.
        revision: A commit, branch or tag of the hub; None is its main branch, or a file.
        source_lang: The language that Canary hears; None is English. Other models take none.
        target_lang: The language that Canary writes; None is the one it hears.
        pnc: Whether Canary writes punctuation and capitals; None is that it does.
        batching: `equal_lengths`, so that no text depends on the batch, or `padded`, which is faster.
        dtype: `float16` or `bfloat16` runs under autocast; None is float32.
        device: A torch device such as `cuda:0`; None takes a GPU when there is one.

    Raises:
        UsageError: when an option is out of range or `model` can be no name. What the model can do is checked when it
            loads, at `load`, `identity` or the first `transcribe`.
    """

    def __init__(
        self,
        *,
        model: str = "nvidia/parakeet-tdt-0.6b-v2",
        revision: str | None = None,
        source_lang: str | None = None,
        target_lang: str | None = None,
        pnc: bool | None = None,
        batching: str = "equal_lengths",
        dtype: str | None = None,
        device: str | None = None,
    ) -> None:
        if batching not in _BATCHINGS:
            raise UsageError(f"Nemo: batching={batching}; expected one of {', '.join(_BATCHINGS)}")
        check_dtype("Nemo", dtype)
        check_name("Nemo", model, revision)
        self._model_name, self._revision = model, revision
        self._asked = {"source_lang": source_lang, "target_lang": target_lang, "pnc": pnc}
        self._batching, self._dtype = batching, dtype or "float32"
        self._device_name = device
        self._stopwatch = Stopwatch()

    def load(self) -> None:
        """Loads the model onto its device, which takes tens of seconds; `transcribe` does it when nobody has.

        Raises:
            UsageError: when the package is absent, or the model takes no languages, or there is no such device.
            BackendError: when the weights cannot be fetched, could run code or are no recogniser of NeMo.
        """
        _ = self._prompt

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        """Returns what was heard in each waveform, without word times.

        Raises:
            UsageError: as `load` does.
            BackendError: as `load` does, or when a waveform is not finite.
        """
        check_waveforms("Nemo", waveforms)
        model = self._model
        texts: dict[int, str] = {}
        for batch in self._batches(waveforms):
            heard = [waveforms[position] for position in batch]
            with self._stopwatch.stage("decoder"), self._precision():
                texts |= zip(batch, _texts(model, heard, self._prompt), strict=True)
        return [Transcript(text=texts.get(position, "")) for position in range(len(waveforms))]

    def identity(self) -> Identity:
        """Returns the packages, the digest of the `.nemo` file, its commit on the hub, and the decoding options.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        _ = self._model
        return {
            "backend": "nemo",
            "package": package_versions("nemo_toolkit", "torch"),
            "model": self._source.name,
            "revision": self._source.revision,
            "weights_sha256": self._digest,
            "prompt": " ".join(f"{slot}={value}" for slot, value in self._prompt.items()) or None,
            "batching": self._batching,
            "dtype": self._dtype,
        }

    def stage_seconds(self) -> Mapping[str, float]:
        """Returns the seconds spent in `features`, `encoder` and `decoder`, which has all the rest."""
        return self._stopwatch.seconds()

    def _batches(self, waveforms: Sequence[Waveform]) -> Iterator[list[int]]:
        """Yields the positions to hear together, but none of an empty clip."""
        heard = [position for position, waveform in enumerate(waveforms) if len(waveform)]
        if self._batching == "padded":
            yield from ([heard] if heard else [])
            return

        def padded_length(position: int) -> int:
            return max(len(waveforms[position]), _SHORTEST)

        yield from (list(group) for _, group in groupby(sorted(heard, key=padded_length), key=padded_length))

    def _precision(self) -> AbstractContextManager[object]:
        if self._dtype == "float32":
            return nullcontext()
        import torch

        return torch.autocast(self._device.type, dtype=getattr(torch, self._dtype))

    @cached_property
    def _device(self) -> "torch.device":
        return device_of("Nemo", self._device_name)

    @cached_property
    def _model(self) -> "ASRModel":
        with needed("nemo", "nemo_toolkit[asr]"):
            from nemo.collections.asr.models import ASRModel
            from nemo.utils import logging
        logging.set_verbosity(logging.WARNING)  # what it says below that goes to stdout, among results
        path = self._path
        check_archive(path)
        try:
            model = ASRModel.restore_from(str(path), map_location=self._device, save_restore_connector=_connector())
        except Exception as error:  # NeMo's, OmegaConf's, torch's or pickle's
            found = "more than tensors" if "weights_only" in str(error) else first_line(error)
            raise BackendError(f"Nemo: {path} is no recogniser that NeMo can restore: {found}") from error
        if (rate := model.cfg.get("sample_rate", SAMPLE_RATE)) != SAMPLE_RATE:
            raise BackendError(f"Nemo: {path} hears {rate} Hz; expected a model for {SAMPLE_RATE} Hz")
        self._stopwatch.synchronise = waiting_for(self._device)
        count_calls(model.preprocessor, self._stopwatch, stage="features", within="decoder")
        count_calls(model.encoder, self._stopwatch, stage="encoder", within="decoder")
        return model.eval()

    @cached_property
    def _prompt(self) -> dict[str, str]:
        return _prompt(self._model, self._asked)

    @property
    def _path(self) -> Path:
        folder = self._source.folder
        return folder if folder.is_file() else folder / f"{self._model_name.rpartition('/')[2]}.nemo"

    @cached_property
    def _source(self) -> Source:
        if Path(self._model_name).is_file():
            return Source(folder=Path(self._model_name), name=Path(self._model_name).name, revision=None)
        file = f"{self._model_name.rpartition('/')[2]}.nemo"
        source = found_source("Nemo", self._model_name, revision=self._revision, patterns=[file])
        if not (source.folder / file).is_file():
            raise BackendError(f"Nemo: {source.folder} has no {file}; give model=/path/to/a.nemo")
        return source

    @cached_property
    def _digest(self) -> str:
        return digest_of_file(self._path)


def check_archive(path: Path) -> None:
    """Refuses a `.nemo` file that could write outside its folder or have NeMo run what is not NeMo's.

    Raises:
        BackendError: naming the member, or the class that the configuration names.
        UsageError: torch was told to unpickle without looking.
    """
    if os.environ.get(_UNSAFE, "0").lower() in ("1", "y", "yes", "true"):
        raise UsageError(f"Nemo: {_UNSAFE} is set, with which weights can run code; unset it")
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                _check_member(path, member)
                if member.name.endswith((".yaml", ".yml")) and (file := archive.extractfile(member)) is not None:
                    _check_targets(path, member.name, yaml.safe_load(file))
    except (tarfile.TarError, OSError, EOFError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BackendError(f"Nemo: {path} is no .nemo file: {first_line(error)}; expected a tar archive") from error


def _check_member(path: Path, member: tarfile.TarInfo) -> None:
    inside = PurePosixPath(member.name)
    if inside.is_absolute() or ".." in inside.parts or not (member.isfile() or member.isdir()):
        raise BackendError(f"Nemo: {path} holds {member.name!r}, a link or a path that leads out of it; not unpacked")


def _check_targets(path: Path, name: str, node: object) -> None:
    """Refuses a configuration that names a class or a function outside NeMo, however deep."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        if key in _TARGETS and isinstance(value, str) and not value.startswith("nemo."):
            raise BackendError(f"Nemo: {path}: {name} wants to run {value!r}; expected only classes of nemo")
        _check_targets(path, name, value)


def _connector() -> "SaveRestoreConnector":
    """Makes what NeMo restores with, but for weights that are tensors only, whatever the environment says."""
    import torch
    from nemo.core.connectors.save_restore_connector import SaveRestoreConnector

    def tensors_only(path: str, map_location: "torch.device | str" = "cpu") -> "dict[str, torch.Tensor]":
        weights: dict[str, torch.Tensor] = torch.load(path, map_location=map_location, weights_only=True)
        return weights

    connector = SaveRestoreConnector()
    connector._load_state_dict_from_disk = tensors_only
    return connector


def _prompt(model: "ASRModel", asked: Mapping[str, str | bool | None]) -> dict[str, str]:
    """Returns what Canary is asked for, in its own words; empty for other models.

    Raises:
        UsageError: Something was asked of a model that takes no such thing.
    """
    if _is_multitask(model):
        source = str(asked["source_lang"] or "en")
        target = str(asked["target_lang"] or source)
        prompt = {"source_lang": source, "target_lang": target, "pnc": "no" if asked["pnc"] is False else "yes"}
        takes_task = "task" in model.prompt.get_slots("user")  # of the first Canary; later ones see it in the languages
        return prompt | ({"task": "asr" if source == target else "ast"} if takes_task else {})
    given = ", ".join(f"{slot}={value}" for slot, value in asked.items() if value is not None)
    if given:
        raise UsageError(
            f"Nemo: {given} with {type(model).__name__}; only Canary takes source_lang, target_lang and pnc"
        )
    return {}


def _is_multitask(model: "ASRModel") -> bool:
    from nemo.collections.asr.models import EncDecMultiTaskModel

    return isinstance(model, EncDecMultiTaskModel)


def _texts(model: "ASRModel", waveforms: Sequence[Waveform], prompt: Mapping[str, str]) -> list[str]:
    """Returns the texts of clips that NeMo hears as one batch."""
    if _is_multitask(model):
        from nemo.collections.asr.models.aed_multitask_models import MultiTaskTranscriptionConfig

        asked = MultiTaskTranscriptionConfig(
            batch_size=len(waveforms),
            num_workers=0,
            verbose=False,
            prompt=dict(prompt),
            enable_chunking=False,  # is done for one clip alone and not for several, so texts would depend on the batch
        )
        found = model.transcribe(list(waveforms), override_config=asked)
    else:
        found = model.transcribe(list(waveforms), batch_size=len(waveforms), num_workers=0, verbose=False)
    return [str(getattr(each, "text", each)).strip() for each in found]
