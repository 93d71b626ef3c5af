"""A manifest, conditions and recognisers in, a hypothesis of every clip in the store out; what is done is kept."""

import logging
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from harness.audio import audio_duration_s
from harness.audio.conditions import Clean, Condition, digest_of, stretch_of
from harness.corpus import Manifest, Utterance
from harness.errors import AudioError, BackendError
from harness.transcription import sessions
from harness.transcription.batching import batches_by_duration, longest_first
from harness.transcription.cache import TranscriptCache
from harness.transcription.decoding import Batch
from harness.transcription.executors import ExecutorOptions, Order
from harness.transcription.hearing import Done
from harness.transcription.progress import TranscriptionProgress, stage
from harness.transcription.recognition import Spent, peak_memory_bytes
from harness.transcription.scheduling import Ahead, heard_in_parallel, heard_in_turn
from harness.transcription.sessions import Session
from harness.transcription.store import CLEAN, Hypothesis, HypothesisStore
from harness.transcription.workers import InThisProcess, Worker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Transcribed:
    """Counts what a call to `transcribe` did.

    Attributes:
        n_kept: Hypotheses that were there before.
        n_done: Hypotheses made now, failures included.
        n_failed: Of those made now.
        n_cached: Of those made now, transcripts of an earlier run.
        session: Where the time went; None when nothing was left to do.
    """

    n_kept: int
    n_done: int
    n_failed: int
    n_cached: int
    session: Session | None


def transcribe(
    manifest: Manifest,
    workers: Sequence[Worker],
    store: HypothesisStore,
    options: ExecutorOptions,
    *,
    cache: TranscriptCache | None = None,
    conditions: Sequence[Condition] = (),
) -> Transcribed:
    """Bring the store to one hypothesis per utterance and condition.

    Each batch is written when it is done. An interrupt leaves a store that the same call completes.

    Args:
        manifest: What is heard.
        workers: The recognisers, all alike, as `recognisers` yields them.
        store: Where hypotheses are, and are added.
        options: How clips are batched and decoded.
        cache: Transcripts of earlier runs; None asks and keeps none.
        conditions: Under which each utterance is heard; as it was recorded when there is none.

    Raises:
        HarnessError: The backend cannot work at all, or hypotheses cannot be written.
    """
    done = store.done(retry_failed=options.retry_failed)
    missing = _missing(manifest, conditions or (Clean(),), done)
    n_missing = sum(len(part.utterances) for part in missing)
    if not missing:
        log.info("all %d clips are transcribed", len(done))
        return Transcribed(len(done), 0, 0, 0, None)
    if done:
        log.info("%d clips are transcribed, %d are left", len(done), n_missing)
    tally = _Tally([worker.spent().warm_up_s for worker in workers], options)
    ended = "done"
    try:
        with store.writer() as writer, TranscriptionProgress(n_missing) as progress:
            for batch in _heard(_batches(missing, options), workers, options, cache):
                writer.append(batch.hypotheses)
                if cache is not None:
                    cache.keep(batch.new, condition=batch.key)
                tally.add(batch)
                progress.advance(batch.hypotheses)
    except BaseException as error:
        ended = type(error).__name__
        raise
    finally:
        session = tally.session(ended, [worker.spent() for worker in workers])
        sessions.append(store.folder.parent, session)
    log.info(
        "%d clips transcribed (%d from the cache), %d failed, in %.1f s",
        tally.n_done, session.n_cached, session.n_failed, session.wall_s,
    )  # fmt: skip
    return Transcribed(len(done), tally.n_done, session.n_failed, session.n_cached, session)


def _missing(manifest: Manifest, conditions: Sequence[Condition], done: Container[tuple[str, str]]) -> list[Batch]:
    """Return what is left to hear, one part a condition."""
    parts = []
    for condition in conditions:
        left = [each for each in manifest.utterances() if (each.utterance_id, condition.name) not in done]
        is_clean = condition.name == CLEAN
        if left:
            parts.append(Batch(left, None if is_clean else condition, CLEAN if is_clean else digest_of(condition)))
    return parts


def _heard(
    batches: Sequence[Batch],
    workers: Sequence[Worker],
    options: ExecutorOptions,
    cache: TranscriptCache | None,
) -> Iterator[Done]:
    ahead = Ahead(options.decode_threads, options.prefetch_batches, options.conditions_device)
    if len(workers) == 1 and isinstance(workers[0], InThisProcess):
        return heard_in_turn(batches, workers[0], ahead, cache=cache)
    needed = workers[: max(1, len(batches))]
    return heard_in_parallel(batches, needed, ahead, max_losses=options.max_losses, cache=cache)


def _batches(missing: Sequence[Batch], options: ExecutorOptions) -> list[Batch]:
    """Put clips of like length together; a recording is heard under all conditions before the next is decoded."""
    utterances = list({each.utterance_id: each for part in missing for each in part.utterances}.values())
    with stage("measuring recordings", n_rows=len(utterances)):
        durations_s = _durations_s(utterances)
    order = longest_first(durations_s)
    if options.order is Order.shortest_first:
        order = order[::-1]
    elif options.order is Order.manifest:
        order = list(range(len(utterances)))
    longest = max(stretch_of(part.condition) if part.condition else 1.0 for part in missing)
    most_s = options.batch_audio_s / longest
    groups = batches_by_duration(durations_s, options.batch_size, most_s=most_s, order=order)
    left = [{each.utterance_id for each in part.utterances} for part in missing]
    return [
        replace(part, utterances=chosen)
        for group in groups
        for part, ids in zip(missing, left, strict=True)
        if (chosen := [utterances[place] for place in group if utterances[place].utterance_id in ids])
    ]


