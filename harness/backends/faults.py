"""Generated tones in, the digits they stand for out, until one thing goes wrong: recognisers to try executors with.

Each class misbehaves in one way and otherwise hears what `Tones` hears, so that every other text can be checked. A YAML
file names it as any backend: `_target_: harness.backends.faults.Dying`, `on_text: one two`. When it misbehaves:

- `on_text`: in a call that holds a clip of exactly these words, whichever call that is;
- `on_call`: in this call of `transcribe`, counted from 1 in this object (a run's first is the warm-up on silence);
- neither: in every call;
- `once`: only while this file does not exist, which it writes first: wrong once, right when it is tried again.
"""

import math
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from signal import Signals
from types import MappingProxyType

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Failure, Identity, Transcript, Word, check_waveforms
from harness.backends.tones import Tones
from harness.errors import UsageError

SIGKILL = 9  # by number: `signal.SIGKILL` is not on every system


class _Faulty(ABC):
    """Hears tones and knows when it is to misbehave; subclasses say how.

    Args:
        on_text: The words of the clip that sets it off; None: not set off by a clip.
        on_call: The call that sets it off, counted from 1; None: not set off by a call.
        once: A file that it writes when it misbehaves and that keeps it from doing so again; None: again and again.

    Attributes:
        calls: The number of clips of each call so far, those gone wrong included.

    Raises:
        UsageError: when an option is out of range, or both `on_text` and `on_call` are given.
    """

    def __init__(self, *, on_text: str | None = None, on_call: int | None = None, once: str | None = None) -> None:
        name = type(self).__name__
        if on_text is not None and on_call is not None:
            raise UsageError(f"{name}: on_text={on_text!r} and on_call={on_call}; expected one of the two, or neither")
        if on_call is not None and on_call < 1:
            raise UsageError(f"{name}: on_call={on_call}; expected 1 or more: the first call is 1")
        self._on_text = on_text
        self._on_call = on_call
        self._once = None if once is None else Path(once)
        self.calls: list[int] = []

    def transcribe(self, waveforms: Sequence[Waveform]) -> Sequence[Transcript | Failure]:
        """Returns what `Tones` hears, unless this call is one that goes wrong."""
        check_waveforms(type(self).__name__, waveforms)
        self.calls.append(len(waveforms))
        call = len(self.calls)
        transcripts = Tones().transcribe(waveforms)
        marked = [position for position, heard in enumerate(transcripts) if self._sets_off(call, heard)]
        if not self._is_due(call, marked):
            return transcripts
        return self._misbehave(transcripts, marked)

    def identity(self) -> Identity:
        """Returns the class and its version: no option changes a text that is given."""
        return {"backend": f"faults.{type(self).__name__}", "version": 1}

    @abstractmethod
    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        """Does what this class is for.

        Args:
            transcripts: What was heard.
            marked: The positions of the clips that set it off: all of them where a call did.
        """

    def _sets_off(self, call: int, heard: Transcript) -> bool:
        if self._on_text is not None:
            return heard.text == self._on_text
        return self._on_call in (None, call)

    def _is_due(self, call: int, marked: list[int]) -> bool:
        if not marked and not (self._on_text is None and self._on_call in (None, call)):
            return False
        return self._once is None or _is_first(self._once)


class Failing(_Faulty):
    """Raises an error, as a recogniser does that cannot hear one clip of a batch."""

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        raise RuntimeError(f"Failing: told to fail on a batch of {len(transcripts)}, at {marked}")


class Refusing(_Faulty):
    """Returns a `Failure` in the place of the clips that set it off, and what it heard in the others."""

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        refused = Failure("Refusing: told to refuse this clip")
        return [refused if position in marked else heard for position, heard in enumerate(transcripts)]


class Forgetful(_Faulty):
    """Returns one transcript too few, without saying whose."""

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        del marked
        return transcripts[:-1]


class Hanging(_Faulty):
    """Never answers; a signal ends its process, and nothing short of that does.

    Args:
        on_text, on_call, once: See the module.
    """

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        del transcripts, marked
        while True:
            threading.Event().wait(3600)


class Slow(_Faulty):
    """Answers rightly but late.

    Args:
        seconds: How long each call that it is slow in takes at least, >= 0.
        on_text, on_call, once: See the module.
    """

    def __init__(
        self, *, seconds: float = 1.0, on_text: str | None = None, on_call: int | None = None, once: str | None = None
    ) -> None:
        super().__init__(on_text=on_text, on_call=on_call, once=once)
        if not (math.isfinite(seconds) and seconds >= 0):
            raise UsageError(f"Slow: seconds={seconds}; expected a finite number >= 0. Hanging never answers")
        self._seconds = seconds

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        del marked
        time.sleep(self._seconds)
        return transcripts


