"""Batches against clips one by one, to 1e-4, on the CPU and, where there is one, on a GPU."""

import importlib.util

import numpy as np
import pytest
import torch

from harness.audio.conditions import (
    Chain,
    Clean,
    Clipping,
    Codec,
    Gain,
    LowPass,
    Noise,
    PacketLoss,
    Reverberation,
    Room,
    Speed,
    Telephone,
    Tone,
    apply_batch,
    conditioned,
    seed_of,
)
from harness.audio.conditions.tensors import Clips, speech_levels
from harness.audio.speech_level import active_speech_level
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import decaying, like_speech, noise_file, written

MAKE = [
    pytest.param(lambda _: Clean(), id="clean"),
    pytest.param(lambda folder: Noise(recording=noise_file(folder), snr_db=5), id="recording"),
    pytest.param(lambda folder: Noise(recording=noise_file(folder), snr_db=-20), id="noise-that-clips"),
    pytest.param(lambda _: Noise(colour="pink", snr_db=0, speech_power="rms"), id="pink-rms"),
    pytest.param(lambda _: Tone(frequency_hz=1_234.5, harmonics=9, level_db=6), id="tone"),
    pytest.param(lambda _: Tone(frequency_hz=7_900, duty_cycle=0.3, period_s=0.25), id="pulsed-tone"),
    pytest.param(lambda _: Telephone(), id="telephone-mu-law"),
    pytest.param(lambda _: Telephone(codec="alaw", low_hz=0, high_hz=3_860), id="telephone-a-law"),
    pytest.param(lambda _: Telephone(codec="none"), id="telephone-plain"),
    pytest.param(lambda _: LowPass(cutoff_hz=2_000), id="low-pass"),
    pytest.param(lambda folder: Reverberation(impulse_response=written(folder / "r.wav", decaying())), id="room"),
    pytest.param(
        lambda folder: Reverberation(impulse_response=written(folder / "r.wav", decaying(0.8, duration_s=3.0))),
        id="room-longer-than-clips",
    ),
    pytest.param(lambda _: Gain(gain_db=15), id="gain"),
    pytest.param(lambda _: Clipping(quantile=0.8), id="clipping"),
    pytest.param(lambda _: Codec(codec="gsm"), id="codec"),
    pytest.param(lambda _: PacketLoss(loss_share=0.2), id="packet-loss"),
    pytest.param(lambda _: Speed(factor=1.3), id="speed"),
    pytest.param(
        lambda folder: Chain(
            steps=[
                Noise(recording=noise_file(folder), snr_db=5),
                Telephone(),
                PacketLoss(loss_share=0.1),
                Gain(gain_db=6),
            ]
        ),
        id="chain",
    ),
]
CLIPS = [like_speech(2.0), like_speech(0.7, seed=1, level=0.4)[:11_001], like_speech(1.0, seed=2)[:333], CLICK := (
    np.r_[np.float32(0.5), np.zeros(50, np.float32)]
)]  # fmt: skip
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
    ),
]


def generators(condition, n):
    return [seed_of(f"u{i}", condition) for i in range(n)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make", MAKE)
def test_a_batch_is_its_clips_one_by_one(tmp_path, make, device):
    condition = make(tmp_path)
    clips = CLIPS[:3] if isinstance(condition, Clipping) else CLIPS
    together = apply_batch(condition, clips, generators(condition, len(clips)), device=device)
    for clip, rng, done in zip(clips, generators(condition, len(clips)), together, strict=True):
        alone = conditioned(condition, clip, rng=rng)
        np.testing.assert_allclose(done.waveform, alone.waveform, atol=1e-4, rtol=0)
        assert done.waveform.dtype == np.float32
        assert done.facts == pytest.approx(alone.facts, abs=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("codec", ["mulaw", "alaw"])
def test_no_sample_is_companded_otherwise_in_a_batch(codec, device):
    """A step of mu-law is up to 3 % of full scale: what was rounded differently would show."""
    condition = Telephone(codec=codec)
    clips = [like_speech(20.0, seed=seed, level=0.2, pauses=False) for seed in range(4)]
    for clip, done in zip(clips, apply_batch(condition, clips, generators(condition, 4), device=device), strict=True):
        alone = conditioned(condition, clip, rng=np.random.default_rng(0))
        np.testing.assert_allclose(done.waveform, alone.waveform, atol=1e-5, rtol=0)


@pytest.mark.skipif(not importlib.util.find_spec("pyroomacoustics"), reason="needs the extra `rooms`")
@pytest.mark.parametrize("device", DEVICES)
def test_a_simulated_room_is_batched_too(device):
    condition = Room(t60_s=0.2, distance_m=1.0)
    done = apply_batch(condition, CLIPS[:2], generators(condition, 2), device=device)
    for clip, each in zip(CLIPS, done, strict=False):
        alone = conditioned(condition, clip, rng=np.random.default_rng(0))
        np.testing.assert_allclose(each.waveform, alone.waveform, atol=1e-4, rtol=0)


def test_levels_of_a_batch_are_those_of_its_clips():
    quiet = like_speech(1.0, level=1e-4)
    clips = [*CLIPS, quiet, np.zeros(100, np.float32), np.concatenate([np.zeros(9_000, np.float32), quiet])]
    clips += [np.full(900, 0.25, np.float32), like_speech(0.8) + np.float32(0.3)]
    for clip, found in zip(clips, speech_levels(Clips.of(clips, device="cpu")), strict=True):
        expected = active_speech_level(clip)
        assert found.method == expected.method
        assert found.level_db == pytest.approx(expected.level_db, abs=1e-6)
        assert found.activity == pytest.approx(expected.activity, abs=1e-6)


def test_what_comes_back_does_not_keep_the_whole_batch_in_memory():
    condition = LowPass(cutoff_hz=2_000)
    done = apply_batch(condition, CLIPS, generators(condition, len(CLIPS)), device="cpu")
    assert all(each.waveform.base is None for each in done)


def test_an_empty_batch_is_an_empty_batch():
    assert apply_batch(Telephone(), [], [], device="cpu") == []


def test_every_clip_needs_a_generator():
    with pytest.raises(UsageError, match="2 clips and 1 generators"):
        apply_batch(Telephone(), CLIPS[:2], [np.random.default_rng(0)], device="cpu")


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"device='cuda:77' cannot be used: .* Choose cpu"):
        apply_batch(Telephone(), CLIPS[:1], [np.random.default_rng(0)], device="cuda:77")


WRONG = [
    pytest.param(lambda _: Noise(colour="white", snr_db=0), np.zeros(500, np.float32), "silent", id="silent-clip"),
    pytest.param(lambda _: Clipping(quantile=0.5), CLICK, "would silence it", id="mostly-zeros"),
    pytest.param(lambda _: Gain(gain_db=1), np.array([np.nan], np.float32), "not finite", id="nan"),
]


@pytest.mark.parametrize(("make", "clip", "says"), WRONG)
def test_a_clip_that_cannot_have_a_condition_is_an_error_in_a_batch_as_well(tmp_path, make, clip, says):
    condition = make(tmp_path)
    with pytest.raises(ConditionError, match=says):
        apply_batch(condition, [CLIPS[0], clip], generators(condition, 2), device="cpu")
