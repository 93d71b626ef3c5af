"""Sessions are summed, model-only and end-to-end figures stay apart, and a session without an account is told."""

from dataclasses import replace

import pandas as pd
import pytest

from harness.fairness.speed import speed_table
from harness.results.speed import run_speed
from harness.transcription.sessions import Session
from harness.transcription.store import Attempts

# 10 clips of 3 s, each in 0.5 s: 5 s in the backend of 6 s after a warm-up of 2 s
SESSION = Session(
    started="2025-01-01T00:00:00+00:00", ended="done", executor="local", n_workers=1, n_recognised=10, n_failed=0,
    n_cached=0, audio_s=30.0, processing_s=5.0, wall_s=8.0, warm_up_s=2.0, decode_s=1.5, waiting_s=0.4, busy_s=5.0,
    stages_s={"features": 1.0, "encoder": 2.0, "decoder": 1.5}, idle_share=1 - 5 / 6, devices=["cpu"],
    peak_memory_bytes=100, peak_worker_memory_bytes=200, peak_device_memory_bytes=None, batch_size=8, fits=None,
    cost_usd=None,
)  # fmt: skip
ALL_CACHED = replace(
    SESSION, n_recognised=0, n_cached=10, audio_s=0.0, processing_s=0.0, wall_s=1.0, warm_up_s=0.0, busy_s=0.0,
    waiting_s=0.2, stages_s={}, idle_share=None, devices=[],
)  # fmt: skip


def table_of(n_recognised, *, n_cached=0, n_failed=0, failed_s=None):
    """Return the table of clips of 3 s, recognised in 0.5 s each with a latency of 1, 2, 3… s."""
    n = n_recognised + n_cached + n_failed
    scores = pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(n)],
            "condition": "clean",
            "failed": [i >= n - n_failed for i in range(n)],
            "audio_s": 3.0,
            "processing_s": [0.5] * n_recognised + [float("nan")] * n_cached + [failed_s] * n_failed,
        }
    )
    told = scores[["utterance_id", "condition"]].assign(
        latency_s=[1.0 + i for i in range(n)], cached=[n_recognised <= i < n - n_failed for i in range(n)]
    )
    return speed_table(scores, told, [])


def test_one_session_done_by_hand():
    speed = run_speed(table_of(10), [SESSION], Attempts(10, None))
    assert (speed["model_rtfx"], speed["end_to_end_rtfx"]) == (6.0, 5.0)
    assert (speed["wall_s"], speed["warm_up_s"], speed["n_sessions"]) == (8.0, 2.0, 1)
    assert (speed["latency_p50_s"], speed["latency_p95_s"]) == (5.5, pytest.approx(9.55))
    assert (speed["n_accounted"], speed["n_given"]) == (10, 10)
    assert speed["idle_share"] == pytest.approx(1 / 6)
    assert speed["stages_s"] == pytest.approx(
        {"features": 1.0, "encoder": 2.0, "decoder": 1.5, "backend": 0.5, "waiting": 0.4, "other": 0.6}
    )
    assert list(speed["stages_s"]) == ["features", "encoder", "decoder", "backend", "waiting", "other"]
    assert sum(speed["stage_shares"].values()) == pytest.approx(1)
    assert speed["stage_shares"]["encoder"] == pytest.approx(2 / 6)
    assert (speed["decode_s"], speed["retried_s"], speed["cost_usd"]) == (1.5, 0.0, None)


def test_sessions_of_a_resumed_run_are_summed():
    second = replace(
        SESSION, n_recognised=30, audio_s=90.0, processing_s=15.0, wall_s=25.0, warm_up_s=1.0, busy_s=18.0,
        idle_share=0.25, batch_size=4, fits=2, devices=["cuda"], peak_memory_bytes=90, peak_device_memory_bytes=7,
    )  # fmt: skip
    speed = run_speed(table_of(40), [SESSION, second], Attempts(40, 0.5))
    assert speed["end_to_end_rtfx"] == 120 / (6 + 24)
    assert (speed["wall_s"], speed["warm_up_s"], speed["n_sessions"]) == (33.0, 3.0, 2)
    assert speed["idle_share"] == pytest.approx(1 - (5 + 18) / (6 + 24))  # weighted by the time each was there
    assert speed["stages_s"]["encoder"] == 4.0
    assert speed["retried_s"] == pytest.approx(3.0)
    assert (speed["batch_sizes"], speed["fits"], speed["devices"]) == ([4, 8], 2, ["cpu", "cuda"])
    assert (speed["peak_memory_bytes"], speed["peak_device_memory_bytes"]) == (100, 7)
    assert speed["cost_usd"] == 0.5


