"""Clips in, answers out, as a program gives them: one that is started, greeted, asked a few clips ahead and ended."""

import logging
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Failure, Identity, Transcript
from harness.backends.programs.command_line import CommandLine
from harness.backends.programs.lines import Answer, Greeting, asked_line, read_line, wav_file
from harness.backends.programs.private_folder import PrivateFolder
from harness.backends.programs.process import Program, ProgramError
from harness.errors import BackendError

log = logging.getLogger(__name__)

_PROBE = np.zeros(SAMPLE_RATE // 2, dtype=np.float32)  # half a second of silence


@dataclass(frozen=True, slots=True)
class Manners:
    """Says how a program is talked to; see `harness.backends.command`."""

    audio: str
    in_flight: int
    timeout_s: float
    timeout_per_audio_s: float
    start_timeout_s: float


class Conversation:
    """Is a program that runs from now on, to be greeted first.

    Args:
        line: What to run.
        manners: How to talk to it.
        folder: Where clips are written for it.

    Raises:
        BackendError: when it cannot be started.
    """

    def __init__(self, line: CommandLine, manners: Manners, folder: PrivateFolder) -> None:
        self._manners = manners
        self._folder = folder
        self._asked: dict[int, _Asked] = {}  # by the numbers of their lines
        try:
            self._program = Program(line.to_run(), cwd=line.cwd)
        except OSError as error:
            raise BackendError(f"Command: {line.words()} cannot be started: {error}") from error

    def greet(self) -> Identity:
        """Waits for the answer to half a second of silence and returns what the program said of itself before it.

        Raises:
            ProgramError: when it ends, says nothing in time, or answers what makes no sense.
        """
        deadline = time.monotonic() + self._manners.start_timeout_s
        self._ask(-1, _PROBE)
        said, identity = self._said(deadline - time.monotonic()), dict[str, str | int | float | bool | None]()
        if isinstance(said, Greeting):
            identity, said = said.identity, self._said(max(0.0, deadline - time.monotonic()))
        _, answer = self._answered(said)
        if answer.makes_no_sense and isinstance(answer.heard, Failure):
            raise ProgramError(answer.heard.reason)
        if isinstance(answer.heard, Failure):
            log.warning("the program failed on half a second of silence: %s", answer.heard.reason)
        return identity

    def answers(
        self, waveforms: Sequence[Waveform], positions: Sequence[int]
    ) -> Iterator[tuple[int, Transcript | Failure]]:
        """Asks for these clips of a batch, and yields each one's position and answer, in the order of the answers.

        Raises:
            ProgramError: when it ends, says nothing in time, or what is no answer; `unanswered` then says to what.
            BackendError: when a clip cannot be written.
        """
        manners, upcoming = self._manners, deque(positions)
        while upcoming or self._asked:
            if not self._asked:
                self._program.check_quiet()
            while upcoming and len(self._asked) < manners.in_flight:
                position = upcoming.popleft()
                self._ask(position, waveforms[position])
            audio_s = sum(clip.audio_s for clip in self._asked.values())
            said = self._said(manners.timeout_s + manners.timeout_per_audio_s * audio_s)
            clip, answer = self._answered(said)
            yield clip.position, replace(answer.heard, latency_s=clip.waited_s())

    def unanswered(self) -> dict[int, float]:
        """Returns the positions of the clips that it was asked for and has not answered, with the seconds since."""
        return {clip.position: clip.waited_s() for clip in self._asked.values() if clip.position >= 0}

    def end(self, *, grace_s: float = 0.0) -> None:
        """Ends the program, and kills what has not ended after so many seconds; removes the clips written for it."""
        self._program.end(grace_s=grace_s)
        for clip in self._asked.values():
            clip.forget()

    def last_words(self) -> str:
        """Returns the last lines on its stderr; "" when there are none."""
        return self._program.last_words()

    def _ask(self, position: int, waveform: Waveform) -> None:
        # A number that cannot be guessed: a program that counts by itself and is one clip behind is found out.
        number = secrets.randbelow(2**31)
        audio_s, content, path = len(waveform) / SAMPLE_RATE, wav_file(waveform, self._manners.audio), None
        if self._manners.audio != "base64":
            path = self._folder.path / f"{number}.wav"
            try:
                path.write_bytes(content)
            except OSError as error:
                path.unlink(missing_ok=True)
                raise BackendError(f"Command: cannot write a clip for the program: {error}") from error
        self._program.send(asked_line(number, path or content, audio_s))
        self._asked[number] = _Asked(position, path, audio_s, time.monotonic())

    def _said(self, timeout_s: float) -> Answer | Greeting:
        return read_line(self._program.receive(timeout_s=timeout_s))

    def _answered(self, said: Answer | Greeting) -> "tuple[_Asked, Answer]":
        if isinstance(said, Greeting):
            raise ProgramError("wrote its identity twice, or after its first answer")
        if said.number not in self._asked:
            raise ProgramError(f"answered id {said.number}; expected one of {sorted(self._asked)}")
        clip = self._asked.pop(said.number)
        clip.forget()
        return clip, said


@dataclass(frozen=True, slots=True)
class _Asked:
    """Is a clip that the program has been given and has not answered."""

    position: int  # in the batch
    path: Path | None
    audio_s: float
    asked_s: float  # on the monotonic clock

    def forget(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def waited_s(self) -> float:
        return time.monotonic() - self.asked_s
