"""A FLAC file in, the transcript document of an Amazon Transcribe job out; bucket and job list are left as they were.

Tested against moto, a mock of AWS; not yet run against the service.
"""

import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from harness.audio.waveform import SAMPLE_RATE
from harness.backends.service import readable
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

_POLL_GROWTH, _LONGEST_POLL_S = 1.5, 30.0
_CONNECT_S, _READ_S = 10, 60  # for one request
_NO_ROOM = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException", "SlowDown"})
_REFUSED = frozenset(  # an upload or a start that is answered so would be answered so for every clip
    {
        "AccessDenied",
        "AccessDeniedException",
        "BadRequestException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "NoSuchBucket",
        "NotFoundException",
        "OptInRequired",
        "PermanentRedirect",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnrecognizedClientException",
    }
)
_NO_ACCOUNT = frozenset(  # botocore's own errors that the next clip would meet as well
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}
    | {"ParamValidationError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"}
)


class InterruptedJobError(Exception):
    """Says that a job was given up because the run was."""


class _NoTranscriptError(Exception):
    """Says why a job has no transcript."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Says how long a job may take, and how often it is asked about.

    Attributes:
        timeout_s: For one clip, from its upload to its transcript.
        poll_s: Until the first question.
    """

    timeout_s: float
    poll_s: float

    def waits_s(self) -> Iterator[float]:
        """Yields the seconds before each question, without end; chance keeps jobs begun together apart."""
        jitter = random.Random()  # decides when the service is asked, never a text
        wait_s = self.poll_s
        while True:
            yield wait_s * jitter.uniform(0.75, 1.0)
            wait_s = min(wait_s * _POLL_GROWTH, max(_LONGEST_POLL_S, self.poll_s))


@dataclass(frozen=True, slots=True)
class Cloud:
    """Is where jobs run, for any number of threads.

    Attributes:
        s3: A client.
        transcribe: A client.
        bucket: An S3 bucket in the same region.
        prefix: Where in the bucket.
        settings: What the service is asked for: arguments of StartTranscriptionJob.
        patience: How long it is waited for.
        keep: Whether what was made stays.
    """

    s3: "BaseClient"
    transcribe: "BaseClient"
    bucket: str
    prefix: str
    settings: Mapping[str, object]
    patience: Patience
    keep: bool

    @property
    def region(self) -> str:
        """Returns the service's region, such as `eu-west-1`."""
        return str(self.transcribe.meta.region_name)


@dataclass(frozen=True, slots=True)
class Finished:
    """Holds the document that a job wrote, and the seconds since its upload began."""

    document: bytes
    latency_s: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Says why there is no document, after how many seconds, and whether the job may be charged all the same."""

    reason: str
    latency_s: float
    charged: bool


def clients(region: str | None, *, max_retries: int, concurrency: int) -> "tuple[BaseClient, BaseClient]":
    """Returns clients of S3 and of Transcribe, which threads may share.

    Args:
        region: None is boto3's.
        max_retries: Of one request, after the first.
        concurrency: Connections that each keeps.

    Raises:
        UsageError: when the package, the credentials or the region is missing.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise UsageError(
            "backend=aws_transcribe needs the package boto3: pip install 'asr-fairness-harness[aws_transcribe]'"
        ) from error

    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": max_retries + 1},
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        max_pool_connections=concurrency,
    )
    try:
        session = boto3.session.Session(region_name=region)
        if session.get_credentials() is None:
            raise UsageError(
                "AwsTranscribe: boto3 finds no AWS credentials; expected a profile (AWS_PROFILE), a role or the "
                "variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return session.client("s3", config=config), session.client("transcribe", config=config)
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"AwsTranscribe: cannot start with region={region}: {readable(str(error))}") from error


def run_job(cloud: Cloud, file: bytes, *, stop: Event) -> Finished | Unfinished | BackendError:
    """Uploads a FLAC file, waits for its transcript and deletes what was made, whatever happened.

    Returns:
        The document, why there is none, or, as an error to raise, why no other clip would fare better.

    Raises:
        InterruptedJobError: when `stop` is set.
    """
    job = _Job(cloud, stop)
    try:
        return job.run(file)
    finally:
        if not cloud.keep:
            job.clean_up()


