"""Every clip gets its text or the reason why not, and nothing stays in the bucket or the list of jobs.

moto stands in for AWS: a mock of the cloud service in this process. Its jobs complete at once and write nothing, so
the digits that `Tones` knows in what was uploaded are written here where a job was told to. No real service was asked.
"""

import io
import json
import random
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from functools import lru_cache

import numpy as np
import pytest
import soundfile

from harness.backends import Failure, Transcript, Word
from harness.backends.aws_jobs import clients
from harness.backends.aws_transcribe import LONGEST_S, AwsTranscribe
from harness.backends.service import encoded
from harness.backends.testing import contract_tests
from harness.backends.tones import VOCABULARY, Tones, synthesise
from harness.errors import BackendError, UsageError

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

QUICK_CLIENTS = lru_cache(clients)  # to make two takes half a second
BUCKET, REGION = "clips-of-mine", "eu-west-1"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


class Cloud:
    """Is what the service does with a clip: writes a document, fails, hesitates, has no room."""

    def __init__(self):
        self.s3, self.transcribe = QUICK_CLIENTS(REGION, max_retries=0, concurrency=20)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.asked = []  # the arguments of each job that was started
        self.heard = Counter()
        self.audio = {}
        self.documents = {}  # by what a clip says; the usual one where it says something else
        self.states = defaultdict(list)  # by what a clip says: (status, reason), in turn, then COMPLETED
        self.refusals = []  # codes of errors that starting a job meets, in turn
        self.waiting = threading.Event()
        self.lock = threading.Lock()
        self.n_running = self.most_running = 0

    def start(self, genuine, backend, arguments):
        with self.lock:
            if self.refusals:
                raise self.refusals.pop(0)
            self.asked.append(arguments)
            bucket, _, key = arguments["media"]["MediaFileUri"].removeprefix("s3://").partition("/")
            uploaded = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            samples, _ = soundfile.read(io.BytesIO(uploaded), dtype="int16")
            said = Tones().transcribe([samples[:32_000].astype(np.float32) / 32_768])[0].text
            self.audio[said] = uploaded
            self.heard[said] += 1
            self.n_running += 1
            self.most_running = max(self.most_running, self.n_running)
            started = genuine(backend, **arguments)
            backend.transcriptions[arguments["transcription_job_name"]].said = said
            body = self.documents.get(said, document(said))
            if body is not None:
                self.s3.put_object(Bucket=arguments["output_bucket_name"], Key=arguments["output_key"], Body=body)
            return started

    def get(self, genuine, backend, name):
        found = genuine(backend, transcription_job_name=name)
        with self.lock:
            said = backend.transcriptions[name].said
            status, reason = self.states[said].pop(0) if self.states[said] else ("COMPLETED", None)
            if status in ("COMPLETED", "FAILED"):
                self.n_running -= 1
            else:
                self.waiting.set()
            return {
                "TranscriptionJob": found["TranscriptionJob"]
                | {"TranscriptionJobStatus": status, "FailureReason": reason}
            }

    @property
    def left(self):
        """Returns the names of all that is still there."""
        objects = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        jobs = self.transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]
        return [each["Key"] for each in objects] + [each["TranscriptionJobName"] for each in jobs]


def document(said, **results):
    """Returns what the service writes, as its developer guide shows it."""
    items = [
        {
            "type": "pronunciation",
            "start_time": f"{0.15 * position:.2f}",
            "end_time": f"{0.15 * position + 0.1:.2f}",
            "alternatives": [{"confidence": "0.9", "content": word}],
        }
        for position, word in enumerate(said.split())
    ]
    whole = {"transcripts": [{"transcript": said}], "items": items, **results}
    return json.dumps({"jobName": "x", "accountId": "1", "status": "COMPLETED", "results": whole}).encode()


def service_error(code, message="said the service"):
    from moto.core.exceptions import JsonRESTError

    return JsonRESTError(code, message)


