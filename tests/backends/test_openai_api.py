"""Every clip gets its text or the reason why not, is paid for once, and the key is never seen.

A web server on the loopback stands in for the service. It hears the digits that `Tones` knows in the file that it was
sent, and answers with them, or with what a test says for a clip. No real service was asked.
"""

import asyncio
import io
import json
import logging
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile

from harness.backends import Failure, Transcript, Word
from harness.backends.openai_api import OpenAIApi
from harness.backends.service import MAX_CHARACTERS, Pace, Price, encoded, readable, retry_after_s
from harness.backends.testing import contract_tests
from harness.backends.tones import VOCABULARY, Tones, synthesise
from harness.errors import BackendError, UsageError
from tests.shared import REPOSITORY

pytest.importorskip("openai")

KEY = "sk-test-0123456789abcdef"
SILENCE = np.zeros(1600, dtype=np.float32)


@dataclass(frozen=True)
class Request:
    path: str
    authorization: str
    filename: str
    fields: dict
    file: bytes
    arrived_s: float

    @property
    def samples(self):
        return soundfile.read(io.BytesIO(self.file), dtype="int16")[0]

    @property
    def said(self):
        """Returns the digits of the first two seconds."""
        return Tones().transcribe([self.samples[:32_000].astype(np.float32) / 32_768])[0].text


@dataclass
class Service:
    """Is what the server does: the answers of a clip, in turn, then its text for ever."""

    answers: dict = field(default_factory=lambda: defaultdict(list))  # by what the clip says
    rule: object = lambda said: answer(200, {"text": said})
    delay: object = lambda: 0.0
    requests: list = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def counts(self):
        return Counter(request.said for request in self.requests)


def answer(status, body="", **headers):
    """Returns an answer to send; a body that is no text is sent as JSON."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def send(handler, _service):
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **named}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def silent(_handler, service):
    """Answers nothing until the test is over."""
    service.over.wait(30)


def dribbling(handler, service):
    """Sends a byte now and then, so that no read ever times out."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not service.over.wait(0.02):
        handler.wfile.write(b" ")


def reset(handler, _service):
    """Hangs up without an answer."""
    handler.close_connection = True


