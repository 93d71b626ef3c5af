"""A model's name in, the folder or file that holds its weights, their digest, its device and its precision out.

What the recognisers from Hugging Face, CTranslate2 and NeMo have in common. Only files that cannot run code are ever
asked for, and a token for private models is read from the environment (`HF_TOKEN`) by the library that needs it.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BackendError, UsageError
from harness.provenance import digest_of_file

if TYPE_CHECKING:
    import torch

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)  # owner/name, or a name of the hub's first years
_NO_PATH = re.compile(r"^\.|[\\]|\.(pt|bin|nemo|safetensors)$")  # what looks like a file is never asked of the hub
_DTYPES = ("float32", "float16", "bfloat16")


@contextmanager
def needed(backend: str, package: str) -> Iterator[None]:
    """Turns the absence of an optional package into one sentence that says what to install.

    Raises:
        UsageError: An import within the block fails.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"backend={backend} needs the package {package}: pip install 'asr-fairness-harness[{backend}]' ({error})"
        ) from error


def package_versions(*packages: str) -> str:
    """Returns `name version` of each package, without what a build appends to it (`+cpu`)."""
    return ", ".join(f"{package} {version(package).partition('+')[0]}" for package in packages)


@dataclass(frozen=True, slots=True)
class Source:
    """Says where a model's files are.

    Attributes:
        folder: Holds them.
        name: The hub's name of the model, or the name of a local folder.
        revision: The commit they were taken from; None for a local folder.
    """

    folder: Path
    name: str
    revision: str | None


def check_name(backend: str, model: str, revision: str | None) -> None:
    """Refuses at once what is neither a local path nor a name that the hub could know.

    Raises:
        UsageError: naming the model and what was expected.
    """
    if Path(model).exists():
        if revision is not None:
            raise UsageError(f"{backend}: revision={revision} with the local {model}; expected revision=null")
    elif not _HUB_NAME.fullmatch(model) or _NO_PATH.search(model):
        raise UsageError(
            f"{backend}: model={model}: no such file or folder, relative to {Path.cwd()}; expected one, or the name of "
            "a model on the Hugging Face hub such as owner/name"
        )


def found_source(backend: str, model: str, *, revision: str | None, patterns: Sequence[str]) -> Source:
    """Returns a local folder as it is, or the hub's files that match the patterns, fetched when they are not cached.

    Raises:
        BackendError: The hub does not give them, and what to do.
    """
    if Path(model).is_dir():
        return Source(folder=Path(model), name=Path(model).resolve().name, revision=None)
    import huggingface_hub

    try:
        folder = Path(huggingface_hub.snapshot_download(model, revision=revision, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's own, its HTTP library's (which changed), or the disk's
        raise BackendError(
            f"{backend}: the weights of '{model}' are not in the cache of the Hugging Face hub and could not be "
            f"fetched: {first_line(error)}. Check the name and revision={revision}, the network, HF_TOKEN when the "
            "model is gated and HF_HUB_OFFLINE; or give model= a folder that holds the files"
        ) from error
    return Source(folder=folder, name=model, revision=folder.name)


def digest_of_files(folder: Path, names: Iterable[str]) -> str:
    """Returns the SHA-256 over names and contents of files in a folder; their order and the folder's do not matter."""
    total = hashlib.sha256()
    for name in sorted(set(names)):
        total.update(f"{name}\0{digest_of_file(folder / name)}\n".encode())
    return total.hexdigest()


def device_of(backend: str, name: str | None) -> "torch.device":
    """Returns the named device; None is a GPU when there is one.

    Raises:
        UsageError: torch does not know it, or does not see it.
    """
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"{backend}: device={name}: {first_line(error)}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"{backend}: device={name}, but torch sees {torch.cuda.device_count()} GPUs; device=cpu works")
    return device


def check_dtype(backend: str, name: str | None) -> None:
    """Refuses a precision that does not exist.

    Raises:
        UsageError: naming those that do.
    """
    if name is not None and name not in _DTYPES:
        raise UsageError(f"{backend}: dtype={name}; expected null or one of {', '.join(_DTYPES)}")


def dtype_of(backend: str, name: str | None, device: "torch.device") -> str:
    """Returns the precision to compute in; None is float16 on a GPU and float32 elsewhere.

    Raises:
        UsageError: float16 on a CPU, which lacks kernels for it.
    """
    if name is None:
        return "float16" if device.type == "cuda" else "float32"
    if name == "float16" and device.type == "cpu":
        raise UsageError(f"{backend}: dtype=float16 needs a GPU; expected dtype=null, or bfloat16 or float32 on a CPU")
    return name


@dataclass(slots=True)
class Stopwatch:
    """Adds up the seconds spent in stages; `synchronise` makes the device finish before a clock is read."""

    synchronise: Callable[[], None] = lambda: None
    _seconds: dict[str, float] = field(default_factory=dict)

    def now(self) -> float:
        """Returns a clock's seconds once the device has finished."""
        self.synchronise()
        return time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the seconds spent in the block to a stage."""
        started = self.now()
        try:
            yield
        finally:
            self._add(name, self.now() - started)

    def move(self, source: str, stage: str, seconds: float) -> None:
        """Adds to a stage seconds that are, or will be, counted in another."""
        self._add(source, -seconds)
        self._add(stage, seconds)

    def seconds(self) -> Mapping[str, float]:
        """Returns the seconds of each stage so far."""
        return dict(self._seconds)

    def _add(self, name: str, seconds: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds


def waiting_for(device: "torch.device") -> Callable[[], None]:
    """Returns what makes a device finish its work: nothing, but on a GPU."""
    if device.type != "cuda":
        return lambda: None
    import torch

    return lambda: torch.cuda.synchronize(device)


def count_calls(module: "torch.nn.Module", stopwatch: Stopwatch, *, stage: str, within: str) -> None:
    """Counts the time spent in a part of a model for one stage, and not for the stage that calls it."""
    started: list[float] = []
    module.register_forward_pre_hook(lambda *_: started.append(stopwatch.now()))
    module.register_forward_hook(lambda *_: stopwatch.move(within, stage, stopwatch.now() - started.pop()))


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, which may be many; the error's kind when it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