@pytest.fixture
def cloud(monkeypatch):
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    from moto.transcribe.models import TranscribeBackend

    start, get = TranscribeBackend.start_transcription_job, TranscribeBackend.get_transcription_job
    monkeypatch.setattr("harness.backends.aws_transcribe.clients", QUICK_CLIENTS)
    with moto.mock_aws():
        cloud = Cloud()
        monkeypatch.setattr(
            TranscribeBackend, "start_transcription_job", lambda self, **arguments: cloud.start(start, self, arguments)
        )
        monkeypatch.setattr(
            TranscribeBackend,
            "get_transcription_job",
            lambda self, transcription_job_name: cloud.get(get, self, transcription_job_name),
        )
        yield cloud


@pytest.fixture
def fresh_clients(cloud, monkeypatch):
    """Makes clients that remember nothing: those that met throttling go slowly for a while, and know their account."""
    monkeypatch.setattr("harness.backends.aws_transcribe.clients", clients)
    return cloud


def made(**options):
    return AwsTranscribe(**{"bucket": BUCKET, "poll_s": 0.01, "max_retries": 0, "concurrency": 4} | options)


def texts(outcomes):
    return [outcome.text if isinstance(outcome, Transcript) else None for outcome in outcomes]


def clips(*said):
    return [synthesise(text) for text in said]


test_contract = pytest.mark.usefixtures("cloud")(
    contract_tests(made, variants=[lambda: made(language_code="en-GB"), lambda: made(snapshot="later")])
)


def test_a_clip_is_recognised_and_nothing_of_it_stays(cloud):
    (outcome,) = made().transcribe(clips("seven two"))
    assert outcome.text == "seven two"
    assert outcome.words == (Word("seven", 0.0, 0.1, 0.9), Word("two", 0.15, 0.25, 0.9))
    assert outcome.latency_s > 0
    assert outcome.cost_usd is None
    assert cloud.left == []


def test_what_is_kept_on_request_is_the_clip_its_transcript_and_the_job(cloud):
    made(keep=True).transcribe(clips("one"))
    name = cloud.asked[0]["transcription_job_name"]
    folder = "asr-fairness-harness/"
    assert sorted(cloud.left) == sorted([f"{folder}{name}.flac", f"{folder}{name}.json", name])


def test_order_is_kept_and_no_more_jobs_run_than_allowed(cloud):
    rng = random.Random(0)
    said = [" ".join(rng.choices(VOCABULARY, k=2)) for _ in range(15)]
    for text in said:
        cloud.states[text] = [("QUEUED", None)] * rng.randrange(3) + [("IN_PROGRESS", None)] * rng.randrange(3)
    assert texts(made(concurrency=3).transcribe(clips(*said))) == said
    assert 2 <= cloud.most_running <= 3
    assert cloud.heard == Counter(said)
    assert cloud.left == []


def test_names_tell_nothing_and_do_not_come_again(cloud):
    for _ in range(2):
        made().transcribe(clips("one", "one"))
    names = [asked["transcription_job_name"] for asked in cloud.asked]
    assert len(set(names)) == 4
    assert all(len(name.rpartition("-")[2]) == 32 for name in names)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, {"language_code": "en-US"}, id="the-default"),
        pytest.param({"language_code": None}, {"identify_language": True}, id="the-service-identifies-it"),
        pytest.param(
            {"language_code": None, "language_options": ["en-GB", "en-IN"]},
            {"identify_language": True, "language_options": ["en-GB", "en-IN"]},
            id="among-some",
        ),
        pytest.param(
            {"language_code": "en-GB", "vocabulary_filter_name": "rude", "vocabulary_filter_method": "tag"},
            {"language_code": "en-GB", "settings": {"VocabularyFilterName": "rude", "VocabularyFilterMethod": "tag"}},
            id="a-filter",
        ),
        pytest.param(
            {"language_model_name": "ours"},
            {"language_code": "en-US", "model_settings": {"LanguageModelName": "ours"}},
            id="a-custom-model",
        ),
    ],
)
def test_the_service_is_asked_for_what_was_chosen_and_no_more(cloud, options, expected):
    made(prefix="p/", **options).transcribe(clips("one"))
    asked = {name: value for name, value in cloud.asked[0].items() if value is not None}
    name = asked.pop("transcription_job_name")
    where = {"output_bucket_name": BUCKET, "output_key": f"p/{name}.json"}
    audio = {"media": {"MediaFileUri": f"s3://{BUCKET}/p/{name}.flac"}, "media_format": "flac"}
    assert asked == {"media_sample_rate_hertz": 16_000, **where, **audio, **expected}