def cut(handler, _service):
    """Hangs up in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"text": "on')
    handler.close_connection = True


def handler_of(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments):
            pass

        def do_POST(self):
            request = self.read()
            with service.lock:
                service.in_flight += 1
                service.most_in_flight = max(service.most_in_flight, service.in_flight)
                service.requests.append(request)
                scripted = service.answers.get(request.said)
                reply = scripted.pop(0) if scripted else service.rule(request.said)
            service.asked.set()
            time.sleep(service.delay())
            with service.lock:
                service.in_flight -= 1
            reply(self, service)

        def read(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())
            named = {part.get_param("name", header="content-disposition"): part for part in parts}
            file = named.pop("file")
            return Request(
                path=self.path,
                authorization=self.headers["Authorization"],
                filename=file.get_filename(),
                fields={name: part.get_payload(decode=True).decode() for name, part in named.items()},
                file=file.get_payload(decode=True),
                arrived_s=time.time(),
            )

    return Handler


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *_arguments):
        """A client that gave up is what some tests are about."""


@pytest.fixture
def service():
    service = Service()
    with QuietServer(("127.0.0.1", 0), handler_of(service)) as server:
        service.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield service
        service.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Sets the key, takes away what a developer's machine may add, and makes back-off short."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("harness.backends.openai_api._FIRST_WAIT_S", 0.005)


@pytest.fixture
def made(service):
    """Returns a function that makes a backend of the service and closes it after the test."""
    backends = []

    def make(**options):
        backends.append(OpenAIApi(**{"base_url": service.url} | options))
        return backends[-1]

    yield make
    for backend in backends:
        backend.close()


@cache
def contract_service():
    """Runs until the tests end; it refuses what says only nines."""
    service = Service(rule=lambda said: answer(400, "no nines") if said == "nine nine" else words_of(said))
    server = QuietServer(("127.0.0.1", 0), handler_of(service))
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return service


def words_of(said):
    words = [{"word": word, "start": 0.01 * n, "end": 0.01 * n + 0.01} for n, word in enumerate(said.split())]
    return answer(200, {"text": said.replace(" ", ", "), "words": words})


def of_contract(**options):
    timed = {"word_times": True, "response_format": "verbose_json"}
    return OpenAIApi(**{"base_url": contract_service().url} | timed | options)


test_contract = contract_tests(
    of_contract,
    variants=[lambda: of_contract(model="whisper-1"), lambda: of_contract(snapshot="later")],
    failing=synthesise("nine nine"),
)


def texts(outcomes):
    return [outcome.text if isinstance(outcome, Transcript) else None for outcome in outcomes]


def clips(*said):
    return [synthesise(text) for text in said]


def test_a_clip_is_asked_for_as_the_service_expects_it(service, made):
    options = {"model": "whisper-1", "language": "en", "prompt": "Ünïts: dB", "temperature": 0.0}
    (outcome,) = made(**options).transcribe(clips("seven"))
    assert outcome.text == "seven"
    assert outcome.latency_s > 0
    assert (outcome.words, outcome.cost_usd) == (None, None)
    (request,) = service.requests
    assert (request.path, request.authorization) == ("/v1/audio/transcriptions", f"Bearer {KEY}")
    assert request.filename == "audio.flac"
    expected = {"model": "whisper-1", "language": "en", "prompt": "Ünïts: dB", "temperature": "0.0"}
    assert request.fields == expected | {"response_format": "json"}


def test_what_is_not_chosen_is_not_sent(service, made):
    made(language=None).transcribe([SILENCE])
    assert service.requests[0].fields == {"model": "gpt-transcribe", "response_format": "json"}


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_the_file_holds_the_waveform_to_16_bits(service, made, audio_format):
    rng = np.random.default_rng(0)
    waveform = np.concatenate([rng.uniform(-1.2, 1.2, 4000), [1.0, -1.0, 0.0, 3.0, -3.0]]).astype(np.float32)
    made(audio_format=audio_format).transcribe([waveform])
    (request,) = service.requests
    opened = soundfile.SoundFile(io.BytesIO(request.file))
    assert (opened.format, opened.subtype) == (audio_format.upper(), "PCM_16")
    assert (opened.samplerate, opened.channels) == (16_000, 1)
    expected = [min(32_767, max(-32_768, round(sample * 32_768))) for sample in waveform.astype(float).tolist()]
    assert request.samples.tolist() == expected


def test_samples_that_were_16_bits_arrive_as_they_were(service, made):
    samples = np.random.default_rng(1).integers(-32_768, 32_768, 5000).astype(np.int16)
    made().transcribe([samples.astype(np.float32) / 32_768])
    assert service.requests[0].samples.tolist() == samples.tolist()


@pytest.mark.parametrize(
    ("num_samples", "options", "expected"),
    [
        pytest.param(1, {}, 1600, id="one-sample-is-filled-to-0.1-s"),
        pytest.param(1599, {}, 1600, id="just-too-short"),
        pytest.param(1600, {}, 1600, id="just-long-enough"),
        pytest.param(20, {"minimum_audio_s": 0}, 20, id="as-it-is-where-asked"),
        pytest.param(20, {"minimum_audio_s": 1.0}, 16_000, id="a-service-that-wants-a-second"),
    ],
)
def test_a_clip_that_the_service_would_refuse_as_too_short_ends_in_silence(
    service, made, num_samples, options, expected
):
    made(**options).transcribe([np.full(num_samples, 0.5, dtype=np.float32)])
    assert service.requests[0].samples.tolist() == [16_384] * num_samples + [0] * (expected - num_samples)


def test_an_empty_clip_is_empty_text_and_no_request(service, made):
    backend = made(usd_per_minute=1.0, word_times=True, response_format="verbose_json")
    empty = np.zeros(0, dtype=np.float32)
    assert backend.transcribe([empty]) == [Transcript("", words=(), cost_usd=0.0)]
    assert backend.transcribe([]) == []
    assert service.requests == []


def test_nothing_heard_is_an_empty_text_and_no_failure(service, made):
    service.answers["one"] = [answer(200, {"text": ""})]
    (outcome,) = made().transcribe(clips("one"))
    assert outcome.text == ""


def test_only_outer_blanks_are_taken_from_a_text(service, made):
    service.answers["one"] = [answer(200, {"text": "  Grüße,  SIE\u00a0da \n"})]
    assert texts(made().transcribe(clips("one"))) == ["Grüße,  SIE\u00a0da"]


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        pytest.param(answer(200, {"task": "transcribe"}), '{"task": "transcribe"}', id="no-text"),
        pytest.param(answer(200, {"text": None}), "null", id="text-is-null"),
        pytest.param(answer(200, {"text": ["one"]}), "one", id="text-is-a-list"),
        pytest.param(answer(200, {"text": 1}), "1", id="text-is-a-number"),
        pytest.param(answer(200, ["one"]), "one", id="a-list"),
        pytest.param(answer(200, "null"), "null", id="null"),
        pytest.param(answer(200, {"error": {"message": "overloaded"}}), "overloaded", id="an-error-with-status-200"),
        pytest.param(answer(200, {"error": "overloaded", "text": ""}), "overloaded", id="an-error-beside-a-text"),
        pytest.param(
            answer(200, "<html>\n<h1>Please log in</h1>", Content_Type="text/html"), "log in", id="a-web-page"
        ),
        pytest.param(answer(200, b"\x00\x1b[31m\xff\xfe"), r"\x00\x1b[31m", id="bytes"),
        pytest.param(answer(200, ""), "''", id="nothing"),
        pytest.param(answer(204), "''", id="no-content"),
        pytest.param(answer(200, '{"text": "on'), '{"text": "on', id="cut-short"),
        pytest.param(answer(200, "[" * 100_000), "[[[", id="too-deep"),
        pytest.param(answer(200, {"text": "word " * 30_000}), f"{149_999:,} characters; expected", id="a-runaway"),
    ],
)
def test_an_answer_without_a_text_is_a_failure_that_shows_it_and_never_an_empty_text(service, made, reply, shown):
    service.answers["two"] = [reply]
    one, two, three = made(usd_per_minute=60.0).transcribe(clips("one", "two", "three"))
    assert texts([one, three]) == ["one", "three"]
    assert isinstance(two, Failure)
    assert shown in two.reason
    assert two.reason.isprintable()
    assert len(two.reason) < 400
    assert two.cost_usd == pytest.approx(len(synthesise("two")) / 16_000)  # it was answered, so it may be charged
    assert service.counts == {"one": 1, "two": 1, "three": 1}


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(500, "oops"), id="500"),
        pytest.param(answer(502, "<html>Bad gateway</html>", Content_Type="text/html"), id="502"),
        pytest.param(answer(503, "", Retry_After="0"), id="503"),
        pytest.param(answer(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}), id="429"),
        pytest.param(answer(429, "", Retry_After="soon"), id="429-with-a-bad-retry-after"),
        pytest.param(answer(408), id="408"),
        pytest.param(answer(409), id="409"),
        pytest.param(answer(400, {}, x_should_retry="true"), id="openai-says-retry"),
        pytest.param(reset, id="reset"),
        pytest.param(cut, id="cut"),
        pytest.param(silent, id="slow"),
        pytest.param(dribbling, id="a-byte-now-and-then"),
    ],
)
def test_what_may_pass_is_asked_again_and_the_others_are_not(service, made, reply):
    service.answers["two"] = [reply, reply]
    backend = made(timeout_s=2.0 if reply in (silent, dribbling) else 60.0)
    backend.transcribe([SILENCE])  # opens a connection, so that the time limit is the answer's alone
    assert texts(backend.transcribe(clips("one", "two", "three"))) == ["one", "two", "three"]
    assert service.counts["two"] == 3


@pytest.mark.parametrize(
    ("reply", "reason", "n_charged"),
    [
        pytest.param(
            answer(500, "the dog ate it"), r"status 500: 'the dog ate it' \(the last of 3 attempts\)", 0, id="500"
        ),
        pytest.param(answer(429, ""), r"status 429: '' \(the last of 3", 0, id="429"),
        pytest.param(silent, r"no answer within timeout_s=2 \(the last of 3", 3, id="slow"),
        pytest.param(reset, r"the connection broke before the answer: \w+ .*\(the last of 3", 3, id="reset"),
        pytest.param(cut, r"the connection broke before the answer: \w+ .*\(the last of 3", 3, id="cut"),
    ],
)
def test_what_does_not_pass_becomes_the_failure_of_its_clip_alone(service, made, reply, reason, n_charged):
    service.answers["two"] = [reply] * 3
    backend = made(max_retries=2, timeout_s=2.0 if reply is silent else 60.0, usd_per_minute=60.0)
    backend.transcribe([SILENCE])
    one, two, three = backend.transcribe(clips("one", "two", "three"))
    assert texts([one, three]) == ["one", "three"]
    assert isinstance(two, Failure)
    assert re.search(reason, two.reason), two.reason
    assert two.latency_s > 0
    assert two.cost_usd == pytest.approx(n_charged * len(synthesise("two")) / 16_000)
    assert service.counts == {"": 1, "one": 1, "two": 3, "three": 1}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(answer(400, {"error": {"message": "Audio file is too short."}}), "too short", id="400"),
        pytest.param(
            answer(400, {"error": {"message": ["?"], "code": {}, "type": []}}), "status 400", id="a-strange-error"
        ),
        pytest.param(answer(413, "too large"), "status 413: 'too large'", id="413"),
        pytest.param(answer(422, {"detail": "not audio"}), "not audio", id="422"),
        pytest.param(answer(429, "", Retry_After="3600"), "asks to wait 3600 s", id="429-for-an-hour"),
        pytest.param(answer(500, "", x_should_retry="false"), "status 500", id="openai-says-no-retry"),
    ],
)
def test_what_will_not_pass_is_not_asked_again(service, made, reply, reason):
    service.answers["two"] = [reply]
    one, two = made(usd_per_minute=1.0).transcribe(clips("one", "two"))
    assert one.text == "one"
    assert reason in two.reason
    assert two.cost_usd == 0.0
    assert service.counts == {"one": 1, "two": 1}


def test_a_wait_in_seconds_is_kept(service, made):
    service.answers["one"] = [answer(429, "", Retry_After="1")]
    assert texts(made().transcribe(clips("one"))) == ["one"]
    first, second = service.requests
    assert second.arrived_s - first.arrived_s >= 0.9


def test_a_wait_until_a_date_is_kept(service, made):
    until = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    service.answers["one"] = [answer(503, "", Retry_After=format_datetime(until, usegmt=True))]
    assert texts(made().transcribe(clips("one"))) == ["one"]
    assert service.requests[1].arrived_s >= until.timestamp() - 0.1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": " 0.5 "}, 0.5, id="a-fraction"),
        pytest.param({"retry-after-ms": "250", "retry-after": "9"}, 0.25, id="milliseconds-first"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:16:45 GMT"}, 5.0, id="a-date"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:00:05 GMT"}, 0.0, id="a-date-gone-by"),
        pytest.param({"retry-after": "tomorrow"}, None, id="words"),
        pytest.param({"retry-after": "-3"}, None, id="negative"),
        pytest.param({"retry-after": "inf"}, None, id="for-ever"),
        pytest.param({"retry-after": "nan"}, None, id="no-number"),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers, expected):
    assert retry_after_s(headers, now_s=1000.0) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(
            answer(401, {"error": {"message": f"Incorrect API key: {KEY}", "code": "invalid_api_key"}}),
            "status 401.*valid key in the environment variable OPENAI_API_KEY",
            id="wrong-key",
        ),
        pytest.param(answer(403, "not from here"), "not from here.*may use model=gpt-transcribe", id="no-permission"),
        pytest.param(
            answer(404, {"error": {"message": "no such model", "code": "model_not_found"}}),
            "no such model.*model=gpt-transcribe, and base_url",
            id="unknown-model",
        ),
        pytest.param(
            answer(400, {"error": {"message": "invalid", "param": "model"}}), "model=gpt-transcribe", id="model-as-400"
        ),
        pytest.param(answer(404, "<html>nginx</html>"), "ends in /v1", id="wrong-path"),
        pytest.param(
            answer(429, {"error": {"message": "quota", "code": "insufficient_quota"}}), "no credit", id="no-credit"
        ),
        pytest.param(
            answer(307, "", Location=f"https://elsewhere.example/v1/{KEY}?token=t0k3n"),
            r"redirects to 'https://elsewhere.example/v1/\[key\]'; expected the address itself",
            id="redirect",
        ),
    ],
)
def test_a_refusal_of_every_clip_ends_the_batch_at_once_and_says_what_to_do(service, made, reply, expected):
    service.answers = defaultdict(list, {word: [reply] * 9 for word in VOCABULARY})
    with pytest.raises(BackendError, match=expected) as raised:
        made(concurrency=2).transcribe(clips(*VOCABULARY))
    assert len(service.requests) <= 2
    assert KEY not in str(raised.value)
    assert "t0k3n" not in str(raised.value)


def test_a_refusal_in_the_middle_keeps_what_was_heard_before_it(service, made):
    service.answers["two"] = [answer(401)]
    one, two, three = made(concurrency=1).transcribe(clips("one", "two", "three"))
    assert one.text == "one"
    assert "status 401" in two.reason
    assert "status 401" in three.reason
    assert service.counts == {"one": 1, "two": 1}


def test_a_redirect_carries_neither_key_nor_audio_anywhere(service, made):
    elsewhere = Service()
    with QuietServer(("127.0.0.1", 0), handler_of(elsewhere)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        target = f"http://localhost:{server.server_port}/v1/audio/transcriptions"
        for status in (301, 302, 303, 307, 308):
            service.answers["one"] = [answer(status, "", Location=target)]
            with pytest.raises(BackendError, match="redirects"):
                made().transcribe(clips("one"))
        server.shutdown()
    assert elsewhere.requests == []


def test_order_is_kept_and_no_more_are_in_flight_than_allowed(service, made):
    rng = random.Random(0)
    service.delay = lambda: rng.uniform(0.0, 0.05)
    said = [" ".join(rng.choices(VOCABULARY, k=2)) for _ in range(40)]
    backend = made(concurrency=8)
    assert texts(backend.transcribe(clips(*said))) == said
    assert 2 <= service.most_in_flight <= 8
    assert service.counts == Counter(said)


def test_several_threads_share_the_places(service, made):
    service.delay = lambda: 0.02
    backend = made(concurrency=3)
    heard = {}
    words = VOCABULARY[:4]
    threads = [
        threading.Thread(target=lambda w=word: heard.update({w: texts(backend.transcribe(clips(*[w] * 5)))}))
        for word in words
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {word: [word] * 5 for word in words}
    assert service.most_in_flight <= 3


def test_it_works_where_an_event_loop_is_running(made):
    backend = made()

    async def in_a_notebook():
        return backend.transcribe(clips("four"))

    assert texts(asyncio.run(in_a_notebook())) == ["four"]


class Clock:
    """Stands still but for those who sleep."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    async def sleep(self, seconds):
        self.now_s += seconds


