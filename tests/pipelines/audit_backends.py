"""Recognisers of tones whose texts depend on what must not matter: each in one way, named by its class."""

import os
from collections.abc import Sequence

from harness.audio import Waveform
from harness.backends import Transcript
from harness.backends.tones import Tones


def shortened(heard: Transcript) -> Transcript:
    """Return the transcript without its last word."""
    return Transcript(" ".join(heard.text.split()[:-1]))


class Padded:
    """Loses the last word of every clip that is shorter than the longest of its batch, as padding can make one do."""

    def __init__(self, *, gain: float = 1.0) -> None:
        self._gain = gain

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        heard = Tones().transcribe([self._gain * waveform for waveform in waveforms])
        longest = max(map(len, waveforms))
        return [
            shortened(each) if len(waveform) < longest else each
            for waveform, each in zip(waveforms, heard, strict=True)
        ]

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "padded", "gain": self._gain}


class Crowded:
    """Loses the last word of every clip that is not alone, whichever the others are."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        heard = Tones().transcribe(waveforms)
        return heard if len(heard) == 1 else [shortened(each) for each in heard]

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "crowded"}


class Tiring:
    """Loses the last word of every third clip that it hears."""

    def __init__(self) -> None:
        self._n_heard = 0

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        heard = []
        for each in Tones().transcribe(waveforms):
            self._n_heard += 1
            heard.append(each if self._n_heard % 3 else shortened(each))
        return heard

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "tiring"}


class OfItsProcess:
    """Says which process heard the clip."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        return [Transcript(f"{each.text} {os.getpid()}") for each in Tones().transcribe(waveforms)]

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "of its process"}


class Deaf:
    """Fails on every clip."""

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript]:
        raise RuntimeError(f"deaf to {len(waveforms)} clips")

    def identity(self) -> dict[str, str | int | float | bool | None]:
        return {"backend": "deaf"}