def test_a_vocabulary_is_named_and_one_that_is_not_there_ends_the_batch(cloud):
    cloud.transcribe.create_vocabulary(VocabularyName="digits", LanguageCode="en-US", Phrases=["one"])
    assert texts(made(vocabulary_name="digits").transcribe(clips("one"))) == ["one"]
    with pytest.raises(BackendError, match=r"BadRequestException .*vocabulary couldn't be found.*names of language"):
        made(vocabulary_name="letters").transcribe(clips("one", "two"))
    assert cloud.left == []


@pytest.mark.parametrize("num_samples", [1, 7999, 8000, 9000])
def test_what_is_uploaded_is_the_waveform_and_silence_up_to_half_a_second(cloud, num_samples):
    waveform = np.random.default_rng(0).uniform(-1, 1, num_samples).astype(np.float32)
    made().transcribe([waveform])
    (uploaded,) = cloud.audio.values()
    samples, sample_rate = soundfile.read(io.BytesIO(uploaded), dtype="int16")
    assert sample_rate == 16_000
    expected = [min(32_767, max(-32_768, round(sample * 32_768))) for sample in waveform.astype(float).tolist()]
    assert samples.tolist() == expected + [0] * (8000 - num_samples)


def test_an_empty_clip_is_empty_text_and_no_job(cloud):
    empty = np.zeros(0, dtype=np.float32)
    assert made(usd_per_minute=1.0).transcribe([empty]) == [Transcript("", words=(), cost_usd=0.0)]
    assert made().transcribe([]) == []
    assert cloud.asked == []


@pytest.mark.usefixtures("cloud")
def test_nothing_heard_is_an_empty_text_and_no_failure():
    (outcome,) = made().transcribe([np.zeros(16_000, dtype=np.float32)])
    assert (outcome.text, outcome.words) == ("", ())


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param(b"", "''", id="empty"),
        pytest.param(b"<Error>NoSuchKey</Error>", "NoSuchKey", id="xml"),
        pytest.param(b"[]", "[]", id="a-list"),
        pytest.param(b"{}", "{}", id="no-results"),
        pytest.param(b'{"results": {"transcripts": []}}', "transcripts", id="no-transcripts"),
        pytest.param(b'{"results": {"transcripts": [{}]}}', "transcripts", id="no-transcript"),
        pytest.param(b'{"results": {"transcripts": [{"transcript": null}]}}', "null", id="null"),
        pytest.param(b'{"results": null}', "null", id="null-results"),
        pytest.param(document("one")[:60], "jobName", id="cut-short"),
        pytest.param(document("word " * 30_000), "characters; expected", id="a-runaway"),
        pytest.param(None, "NoSuchKey", id="not-written"),
    ],
)
def test_a_document_without_a_text_is_a_failure_and_never_an_empty_text(cloud, body, shown):
    cloud.documents["two"] = body
    one, two, three = made(usd_per_minute=0.024).transcribe(clips("one", "two", "three"))
    assert texts([one, three]) == ["one", "three"]
    assert isinstance(two, Failure)
    assert shown in two.reason
    assert two.cost_usd == pytest.approx(0.006)  # the job was done
    assert cloud.left == []