def test_requests_start_as_often_as_is_allowed_and_no_burst_is_saved_up():
    clock = Clock()
    pace = Pace(30, clock=clock, sleep=clock.sleep)
    starts = []

    async def three():
        for _ in range(3):
            await pace.turn()
            starts.append(clock.now_s)

    asyncio.run(three())
    clock.now_s += 60
    asyncio.run(three())
    assert starts == [100, 102, 104, 164, 166, 168]


def test_every_attempt_takes_its_turn_retries_too(service, made, monkeypatch):
    turns = []

    class Counted(Pace):
        async def turn(self):
            turns.append(len(service.requests))
            await super().turn()

    monkeypatch.setattr("harness.backends.openai_requests.Pace", Counted)
    service.answers["two"] = [answer(500), reset]
    assert texts(made(requests_per_minute=60_000).transcribe(clips("one", "two"))) == ["one", "two"]
    assert len(turns) == len(service.requests) == 4


def test_costs_are_those_of_the_clip_s_length_and_of_the_shortest_that_is_billed(made):
    minute, second = synthesise("one " * 400)[: 60 * 16_000], np.zeros(16_000, dtype=np.float32)
    (heard, short) = made(usd_per_minute=0.006).transcribe([minute, second])
    assert (heard.cost_usd, short.cost_usd) == (pytest.approx(0.006), pytest.approx(0.0001))
    (short,) = made(usd_per_minute=0.006, minimum_billed_s=10).transcribe([second])
    assert short.cost_usd == pytest.approx(0.001)
    assert Price(None).of(second, n_charged=3) is None


