"""Waveforms in, Amazon Transcribe's transcripts out: one batch job a clip, through a bucket of yours, with boto3.

Tested against moto, a mock of AWS; not yet run against the service. What moto does not do (recognise, fail, throttle)
is written from the service's documentation.

A clip is uploaded as FLAC under a random name, a job writes its transcript beside it, and both objects and the record
of the job are deleted when it is read or has failed. A process that is killed leaves at most `concurrency` of each:
give the bucket a lifecycle rule that expires `prefix`. A job that runs cannot be stopped, and is charged. Credentials
are those that boto3 finds (environment, profile, role). They need s3:PutObject, GetObject and DeleteObject on the
prefix, and transcribe:Start-, Get- and DeleteTranscriptionJob. Streaming is another package's, and left to it.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from math import isfinite
from threading import Event, Lock

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.aws_jobs import Cloud, Finished, Patience, clients, run_job
from harness.backends.base import Failure, Identity, Transcript, Word, check_waveforms
from harness.backends.service import Price, charged, check_at_least, encoded, not_too_long, readable, settled
from harness.errors import BackendError, UsageError

LONGEST_S = 14_400  # of a recording: "Guidelines and quotas", Amazon Transcribe Developer Guide
_CLEANING_UP_S = 10.0  # that an interrupt waits for what is in flight to be deleted


class AwsTranscribe:
    """Recognises speech with batch jobs of Amazon Transcribe.

    `latency_s` runs from the upload to the transcript, with the service's queue and up to one poll. `cost_usd` is that
    of every job that was completed, and of every one that was started and not seen to end, since it may be charged: an
    upper bound. A job that the service says has failed is not counted.

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
            raise UsageError(
                "AwsTranscribe: bucket=null; expected the name of an S3 bucket of yours in the same region"
            )
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
            raise UsageError(
                "AwsTranscribe: a vocabulary, filter or model is one language's; expected its language_code"
            )
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
        self._asked: dict[str, str | None] = {
            "language_code": language_code,
            "language_options": ",".join(language_options) if language_options else None,
            "vocabulary_name": vocabulary_name,
            "vocabulary_filter_name": vocabulary_filter_name,
            "vocabulary_filter_method": vocabulary_filter_method if vocabulary_filter_name else None,
            "language_model_name": language_model_name,
        }
        self._minimum_audio_s = float(minimum_audio_s)
        self._concurrency = concurrency
        self._max_retries = max_retries
        self._patience = Patience(timeout_s, poll_s)
        self._price = Price(usd_per_minute, minimum_billed_s)
        self._keep = keep
        self._snapshot = snapshot
        self._opening = Lock()
        self._opened: Cloud | None = None

    def load(self) -> None:
        """Finds credentials and region and prepares the clients; nothing is uploaded.

        Raises:
            UsageError: when the package, the credentials or the region is missing.
        """
        self._cloud()

    def transcribe(self, waveforms: Sequence[Waveform]) -> list[Transcript | Failure]:
        """Returns what the service heard in each clip, or why it did not; an empty clip is not sent.

        Raises:
            UsageError: as `load` does.
            BackendError: when the service refuses the credentials, the bucket or a name, and no clip of the batch was
                heard. Where some were, they are kept and the others are failures.
        """
        check_waveforms("AwsTranscribe", waveforms)
        cloud, batch = self._cloud(), _Batch(Event(), [])
        threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="aws_transcribe")
        jobs = [threads.submit(self._hear, cloud, waveform, batch) for waveform in waveforms]
        try:
            return settled([_outcome(job) for job in jobs])
        finally:  # of an interrupt, too: what is in flight is given up and deleted
            batch.stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
            wait([job for job in jobs if not job.cancelled()], timeout=_CLEANING_UP_S)

    def identity(self) -> Identity:
        """Returns the service's region, what is asked of it, the encoding of the audio, and `snapshot`.

        Vocabularies, filters and models are known by name: what is in them can change, and `snapshot` says so. Neither
        the bucket nor the version of boto3 is in it: they carry requests and decide no text.

        Raises:
            UsageError: as `load` does.
        """
        return {
            "backend": "aws_transcribe",
            "region": self._cloud().region,
            **self._asked,
            "audio": "flac, 16-bit, 16 kHz",
            "silence_fills_to_s": self._minimum_audio_s,
            "snapshot": self._snapshot,
        }

    def _cloud(self) -> Cloud:
        with self._opening:
            if self._opened is None:
                s3, transcribe = clients(self._region, max_retries=self._max_retries, concurrency=self._concurrency)
                self._opened = Cloud(
                    s3=s3,
                    transcribe=transcribe,
                    bucket=self._bucket,
                    prefix=self._prefix,
                    settings=_settings(self._asked),
                    patience=self._patience,
                    keep=self._keep,
                )
            return self._opened

    def _hear(self, cloud: Cloud, waveform: Waveform, batch: "_Batch") -> Transcript | Failure | BackendError:
        """Hears one clip; once the service has refused another of the batch for good, it is not sent."""
        nothing_usd = self._price.of(waveform, n_charged=0)
        if len(waveform) == 0:
            return Transcript("", words=(), cost_usd=nothing_usd)
        if len(waveform) > LONGEST_S * SAMPLE_RATE:
            found_s = len(waveform) / SAMPLE_RATE
            return Failure(f"a clip of {found_s:,.0f} s; expected at most {LONGEST_S:,} s", cost_usd=nothing_usd)
        if batch.refusals:
            return batch.refusals[0]
        file = encoded(waveform, audio_format="flac", minimum_audio_s=self._minimum_audio_s)
        end = run_job(cloud, file, stop=batch.stop)
        if isinstance(end, BackendError):
            batch.refusals.append(end)
            return end
        if isinstance(end, Finished):
            return charged(_read(end), self._price.of(waveform, n_charged=1))
        return Failure(
            end.reason, latency_s=end.latency_s, cost_usd=self._price.of(waveform, n_charged=int(end.charged))
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """Is what the clips of a batch tell each other: that the run was interrupted, that the service refuses them all."""

    stop: Event
    refusals: list[BackendError]


def _settings(asked: Mapping[str, str | None]) -> dict[str, object]:
    """Returns the arguments of StartTranscriptionJob that decide a text."""
    settings: dict[str, object] = {}
    if asked["language_code"] is None:
        settings["IdentifyLanguage"] = True
        if asked["language_options"] is not None:
            settings["LanguageOptions"] = asked["language_options"].split(",")
    else:
        settings["LanguageCode"] = asked["language_code"]
    named = {
        "VocabularyName": asked["vocabulary_name"],
        "VocabularyFilterName": asked["vocabulary_filter_name"],
        "VocabularyFilterMethod": asked["vocabulary_filter_method"],
    }
    if any(named.values()):
        settings["Settings"] = {name: value for name, value in named.items() if value is not None}
    if asked["language_model_name"] is not None:
        settings["ModelSettings"] = {"LanguageModelName": asked["language_model_name"]}
    return settings


def _outcome(job: "Future[Transcript | Failure | BackendError]") -> Transcript | Failure | BackendError:
    """Keeps the other clips where one met an error that nobody foresaw."""
    try:
        return job.result()
    except Exception as error:
        return Failure(f"{type(error).__name__}: {readable(str(error))}")


def _read(end: Finished) -> Transcript | Failure:
    """Returns what a job's document says; a failure that quotes it where it says nothing."""
    document = end.document.decode("utf-8", "replace")
    try:
        found: object = json.loads(document)
    except (ValueError, RecursionError):
        found = None
    results = found.get("results") if isinstance(found, dict) else None
    transcripts = results.get("transcripts") if isinstance(results, dict) else None
    parts = [part.get("transcript") if isinstance(part, dict) else None for part in _listed(transcripts)]
    texts = [part for part in parts if isinstance(part, str)]
    if not texts or len(texts) < len(parts) or not isinstance(results, dict):
        reason = f"expected JSON with results.transcripts[0].transcript, found {readable(document)}"
        return Failure(reason, latency_s=end.latency_s)
    text = " ".join(texts).strip()
    return not_too_long(Transcript(text, words=_words(results.get("items")), latency_s=end.latency_s))


def _words(items: object) -> tuple[Word, ...] | None:
    """Returns the words with their times, punctuation with the word before it; None when they make no sense."""
    if not isinstance(items, list):
        return None
    words: list[Word] = []
    for item in items:
        word = _word(item)
        if word is not None:
            words.append(word)
        elif words and (mark := _content(item)) is not None and item.get("type") == "punctuation":
            words[-1] = replace(words[-1], text=words[-1].text + mark)
        else:
            return None
    return tuple(words)


def _word(item: object) -> Word | None:
    text = _content(item)
    if text is None or not isinstance(item, dict):
        return None
    try:  # numbers are written as text; punctuation has none
        times = [float(item[name]) for name in ("start_time", "end_time")]
        confidence = float(item["alternatives"][0]["confidence"])
    except (KeyError, TypeError, ValueError):
        return None
    makes_sense = all(map(isfinite, times)) and 0 <= confidence <= 1
    return Word(text, times[0], times[1], confidence) if makes_sense else None


def _content(item: object) -> str | None:
    best = _listed(item.get("alternatives") if isinstance(item, dict) else None)[:1]
    content = best[0].get("content") if best and isinstance(best[0], dict) else None
    return content if isinstance(content, str) else None


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else []