class Dying(_Faulty):
    """Kills the process that it runs in, as a crash in a recogniser's native code does: only for worker processes.

    Args:
        signal_number: The signal that it sends to its process: 9 kills, 11 is a segmentation fault.
        on_text, on_call, once: See the module.
    """

    def __init__(
        self,
        *,
        signal_number: int = SIGKILL,
        on_text: str | None = None,
        on_call: int | None = None,
        once: str | None = None,
    ) -> None:
        super().__init__(on_text=on_text, on_call=on_call, once=once)
        known = sorted(int(number) for number in Signals)
        if signal_number not in known:
            raise UsageError(f"Dying: signal_number={signal_number}; expected one of {known}")
        self._signal_number = signal_number

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        del marked
        os.kill(os.getpid(), self._signal_number)
        return transcripts  # a signal that the process takes no notice of


class OutOfMemory(_Faulty):
    """Has memory for so many clips and no more: raises what torch raises when a GPU is full.

    Args:
        fits: The clips of the largest batch that it has memory for, >= 0; 0 never has any.
        on_text, on_call, once: See the module; a batch that fits is always heard.
    """

    def __init__(
        self, *, fits: int = 1, on_text: str | None = None, on_call: int | None = None, once: str | None = None
    ) -> None:
        super().__init__(on_text=on_text, on_call=on_call, once=once)
        if fits < 0:
            raise UsageError(f"OutOfMemory: fits={fits}; expected 0 or more clips")
        self._fits = fits

    def _is_due(self, call: int, marked: list[int]) -> bool:
        return self.calls[-1] > self._fits and super()._is_due(call, marked)

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        del marked
        raise OutOfMemoryError(f"CUDA out of memory. Told so: {len(transcripts)} clips, {self._fits} fit")


class OutOfMemoryError(RuntimeError):
    """Has the name and the base of `torch.OutOfMemoryError`, without torch."""


class Garbled(_Faulty):
    """Returns what is no transcript.

    Args:
        kind: What it returns instead: `nothing` (None for the whole batch), `a_text` (a bare str for the whole batch),
            and in the place of the clips that set it off `no_transcript` (a str), `no_text` (a number as the text),
            `half_a_character` (a text that no file can hold), `endless` (a million characters), `no_time` (a word
            without an end), `unordered` (a word that ends before it begins).
        on_text, on_call, once: See the module.
    """

    def __init__(
        self,
        *,
        kind: str = "no_text",
        on_text: str | None = None,
        on_call: int | None = None,
        once: str | None = None,
    ) -> None:
        super().__init__(on_text=on_text, on_call=on_call, once=once)
        if kind not in (*_WHOLE, *_GARBLES):
            raise UsageError(f"Garbled: kind={kind!r}; expected one of {', '.join((*_WHOLE, *_GARBLES))}")
        self._kind = kind

    def _misbehave(self, transcripts: list[Transcript], marked: list[int]) -> Sequence[Transcript | Failure]:
        if self._kind in _WHOLE:
            return _WHOLE[self._kind]  # type: ignore[return-value]  # which is what it is for
        garble = _GARBLES[self._kind]
        returned = (garble(heard) if position in marked else heard for position, heard in enumerate(transcripts))
        return list(returned)  # type: ignore[arg-type]


_WHOLE = MappingProxyType({"nothing": None, "a_text": "one"})
_GARBLES: MappingProxyType[str, Callable[[Transcript], object]] = MappingProxyType(
    {
        "no_transcript": lambda heard: heard.text,
        "no_text": lambda heard: replace(heard, text=7),  # type: ignore[arg-type]
        "half_a_character": lambda heard: replace(heard, text=heard.text + "\ud800", words=None),
        "endless": lambda heard: replace(heard, text="one " * 250_000, words=None),
        "no_time": lambda heard: replace(heard, words=(Word("one", 0.0, math.nan, None),)),
        "unordered": lambda heard: replace(heard, words=(Word("one", 1 / SAMPLE_RATE, 0.0, None),)),
    }
)


def _is_first(once: Path) -> bool:
    """Tells whether the file is not there yet, and writes it: of several processes one gets a yes."""
    try:
        once.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
