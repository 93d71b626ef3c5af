"""A file and its form fields in, what the service answered out: one attempt at a time, several at once, no retries.

Requests run on an event loop in a thread of their own, so that the caller may be interrupted at once, may be any thread
and may have a loop already. They are those of the package `openai`, without its retries: these cannot be counted when
they fail (each may cost), run past a rate limit, and take every byte of an answer for progress, so that a server which
sends one now and then is never given up.
"""

import asyncio
import logging
import os
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from harness.backends.service import Pace, readable, retry_after_s
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError, AsyncOpenAI

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_CONNECT_S = 10.0  # at most, of timeout_s
_CLOSING_S = 5.0
_NO_KEY = "none"  # what a server that asks for no key is sent
_TRY_AGAIN = frozenset({408, 409, 425, 429})  # and every 5xx
_REFUSED = frozenset({401, 402, 403, 404, 405})  # and every 3xx
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NO_MODEL = frozenset({"model_not_found", "invalid_model"})
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})


@dataclass(frozen=True, slots=True)
class Account:
    """Says whom to ask, and with which key; the key is never shown.

    Attributes:
        base_url: None is the package's default.
        api_key_env: The variable that holds the key; None where there is none.
        model: As the service calls it.
    """

    base_url: str | None
    api_key_env: str | None
    model: str

    def key(self) -> str:
        """Returns the key.

        Raises:
            UsageError: when the variable is not set, or holds what cannot be a key.
        """
        if self.api_key_env is None:
            return _NO_KEY
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise UsageError(
                f"OpenAIApi: the environment variable {self.api_key_env} is not set; expected the service's key in it, "
                "or api_key_env=null for a server that asks for none"
            )
        if not (key.isascii() and key.isprintable() and " " not in key):  # in a header it would be shown by an error
            raise UsageError(f"OpenAIApi: {self.api_key_env} holds no key; expected printable ASCII without spaces")
        return key


@dataclass(frozen=True, slots=True)
class Answered:
    """Holds the body of an answer with a status of success, and the seconds from sending to its last byte."""

    body: bytes
    latency_s: float


@dataclass(frozen=True, slots=True)
class Missed:
    """Says why an attempt brought no answer.

    Attributes:
        reason: What was expected and what was found.
        latency_s: Seconds until it was known.
        charged: Whether the service may have recognised the clip all the same.
        again: Whether another attempt may succeed.
        wait_s: Seconds that the service asks to wait; None where it does not.
    """

    reason: str
    latency_s: float
    charged: bool
    again: bool
    wait_s: float | None = None