def test_an_answer_that_came_late_is_counted_beside_the_one_that_came(service, made):
    service.answers["one"] = [silent, answer(500)]
    backend = made(usd_per_minute=60.0, timeout_s=2.0)
    backend.transcribe([SILENCE])
    (outcome,) = backend.transcribe(clips("one"))
    assert outcome.cost_usd == pytest.approx(2 * len(synthesise("one")) / 16_000)


def test_the_latency_is_that_of_the_request_that_was_answered(service, made):
    service.answers["one"] = [answer(503, "", Retry_After="1")]
    started = time.perf_counter()
    (outcome,) = made().transcribe(clips("one"))
    assert 0 < outcome.latency_s <= time.perf_counter() - started - 0.99


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            {
                "text": "one two",
                "words": [{"word": " one", "start": 0.1, "end": 0.4}, {"word": "two", "start": 1, "end": 2}],
            },
            (Word("one", 0.1, 0.4, None), Word("two", 1.0, 2.0, None)),
            id="openai",
        ),
        pytest.param(
            {"text": "(one) – TWO!", "words": [{"word": w, "start": 0, "end": 1} for w in ("one", "TWO")]},
            (Word("(one) –", 0.0, 1.0, None), Word("TWO!", 0.0, 1.0, None)),
            id="without-punctuation",
        ),
        pytest.param(
            {"text": "one and two", "words": [{"word": w, "start": 0, "end": 1} for w in ("one", "two")]},
            (Word("one", 0.0, 1.0, None), Word("two", 0.0, 1.0, None)),
            id="not-those-of-the-text",
        ),
        pytest.param(
            {"segments": [{"words": [{"word": "one", "start": 0, "end": 1, "probability": 0.5}]}, {"words": []}]},
            (Word("one", 0.0, 1.0, 0.5),),
            id="in-segments",
        ),
        pytest.param({"words": []}, (), id="none-heard"),
        pytest.param({}, None, id="not-given"),
        pytest.param({"segments": [{"text": "one"}]}, None, id="segments-without"),
        pytest.param({"words": [{"word": "one", "start": None, "end": 1}]}, None, id="no-time"),
        pytest.param({"words": ["one"]}, None, id="no-object"),
        pytest.param({"words": {"word": "one"}}, None, id="no-list"),
    ],
)
def test_word_times_are_read_where_they_make_sense(service, made, found, expected):
    service.answers["one"] = [answer(200, {"text": "one", **found})]
    (outcome,) = made(word_times=True, response_format="verbose_json").transcribe(clips("one"))
    assert (outcome.text, outcome.words) == (found.get("text", "one"), expected)
    assert service.requests[0].fields["timestamp_granularities[]"] == "word"
    assert service.requests[0].fields["response_format"] == "verbose_json"


