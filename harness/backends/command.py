"""Waveforms in, the transcripts of any program out: it reads JSON Lines on stdin and writes JSON Lines to stdout.

The harness writes one line a clip, and the program answers each with one line, in any order, and flushes it:

    {"id": 7, "audio": "/…/7.wav", "duration_s": 3.2}
    {"id": 7, "text": "turn on the light"}
    {"id": 8, "error": "the clip is too long"}

Before its first answer the program may write `{"identity": {"model": "small", "weights_sha256": "…"}}`: plain values,
which become part of the identity. An answer may have `"cost_usd"`, and the times of all its words:
`"words": [{"text": "turn", "start_s": 0.1, "end_s": 0.3, "confidence": 0.9}, …]`. Logs belong on stderr. The program
goes on until its stdin ends, which is also how it learns that the harness was killed. Its first clip, each time it is
started, is half a second of silence that does not count.

A program that dies, says something else or says nothing in time is killed with all that it started, and started again.
Clips it had not answered are tried once more, each alone; what goes wrong then is that clip's `Failure`.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite

from harness.audio.waveform import Waveform
from harness.backends.base import Failure, Identity, Transcript, check_waveforms
from harness.backends.programs.command_line import CommandLine
from harness.backends.programs.conversation import Conversation, Manners
from harness.backends.programs.lines import AUDIO_FORMATS
from harness.backends.programs.private_folder import PrivateFolder
from harness.backends.programs.process import NoAnswer, ProgramError
from harness.errors import BackendError, UsageError

_GRACE_S = 2.0  # for a program to end once its stdin has
_TOLD_CHARACTERS = 300  # of its stderr, in the reason of a clip's failure
_RULES = (
    "A program answers a line before it waits for the next, flushes its stdout, writes nothing but answers there (logs "
    "belong on stderr; printing them is the common mistake), and goes on until its stdin ends"
)


class Command:
    """Recognises speech with a program; several at once are several objects, as in the executor's worker processes.

    Args:
        command: The program and its arguments, a text each; no shell reads them. Secrets belong in the environment,
            which the program gets as it is: the arguments are part of the identity.
        version: Your name for what the files on the command line do not tell (a server's model, a library's version).
        audio: How a clip is handed over: `wav` (the path of a 16-bit WAV file), `wav_float` (of a 32-bit float one,
            exact), `base64` (the 16-bit WAV file itself, for a program on another machine).
        in_flight: The clips that the program may be given before it answers the first, >= 1.
        timeout_s: Seconds that an answer may take, and
        timeout_per_audio_s: as many more for each second of audio that it has been given.
        start_timeout_s: Seconds that it may take to start and answer half a second of silence.
        restarts: How many times in a row, without an answer between, it is started again before it is given up.
        cwd: The folder that it runs in; null: the one that the harness runs in.

    Raises:
        UsageError: when an option is out of range or there is no such program.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] | None = None,
        version: str | None = None,
        audio: str = "wav",
        in_flight: int = 1,
        timeout_s: float = 60.0,
        timeout_per_audio_s: float = 10.0,
        start_timeout_s: float = 300.0,
        restarts: int = 3,
        cwd: str | None = None,
    ) -> None:
        if audio not in AUDIO_FORMATS:
            raise UsageError(f"Command: audio={audio!r}; expected one of {', '.join(AUDIO_FORMATS)}")
        if in_flight < 1 or restarts < 0:
            raise UsageError(f"Command: in_flight={in_flight}, restarts={restarts}; expected >= 1 and >= 0")
        for name, seconds in (("timeout_s", timeout_s), ("start_timeout_s", start_timeout_s)):
            if not (isfinite(seconds) and seconds > 0):
                raise UsageError(f"Command: {name}={seconds}; expected a finite number of seconds > 0")
        if not (isfinite(timeout_per_audio_s) and timeout_per_audio_s >= 0):
            raise UsageError(f"Command: timeout_per_audio_s={timeout_per_audio_s}; expected a finite number >= 0")
        self._line = CommandLine.of(command, cwd)
        self._version = version
        self._restarts = restarts
        self._manners = Manners(audio, in_flight, timeout_s, timeout_per_audio_s, start_timeout_s)
        self._lock = threading.Lock()
        self._conversation: Conversation | None = None
        self._folder: PrivateFolder | None = None
        self._identity: Identity | None = None  # from the first start on
        self._n_troubles = 0  # since the last answer
        self._last_words = ""  # on stderr, of the program that was ended last

    def load(self) -> None:
        """Starts the program and has it answer half a second of silence; `transcribe` does it when nobody has.

        Raises:
            UsageError: when a file that the command names cannot be read.
            BackendError: when it ends, says nothing in time or what is no answer; with its last lines on stderr.
        """
        with self._alone():
            self._running()

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript | Failure]:
        """Returns what the program heard in each waveform; a clip that it does not answer is a `Failure`.

        Raises:
            UsageError: as `load` does.
            BackendError: when a waveform is not what it should be, or the program was started again too often.
        """
        check_waveforms("Command", waveforms)
        heard: dict[int, Transcript | Failure] = {
            position: Transcript(text="") for position, waveform in enumerate(waveforms) if not len(waveform)
        }
        with self._alone():
            again: list[int] = []
            while left := [each for each in range(len(waveforms)) if each not in heard and each not in again]:
                done = self._round(waveforms, left)
                heard |= done.heard
                if done.blames_one:
                    heard |= done.failures()
                else:
                    again += done.lost
            for position in again:
                while position not in heard:
                    done = self._round(waveforms, [position])
                    heard |= done.heard | done.failures()
        return [heard[position] for position in range(len(waveforms))]

    def identity(self) -> Identity:
        """Returns the command, a digest of the files that it names, and what the program says of itself.

        Raises:
            UsageError, BackendError: as `load` does.
        """
        if self._identity is None:
            self.load()
        return dict(self._identity or {})

    def close(self) -> None:
        """Ends the program: closes its stdin, and kills it when it has not ended after two seconds."""
        with self._lock:
            self._end(grace_s=_GRACE_S)
            if self._folder is not None:
                self._folder.remove()
                self._folder = None

    def _round(self, waveforms: Sequence[Waveform], positions: Sequence[int]) -> "_Round":
        """Asks for clips until all are answered or the program is in trouble, and ends it then."""
        heard: dict[int, Transcript | Failure] = {}
        try:
            for position, answer in self._running().answers(waveforms, positions):
                heard[position] = answer
                self._n_troubles = 0
        except ProgramError as trouble:
            lost = self._conversation.unanswered() if self._conversation else {}
            return _Round(heard, lost, self._ended_by(trouble), isinstance(trouble, NoAnswer))
        return _Round(heard, {}, "", hung=False)

    def _running(self) -> Conversation:
        """Returns the program, started and greeted.

        Raises:
            ProgramError: when it does not start, as it once did.
            BackendError: when it never did, or is not the recogniser any more that it was.
        """
        if self._conversation is not None:
            return self._conversation
        files_sha256 = self._identity["files_sha256"] if self._identity else self._line.digest()
        self._folder = self._folder or PrivateFolder()
        self._conversation = Conversation(self._line, self._manners, self._folder)
        try:
            greeting = self._conversation.greet()
        except ProgramError as trouble:
            if self._identity:
                raise
            self._end()
            raise BackendError(f"Command: {self._line.words()} {trouble}. {_RULES}.{self._stderr()}") from trouble
        identity: Identity = {
            "backend": "command",
            "command": self._line.words(),
            "files_sha256": files_sha256,
            "version": self._version,
            "audio": self._manners.audio,
            **{f"program.{key}": value for key, value in greeting.items()},
        }
        if self._identity not in (None, identity):
            raise BackendError(
                f"Command: {self._line.words()} was started again and calls itself {greeting}; expected what it said "
                f"before, {self._identity}. A run is of one recogniser: give the command again with the one you mean"
            )
        self._identity = identity
        return self._conversation

    def _ended_by(self, trouble: ProgramError) -> str:
        """Ends the program and returns why, in one line; there is a next time.

        Raises:
            BackendError: when there is none: it was ended too often without an answer between.
        """
        self._n_troubles += 1
        self._end()
        told = f"{self._line.words()[:100]} {trouble}"
        if self._n_troubles > self._restarts:
            raise BackendError(
                f"Command: {told}: trouble {self._n_troubles} times in a row without an answer between; expected at "
                f"most restarts={self._restarts}. {_RULES}.{self._stderr()}"
            ) from trouble
        said = " | ".join(self._last_words.splitlines())[-_TOLD_CHARACTERS:]
        return f"{told}; last on stderr: {said}" if said else told

    def _stderr(self) -> str:
        return f" Its last lines on stderr:\n{self._last_words}" if self._last_words else " It said nothing on stderr"

    def _end(self, *, grace_s: float = 0.0) -> None:
        if self._conversation is not None:
            self._conversation.end(grace_s=grace_s)
            self._last_words = self._conversation.last_words()
            self._conversation = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other threads out, and ends the program when an error leaves it with a question unanswered."""
        with self._lock:
            try:
                yield
            except BaseException:
                self._end()
                raise


@dataclass(frozen=True, slots=True)
class _Round:
    """Is how far the program came."""

    heard: dict[int, Transcript | Failure]  # by position
    lost: dict[int, float]  # seconds that the unanswered clips had waited, by position
    told: str  # why they are unanswered
    hung: bool

    @property
    def blames_one(self) -> bool:
        """Tells whether it is known whose fault it was: a clip on which the program hung, with no other beside it."""
        return self.hung and len(self.lost) == 1

    def failures(self) -> dict[int, Failure]:
        """Returns the failures of the clips that are unanswered."""
        return {position: Failure(self.told, latency_s=waited_s) for position, waited_s in self.lost.items()}
