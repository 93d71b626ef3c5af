"""Waveforms in, transcripts out of any server with OpenAI's `POST /v1/audio/transcriptions` (Groq, vLLM, speaches …).

Several clips are asked for at once, each again where that may help: back-off doubles from 0.5 s to 30 s; `Retry-After`
is obeyed up to 5 minutes, and a clip that would have to wait longer fails at once and says so. An answer without a text
is a failure, never an empty text.

A service may change its weights on any day without a word. `snapshot` stands in the identity: change it to ask again.
Redirects are not followed, so neither key nor audio goes to a host that was not named. Proxies are those of the usual
environment variables (HTTPS_PROXY, NO_PROXY).
"""

import asyncio
import json
import random
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from threading import Lock

from harness.audio.waveform import Waveform
from harness.backends.base import Failure, Identity, Transcript, Word, check_waveforms
from harness.backends.openai_requests import Account, Answered, Missed, Session, check_address
from harness.backends.service import FORMATS, Price, charged, check_at_least, encoded, not_too_long, settled
from harness.errors import BackendError, UsageError

RESPONSE_FORMATS = ("json", "verbose_json")  # a plain-text answer cannot be told from an error page
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0  # back-off where the service names no time
_LONGEST_RETRY_AFTER_S = 300.0
_MIB = 1 << 20