def test_punctuation_stays_with_the_word_before_it(cloud):
    def spoken(word, start, end):
        return {"start_time": start, "end_time": end, "alternatives": [{"confidence": "0.99", "content": word}]}

    def mark(sign):
        return {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": sign}]}

    items = [spoken("Well", "0.0", "0.3"), mark(","), spoken("one", "0.31", "0.4"), mark(".")]
    cloud.documents["one"] = document("one", transcripts=[{"transcript": "Well, one."}], items=items)
    (outcome,) = made().transcribe(clips("one"))
    assert outcome.text == "Well, one."
    assert outcome.words == (Word("Well,", 0.0, 0.3, 0.99), Word("one.", 0.31, 0.4, 0.99))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param(None, None, id="missing"),
        pytest.param([{"type": "pronunciation"}], None, id="nothing-in-it"),
        pytest.param(["one"], None, id="no-object"),
        pytest.param(
            [{"start_time": "x", "end_time": "1", "alternatives": [{"confidence": "1", "content": "a"}]}],
            None,
            id="times",
        ),
        pytest.param(
            [{"start_time": "0", "end_time": "nan", "alternatives": [{"confidence": "1", "content": "a"}]}],
            None,
            id="nan",
        ),
    ],
)
def test_words_that_make_no_sense_leave_the_text(cloud, items, expected):
    cloud.documents["one"] = document("one", items=items)
    (outcome,) = made().transcribe(clips("one"))
    assert (outcome.text, outcome.words) == ("one", expected)


def test_a_job_that_failed_is_the_failure_of_its_clip_and_says_why(cloud):
    cloud.states["two"] = [("IN_PROGRESS", None), ("FAILED", "The input media file length is too small.")]
    one, two = made(usd_per_minute=0.6).transcribe(clips("one", "two"))
    assert one.text == "one"
    assert two.reason == "the job failed: 'The input media file length is too small.'"
    assert two.cost_usd == 0.0
    assert two.latency_s > 0
    assert cloud.left == []


def test_a_job_that_does_not_end_is_given_up(cloud):
    cloud.states["two"] = [("IN_PROGRESS", None)] * 10_000
    one, two = made(usd_per_minute=0.6, timeout_s=3.0).transcribe(clips("one", "two"))
    assert one.text == "one"
    assert two.reason == "the job was still IN_PROGRESS after timeout_s=3"
    assert two.cost_usd == pytest.approx(0.15)  # it goes on, and is charged
    assert cloud.left == []


@pytest.mark.usefixtures("fresh_clients")
def test_where_there_is_no_room_a_job_is_started_later(cloud):
    cloud.refusals = [service_error("LimitExceededException"), service_error("ThrottlingException")]
    assert texts(made().transcribe(clips("one"))) == ["one"]
    assert cloud.heard == {"one": 1}


@pytest.mark.usefixtures("fresh_clients")
def test_where_there_is_never_room_the_clip_fails(cloud):
    cloud.refusals = [service_error("LimitExceededException", "too many jobs")] * 10_000
    (outcome,) = made(timeout_s=0.3, usd_per_minute=1.0).transcribe(clips("one"))
    assert outcome.reason.startswith("no room for a job within timeout_s=0.3: LimitExceededException ")
    assert "too many jobs" in outcome.reason
    assert outcome.cost_usd == 0.0
    assert cloud.left == []


def test_an_internal_error_of_the_service_is_the_failure_of_its_clip(cloud):
    cloud.refusals = [service_error("InternalFailureException")]
    one, two = made(concurrency=1).transcribe(clips("one", "two"))
    assert "InternalFailureException" in one.reason
    assert two.text == "two"
    assert cloud.left == []


@pytest.mark.usefixtures("fresh_clients")
def test_a_start_whose_answer_was_lost_is_not_started_again(cloud, monkeypatch):
    """The second request of the same name meets a conflict with the first."""
    genuine, lost = Cloud.start, []

    def losing(self, *arguments):
        if lost:
            raise service_error("ConflictException")
        lost.append(genuine(self, *arguments))
        raise service_error("ThrottlingException")

    monkeypatch.setattr(Cloud, "start", losing)
    assert texts(made().transcribe(clips("one"))) == ["one"]
    assert cloud.heard == {"one": 1}
    assert cloud.left == []


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "BadRequestException"]
)
def test_a_refusal_of_every_clip_ends_the_batch_and_says_what_to_check(cloud, code):
    cloud.refusals = [service_error(code)] * 99
    with pytest.raises(BackendError, match=f"every clip is refused: {code} .*credentials.*bucket={BUCKET}.*{REGION}"):
        made(concurrency=2).transcribe(clips(*VOCABULARY))
    assert len(cloud.refusals) >= 97
    assert cloud.left == []


