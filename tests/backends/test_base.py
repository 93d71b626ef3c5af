"""What a backend returns is checked once, and the error names the class that broke the contract."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from harness.backends import Transcript, Word, check_transcripts
from harness.errors import BackendError
from tests.shared import REPOSITORY


class Careless:
    def transcribe(self, _waveforms):
        return []

    def identity(self):
        return {"backend": "careless"}


def test_what_keeps_the_contract_is_returned_as_it_is():
    transcripts = [Transcript("one"), Transcript("", words=()), Transcript("two", (Word("two", 0.0, 0.5, None),))]
    assert check_transcripts(Careless(), transcripts, n_waveforms=3) == transcripts
    assert check_transcripts(Careless(), tuple(transcripts), n_waveforms=3) == transcripts
    assert check_transcripts(Careless(), [], n_waveforms=0) == []


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        pytest.param(None, "returned NoneType", id="nothing"),
        pytest.param("one", "returned str", id="a-bare-text"),
        pytest.param([Transcript("one")], "returned 1 transcripts; expected a list of 2", id="too-few"),
        pytest.param([Transcript("one")] * 3, "returned 3 transcripts", id="too-many"),
        pytest.param([Transcript("one"), "two"], "returned str at 1", id="a-text-among-transcripts"),
        pytest.param([Transcript("one"), Transcript(None)], "text of type NoneType at 1", id="no-text"),
    ],
)
def test_what_breaks_the_contract_is_an_error_that_names_the_class(returned, expected):
    with pytest.raises(BackendError, match=expected) as raised:
        check_transcripts(Careless(), returned, n_waveforms=2)
    assert "tests.backends.test_base.Careless.transcribe" in str(raised.value)


def test_transcripts_and_words_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Transcript("one").text = "two"
    with pytest.raises(FrozenInstanceError):
        Word("one", 0.0, 0.5, None).text = "two"


def test_importing_and_constructing_backends_imports_no_recogniser():
    program = """
import sys
from harness.backends import PocketSphinx, Tones, Whisper
PocketSphinx(), Tones(), Whisper()
assert not {"torch", "torchaudio", "whisper", "pocketsphinx", "scipy"} & set(sys.modules), "imported too much"
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)
