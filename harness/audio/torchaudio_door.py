"""Torch tensors in, resampled or filtered tensors out: the one place that imports torchaudio.

torchaudio's wheel is linked against CUDA torch and loads its C++ extension as soon as it is imported: beside a CPU-only
torch, `import torchaudio` raises `OSError: libc10_cuda.so`. Resampling, mixing, convolution and spectrograms are plain
Python over torch and need no extension, so beside a CPU-only torch a stand-in takes the extension's place and says that
it is not there, which torchaudio knows how to live with. Beside a CUDA torch the genuine extension is imported, always.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import NoReturn

from harness.errors import AudioError

EXTENSION = "torchaudio._extension"


def functional() -> ModuleType:
    """Returns `torchaudio.functional`, importing torch and torchaudio on the first call.

    Raises:
        AudioError: when torchaudio and torch do not belong together and no stand-in may help.
    """
    import torch

    if torch.version.cuda is None and EXTENSION not in sys.modules:
        sys.modules[EXTENSION] = _stand_in()
    try:
        return importlib.import_module("torchaudio.functional")
    except (ImportError, OSError, RuntimeError) as error:
        raise AudioError(
            f"torchaudio cannot be imported beside torch {torch.__version__}: {error}. Expected a torchaudio built "
            "for this torch; install the pair named in constraints.txt"
        ) from error


def _stand_in() -> ModuleType:
    """Makes a module that answers what torchaudio's Python parts ask of the extension: that it is absent."""
    module = ModuleType(EXTENSION, "Stands where the C++ extension would be; see harness.audio.torchaudio_door.")
    module._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
    module._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
    module.fail_if_no_align = _refuse  # type: ignore[attr-defined]
    module._load_lib = _loads_nothing  # type: ignore[attr-defined]
    return module


def _refuse(function: Callable[..., object]) -> Callable[..., NoReturn]:
    """Replaces a function of the extension by one that says why it is not there."""

    def refused(*_arguments: object, **_options: object) -> NoReturn:
        raise AudioError(f"torchaudio's {function.__name__} needs its C++ extension, which needs a CUDA build of torch")

    return refused


def _loads_nothing(_library: str) -> bool:
    return False
