"""Under which condition does it get worse, for whom, by how much more than for others: the whole pipeline on tones."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Clean, Gain, Noise, Tone
from harness.backends import Transcript
from harness.backends.tones import Tones, synthesise
from harness.config.conditions import conditions_of
from harness.errors import UsageError
from harness.fairness import Policy
from harness.fairness.policy import DimensionPolicy
from harness.pipelines.benchmark import BenchmarkJob, benchmark
from harness.pipelines.last_mile import LastMileJob, Share, last_mile
from harness.plugins import TARGETS
from harness.results import Run
from harness.scoring.normalization import LowercaseNoPunctuation
from tests.builders import FEW_RESAMPLES, benchmark_job, harness, tone_corpus, tone_rows

PILOT_HZ = 7_000.0  # how the audio of some speakers differs from that of others
TONES_HZ = [
    80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 5500,
]  # fmt: skip
PLANTED_HZ = 400
SOFT_DB = -45.0  # below what `Tones` hears at all: louder, it takes some frequencies for words
FIRST = 700  # samples before the first word
COMMON = {  # words stay five: read as a number, they would be one
    "policy": Policy(n_resamples=200, n_permutations=2_000),
    "normalizer": LowercaseNoPunctuation(),
}


def voice_of(accent):
    """Return audio with a high pilot tone under the words of one accent: an instrument hears who they are."""

    def audio(row):
        waveform = synthesise(row["text"])
        if row["accent"] != accent:
            return waveform
        seconds = np.arange(len(waveform)) / SAMPLE_RATE
        return (waveform + 0.01 * np.sin(2 * np.pi * PILOT_HZ * seconds)).astype(np.float32)

    return audio


def amplitude_at(waveform, frequency_hz):
    seconds = np.arange(len(waveform)) / SAMPLE_RATE
    return 2 * abs(np.exp(-2j * np.pi * frequency_hz * seconds) @ waveform) / len(waveform)


class Planted(Tones):
    """Loses two of five words of those with the pilot tone, where one frequency is in the room."""

    def transcribe(self, waveforms):
        return [
            self.deafened(transcript) if self.is_hurt(waveform) else transcript
            for waveform, transcript in zip(waveforms, super().transcribe(waveforms), strict=True)
        ]

    def is_hurt(self, waveform):
        before = waveform[:FIRST]
        return amplitude_at(before, PILOT_HZ) > 0.005 and amplitude_at(before, PLANTED_HZ) > 0.0005

    def deafened(self, transcript):
        return Transcript(text=" ".join(transcript.text.split()[:3]))


def job_of(folder, run_dir, nodes, *, backend=None, **changes):
    found = conditions_of(nodes, allowed=TARGETS)
    given = benchmark_job(folder, run_dir, backend=backend, conditions=found.all[:1], **COMMON)
    options = {name: getattr(given, name) for name in BenchmarkJob.__dataclass_fields__}
    return LastMileJob(**(options | {"conditions": found.all, "levels": found.levels, "wer": 0.2} | changes))


def tone(frequency_hz):
    return {
        "_target_": "harness.audio.conditions.Tone",
        "frequency_hz": frequency_hz,
        "harmonics": 1,
        "level_db": SOFT_DB,
    }


NOISE = {"_target_": "harness.audio.conditions.Noise", "colour": "white", "snr_db": [30, 0]}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    rows = tone_rows(n_speakers=8, n_utterances=3)
    return tone_corpus(tmp_path_factory.mktemp("corpus"), rows, audio_of=voice_of("south"))


@pytest.fixture(scope="module")
def noisy(corpus, tmp_path_factory):
    """Return the run of a corpus heard clean, in white noise and quietly."""
    nodes = {"noise": NOISE, "quiet": {"_target_": "harness.audio.conditions.Gain", "gain_db": -20}}
    return last_mile(job_of(corpus, tmp_path_factory.mktemp("run"), nodes)).run


def test_a_slice_that_one_frequency_hurts_is_found_and_no_other_frequency(corpus, tmp_path):
    run = last_mile(job_of(corpus, tmp_path, {"sweep": tone(TONES_HZ)}, backend=Planted())).run
    harm = run.optional("extra_harm.csv")
    found = harm[harm["verdict"] == "disparity"]
    assert list(zip(found["condition"], found["slice"], strict=True)) == [(f"sweep_{PLANTED_HZ}hz", "south")]
    assert found["extra_harm"].iloc[0] == pytest.approx(0.4, abs=0.1)
    assert "sweep_400hz" in json.dumps(run.summary["beyond"]["extra_harm"]["violations"])
    assert not run.summary["passed"]


def test_without_the_plant_the_sweep_raises_nothing(corpus, tmp_path):
    outcome = last_mile(job_of(corpus, tmp_path, {"sweep": tone(TONES_HZ)}))
    assert set(outcome.run.optional("extra_harm.csv")["verdict"].dropna()) <= {"inconclusive", "within_margin"}
    assert outcome.exit_status == 0


def test_the_scores_hold_every_condition_and_the_verdicts_of_a_benchmark_are_of_clean_alone(noisy, corpus, tmp_path):
    scores = noisy.scores
    assert scores.groupby("condition")["utterance_id"].nunique().to_dict() == dict.fromkeys(
        ["clean", "noise_0db", "noise_30db", "quiet"], 48
    )
    alone = benchmark(benchmark_job(corpus, tmp_path, **COMMON)).run
    columns = ["dimension", "slice", "wer", "n_utterances", "reference_words"]
    pd.testing.assert_frame_equal(noisy.slices[columns], alone.slices[columns])
    pd.testing.assert_frame_equal(noisy.disparities, alone.disparities)


def test_the_grid_is_what_a_benchmark_under_that_condition_alone_would_say(noisy, corpus, tmp_path):
    condition = Noise(colour="white", snr_db=0.0, name="noise_0db")
    alone = benchmark(benchmark_job(corpus, tmp_path, conditions=(condition,), **COMMON)).run
    grid = noisy.optional("conditions.csv")
    here = grid[grid["condition"] == "noise_0db"].set_index(["dimension", "slice"])
    there = alone.slices.set_index(["dimension", "slice"])
    assert here.loc[there.index, "wer"].tolist() == there["wer"].tolist()
    assert set(alone.scores["condition"]) == {"noise_0db"}


def test_clips_that_fail_under_a_condition_are_counted_explained_and_no_measurement(tmp_path):
    def audio_of(row):
        return np.zeros(SAMPLE_RATE, np.float32) if row["utterance_id"].endswith("-0") else None  # has no SNR

    corpus = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=8, n_utterances=4), audio_of=audio_of)
    outcome = last_mile(job_of(corpus, tmp_path / "run", {"noise": NOISE}))
    summary = outcome.run.summary
    report = (outcome.run.path / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert outcome.exit_status == 4
    assert summary["n_failed"] == 0
    assert summary["max_failed_exceeded"]
    assert not summary["passed"]
    assert {"condition": "noise_0db", "n_failed": 16, "n_utterances": 64} in summary["beyond"]["too_many_failed"]
    assert "under noise_30db by 16 of 64 clips that failed, more than allowed" in report
    assert "16 clips failed with ConditionError: condition 'noise_0db': the clip is silent" in report


def test_the_levels_say_what_is_swept(noisy):
    levels = noisy.optional("levels.csv")
    assert levels["condition"].tolist() == ["clean", "noise_30db", "noise_0db", "quiet"]
    assert levels["level"].tolist()[1:3] == [30.0, 0.0]


def test_the_verdicts_on_clean_audio_are_those_of_a_benchmark(noisy):
    grid = noisy.optional("conditions.csv")
    clean = grid[(grid["condition"] == "clean") & (grid["dimension"] != "overall")]
    columns = ["dimension", "slice", "gap", "p_adjusted", "verdict", "reason"]
    pd.testing.assert_frame_equal(clean[columns].reset_index(drop=True), noisy.disparities[columns])


def test_the_speed_is_of_everything_that_was_heard(noisy):
    speed = noisy.optional("speed.csv").query("dimension == 'overall'").iloc[0]
    assert speed["n_recognised"] == 4 * 48
    assert noisy.facts["conditions_on"] == "cpu"


def test_more_noise_is_worse_and_where_it_becomes_too_much_is_told(noisy):
    grid = noisy.optional("conditions.csv")
    overall = grid[grid["dimension"] == "overall"].set_index("condition")["wer"]
    assert overall["noise_0db"] > 0.2 > overall["noise_30db"]
    crossing = noisy.optional("crossings.csv").iloc[0]
    assert 0 < crossing["crossing"] < 30


def test_a_condition_of_other_options_is_another_run(noisy, corpus):
    nodes = {"noise": NOISE | {"snr_db": [20, 0]}}
    with pytest.raises(Exception, match="made by another command"):
        last_mile(job_of(corpus, noisy.path, nodes))


def test_a_run_beside_it_places_every_gap(noisy, corpus, tmp_path):
    job = job_of(corpus, tmp_path, {"noise": NOISE}, beside=noisy)
    placed = last_mile(job).run.optional("placed.csv")
    assert set(placed["condition"]) == {"clean", "noise_30db", "noise_0db"}
    clean = placed[placed["condition"] == "clean"]
    assert clean["further"].abs().max() == 0
    rows = placed.to_dict("records")
    assert all(row["further"] == pytest.approx(row["gap"] - row["there_gap"]) for row in rows)
    assert all(not row["further_low"] > row["further"] for row in rows)


def test_a_run_that_shares_no_slice_is_not_placed_beside(corpus, tmp_path):
    rows = [row | {"accent": "elsewhere" + row["accent"]} for row in tone_rows()]
    other = benchmark(benchmark_job(tone_corpus(tmp_path / "other", rows), tmp_path / "a", **COMMON)).run
    with pytest.raises(UsageError, match="no slice in common"):
        last_mile(job_of(corpus, tmp_path / "b", {"noise": NOISE}, beside=other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"conditions": (Clean(),)}, "a condition beside clean", id="clean-alone"),
        pytest.param({"wer": 20.0}, "20 % are 0.2", id="percent"),
        pytest.param(
            {"policy": Policy(dimensions={"condition": DimensionPolicy(margin=0.1)})},
            "names condition",
            id="a-promise-that-nobody-checks",
        ),
        pytest.param({"share": Share.aggregate, "share_to": "."}, "not an empty folder", id="a-folder-with-files"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_heard(corpus, tmp_path, changes, message):
    job = job_of(corpus, tmp_path, {"noise": NOISE})
    with pytest.raises(UsageError, match=message):
        replace(job, **changes)


def test_a_benchmark_refuses_several_conditions_and_names_the_command_that_hears_them(corpus, tmp_path):
    both = (Gain(gain_db=-6.0), Tone(frequency_hz=500.0))
    with pytest.raises(UsageError, match="harness last_mile"):
        benchmark_job(corpus, tmp_path, conditions=both)


def test_a_rescored_last_mile_says_that_its_numbers_are_of_all_conditions_together(noisy, corpus, tmp_path):
    command = (f"manifest.path={corpus}", f"hypotheses={noisy.path}", "run_dir=run", "report.html=false")
    ended = harness("rescore", *command, "policy.n_resamples=200", "policy.n_permutations=200", cwd=tmp_path)
    assert "every number is of 4 conditions together" in " ".join(ended.out.split())


def test_what_may_leave_the_house_is_named_last_and_so_is_why_nothing_may(corpus, tmp_path):
    command = (
        "last_mile", f"manifest.path={corpus}", "backend=tones", "condition=[telephone]", "share=aggregate",
        "report.html=false", "evidence.metrics=false", *FEW_RESAMPLES,
    )  # fmt: skip
    ended = harness(*command, "run_dir=run", cwd=tmp_path)
    assert ended.out.splitlines()[-1].startswith("May be shared: run_shared (")
    assert (tmp_path / "run_shared" / "README.md").is_file()
    again = harness(*command, "run_dir=run", cwd=tmp_path)
    assert again.exit_status == 2
    assert "not an empty folder" in again.err
    few = tone_corpus(tmp_path / "few", tone_rows(n_speakers=1, n_utterances=2))
    ended = harness(command[0], f"manifest.path={few}", *command[2:], "run_dir=other", cwd=tmp_path)
    assert ended.out.splitlines()[-1].startswith("NOT SHARED, nothing was written: ")


def test_the_command_takes_recordings_of_rooms_and_goes_on_where_it_was_stopped(corpus, tmp_path):
    rng = np.random.default_rng(1)
    soundfile.write(tmp_path / "ward 3.wav", rng.normal(0, 0.1, (8_000, 2)), 8_000)
    command = (
        "last_mile", f"manifest.path={corpus}", "backend=tones", "noises=['ward 3.wav']", "snr_db=[10,-5]",
        "condition=[telephone]", "crossed=[ward_3,telephone]", "run_dir=run",
        "cache.enabled=false", "policy.n_resamples=200", "policy.n_permutations=200", "report.html=false",
    )  # fmt: skip
    ended = harness(*command, cwd=tmp_path)
    assert ended.exit_status in (0, 3), ended.err
    assert Run(tmp_path / "run").optional("levels.csv")["condition"].tolist() == [
        "clean", "telephone", "ward_3_10db", "ward_3_-5db", "ward_3_10db-telephone", "ward_3_-5db-telephone",
    ]  # fmt: skip
    (hypotheses,) = (tmp_path / "run" / "hypotheses").iterdir()
    lines = hypotheses.read_text(encoding="utf-8").splitlines(keepends=True)
    hypotheses.write_text("".join(lines[:100]), encoding="utf-8")
    again = harness(*command, cwd=tmp_path)
    assert again.exit_status == ended.exit_status
    assert f"100 clips are transcribed, {len(lines) - 100} are left" in again.err
    redone = "".join(sorted(path.read_text() for path in (tmp_path / "run" / "hypotheses").iterdir()))
    assert len(redone.splitlines()) == len(lines)