def test_a_file_beyond_the_limit_is_a_failure_and_not_sent(service, made):
    noise = np.random.default_rng(0).uniform(-1, 1, 40_000).astype(np.float32)
    backend = made(max_upload_mib=0.05, audio_format="wav", usd_per_minute=1.0)
    heard, refused = backend.transcribe([*clips("one"), noise])
    assert heard.text == "one"
    assert refused.reason == (
        "a wav file of 0.1 MiB; expected at most max_upload_mib=0.05; audio_format=flac is about half as large"
    )
    assert refused.cost_usd == 0.0
    assert service.counts == {"one": 1}


def test_ten_minutes_are_sent_whole(service, made):
    long = np.concatenate([synthesise("one"), np.zeros(600 * 16_000, dtype=np.float32)])[: 600 * 16_000]
    assert texts(made().transcribe([long])) == ["one"]
    assert len(service.requests[0].samples) == 600 * 16_000


def test_an_error_that_nobody_foresaw_costs_one_clip_and_not_the_batch(made, monkeypatch):
    def failing(waveform, **options):
        if len(waveform) == 1234:
            raise MemoryError(f"no room for {KEY}")
        return encoded(waveform, **options)

    monkeypatch.setattr("harness.backends.openai_api.encoded", failing)
    heard, failed = made().transcribe([*clips("one"), np.zeros(1234, dtype=np.float32)])
    assert heard.text == "one"
    assert failed == Failure("MemoryError: 'no room for [key]'")