class OpenAIApi:
    """Recognises speech through a service.

    `latency_s` is that of the last attempt: sending, recognising and receiving, not the wait for its turn nor earlier
    attempts. `cost_usd` counts a clip's length once for every attempt that was answered with success, and for every one
    whose answer was lost (a timeout, a broken connection), since it may have been charged: an upper bound. What was
    refused with an error status costs nothing.

    Args:
        model: As the service calls it.
        base_url: Where the service is, up to `/v1`; None is the package's: OPENAI_BASE_URL, or else OpenAI's own.
        api_key_env: The name of the environment variable that holds the key; None for a server that asks for none.
        language: A code such as `en`; None lets the service detect it.
        prompt: Text that guides the service; None for none.
        temperature: Sent when it is not None.
        response_format: `json` or `verbose_json`; some models decode differently for the second.
        word_times: Whether to ask for the times of words, which needs `verbose_json`.
        audio_format: `flac` or `wav`; both hold the same 16-bit samples.
        minimum_audio_s: Shorter clips are filled with silence to so many seconds. OpenAI refuses less than 0.1 s, and a
            clip that every local recogniser hears should not fail for that; 0 sends them as they are.
        max_upload_mib: Larger files fail without being sent; None for no limit. OpenAI takes 25.
        concurrency: Requests in flight, whatever the number of calling threads; it takes batches of as many clips.
        max_retries: Attempts at one clip after the first.
        timeout_s: For one attempt, from connecting to the last byte of its answer.
        requests_per_minute: Attempts started in a minute, evenly spaced; None for no limit.
        usd_per_minute: The price of a minute of audio; None: not known.
        minimum_billed_s: Seconds that the shortest clip is billed as.
        snapshot: A label of the service's state, such as a date.

    Raises:
        UsageError: when an option is out of range. The key is looked for at `load`, `identity` or `transcribe`.
    """

    def __init__(
        self,
        *,
        model: str = "gpt-transcribe",
        base_url: str | None = None,
        api_key_env: str | None = "OPENAI_API_KEY",
        language: str | None = "en",
        prompt: str | None = None,
        temperature: float | None = None,
        response_format: str = "json",
        word_times: bool = False,
        audio_format: str = "flac",
        minimum_audio_s: float = 0.1,
        max_upload_mib: float | None = 25.0,
        concurrency: int = 8,
        max_retries: int = 6,
        timeout_s: float = 120.0,
        requests_per_minute: float | None = None,
        usd_per_minute: float | None = None,
        minimum_billed_s: float = 0.0,
        snapshot: str | None = None,
    ) -> None:
        numbers = {
            "temperature": (temperature, 0.0),
            "minimum_audio_s": (minimum_audio_s, 0.0),
            "max_upload_mib": (max_upload_mib, 0.001),
            "concurrency": (concurrency, 1),
            "max_retries": (max_retries, 0),
            "timeout_s": (timeout_s, 0.001),
            "requests_per_minute": (requests_per_minute, 0.001),
            "usd_per_minute": (usd_per_minute, 0.0),
            "minimum_billed_s": (minimum_billed_s, 0.0),
        }
        check_at_least("OpenAIApi", numbers)
        _check_choice("audio_format", audio_format, FORMATS)
        _check_choice("response_format", response_format, RESPONSE_FORMATS)
        if word_times and response_format != "verbose_json":
            raise UsageError(
                f"OpenAIApi: word_times=true with response_format={response_format}; expected verbose_json"
            )
        if base_url is not None:
            check_address("base_url", base_url)
        self._account = Account(base_url, api_key_env, model)
        self._asked: dict[str, str | float | None] = {
            "language": language,
            "prompt": prompt,
            "temperature": temperature,
            "response_format": response_format,
        }
        self._word_times = word_times
        self._audio_format = audio_format
        self._minimum_audio_s = float(minimum_audio_s)
        self._max_upload_mib = max_upload_mib
        self._concurrency = concurrency
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._requests_per_minute = requests_per_minute
        self._price = Price(usd_per_minute, minimum_billed_s)
        self._snapshot = snapshot
        self._jitter = random.Random()  # decides when a clip is asked for again, never a text
        self._opening = Lock()
        self._opened: Session | None = None

    def load(self) -> None:
        """Finds the key and prepares the client; nothing is sent.

        Raises:
            UsageError: when the package, the key or a usable address is missing.
        """
        self._session()

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript | Failure]:
        """Returns what the service heard in each clip, or why it did not; an empty clip is not sent.

        Raises:
            UsageError: as `load` does.
            BackendError: when the service refuses the key, the model, the address or, for want of credit, all requests,
                and no clip of the batch was heard. Where some were, they are kept and the others are failures.
        """
        check_waveforms("OpenAIApi", waveforms)
        session = self._session()
        return settled(session.run(self._hear_all(session, waveforms)))

    def identity(self) -> Identity:
        """Returns the service, its model, what is asked of it, the encoding of the audio, and `snapshot`.

        The version of the package is not in it: it carries requests and decides no text.

        Raises:
            UsageError: as `load` does.
        """
        return {
            "backend": "openai_api",
            "base_url": self._session().address,
            "model": self._account.model,
            **self._asked,
            "word_times": self._word_times,
            "audio": f"{self._audio_format}, 16-bit, 16 kHz",
            "silence_fills_to_s": self._minimum_audio_s,
            "snapshot": self._snapshot,
        }

    def close(self) -> None:
        """Closes the connections; a second call does nothing, and another `transcribe` opens new ones."""
        with self._opening:
            session, self._opened = self._opened, None
        if session is not None:
            session.close()

    def _session(self) -> Session:
        with self._opening:
            if self._opened is None:
                self._opened = Session(
                    self._account,
                    timeout_s=self._timeout_s,
                    concurrency=self._concurrency,
                    requests_per_minute=self._requests_per_minute,
                )
                weakref.finalize(self, self._opened.end)
            return self._opened

    async def _hear_all(
        self, session: Session, waveforms: Sequence[Waveform]
    ) -> list[Transcript | Failure | BackendError]:
        refusals: list[BackendError] = []
        clips = [self._hear(session, waveform, refusals) for waveform in waveforms]
        outcomes = await asyncio.gather(*clips, return_exceptions=True)
        return [_outcome(session, outcome) for outcome in outcomes]

    async def _hear(
        self, session: Session, waveform: Waveform, refusals: list[BackendError]
    ) -> Transcript | Failure | BackendError:
        """Takes one of the places; once the service has refused a clip of the batch for good, the rest are not sent."""
        if len(waveform) == 0:
            return Transcript(
                "", words=() if self._word_times else None, cost_usd=self._price.of(waveform, n_charged=0)
            )
        async with session.places:
            if refusals:
                return refusals[0]
            file = await asyncio.to_thread(
                encoded, waveform, audio_format=self._audio_format, minimum_audio_s=self._minimum_audio_s
            )
            if self._max_upload_mib is not None and len(file) > self._max_upload_mib * _MIB:
                return Failure(self._too_large(len(file)), cost_usd=self._price.of(waveform, n_charged=0))
            outcome, n_charged = await self._ask(session, file)
            if isinstance(outcome, BackendError):
                refusals.append(outcome)
                return outcome
            return charged(outcome, self._price.of(waveform, n_charged=n_charged))

    async def _ask(self, session: Session, file: bytes) -> tuple[Transcript | Failure | BackendError, int]:
        """Returns what became of a clip, and the number of attempts that may have been charged."""
        n_charged = n_attempts = 0
        while True:
            await session.pace.turn()
            answer = await session.attempt((f"audio.{self._audio_format}", file), self._fields())
            if isinstance(answer, BackendError):
                return answer, n_charged
            if isinstance(answer, Answered):
                return _read(session, answer), n_charged + 1
            n_charged += answer.charged
            wait_s = self._wait_s(answer, n_attempts)
            n_attempts += 1
            if wait_s is None:
                return Failure(_given_up(answer, n_attempts), latency_s=answer.latency_s), n_charged
            await asyncio.sleep(wait_s)

    def _fields(self) -> dict[str, object]:
        fields: dict[str, object] = {name: value for name, value in self._asked.items() if value is not None}
        return fields | ({"timestamp_granularities": ["word"]} if self._word_times else {})

    def _wait_s(self, missed: Missed, n_retries: int) -> float | None:
        """Returns the seconds to wait before the next attempt; None where there is to be none."""
        if not missed.again or n_retries >= self._max_retries or (missed.wait_s or 0.0) > _LONGEST_RETRY_AFTER_S:
            return None
        back_off_s = min(_FIRST_WAIT_S * 2.0 ** min(n_retries, 10), _LONGEST_WAIT_S) * self._jitter.uniform(0.75, 1.0)
        return missed.wait_s or back_off_s

    def _too_large(self, n_bytes: int) -> str:
        remedy = "" if self._audio_format == "flac" else "; audio_format=flac is about half as large"
        return (
            f"a {self._audio_format} file of {n_bytes / _MIB:.1f} MiB; expected at most "
            f"max_upload_mib={self._max_upload_mib:g}{remedy}"
        )


