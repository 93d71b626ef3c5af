"""One line for the screen, a section for the report: each figure with what it is of, nothing where nothing is known."""

import doctest
import json

import pandas as pd
import pytest

import harness.report.speed
from harness.report.markdown import render
from harness.report.speed import speed_section, speed_sentence
from harness.results.run import FACTS, SPEED
from tests.report.builders import finished_run
from tests.report.test_markdown import tables_of

FACTS_OF_SPEED = {
    "n_utterances": 384, "n_recognised": 384, "n_cached": 0, "n_failed": 0, "n_untimed": 0,
    "audio_s": 766.2, "processing_s": 32.7, "model_rtfx": 23.44, "latency_p50_s": 0.1234, "latency_p95_s": 0.33,
    "cost_usd": None, "n_sessions": 1, "end_to_end_rtfx": 21.0, "n_accounted": 384, "n_given": 384, "wall_s": 37.7,
    "warm_up_s": 1.2, "n_workers": 1, "executors": ["local"], "devices": ["cpu"], "batch_sizes": [16], "fits": None,
    "worker_s": 36.5, "busy_s": 33.0, "retried_s": 0.3, "decode_s": 4.0,
    "stages_s": {"features": 3.0, "encoder": 20.0, "backend": 10.0, "waiting": 1.0, "other": 2.5},
    "stage_shares": {"features": 0.08, "encoder": 0.55, "backend": 0.27, "waiting": 0.03, "other": 0.07},
    "idle_share": 0.03, "peak_memory_bytes": 200 * 1024**2, "peak_worker_memory_bytes": 900 * 1024**2,
    "peak_device_memory_bytes": None,
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path)


def with_speed(run, slices=(), **changes):
    """Return the run as if this was its speed."""
    run.write_json(FACTS, run.facts | {"speed": FACTS_OF_SPEED | changes})
    columns = ["dimension", "slice", "n_recognised", "rtfx", "audio_s", "latency_p50_s", "latency_p95_s"]
    run.write_table(SPEED, pd.DataFrame(list(slices), columns=columns))
    return run


def test_the_line_has_both_figures_the_waiting_and_what_is_left_out(run):
    assert speed_sentence(with_speed(run)) == (
        "Speed: RTFx 23.4 model-only, 21.0 end to end, latency p50 0.12 s p95 0.33 s, warm-up 1.20 s excluded, "
        "recognisers idle 3 %."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"n_recognised": 0, "n_cached": 384},
            "Speed: nothing was recognised; 384 transcripts are from the cache.",
            id="all-cached",
        ),
        pytest.param(
            {"n_recognised": 0, "n_cached": 380, "n_failed": 4},
            "Speed: nothing was recognised; 380 transcripts are from the cache and 4 clips failed.",
            id="cached-and-failed",
        ),
        pytest.param(
            {"n_recognised": 84, "n_cached": 296, "n_failed": 4},
            "recognisers idle 3 %, 296 from the cache and 4 failed of 384.",
            id="some-cached",
        ),
        pytest.param(
            {"n_workers": 4, "end_to_end_rtfx": 84.0},
            "RTFx 23.4 model-only of one recogniser, 84.0 end to end with 4,",
            id="workers",
        ),
        pytest.param(
            {"n_accounted": 300},
            "21.0 end to end (a session that was killed left no account of its time; the others heard 300 of 384 "
            "clips), latency",
            id="killed",
        ),
        pytest.param(
            {"n_accounted": 0, "end_to_end_rtfx": None, "idle_share": None},
            "RTFx 23.4 model-only, end to end not known: a session that was killed left no account of its time; the "
            "others heard 0 of 384 clips, latency p50 0.12 s p95 0.33 s, warm-up 1.20 s excluded.",
            id="only-killed",
        ),
        pytest.param({"cost_usd": 0.125}, ", cost 0.125 USD.", id="cost"),
    ],
)
def test_what_the_line_says_of_what_the_speed_is_not(run, changes, said):
    assert said in speed_sentence(with_speed(run, **changes))


def test_transcripts_made_elsewhere_have_the_speed_that_they_carry(run):
    names = ("n_utterances", "n_recognised", "n_cached", "n_failed", "audio_s", "processing_s", "model_rtfx")
    carried = {name: FACTS_OF_SPEED[name] for name in names}
    absent = {"n_untimed": 0, "latency_p50_s": None, "latency_p95_s": None, "cost_usd": None, "n_sessions": 0}
    with_speed(run)
    run.write_json(FACTS, run.facts | {"speed": carried | absent | {"end_to_end_rtfx": None}})
    said = "Speed: RTFx 23.4 model-only, by the times beside the transcripts; end to end not known."
    assert speed_sentence(run) == said
    assert "Peak memory" not in speed_section(run)
    assert "stage" not in speed_section(run)


def test_without_a_clock_nothing_is_said(run):
    assert (speed_sentence(run), speed_section(run)) == ("", "")
    assert "## Speed" not in render(run)


def test_a_run_of_before_there_was_a_speed_is_shown(run):
    facts = run.facts
    del facts["speed"]
    run.write_json(FACTS, facts)
    assert "## Speed" not in render(run)


def test_the_section_says_what_the_figures_are_of_and_where_the_time_went(run):
    section = speed_section(with_speed(run))
    assert section in render(run)
    assert "a clip waits for its batch (at most 16 clips)" in section
    assert "Peak memory: 200 MiB of the command, 900 MiB of its largest recogniser's process." in section
    (stages,) = tables_of(section)
    assert [row[0] for row in stages[2:]] == [
        "features", "encoder", "backend, in none of its stages", "waiting", "other",
        "decoding audio, on threads beside",
    ]  # fmt: skip
    assert stages[3] == ["encoder", "20.00", "55.0 %"]
    assert "had to be made again" not in section
    assert "had to be made again took 9.00 s" in speed_section(with_speed(run, retried_s=9.0))


def test_the_slowest_slices_with_enough_clips_are_named_and_not_judged(run):
    slices = [
        ("overall", "all", 384, 1.0, 766.0, 0.1, 0.3),
        ("accent", "<b>north</b>", 64, 20.0, 100.0, 0.2, 0.4),
        ("accent", "south", 64, 19.0, 100.0, float("nan"), float("nan")),
        ("accent", "undeclared", 64, 25.0, 100.0, 0.2, 0.4),
        ("accent", "few", 19, 2.0, 5.0, 0.2, 0.4),
        ("accent", "east", 64, 21.0, 100.0, 0.2, 0.4),
    ]
    section = speed_section(with_speed(run, slices))
    _, slowest = tables_of(section)
    assert [row[1] for row in slowest[2:]] == ["south", "&lt;b&gt;north&lt;/b&gt;", "east"]
    assert slowest[2] == ["accent", "south", "19.0", "64", "100", "–", "–"]
    assert "with at least 20 clips recognised; differences of speed are not tested" in section


def test_the_facts_are_json_without_nan(run):
    assert json.loads(json.dumps(with_speed(run).facts["speed"], allow_nan=False))["model_rtfx"] == 23.44


def test_examples_in_docstrings_hold():
    assert doctest.testmod(harness.report.speed).failed == 0