def interrupted(backend, service, waveforms):
    """Sends SIGINT to the main thread once the service was asked; returns the seconds until it was heard of."""
    main = threading.main_thread().ident

    def press():
        service.asked.wait(20)
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        backend.transcribe(waveforms)
    presser.join()


def test_an_interrupt_gives_up_what_is_in_flight_and_asks_for_nothing_more(service, made):
    service.answers["one"] = [silent] * 9
    backend = made(concurrency=2, timeout_s=60.0)
    interrupted(backend, service, clips(*["one"] * 9))
    service.answers.clear()
    assert texts(backend.transcribe(clips("two"))) == ["two"]  # it still works
    assert 1 <= service.counts["one"] <= 2  # of 9: what was in flight, the server may see one of them late


def test_a_program_ends_without_closing_a_backend(service):
    program = (
        "import numpy as np\nfrom harness.backends.openai_api import OpenAIApi\n"
        f"backend = OpenAIApi(base_url={service.url!r})\n"
        "print(backend.transcribe([np.zeros(1600, dtype=np.float32)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, cwd=REPOSITORY, timeout=600
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Transcript(text=''" in done.stdout


def test_closing_twice_is_closing_once_and_a_closed_backend_opens_again(made):
    backend = made()
    backend.close()
    assert texts(backend.transcribe(clips("one"))) == ["one"]
    backend.close()
    backend.close()
    assert texts(backend.transcribe(clips("two"))) == ["two"]


def test_a_dropped_backend_ends_its_thread(service):
    backend = OpenAIApi(base_url=service.url)
    backend.load()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "openai_api"]
    del backend
    thread.join(10)
    assert not thread.is_alive()


def test_the_key_is_never_seen(service, made, caplog):
    caplog.set_level(logging.DEBUG)
    echo = f"you sent Authorization: Bearer {KEY} and {KEY[:8]}*****{KEY[-4:]}"
    bodies = [
        echo,
        {"error": {"message": echo, "code": KEY, "type": KEY}},
        {"text": None, "echo": echo},
        f"{KEY} " * 99,
    ]
    statuses = (200, 400, 401, 403, 404, 429, 500)
    seen = []
    for body in bodies:
        for status in statuses:
            service.answers["one"] = [answer(status, body)]
            backend = made(max_retries=0)
            try:
                seen += backend.transcribe(clips("one"))
            except BackendError as error:
                seen.append(error)
            seen.extend([repr(backend), backend.identity()])
            backend.close()
    shown = " ".join(map(str, [*seen, caplog.text]))
    assert len(seen) == 3 * len(bodies) * len(statuses)
    assert KEY not in shown
    assert KEY[-4:] not in shown
    assert "[key]" in shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("a\r\n\tb", "'a b'", id="one-line"),
        pytest.param("\x1b[2J", r"'\x1b[2J'", id="no-terminal-codes"),
        pytest.param("x" * 300, f"'{'x' * 200}…'", id="short"),
        pytest.param("secret-key-1 secret-key-1", "'[key] [key]'", id="the-key"),
        pytest.param("Incorrect: sk-abc***********wxyz.", "'Incorrect: [key]'", id="part-of-a-key"),
        pytest.param("\ud800", r"'\ud800'", id="half-a-character"),
    ],
)
def test_what_a_service_wrote_is_shown_short_and_clean(written, shown):
    assert readable(written, secret="secret-key-1") == shown


