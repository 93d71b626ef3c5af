"""Waveforms in, Amazon Transcribe's transcripts out: one batch job a clip, through a bucket of yours, with boto3.

Tested against moto, a mock of AWS; not yet run against the service. What moto does not do (recognise, fail, throttle) is
written from the service's documentation.

A clip is uploaded as FLAC under a random name, a job writes its transcript beside it, and both objects and the job's
record are deleted when it is read or has failed. A process that is killed leaves at most `concurrency` of each: give the
bucket a lifecycle rule that expires `prefix`. The service does not stop a job that runs, so what was started is charged.
Credentials are those that boto3 finds (environment, profile, role). They need s3:PutObject, GetObject and DeleteObject
on the prefix, and transcribe:Start-, Get- and DeleteTranscriptionJob. Streaming is another service and another package.
"""

import json
import logging
import random
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Failure, Identity, Transcript, Word, check_waveforms
from harness.backends.service import Price, charged, check_at_least, encoded, not_too_long, readable, settled
from harness.errors import BackendError, UsageError

if TYPE_CHECKING:
    from botocore.client import BaseClient

log = logging.getLogger(__name__)

LONGEST_S = 14_400  # of a recording: "Guidelines and quotas", Amazon Transcribe Developer Guide
_POLL_GROWTH, _LONGEST_POLL_S = 1.5, 30.0
_CONNECT_S, _READ_S = 10, 60  # for one request, so that an interrupt is heard of
_SHOWN_LEFT = 3  # names of what could not be deleted that a warning shows
_NO_ROOM = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException"})
_REFUSED = frozenset(  # of the first three requests of a clip: the next clip's would be answered alike
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "BadRequestException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidBucketName",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMS.DisabledException",
        "NoSuchBucket",
        "NotFoundException",
        "OptInRequired",
        "PermanentRedirect",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnrecognizedClientException",
    }
)


class AwsTranscribe:
    """Recognises speech with batch jobs of Amazon Transcribe.

    `latency_s` runs from the upload to the transcript, with the service's queue and up to one poll; `cost_usd` is that of
    every job that was completed, and of every one that was started and not seen to end, since it may be charged: an upper
    bound. A job that the service says has failed is not counted.

    Args:
        bucket: An S3 bucket of yours in the same region; there is no default.
        prefix: Where in the bucket, up to and with the last slash.
        region: None is boto3's.
        language_code: Such as `en-US`; None lets the service identify it clip by clip.
        language_options: Codes to choose from when it does; None for all.
        vocabulary_name: A custom vocabulary of that language.
        vocabulary_filter_name: A vocabulary filter, and
        vocabulary_filter_method: what it does: `remove`, `mask` or `tag`.
        language_model_name: A custom language model.
        minimum_audio_s: Shorter clips are filled with silence to so many seconds: the service refuses less than 0.5 s,
            and a clip that every local recogniser hears should not fail for that.
        concurrency: Jobs at once; the default stays below the service's 5 deletions a second.
        max_retries: Of each request, by botocore (adaptive mode), after the first.
        timeout_s: For one clip, from its upload to its transcript.
        poll_s: Seconds until a job is first asked about; then 1.5 times as long each time, up to 30 s.
        usd_per_minute: The price of a minute of audio; None: not known.
        minimum_billed_s: Seconds that the shortest clip is billed as.
        keep: Whether objects and job records stay, to be looked at.
        snapshot: A label of the service's state, such as a date: its models and your vocabularies change silently.

    Raises:
        UsageError: when an option is out of range. The package and the credentials are looked for at `load`,
            `identity` or `transcribe`.
    """

    def __init__(
        self,
        *,
        bucket: str | None = None,
        prefix: str = "asr-fairness-harness/",
        region: str | None = None,
        language_code: str | None = "en-US",
        language_options: Sequence[str] | None = None,
        vocabulary_name: str | None = None,
        vocabulary_filter_name: str | None = None,
        vocabulary_filter_method: str = "mask",
        language_model_name: str | None = None,
        minimum_audio_s: float = 0.5,
        concurrency: int = 20,
        max_retries: int = 8,
        timeout_s: float = 3600.0,
        poll_s: float = 2.0,
        usd_per_minute: float | None = None,
        minimum_billed_s: float = 15.0,
        keep: bool = False,
        snapshot: str | None = None,
    ) -> None:
        if not bucket:
            raise UsageError("AwsTranscribe: bucket=null; expected the name of an S3 bucket of yours in the same region")
        numbers = {
            "minimum_audio_s": (minimum_audio_s, 0.0),
            "concurrency": (concurrency, 1),
            "max_retries": (max_retries, 0),
            "timeout_s": (timeout_s, 0.001),
            "poll_s": (poll_s, 0.001),
            "usd_per_minute": (usd_per_minute, 0.0),
            "minimum_billed_s": (minimum_billed_s, 0.0),
        }
        check_at_least("AwsTranscribe", numbers)
        named = (vocabulary_name, vocabulary_filter_name, language_model_name)
        if language_code is None and any(named):
            raise UsageError("AwsTranscribe: a vocabulary, filter or model is one language's; expected its language_code")
        if language_code is not None and language_options:
            raise UsageError(
                f"AwsTranscribe: language_options with language_code={language_code}; expected one of the two"
            )
        if vocabulary_filter_method not in ("remove", "mask", "tag"):
            raise UsageError(
                f"AwsTranscribe: vocabulary_filter_method={vocabulary_filter_method}; expected remove, mask or tag"
            )
        self._bucket = bucket
        self._prefix = prefix
        self._region = region
        self._language_code = language_code
        self._language_options = tuple(language_options or ())
        self._vocabulary_name = vocabulary_name
        self._filter_name = vocabulary_filter_name
        self._filter_method = vocabulary_filter_method if vocabulary_filter_name else None
        self._language_model_name = language_model_name
        self._minimum_audio_s = float(minimum_audio_s)
        self._concurrency = concurrency
        self._max_retries = max_retries
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self._price = Price(usd_per_minute, minimum_billed_s)
        self._keep = keep
        self._snapshot = snapshot