def _outcome(
    session: Session, outcome: Transcript | Failure | BackendError | BaseException
) -> Transcript | Failure | BackendError:
    """Keeps the other clips where one met an error that nobody foresaw."""
    if isinstance(outcome, Transcript | Failure | BackendError):
        return outcome
    if isinstance(outcome, Exception):
        return Failure(f"{type(outcome).__name__}: {session.show(str(outcome))}")
    raise outcome


def _given_up(missed: Missed, n_attempts: int) -> str:
    attempts = "" if n_attempts == 1 else f" (the last of {n_attempts} attempts)"
    later = f"; the service asks to wait {missed.wait_s:.0f} s" if missed.wait_s else ""
    return f"{missed.reason}{attempts}{later}"


def _read(session: Session, answer: Answered) -> Transcript | Failure:
    """Returns the text of an answer; a failure that quotes it where there is none."""
    body = answer.body.decode("utf-8", "replace")
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    text = found.get("text") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(text, str) or found.get("error"):
        return Failure(f"expected JSON with a `text`, found {session.show(body)}", latency_s=answer.latency_s)
    text, words = text.strip(), _words(found)
    pointed = None if words is None else _pointed(text, words)
    return not_too_long(Transcript(text, words=pointed, latency_s=answer.latency_s))


def _pointed(text: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Returns the words with the punctuation that they have in the text, and as they are where they are not its words.

    OpenAI's words come without.
    """
    begins: list[int] = []
    end = 0
    for word in words:
        begin = text.find(word.text, end)
        if begin < 0 or any(character.isalnum() for character in text[end:begin]):
            return words
        begins.append(begin)
        end = begin + len(word.text)
    cuts = [0, *begins[1:], len(text)]
    return tuple(replace(word, text=text[cuts[i] : cuts[i + 1]].strip()) for i, word in enumerate(words))


def _words(found: Mapping[str, object]) -> tuple[Word, ...] | None:
    """Returns the times of words, which some servers keep in segments; None where they are missing or make no sense."""
    words = found.get("words")
    segments = found.get("segments")
    if words is None and isinstance(segments, list):
        parts = [segment.get("words") if isinstance(segment, dict) else None for segment in segments]
        words = [word for part in parts if isinstance(part, list) for word in part] or None
    if not isinstance(words, list):
        return None
    read = [_word(word) for word in words]
    return None if None in read else tuple(word for word in read if word is not None)


def _word(found: object) -> Word | None:
    if not isinstance(found, dict):
        return None
    text, start_s, end_s = found.get("word"), found.get("start"), found.get("end")
    confidence = found.get("probability")
    if not (isinstance(text, str) and isinstance(start_s, int | float) and isinstance(end_s, int | float)):
        return None
    if not (isfinite(start_s) and isfinite(end_s)):
        return None
    sure = float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else None
    return Word(text.strip(), float(start_s), float(end_s), sure)


def _check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(f"OpenAIApi: {option}={value}; expected one of {', '.join(choices)}")