@dataclass
class _Tally:
    """Counts what is done, and stops a run whose backend fails on everything."""

    started_s: Sequence[float]  # what the workers' start has taken before
    options: ExecutorOptions
    started: datetime = field(default_factory=lambda: datetime.now().astimezone())
    clock_s: float = field(default_factory=time.perf_counter)
    n_done: int = 0
    n_recognised: int = 0
    n_failed: int = 0
    n_cached: int = 0
    n_failing: int = 0  # clips that the backend failed on since it last heard one
    audio_s: float = 0.0
    processing_s: float = 0.0
    decode_s: float = 0.0
    waiting_s: float = 0.0
    cost_usd: float | None = None

    def add(self, batch: Done) -> None:
        """Count a batch.

        Raises:
            BackendError: The backend has failed on too many clips, one after the other.
        """
        self.decode_s += batch.decode_s
        self.waiting_s += batch.waited_s
        for hypothesis in batch.hypotheses:
            self._add(hypothesis)
        if self.n_failing >= self.options.max_consecutive_failures:
            last = next(hypothesis.error for hypothesis in reversed(batch.hypotheses) if _backend_failed(hypothesis))
            raise BackendError(
                f"the backend failed on the last {self.n_failing} clips, lastly with {last!r}. The run stops here and "
                "what is done is kept; mend the cause, then give the same command with executor.retry_failed=true."
            )

    def _add(self, hypothesis: Hypothesis) -> None:
        self.n_done += 1
        self.n_failed += hypothesis.error is not None
        self.n_cached += hypothesis.cached is True
        if hypothesis.processing_s is not None:
            self.n_recognised += 1
            self.audio_s += (hypothesis.audio_s or 0.0) if hypothesis.error is None else 0.0
            self.processing_s += hypothesis.processing_s
        if hypothesis.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + hypothesis.cost_usd
        if hypothesis.error is None and not hypothesis.cached:
            self.n_failing = 0
        elif _backend_failed(hypothesis):  # clips that it never saw tell nothing of it
            self.n_failing += 1

    def session(self, ended: str, spent: Sequence[Spent]) -> Session:
        """Return what was done and spent until now."""
        elapsed_s = time.perf_counter() - self.clock_s
        used = [(each, before) for each, before in zip(spent, self.started_s, strict=True) if each.busy_s]
        busy_s = sum(each.busy_s for each in spent)
        open_s = sum(elapsed_s + before - each.warm_up_s for each, before in used)
        stages = sorted({name for each in spent for name in each.stages_s})
        return Session(
            started=self.started.isoformat(timespec="seconds"),
            ended=ended,
            executor=self.options.kind.value,
            n_workers=max(1, len(used)),
            n_recognised=self.n_recognised,
            n_failed=self.n_failed,
            n_cached=self.n_cached,
            audio_s=self.audio_s,
            processing_s=self.processing_s,
            wall_s=elapsed_s + max(self.started_s),
            warm_up_s=max(each.warm_up_s for each in spent),
            decode_s=self.decode_s,
            waiting_s=self.waiting_s,
            busy_s=busy_s,
            stages_s={name: sum(each.stages_s.get(name, 0.0) for each in spent) for name in stages},
            idle_share=max(0.0, 1 - busy_s / open_s) if self.n_recognised and open_s > 0 else None,
            devices=sorted({each.device for each in spent if each.busy_s}),
            peak_memory_bytes=peak_memory_bytes(),
            peak_worker_memory_bytes=max(each.peak_memory_bytes for each in spent),
            peak_device_memory_bytes=max(
                (each.peak_device_memory_bytes for each in spent if each.peak_device_memory_bytes), default=None
            ),
            batch_size=self.options.batch_size,
            fits=min((each.fits for each in spent if each.fits), default=None),
            cost_usd=self.cost_usd,
        )


def _backend_failed(hypothesis: Hypothesis) -> bool:
    """Say whether the backend, not the decoder, failed on a clip."""
    return hypothesis.error is not None and hypothesis.audio_s is not None


def _durations_s(utterances: Sequence[Utterance]) -> list[float]:
    """Return durations from the manifest or from each file's header; NaN where neither tells."""
    headers: dict[Path, float] = {}
    return [
        utterance.duration_s if utterance.duration_s is not None else _header_s(utterance, headers)
        for utterance in utterances
    ]


def _header_s(utterance: Utterance, headers: dict[Path, float]) -> float:
    path = utterance.audio_filepath
    if path is None:
        return float("nan")
    if path not in headers:
        try:
            headers[path] = audio_duration_s(path)
        except (AudioError, OSError):
            headers[path] = float("nan")  # decoding will say why
    return headers[path] - utterance.offset_s