class _Job:
    """Is one clip on its way through the service, under a name that tells nothing of it."""

    def __init__(self, cloud: Cloud, stop: Event) -> None:
        self._cloud = cloud
        self._stop = stop
        self._name = f"asr-fairness-harness-{uuid.uuid4().hex}"
        self._audio_key = f"{cloud.prefix}{self._name}.flac"
        self._document_key = f"{cloud.prefix}{self._name}.json"
        self._begun_s = time.monotonic()
        self._is_uploaded = False  # or may be: the answer was lost; and so for what follows
        self._is_started = False
        self._has_failed = False

    def run(self, file: bytes) -> Finished | Unfinished | BackendError:
        from botocore.exceptions import BotoCoreError, ClientError

        cloud = self._cloud
        try:
            self._upload(file)
            self._start()
            self._await_end()
            written = cloud.s3.get_object(Bucket=cloud.bucket, Key=self._document_key)["Body"].read()
            return Finished(written, self._seconds)
        except _NoTranscriptError as error:
            return Unfinished(str(error), self._seconds, charged=self._is_started and not self._has_failed)
        except (ClientError, BotoCoreError) as error:
            if (_code(error) in _REFUSED and not self._is_started) or type(error).__name__ in _NO_ACCOUNT:
                return self._refusal(error)
            return Unfinished(_described(error), self._seconds, charged=self._is_started)

    def clean_up(self) -> None:
        """Deletes what the job made, and names what is left."""
        cloud, left = self._cloud, []
        for key in [self._audio_key] * self._is_uploaded + [self._document_key] * self._is_started:
            if problem := _problem(cloud.s3.delete_object, Bucket=cloud.bucket, Key=key):
                left.append(f"s3://{cloud.bucket}/{key}: {problem}")
        delete_job = cloud.transcribe.delete_transcription_job
        if self._is_started and (problem := _problem(delete_job, TranscriptionJobName=self._name)):
            left.append(f"the transcription job {self._name}: {problem}")
        if left:
            log.warning("not deleted: %s", "; ".join(left))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begun_s

    @property
    def _is_late(self) -> bool:
        return self._seconds > self._cloud.patience.timeout_s

    def _upload(self, file: bytes) -> None:
        from botocore.exceptions import ClientError

        self._is_uploaded = True
        try:
            self._cloud.s3.put_object(Bucket=self._cloud.bucket, Key=self._audio_key, Body=file)
        except ClientError:
            self._is_uploaded = False
            raise

    def _start(self) -> None:
        """Starts the job, once there is room for it."""
        from botocore.exceptions import ClientError

        cloud = self._cloud
        for wait_s in cloud.patience.waits_s():
            self._is_started = True
            try:
                cloud.transcribe.start_transcription_job(
                    TranscriptionJobName=self._name,
                    Media={"MediaFileUri": f"s3://{cloud.bucket}/{self._audio_key}"},
                    MediaFormat="flac",
                    MediaSampleRateHertz=SAMPLE_RATE,
                    OutputBucketName=cloud.bucket,
                    OutputKey=self._document_key,
                    **cloud.settings,
                )
                return
            except ClientError as error:
                if _code(error) == "ConflictException":  # the name is random: a request whose answer was lost did it
                    return
                self._is_started = False
                if _code(error) not in _NO_ROOM:
                    raise
                if self._is_late:
                    raise _NoTranscriptError(
                        f"no room for a job within timeout_s={cloud.patience.timeout_s:g}: {_described(error)}"
                    ) from error
            self._wait(wait_s)

    def _await_end(self) -> None:
        for wait_s in self._cloud.patience.waits_s():
            self._wait(wait_s)
            answer = self._cloud.transcribe.get_transcription_job(TranscriptionJobName=self._name)
            job = answer["TranscriptionJob"]
            state = job.get("TranscriptionJobStatus")
            if state == "COMPLETED":
                return
            if state == "FAILED":
                self._has_failed = True
                raise _NoTranscriptError(f"the job failed: {readable(str(job.get('FailureReason')))}")
            if self._is_late:
                limit_s = self._cloud.patience.timeout_s
                raise _NoTranscriptError(f"the job was still {state} after timeout_s={limit_s:g}")

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise InterruptedJobError

    def _refusal(self, error: "ClientError | BotoCoreError") -> BackendError:
        cloud = self._cloud
        return BackendError(
            f"aws_transcribe: every clip is refused: {_described(error)}. Check the credentials and what they may do, "
            f"bucket={cloud.bucket}, which must be in the region {cloud.region}, and the names of language, "
            "vocabulary, filter and model"
        )


def _problem(request: Callable[..., object], **arguments: str) -> str:
    """Returns why a request failed; "" when it did not."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        request(**arguments)
    except (ClientError, BotoCoreError) as error:
        return _described(error)
    return ""


def _code(error: Exception) -> str:
    """Returns the service's name for an error; "" for one that is not the service's."""
    response = getattr(error, "response", None)
    found = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(found.get("Code", ""))


def _described(error: Exception) -> str:
    return f"{_code(error) or type(error).__name__} {readable(str(error))}"
