"""What backends that ask a service share: waveforms in, files to upload out; prices, pacing, texts fit for a message.

A service costs money and answers what it likes. So an answer is kept once it is paid for, whatever became of the other
clips of its batch, and whatever a service writes is cut short and freed of keys before it is shown.
"""

import asyncio
import io
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from math import isfinite

import numpy as np
import soundfile

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Failure, Transcript
from harness.errors import BackendError, UsageError

FORMATS = ("flac", "wav")  # both hold 16-bit samples as they are; FLAC in about half the bytes
MAX_CHARACTERS = 100_000  # of a transcript: two hours of speech; more is a runaway decoder

_FULL_SCALE = 32_768  # of a 16-bit sample; what was decoded from 16 bits goes back to exactly its own
_SHOWN = 200  # characters of a service's answer that a message quotes
_SECRET_FROM = 8  # characters; shorter ones, such as EMPTY, stand for no key and are words of their own
_KEY_LIKE = re.compile(
    r"\bsk-[\w*.-]{6,}|\bA(?:KI|SI)A[A-Z0-9]{12,}|(?:Bearer|Basic) +[^\s\"']{8,}|[^\s\"':]*\*{3,}[^\s\"',]*"
)


@dataclass(frozen=True, slots=True)
class Price:
    """Is what a service asks for audio.

    Attributes:
        usd_per_minute: USD for a minute of audio; None: not known, and no cost is shown.
        minimum_billed_s: Seconds that the shortest clip is billed as.
    """

    usd_per_minute: float | None
    minimum_billed_s: float = 0.0

    def of(self, waveform: Waveform, *, n_charged: int) -> float | None:
        """Returns USD for recognising a clip so many times; None where the price is not known.

        >>> Price(0.6, minimum_billed_s=15).of(np.zeros(SAMPLE_RATE, dtype=np.float32), n_charged=2)
        0.3
        """
        if self.usd_per_minute is None:
            return None
        billed_s = max(len(waveform) / SAMPLE_RATE, self.minimum_billed_s) * n_charged
        return self.usd_per_minute * billed_s / 60


class Pace:
    """Lets requests start at most so often; for one event loop, in which it needs no lock."""

    def __init__(
        self,
        per_minute: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval_s = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next_s = -float("inf")  # when the next request may start

    async def turn(self) -> None:
        """Waits until a request may start; those that wait start in the order in which they came."""
        now_s = self._clock()
        start_s = max(now_s, self._next_s)
        self._next_s = start_s + self._interval_s
        if start_s > now_s:
            await self._sleep(start_s - now_s)


def encoded(waveform: Waveform, *, audio_format: str, minimum_audio_s: float) -> bytes:
    """Returns a mono 16 kHz file with 16-bit samples, clipped to full scale.

    Args:
        waveform: `(num_samples,)`, nominally in [-1, 1].
        audio_format: One of FORMATS.
        minimum_audio_s: Seconds that silence at the end fills a shorter clip to.
    """
    padding = max(0, round(minimum_audio_s * SAMPLE_RATE) - len(waveform))
    padded = np.pad(waveform, (0, padding))  # (max(num_samples, minimum),)
    samples = np.clip(np.rint(padded * float(_FULL_SCALE)), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format=audio_format.upper(), subtype="PCM_16")
    return file.getvalue()


def readable(answer: str, *, secret: str = "") -> str:
    r"""Returns the beginning of what a service wrote, on one line, quoted, without keys and control characters.

    >>> readable("<html>\n  Incorrect key: sk-abcd****wxyz")
    "'<html> Incorrect key: [key]'"
    """
    if len(secret) >= _SECRET_FROM:
        answer = answer.replace(secret, "[key]")
    line = " ".join(answer[: 100 * _SHOWN].split())[: 3 * _SHOWN]
    text = _KEY_LIKE.sub("[key]", line)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """Returns the seconds that a service asks to wait (RFC 9110, 10.2.3): a number or a date; None where it does not.

    Args:
        headers: Of its answer, with a lookup that ignores case.
        now_s: Seconds since 1970, what a date is compared with.
    """
    for header, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers.get(header, "")) * unit_s
        except ValueError:
            continue
        return wait_s if isfinite(wait_s) and wait_s >= 0 else None
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def settled(outcomes: Sequence[Transcript | Failure | BackendError]) -> list[Transcript | Failure]:
    """Returns an outcome per clip; a refusal of every clip becomes a failure where others of the batch were heard.

    Raises:
        BackendError: the service refused and no clip was heard, so that nothing that was paid for is lost.
    """
    refusals = [outcome for outcome in outcomes if isinstance(outcome, BackendError)]
    heard = any(isinstance(outcome, Transcript) and outcome.latency_s is not None for outcome in outcomes)
    if refusals and not heard:
        raise refusals[0]
    return [Failure(str(outcome)) if isinstance(outcome, BackendError) else outcome for outcome in outcomes]


def not_too_long(transcript: Transcript) -> Transcript | Failure:
    """Returns the transcript, or a failure where a service ran away: scoring could not align it, and a retry costs."""
    found = len(transcript.text)
    if found <= MAX_CHARACTERS:
        return transcript
    reason = f"a transcript of {found:,} characters; expected at most {MAX_CHARACTERS:,}"
    return Failure(reason, latency_s=transcript.latency_s, cost_usd=transcript.cost_usd)


def charged(outcome: Transcript | Failure, cost_usd: float | None) -> Transcript | Failure:
    """Returns the outcome with what it cost."""
    return replace(outcome, cost_usd=cost_usd)


def check_at_least(owner: str, options: Mapping[str, tuple[float | None, float]]) -> None:
    """Refuses numbers that are too small or no numbers; None passes.

    Args:
        owner: The backend's class, for the message.
        options: By name, the value and the least that it may be; where that is an int, so must the value be.

    Raises:
        UsageError: naming the option, its value and what was expected.
    """
    for option, (value, least) in options.items():
        if value is None:
            continue
        number = int if isinstance(least, int) else int | float
        if isinstance(value, bool) or not isinstance(value, number) or not isfinite(value) or value < least:
            kind = "whole number" if number is int else "number"
            raise UsageError(f"{owner}: {option}={value}; expected a {kind} of at least {least:g}")