class Session:
    """Is a client of the service with its connections, and the places for requests in flight.

    Raises:
        UsageError: when the package, the key or a usable address is missing.
    """

    def __init__(
        self, account: Account, *, timeout_s: float, concurrency: int, requests_per_minute: float | None
    ) -> None:
        self._account = account
        self._key = account.key()
        self._timeout_s = timeout_s
        self._client = _client(account, self._key, timeout_s)
        self.address = str(self._client.base_url).rstrip("/")
        check_address("OPENAI_BASE_URL" if account.base_url is None else "base_url", self.address)
        if self.address.startswith("http://") and account.api_key_env and not _is_local(self.address):
            log.warning("%s: the key travels unencrypted; expected https", self.address)
        self.places = asyncio.Semaphore(concurrency)
        self.pace = Pace(requests_per_minute)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=_serve, args=(self._loop,), name="openai_api", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, _T]) -> _T:
        """Returns what the work returns; when the caller is interrupted, its requests are given up at once."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    async def attempt(self, file: tuple[str, bytes], fields: Mapping[str, object]) -> Answered | Missed | BackendError:
        """Sends a file once, however large, and waits for the whole answer.

        Returns:
            The answer, why there is none, or, as an error to raise, why no other clip would fare better.
        """
        from openai import APIConnectionError, APIStatusError

        started = time.perf_counter()
        requests = self._client.audio.transcriptions.with_raw_response
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await requests.create(file=file, model=self._account.model, extra_body=dict(fields))
            return Answered(answer.http_response.content, time.perf_counter() - started)
        except APIStatusError as error:
            return self._refused(error, time.perf_counter() - started)
        except (TimeoutError, APIConnectionError) as error:
            return self._lost(error, time.perf_counter() - started)

    def show(self, answer: str) -> str:
        """Returns the beginning of what the service wrote, quoted and without the key."""
        return readable(answer, secret=self._key)

    def close(self) -> None:
        """Gives up what is in flight and closes the connections."""
        self.end()
        self._thread.join(_CLOSING_S)

    def end(self) -> None:
        """Does the same without waiting for it, from any thread; a second call does nothing."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._ended()))

    async def _ended(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()
        self._loop.stop()

    def _lost(self, error: "TimeoutError | APIConnectionError", latency_s: float) -> Missed:
        from openai import APITimeoutError

        cause = error.__cause__
        never_sent = type(cause).__name__ in _NEVER_SENT
        if isinstance(error, TimeoutError | APITimeoutError) and not never_sent:
            reason = f"no answer within timeout_s={self._timeout_s:g}"
        else:
            doing = "cannot connect" if never_sent else "the connection broke before the answer"
            reason = f"{doing}: {type(cause).__name__} {self.show(str(cause))}"
        return Missed(reason, latency_s, charged=not never_sent, again=True)

    def _refused(self, error: "APIStatusError", latency_s: float) -> Missed | BackendError:
        status, said = error.status_code, self.show(_said(error))
        advice = self._advice(error)
        if advice is not None:
            quoted = "" if status == 401 else f": {said}"  # a service may quote part of a wrong key
            return BackendError(f"openai_api: {self.address} refuses every clip with status {status}{quoted}. {advice}")
        headers = error.response.headers
        again = status in _TRY_AGAIN or status >= 500
        if headers.get("x-should-retry") in ("true", "false"):  # OpenAI's own
            again = headers.get("x-should-retry") == "true"
        wait_s = retry_after_s(headers, now_s=time.time())
        return Missed(f"status {status}: {said}", latency_s, charged=False, again=again, wait_s=wait_s)

    def _advice(self, error: "APIStatusError") -> str | None:
        """Returns what to do where no clip can be recognised; None where the next one may be."""
        status, kinds = error.status_code, {str(error.code), str(error.type)}
        variable, model = self._account.api_key_env or "api_key_env", self._account.model
        if status == 402 or kinds & _NO_CREDIT:
            return "The account has no credit: add some and run again; what is done is kept"
        if status == 404 or kinds & _NO_MODEL or (status == 400 and error.param == "model"):
            return f"Check model={model}, and base_url, which for most servers ends in /v1"
        if status == 401:
            return f"Expected a valid key in the environment variable {variable}"
        if 300 <= status < 400:
            place, _, _ = error.response.headers.get("location", "").partition("?")
            return f"It redirects to {self.show(place)}; expected the address itself"
        if status in _REFUSED:
            return f"Check that the key in {variable} may use model={model}, from this place"
        return None


def check_address(option: str, address: str) -> None:
    """Refuses an address that is none, or that holds a secret which messages and identities would show.

    Raises:
        UsageError: without quoting what may be a secret.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"OpenAIApi: {option} is no address; expected one such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"OpenAIApi: {option} has a user, a query or a fragment; expected https://host/v1, and the key in the "
            "environment variable that api_key_env names"
        )


def _client(account: Account, key: str, timeout_s: float) -> "AsyncOpenAI":
    try:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout
    except ImportError as error:
        raise UsageError(
            "backend=openai_api needs the package openai: pip install 'asr-fairness-harness[openai_api]'"
        ) from error
    timeout = Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))
    connections = DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout)
    return AsyncOpenAI(api_key=key, base_url=account.base_url, max_retries=0, timeout=timeout, http_client=connections)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _said(error: "APIStatusError") -> str:
    """Returns the message of an error answer; the whole body where it has none."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return message if isinstance(message, str) else error.response.text


def _is_local(address: str) -> bool:
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