def test_a_refusal_in_the_middle_keeps_what_was_heard_before_it(cloud, monkeypatch):
    genuine = Cloud.start

    def expiring(self, *arguments):
        if self.asked:
            raise service_error("ExpiredTokenException")
        return genuine(self, *arguments)

    monkeypatch.setattr(Cloud, "start", expiring)
    one, two, three = made(concurrency=1).transcribe(clips("one", "two", "three"))
    assert one.text == "one"
    assert "ExpiredTokenException" in two.reason
    assert "ExpiredTokenException" in three.reason
    assert cloud.left == []


def test_a_bucket_that_is_not_there_is_told_and_nothing_is_started(cloud, caplog):
    with pytest.raises(BackendError, match=r"NoSuchBucket .*bucket=nobody-s"):
        made(bucket="nobody-s").transcribe(clips("one"))
    assert cloud.asked == []
    assert caplog.text == ""


def test_what_cannot_be_deleted_is_named_and_the_text_is_kept(cloud, caplog, monkeypatch):
    from moto.transcribe.models import TranscribeBackend

    def refused(_self, **_arguments):
        raise service_error("AccessDeniedException", "may not delete")

    monkeypatch.setattr(TranscribeBackend, "delete_transcription_job", refused)
    assert texts(made().transcribe(clips("one"))) == ["one"]
    (name,) = cloud.left
    assert f"not deleted: the transcription job {name}: AccessDeniedException" in caplog.text


def test_costs_are_those_of_the_clip_s_length_and_of_the_shortest_that_is_billed(cloud):
    minute = np.zeros(60 * 16_000, dtype=np.float32)
    short, long = made(usd_per_minute=0.024).transcribe([minute[:16_000], minute])
    assert (short.cost_usd, long.cost_usd) == (pytest.approx(0.006), pytest.approx(0.024))
    assert len(cloud.asked) == 2


def test_a_clip_beyond_the_service_s_longest_is_a_failure_and_not_uploaded(cloud):
    endless = np.broadcast_to(np.float32(0), (LONGEST_S * 16_000 + 1,))
    (outcome,) = made(usd_per_minute=1.0).transcribe([endless])
    assert outcome == Failure("a clip of 14,400 s; expected at most 14,400 s", cost_usd=0.0)
    assert cloud.asked == []


def test_an_error_that_nobody_foresaw_costs_one_clip_and_not_the_batch(cloud, monkeypatch):
    def failing(waveform, **options):
        if len(waveform) == 1234:
            raise MemoryError("no room")
        return encoded(waveform, **options)

    monkeypatch.setattr("harness.backends.aws_transcribe.encoded", failing)
    heard, failed = made().transcribe([*clips("one"), np.zeros(1234, dtype=np.float32)])
    assert (heard.text, failed) == ("one", Failure("MemoryError: 'no room'"))
    assert cloud.left == []


def test_an_interrupt_starts_nothing_more_and_leaves_nothing(cloud):
    cloud.states["one"] = [("IN_PROGRESS", None)] * 10_000
    main = threading.main_thread().ident

    def press():
        cloud.waiting.wait(20)
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        made(concurrency=2, poll_s=0.05).transcribe(clips(*["one"] * 8))
    presser.join()
    started = sum(cloud.heard.values())
    assert started <= 2
    time.sleep(0.1)
    assert (sum(cloud.heard.values()), cloud.left) == (started, [])


def test_the_identity_names_all_that_decides_a_text(cloud):
    assert made(snapshot="2026-11").identity() == {
        "backend": "aws_transcribe",
        "region": REGION,
        "language_code": "en-US",
        "language_options": None,
        "vocabulary_name": None,
        "vocabulary_filter_name": None,
        "vocabulary_filter_method": None,
        "language_model_name": None,
        "audio": "flac, 16-bit, 16 kHz",
        "silence_fills_to_s": 0.5,
        "snapshot": "2026-11",
    }
    assert cloud.asked == []


