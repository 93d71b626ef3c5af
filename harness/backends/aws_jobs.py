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


@dataclass(frozen=True, slots=True)
class Place:
    """Says where the jobs run.

    Attributes:
        bucket: An S3 bucket in the same region.
        prefix: Where in the bucket.
        region: None is boto3's.
    """

    bucket: str
    prefix: str
    region: str | None


@dataclass(frozen=True, slots=True)
class Patience:
    """Says how long a job may take, and how often it is asked about.

    Attributes:
        timeout_s: For one clip, from its upload to its transcript.
        poll_s: Until the first question.
        max_retries: Of one request, after the first.
    """

    timeout_s: float
    poll_s: float
    max_retries: int


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


class Jobs:
    """Runs jobs, from any thread.

    Args:
        place: Where.
        settings: What the service is asked for: arguments of StartTranscriptionJob.
        patience: How long.
        concurrency: Connections that are kept.
        keep: Whether what was made stays.

    Raises:
        UsageError: when the package, the credentials or the region is missing.
    """

    def __init__(
        self, place: Place, settings: Mapping[str, object], *, patience: Patience, concurrency: int, keep: bool
    ) -> None:
        self._place = place
        self._settings = settings
        self._patience = patience
        self._keep = keep
        self._s3, self._transcribe = _clients(place.region, patience.max_retries, concurrency)
        self.region = str(self._transcribe.meta.region_name)
        self._jitter = random.Random()  # decides when the service is asked, never a text

    def hear(self, file: bytes, *, stop: Event) -> Finished | Unfinished | BackendError:
        """Uploads a FLAC file, waits for its transcript and deletes what it made, whatever happened.

        Returns:
            The document, why there is none, or, as an error to raise, why no other clip would fare better.

        Raises:
            InterruptedJobError: when `stop` is set.
        """
        job = _Job(f"asr-fairness-harness-{uuid.uuid4().hex}", self._place, stop, time.monotonic())
        try:
            return self._heard(job, file)
        finally:
            if not self._keep:
                self._clean_up(job)

    def _heard(self, job: "_Job", file: bytes) -> Finished | Unfinished | BackendError:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            job.uploaded = True
            self._s3.put_object(Bucket=self._place.bucket, Key=job.audio_key, Body=file)
            reason = self._start(job)
        except (ClientError, BotoCoreError) as error:
            return self._not_begun(job, error)
        try:
            reason = reason or self._awaited(job)
            if reason is not None:
                return Unfinished(reason, job.seconds, charged=job.state in ("", "QUEUED", "IN_PROGRESS"))
            written = self._s3.get_object(Bucket=self._place.bucket, Key=job.document_key)
            return Finished(written["Body"].read(), job.seconds)
        except (ClientError, BotoCoreError) as error:
            return Unfinished(_described(error), job.seconds, charged=True)

    def _start(self, job: "_Job") -> str | None:
        """Starts the job, once there is room for it; returns why it could not, None when it could."""
        from botocore.exceptions import ClientError

        waits = self._waits()
        while True:
            try:
                self._transcribe.start_transcription_job(
                    TranscriptionJobName=job.name,
                    Media={"MediaFileUri": f"s3://{self._place.bucket}/{job.audio_key}"},
                    MediaFormat="flac",
                    MediaSampleRateHertz=SAMPLE_RATE,
                    OutputBucketName=self._place.bucket,
                    OutputKey=job.document_key,
                    **self._settings,
                )
            except ClientError as error:
                if _code(error) == "ConflictException":  # the name is random: an earlier try did start it
                    break
                if _code(error) not in _NO_ROOM:
                    raise
                if job.seconds > self._patience.timeout_s:
                    job.state = "FAILED"
                    return f"no room for a job within timeout_s={self._patience.timeout_s:g}: {_described(error)}"
                job.wait(next(waits))
            else:
                break
        job.started = True
        return None

    def _awaited(self, job: "_Job") -> str | None:
        """Waits for the end of the job; returns why it has no transcript, None when it has."""
        for wait_s in self._waits():
            job.wait(wait_s)
            answer = self._transcribe.get_transcription_job(TranscriptionJobName=job.name)["TranscriptionJob"]
            job.state = str(answer.get("TranscriptionJobStatus", ""))
            if job.state == "COMPLETED":
                return None
            if job.state == "FAILED":
                return f"the job failed: {readable(str(answer.get('FailureReason', 'no reason given')))}"
            if job.seconds > self._patience.timeout_s:
                break
        return f"the job did not end within timeout_s={self._patience.timeout_s:g}; it was {job.state or 'unknown'}"

    def _waits(self) -> Iterator[float]:
        wait_s = self._patience.poll_s
        while True:
            yield wait_s * self._jitter.uniform(0.75, 1.0)
            wait_s = min(wait_s * _POLL_GROWTH, max(_LONGEST_POLL_S, self._patience.poll_s))

    def _not_begun(self, job: "_Job", error: "ClientError | BotoCoreError") -> Unfinished | BackendError:
        described = _described(error)
        if _code(error) in _REFUSED or type(error).__name__ in _NO_ACCOUNT:
            return BackendError(
                f"aws_transcribe: refused for every clip: {described}. Check the credentials and what they may do, "
                f"bucket={self._place.bucket} and its region ({self.region}), and the names of language, vocabulary, "
                "filter and model"
            )
        unanswered = not _code(error) and job.uploaded_fully
        job.started = unanswered
        return Unfinished(described, job.seconds, charged=unanswered)

    def _clean_up(self, job: "_Job") -> None:
        """Deletes what the job made, and names what is left."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, left = self._place.bucket, []
        deletions: list[tuple[str, Callable[[], object]]] = []
        if job.uploaded:
            deletions.append((job.audio_key, lambda: self._s3.delete_object(Bucket=bucket, Key=job.audio_key)))
        if job.started:
            deletions.append((job.document_key, lambda: self._s3.delete_object(Bucket=bucket, Key=job.document_key)))
            deletions.append((job.name, lambda: self._transcribe.delete_transcription_job(TranscriptionJobName=job.name)))
        for name, delete in deletions:
            try:
                delete()
            except (ClientError, BotoCoreError) as error:
                left.append(f"{name} ({_described(error)})")
        if left:
            log.warning("not deleted in bucket %s and its job list: %s", bucket, "; ".join(left))