def test_a_missing_key_is_told_before_anything_is_sent(service, made, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    for start in ("load", "identity"):
        with pytest.raises(UsageError, match=r"OPENAI_API_KEY is not set; .*api_key_env=null"):
            getattr(made(), start)()
    with pytest.raises(UsageError, match="GROQ_KEY is not set"):
        made(api_key_env="GROQ_KEY").transcribe([SILENCE])
    assert service.requests == []


@pytest.mark.parametrize("key", ["two words", "ключ", "line\nbreak"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(made, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UsageError, match="holds no key") as raised:
        made().load()
    assert key not in str(raised.value)


def test_blanks_around_a_key_are_nobody_s_intention(service, made, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    made().transcribe([SILENCE])
    assert service.requests[0].authorization == f"Bearer {KEY}"


def test_a_server_without_keys_gets_none_of_the_environment(service, made):
    made(api_key_env=None).transcribe([SILENCE])
    assert service.requests[0].authorization == "Bearer none"


def test_a_key_that_travels_unencrypted_is_told(made, caplog):
    made(base_url="http://recogniser.example/v1").load()
    assert "the key travels unencrypted" in caplog.text
    caplog.clear()
    made().load()
    assert caplog.text == ""


def test_the_address_may_come_from_the_environment(service, made, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", service.url + "/")
    backend = made(base_url=None)
    assert texts(backend.transcribe(clips("one"))) == ["one"]
    assert backend.identity()["base_url"] == service.url
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:pass@host/v1")
    with pytest.raises(UsageError, match="OPENAI_BASE_URL has a user") as raised:
        made(base_url=None).load()
    assert "pass" not in str(raised.value)


def test_the_identity_names_all_that_decides_a_text(service, made):
    assert made(snapshot="2026-11").identity() == {
        "backend": "openai_api",
        "base_url": service.url,
        "model": "gpt-transcribe",
        "language": "en",
        "prompt": None,
        "temperature": None,
        "response_format": "json",
        "word_times": False,
        "audio": "flac, 16-bit, 16 kHz",
        "silence_fills_to_s": 0.1,
        "snapshot": "2026-11",
    }
    assert service.requests == []


def test_the_identity_changes_with_whatever_may_change_a_text(made):
    changes = [
        {},
        {"model": "whisper-1"},
        {"base_url": "http://localhost:1/v1"},
        {"language": "de"},
        {"language": None},
        {"prompt": "digits"},
        {"temperature": 0.0},
        {"response_format": "verbose_json"},
        {"response_format": "verbose_json", "word_times": True},
        {"audio_format": "wav"},
        {"minimum_audio_s": 0.5},
        {"snapshot": "today"},
    ]
    identities = [tuple(made(**change).identity().items()) for change in changes]
    assert len(set(identities)) == len(changes)


def test_the_identity_does_not_change_with_what_cannot_change_a_text(made, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "sk-other-key-000000")
    changes = [
        {"api_key_env": "OTHER_KEY"},
        {"concurrency": 1},
        {"max_retries": 0},
        {"timeout_s": 1},
        {"requests_per_minute": 5},
        {"usd_per_minute": 1.0, "minimum_billed_s": 1},
        {"max_upload_mib": None},
        {"minimum_audio_s": 0.1},
    ]
    assert {tuple(made(**change).identity().items()) for change in changes} == {tuple(made().identity().items())}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"concurrency": 0}, "concurrency=0; expected a whole number of at least 1", id="no-requests"),
        pytest.param({"concurrency": 1.5}, "concurrency=1.5; expected a whole", id="half-a-request"),
        pytest.param({"concurrency": True}, "concurrency=True", id="a-boolean"),
        pytest.param({"max_retries": -1}, "max_retries=-1", id="negative-retries"),
        pytest.param({"timeout_s": 0}, "timeout_s=0; expected a number of at least", id="no-time"),
        pytest.param({"timeout_s": float("nan")}, "timeout_s=nan", id="no-number"),
        pytest.param({"timeout_s": "2"}, "timeout_s=2", id="text"),
        pytest.param({"requests_per_minute": 0}, "requests_per_minute=0", id="no-pace"),
        pytest.param({"usd_per_minute": -0.1}, "usd_per_minute=-0.1", id="negative-price"),
        pytest.param({"temperature": -1}, "temperature=-1", id="cold"),
        pytest.param({"minimum_audio_s": -1}, "minimum_audio_s=-1", id="negative-audio"),
        pytest.param({"max_upload_mib": 0}, "max_upload_mib=0", id="no-upload"),
        pytest.param({"audio_format": "mp3"}, "audio_format=mp3; expected one of flac, wav", id="a-lossy-format"),
        pytest.param({"response_format": "text"}, "response_format=text; expected one of json", id="plain-text"),
        pytest.param(
            {"word_times": True}, "word_times=true with response_format=json; expected verbose", id="no-words"
        ),
        pytest.param({"base_url": "localhost:8000"}, "base_url is no address; expected one such as", id="no-scheme"),
        pytest.param({"base_url": "file:///etc/passwd"}, "base_url is no address", id="a-file"),
        pytest.param({"base_url": "http://host:99999/v1"}, "base_url is no address", id="no-port"),
        pytest.param({"base_url": "https://u:hush@host/v1"}, "base_url has a user", id="a-password"),
        pytest.param({"base_url": "https://host/v1?key=hush"}, "base_url has a user, a query", id="a-query"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected) as raised:
        OpenAIApi(**options)
    assert "hush" not in str(raised.value)


def test_what_cannot_be_heard_is_refused_before_anything_is_sent(service, made):
    with pytest.raises(BackendError, match="OpenAIApi: waveform 1 has samples that are no finite number"):
        made().transcribe([SILENCE, np.array([np.nan], dtype=np.float32)])
    assert service.requests == []


def test_nobody_at_home_is_a_failure_that_says_so_and_costs_nothing(made):
    backend = made(base_url="http://127.0.0.1:9/v1", max_retries=1, usd_per_minute=1.0)
    (outcome,) = backend.transcribe(clips("one"))
    assert outcome.reason.startswith("cannot connect: ConnectError ")
    assert outcome.reason.endswith("(the last of 2 attempts)")
    assert outcome.cost_usd == 0.0


def test_an_absent_package_is_one_sentence_that_says_what_to_install(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(
        UsageError, match=r"^backend=openai_api needs the package openai: pip install .*\[openai_api\]'$"
    ):
        made().load()


def test_a_runaway_is_what_the_pipeline_calls_one():
    from harness.transcription import recognition

    assert MAX_CHARACTERS == recognition.MAX_CHARACTERS
