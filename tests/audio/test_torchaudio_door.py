"""The stand-in stands beside a CPU-only torch and never beside a CUDA torch; each case in an interpreter of its own."""

import subprocess
import sys

import pytest
import torch

from harness.audio.torchaudio_door import functional
from tests.shared import REPOSITORY

CPU_ONLY = torch.version.cuda is None


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()


def test_the_functions_that_the_harness_uses_are_there():
    import torch

    door = functional()
    tone = torch.sin(torch.arange(8_000) * 0.1)
    assert door.resample(tone, 8_000, 16_000).shape == (16_000,)
    assert door.fftconvolve(tone, tone[:100]).shape == (8_099,)
    assert torch.isfinite(door.add_noise(tone, tone.flip(0), torch.tensor(10.0))).all()


@pytest.mark.skipif(not CPU_ONLY, reason="this torch is a CUDA build; the stand-in is for others")
def test_a_cpu_only_torch_gets_the_stand_in():
    assert run(
        "import sys; from harness.audio.torchaudio_door import functional; functional(); "
        "print(hasattr(sys.modules['torchaudio._extension'], '__file__'), "
        "sys.modules['torchaudio._extension']._IS_TORCHAUDIO_EXT_AVAILABLE)"
    ) == ["False", "False"]


@pytest.mark.skipif(not CPU_ONLY, reason="this torch is a CUDA build; the stand-in is for others")
def test_what_needs_the_extension_says_so_beside_the_stand_in():
    from harness.errors import AudioError

    with pytest.raises(AudioError, match=r"forced_align needs its C\+\+ extension"):
        functional().forced_align()


PRETEND_CUDA = """
import sys, types, torch
torch.version.cuda = "13.0"
genuine = types.ModuleType("torchaudio")
genuine.functional = types.ModuleType("torchaudio.functional")
sys.modules["torchaudio"] = genuine
sys.modules["torchaudio.functional"] = genuine.functional
from harness.audio.torchaudio_door import functional
print(functional() is genuine.functional, "torchaudio._extension" in sys.modules)
"""


def test_a_cuda_torch_gets_the_genuine_torchaudio_and_no_stand_in():
    assert run(PRETEND_CUDA) == ["True", "False"]


@pytest.mark.skipif(not CPU_ONLY, reason="beside a real CUDA torch the genuine import works")
def test_a_cuda_torch_whose_torchaudio_does_not_fit_is_an_error_not_a_stand_in():
    program = """
import sys, torch
torch.version.cuda = "13.0"
from harness.audio.torchaudio_door import functional
from harness.errors import AudioError
try:
    functional()
except AudioError as error:
    print("refused", "constraints.txt" in str(error), "torchaudio._extension" in sys.modules)
"""
    assert run(program) == ["refused", "True", "False"]


def test_a_torchaudio_imported_before_is_left_as_it_is():
    program = """
import sys, types
earlier = sys.modules["torchaudio._extension"] = types.ModuleType("torchaudio._extension")
earlier._IS_TORCHAUDIO_EXT_AVAILABLE = False
earlier.fail_if_no_align = lambda function: function
from harness.audio.torchaudio_door import functional
functional()
print(sys.modules["torchaudio._extension"] is earlier)
"""
    assert run(program) == ["True"]


def test_importing_the_door_imports_neither_torch_nor_torchaudio():
    assert run("import sys, harness.audio.torchaudio_door; print({'torch', 'torchaudio'} & set(sys.modules))") == [
        "set()"
    ]
