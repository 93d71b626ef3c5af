"""A manifest and a backend in, a hypothesis for every utterance in the store out; what is done is not redone."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.audio import audio_duration_s
from harness.backends import Backend
from harness.corpus import Manifest, Utterance
from harness.errors import AudioError, BackendError
from harness.transcription.batching import batches_by_duration
from harness.transcription.executors import ExecutorOptions, run_local, warm_up
from harness.transcription.progress import TranscriptionProgress
from harness.transcription.store import CLEAN, Hypothesis, HypothesisStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Transcribed:
    """Counts what a call to `transcribe` did."""

    n_kept: int  # hypotheses that were there before
    n_done: int  # hypotheses made now, failures included
    n_failed: int  # of those made now
    warm_up_s: float  # seconds to load the backend, in no other figure
    wall_s: float  # seconds from first to last batch


def transcribe(manifest: Manifest, backend: Backend, store: HypothesisStore, options: ExecutorOptions) -> Transcribed:
    """Bring the store to one hypothesis per utterance.

    Batches are ordered by duration; each is written when it is done. An interrupt leaves a store that the same call
    completes.

    Raises:
        HarnessError: The backend cannot work at all, or hypotheses cannot be written.
    """
    done = store.done(retry_failed=options.retry_failed)
    missing = [utterance for utterance in manifest.utterances() if (utterance.utterance_id, CLEAN) not in done]
    if not missing:
        log.info("all %d utterances are transcribed", len(done))
        return Transcribed(len(done), 0, 0, 0.0, 0.0)
    warm_up_s = warm_up(backend)
    durations_s = _durations_s(missing)
    batches = [
        [missing[position] for position in batch] for batch in batches_by_duration(durations_s, options.batch_size)
    ]
    if done:
        log.info("%d utterances are transcribed, %d are left", len(done), len(missing))
    started = time.perf_counter()
    n_failing = 0
    with store.writer() as writer, TranscriptionProgress(len(missing)) as progress:
        for hypotheses in run_local(batches, backend, options):
            writer.append(hypotheses)
            n_failing = _failing_now(hypotheses, n_failing)
            if n_failing >= options.max_consecutive_failures:
                last = next(hypothesis.error for hypothesis in reversed(hypotheses) if _backend_failed(hypothesis))
                raise BackendError(
                    f"the backend failed on the last {n_failing} clips, lastly with {last!r}. The run "
                    "stops here and what is done is kept; mend the cause, then give the same command with "
                    "executor.retry_failed=true."
                )
            progress.advance(
                n_done=len(hypotheses),
                n_failed=sum(hypothesis.error is not None for hypothesis in hypotheses),
                audio_s=sum(hypothesis.audio_s or 0.0 for hypothesis in hypotheses),
                processing_s=sum(hypothesis.processing_s or 0.0 for hypothesis in hypotheses),
            )
    wall_s = time.perf_counter() - started
    log.info("%d utterances transcribed, %d failed, in %.1f s", progress.n_done, progress.n_failed, wall_s)
    return Transcribed(len(done), progress.n_done, progress.n_failed, warm_up_s, wall_s)


def _failing_now(hypotheses: Sequence[Hypothesis], n_before: int) -> int:
    """Count the clips that the backend failed on since it last heard one; clips it never saw tell nothing of it."""
    n_failing = n_before
    for hypothesis in hypotheses:
        if hypothesis.error is None:
            n_failing = 0
        elif _backend_failed(hypothesis):
            n_failing += 1
    return n_failing


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
