"""The speed of all utterances and the sessions that transcribed them in, the facts `speed` of run.json out.

Two figures that are often mixed up are kept apart. The model's: seconds of audio per second in a recogniser, nothing
else counted. End to end: seconds of audio per second of the clock, of all recognisers together, with decoding, waiting,
the cache and the writing. Neither holds the warm-up, which is stated beside them.
"""

from collections.abc import Sequence

import pandas as pd

from harness.results.summary import number
from harness.transcription.sessions import Session
from harness.transcription.store import Attempts

COUNTS = ("n_utterances", "n_recognised", "n_cached", "n_failed", "n_untimed")
STAGES = ("features", "encoder", "decoder")  # of a backend, in the order in which a clip passes them
BACKEND, BACKEND_WAITING, WAITING, OTHER = "backend", "backend_waiting", "waiting", "other"


def run_speed(table: pd.DataFrame, sessions: Sequence[Session], attempts: Attempts | None) -> dict[str, object]:
    """Return how fast a run was; None stands for what cannot be told.

    Args:
        table: As `speed_table` makes it; its first row is everybody.
        sessions: What each process that transcribed has left; none for transcripts made elsewhere.
        attempts: What recognisers were given in all sessions, those that left nothing among them; None where there
            are no sessions.

    Returns:
        COUNTS, audio_s, processing_s, model_rtfx, latency_p50_s and latency_p95_s of the transcripts that are kept;
        cost_usd; n_sessions, and of runs with sessions what `_of_sessions` adds.
    """
    everybody = table.iloc[0]
    cost_usd = number(everybody["cost_usd"]) if attempts is None else attempts.cost_usd
    return {
        **{name: int(everybody[name]) for name in COUNTS},
        "audio_s": float(everybody["audio_s"]),
        "processing_s": float(everybody["processing_s"]),
        "model_rtfx": number(everybody["rtfx"]),
        "latency_p50_s": number(everybody["latency_p50_s"]),
        "latency_p95_s": number(everybody["latency_p95_s"]),
        "cost_usd": cost_usd,
        "n_sessions": len(sessions),
        "end_to_end_rtfx": None,
        **(_of_sessions(sessions, attempts, audio_s=float(everybody["audio_s"])) if sessions and attempts else {}),
    }


def _of_sessions(sessions: Sequence[Session], attempts: Attempts, *, audio_s: float) -> dict[str, object]:
    """Sum the sessions in which something was recognised, or all where nothing was.

    A session that was killed has left clips and no account of its time. The end-to-end figure is then of the other
    sessions: of `n_accounted` of the `n_given` clips that recognisers were given, each as often as it was given.
    """
    heard = [session for session in sessions if session.n_recognised]
    counted = heard or sessions
    wall_s = sum(session.wall_s for session in counted)
    warm_up_s = sum(session.warm_up_s for session in counted)
    n_accounted = sum(session.n_recognised for session in sessions)
    if n_accounted < attempts.n_clips:
        audio_s = sum(session.audio_s for session in heard)
    return {
        "end_to_end_rtfx": audio_s / (wall_s - warm_up_s) if heard and audio_s and wall_s > warm_up_s else None,
        "n_accounted": n_accounted,
        "n_given": attempts.n_clips,
        "wall_s": wall_s,
        "warm_up_s": warm_up_s,
        "n_workers": max(session.n_workers for session in sessions),
        "executors": sorted({session.executor for session in sessions}),
        "devices": sorted({device for session in sessions for device in session.devices}),
        "batch_sizes": sorted({session.batch_size for session in sessions}),
        "fits": min((session.fits for session in sessions if session.fits), default=None),
        **_where_time_went(heard),
        "peak_memory_bytes": max(session.peak_memory_bytes for session in sessions),
        "peak_worker_memory_bytes": max(session.peak_worker_memory_bytes for session in sessions),
        "peak_device_memory_bytes": max(
            (session.peak_device_memory_bytes for session in sessions if session.peak_device_memory_bytes), default=None
        ),
    }


def _where_time_went(sessions: Sequence[Session]) -> dict[str, object]:
    """Return what the recognisers' time was spent on, warm-up excluded.

    Returns:
        worker_s: Seconds that recognisers were there, of all; `stages_s` adds up to it, `stage_shares` to 1: the
        backend's own stages, `backend` (there, and put down to none of them), `waiting` for audio, and `other` (the
        cache, writing, the end of the run while others still hear). decode_s: Seconds of decoding, on threads beside
        the recognisers, so in no share. retried_s: Seconds in the backend that led to no hypothesis, as of a batch
        that was heard again clip by clip. idle_share: Of worker_s, with no clip in the backend.
    """
    worker_s = sum(map(_worker_s, sessions))
    busy_s = sum(session.busy_s for session in sessions)
    stages_s = _stages_s(sessions, busy_s) | {WAITING: sum(session.waiting_s for session in sessions)}
    stages_s[OTHER] = max(0.0, worker_s - sum(stages_s.values()))
    total_s = sum(stages_s.values())
    return {
        "worker_s": worker_s,
        "busy_s": busy_s,
        "retried_s": max(0.0, busy_s - sum(session.processing_s for session in sessions)),
        "decode_s": sum(session.decode_s for session in sessions),
        "stages_s": stages_s,
        "stage_shares": {name: seconds / total_s for name, seconds in stages_s.items()} if total_s > 0 else {},
        "idle_share": max(0.0, 1 - busy_s / worker_s) if worker_s > 0 else None,
    }


def _worker_s(session: Session) -> float:
    """Return the seconds that all recognisers of a session were there, each without its own warm-up."""
    if session.idle_share is not None and session.idle_share < 1 and session.busy_s > 0:
        return session.busy_s / (1 - session.idle_share)
    return session.n_workers * max(0.0, session.wall_s - session.warm_up_s)


def _stages_s(sessions: Sequence[Session], busy_s: float) -> dict[str, float]:
    """Return the seconds in the backend by its own stages, and what it does not put down to one."""
    told: dict[str, float] = {}
    for session in sessions:
        for name, seconds in session.stages_s.items():
            own_name = BACKEND_WAITING if name == WAITING else name  # waiting for audio is something else
            told[own_name] = told.get(own_name, 0.0) + seconds
    ordered = {name: told[name] for name in (*STAGES, *sorted(told.keys() - set(STAGES))) if name in told}
    return ordered | {BACKEND: max(0.0, busy_s - sum(ordered.values()))}