@pytest.mark.usefixtures("cloud")
def test_the_identity_changes_with_whatever_may_change_a_text_and_with_nothing_else():
    changes = [
        {},
        {"region": "us-east-1"},
        {"language_code": "en-GB"},
        {"language_code": None},
        {"language_code": None, "language_options": ["en-US", "es-US"]},
        {"vocabulary_name": "digits"},
        {"vocabulary_filter_name": "rude"},
        {"vocabulary_filter_name": "rude", "vocabulary_filter_method": "remove"},
        {"language_model_name": "ours"},
        {"minimum_audio_s": 1},
        {"snapshot": "today"},
    ]
    assert len({tuple(made(**change).identity().items()) for change in changes}) == len(changes)
    same = [
        {"bucket": "another"},
        {"prefix": "elsewhere/"},
        {"vocabulary_filter_method": "remove"},  # of no filter
        {"concurrency": 1},
        {"max_retries": 3},
        {"timeout_s": 5},
        {"poll_s": 9},
        {"usd_per_minute": 1.0, "minimum_billed_s": 0},
        {"keep": True},
    ]
    assert {tuple(made(**change).identity().items()) for change in same} == {tuple(made().identity().items())}


@pytest.mark.usefixtures("cloud")
def test_no_credential_is_ever_seen(caplog):
    caplog.set_level("DEBUG", logger="harness")
    backend = made()
    shown = " ".join([repr(backend), str(backend.identity()), str(backend.transcribe(clips("one"))), caplog.text])
    assert SECRET not in shown
    assert "AKIA" not in shown


@pytest.mark.usefixtures("fresh_clients")
def test_missing_credentials_are_told_before_anything_is_uploaded(cloud, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    for start in ("load", "identity"):
        with pytest.raises(UsageError, match=r"no AWS credentials; expected a profile \(AWS_PROFILE\), a role or"):
            getattr(made(), start)()
    assert cloud.asked == []


@pytest.mark.usefixtures("fresh_clients")
def test_a_missing_region_or_profile_is_told(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UsageError, match="cannot start with region=None: 'You must specify a region"):
        made().load()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="nobody"):
        made().load()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"bucket": None}, "bucket=null; expected the name of an S3 bucket of yours", id="no-bucket"),
        pytest.param({"concurrency": 0}, "concurrency=0; expected a whole number of at least 1", id="no-jobs"),
        pytest.param({"max_retries": -1}, "max_retries=-1", id="retries"),
        pytest.param({"timeout_s": 0}, "timeout_s=0", id="no-time"),
        pytest.param({"poll_s": float("nan")}, "poll_s=nan", id="no-poll"),
        pytest.param({"usd_per_minute": -1}, "usd_per_minute=-1", id="price"),
        pytest.param({"minimum_audio_s": -1}, "minimum_audio_s=-1", id="audio"),
        pytest.param({"language_code": None, "vocabulary_name": "v"}, "expected its language_code", id="no-language"),
        pytest.param({"language_options": ["en-US"]}, "language_options with language_code=en-US", id="two-languages"),
        pytest.param({"vocabulary_filter_method": "bleep"}, "=bleep; expected remove, mask or tag", id="method"),
    ],
)
def test_an_option_out_of_range_is_refused_at_once(options, expected):
    with pytest.raises(UsageError, match=expected):
        made(**options)


def test_what_cannot_be_heard_is_refused_before_anything_is_uploaded(cloud):
    with pytest.raises(BackendError, match="AwsTranscribe: waveform 0 has samples that are no finite number"):
        made().transcribe([np.array([np.inf], dtype=np.float32)])
    assert cloud.asked == []


def test_an_absent_package_is_one_sentence_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(
        UsageError, match=r"^backend=aws_transcribe needs the package boto3: pip .*\[aws_transcribe\]'$"
    ):
        made().load()