def test_of_a_killed_session_the_clips_are_known_and_the_time_is_not():
    speed = run_speed(table_of(25), [SESSION], Attempts(25, None))
    assert speed["end_to_end_rtfx"] == 5.0  # 30 s of audio in 6 s, not 75 s in 6 s
    assert (speed["n_accounted"], speed["n_given"]) == (10, 25)
    assert speed["model_rtfx"] == 6.0  # every clip has left its own seconds


def test_audio_of_failed_clips_makes_nothing_fast_end_to_end_either():
    told = replace(SESSION, n_failed=4)  # whose account holds the audio of all ten
    speed = run_speed(table_of(6, n_failed=4, failed_s=0.5), [told], Attempts(10, None))
    assert (speed["model_rtfx"], speed["end_to_end_rtfx"]) == (18 / 5, 18 / 6)


def test_failures_that_were_tried_again_count_their_time_and_their_audio_once():
    speed = run_speed(table_of(10), [SESSION, replace(SESSION, n_recognised=4, audio_s=12.0)], Attempts(14, None))
    assert speed["end_to_end_rtfx"] == 30 / 12


def test_what_was_all_in_the_cache_has_counts_and_no_speed():
    speed = run_speed(table_of(0, n_cached=10), [ALL_CACHED], Attempts(0, None))
    assert (speed["n_recognised"], speed["n_cached"]) == (0, 10)
    absent = ("model_rtfx", "end_to_end_rtfx", "latency_p50_s", "latency_p95_s", "idle_share")
    assert [speed[name] for name in absent] == [None] * 5
    assert (speed["wall_s"], speed["devices"], speed["stage_shares"]) == (1.0, [], {})


def test_a_session_that_recognised_nothing_slows_no_other():
    speed = run_speed(table_of(10, n_cached=10), [SESSION, ALL_CACHED], Attempts(10, None))
    assert (speed["end_to_end_rtfx"], speed["wall_s"], speed["n_sessions"]) == (5.0, 8.0, 2)


def test_recognisers_at_once_are_faster_by_the_clock_than_one_of_them():
    four = replace(
        SESSION, n_workers=4, n_recognised=40, audio_s=120.0, processing_s=20.0, busy_s=20.0, idle_share=1 - 20 / 24
    )
    speed = run_speed(table_of(40), [four], Attempts(40, None))
    assert (speed["model_rtfx"], speed["end_to_end_rtfx"], speed["n_workers"]) == (6.0, 20.0, 4)
    assert speed["worker_s"] == pytest.approx(24.0)


def test_without_sessions_there_is_a_model_figure_only():
    speed = run_speed(table_of(10), [], None)
    assert (speed["model_rtfx"], speed["end_to_end_rtfx"], speed["n_sessions"]) == (6.0, None, 0)
    assert "wall_s" not in speed


@pytest.mark.parametrize("stages_s", [{}, {"encoder": 99.0}, {"waiting": 1.0, "upload": 2.0}], ids=str)
def test_shares_add_up_whatever_a_backend_says_of_itself(stages_s):
    speed = run_speed(table_of(10), [replace(SESSION, stages_s=stages_s)], Attempts(10, None))
    assert sum(speed["stage_shares"].values()) == pytest.approx(1)
    assert min(speed["stage_shares"].values()) >= 0
    assert speed["stages_s"]["waiting"] == 0.4  # for audio; a backend that waits for a service says so apart
    assert ("backend_waiting" in speed["stages_s"]) == ("waiting" in stages_s)


def test_recognisers_that_were_lost_over_every_clip_were_idle_for_all_anyone_knows():
    lost = replace(SESSION, n_workers=2, n_failed=10, processing_s=6.0, busy_s=0.0, stages_s={}, idle_share=1.0)
    speed = run_speed(table_of(0, n_failed=10, failed_s=0.6), [lost], Attempts(10, None))
    assert (speed["worker_s"], speed["idle_share"], speed["retried_s"]) == (12.0, 1.0, 0.0)
    assert (speed["model_rtfx"], speed["end_to_end_rtfx"]) == (None, None)
