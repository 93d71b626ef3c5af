"""Gain, clipping, lost packets and speed: what they do to the samples, and that they tell it."""

import math

import numpy as np
import pytest
from scipy.signal import resample_poly

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Clean, Clipping, Gain, PacketLoss, Speed, stretch_of
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import like_speech, under


def test_clean_is_the_clip_itself():
    speech = like_speech(0.5)
    done = under(Clean(), speech)
    assert done.waveform is speech
    assert done.facts == {}


def test_a_gain_is_exact():
    speech = like_speech(0.5)
    np.testing.assert_allclose(under(Gain(gain_db=-20), speech).waveform, speech * 0.1, rtol=1e-6)


def test_a_gain_beyond_full_scale_clips_and_tells_how_much():
    speech = like_speech(0.5)
    done = under(Gain(gain_db=20), speech)
    np.testing.assert_allclose(done.waveform, np.clip(10 * speech, -1, 1), rtol=1e-6)
    assert done.facts == {"gain_db": 20.0, "clipped_share": pytest.approx(np.mean(np.abs(10 * speech) > 1))}


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99, 1.0])
def test_clipping_leaves_the_share_that_was_asked_for(quantile):
    speech = like_speech(2.0, pauses=False)
    done = under(Clipping(quantile=quantile), speech)
    threshold = np.quantile(np.abs(speech), quantile)
    np.testing.assert_allclose(done.waveform, np.clip(speech, -threshold, threshold), atol=1e-7)
    assert done.facts["clipped_share"] == pytest.approx(1 - quantile, abs=1e-4)
    assert done.facts["clipped_at"] == pytest.approx(threshold)


def test_a_silent_clip_has_nothing_to_clip():
    assert not under(Clipping(quantile=0.5), np.zeros(100, np.float32)).waveform.any()


def test_clipping_never_silences_a_clip_that_is_mostly_zeros():
    speech = np.zeros(1_000, np.float32)
    speech[:50] = 0.5
    with pytest.raises(ConditionError, match=r"more than 0\.9 of the clip's samples are zero"):
        under(Clipping(quantile=0.9), speech)


@pytest.mark.parametrize(("loss_share", "burst_frames"), [(0.1, 1.2), (0.1, 5.0), (0.4, 2.0), (0.0, 2.0)])
def test_packets_are_lost_in_the_share_and_the_bursts_of_gilberts_line(loss_share, burst_frames):
    condition = PacketLoss(loss_share=loss_share, burst_frames=burst_frames)
    lost = condition.drawn(200_000, np.random.default_rng(0))
    assert lost.mean() == pytest.approx(loss_share, abs=0.01)
    n_bursts = int(lost[0]) + np.count_nonzero(np.diff(lost.astype(int)) == 1)
    if loss_share:
        assert lost.sum() / n_bursts == pytest.approx(burst_frames, rel=0.05)


@pytest.mark.parametrize("conceal", ["zero", "repeat"])
def test_a_lost_frame_is_silent_or_the_last_that_arrived(conceal):
    speech = like_speech(2.03)  # not a whole number of frames
    condition = PacketLoss(loss_share=0.3, conceal=conceal)
    lost = condition.drawn(-(-len(speech) // 320), np.random.default_rng(0))
    done = condition.apply(speech, np.random.default_rng(0))
    last = None
    for i, is_lost in enumerate(lost):
        frame, heard = speech[320 * i : 320 * (i + 1)], done.waveform[320 * i : 320 * (i + 1)]
        last = last if is_lost else frame
        nothing = is_lost and (conceal == "zero" or last is None)
        np.testing.assert_array_equal(heard, 0 * frame if nothing else last[: len(heard)])
    assert 0 < done.facts["lost_share"] < 0.6


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 1.25, 2.0])
def test_speed_changes_length_and_pitch_and_tells_by_how_much(factor):
    place = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 500 * place)).astype(np.float32)
    condition = Speed(factor=factor)
    done = under(condition, tone)
    assert stretch_of(condition) == done.facts["stretch"] == pytest.approx(1 / factor)
    assert len(done.waveform) == math.ceil(round(len(tone) / factor, 6))
    spectrum = np.abs(np.fft.rfft(done.waveform))
    heard_hz = np.fft.rfftfreq(len(done.waveform), 1 / SAMPLE_RATE)[spectrum.argmax()]
    assert heard_hz == pytest.approx(500 * factor, rel=0.005)
    hundredths = round(100 * factor)
    np.testing.assert_allclose(done.waveform, resample_poly(tone, 100, hundredths), atol=1e-6)


def test_a_word_at_another_speed_is_found_in_the_recordings_own_time():
    click = np.zeros(3 * SAMPLE_RATE, np.float32)
    click[2 * SAMPLE_RATE] = 1.0
    condition = Speed(factor=1.6)
    heard_s = under(condition, click).waveform.argmax() / SAMPLE_RATE
    assert heard_s / stretch_of(condition) == pytest.approx(2.0, abs=1e-3)


OPTIONS = [
    pytest.param(Gain, {"gain_db": 61}, "gain_db=61", id="too-loud"),
    pytest.param(Clipping, {"quantile": 0}, "quantile=0", id="nothing-left"),
    pytest.param(PacketLoss, {"loss_share": 0.95}, "loss_share=0.95", id="nearly-all"),
    pytest.param(PacketLoss, {"loss_share": 0.8, "burst_frames": 2}, "burst_frames of at least 4", id="short-bursts"),
    pytest.param(PacketLoss, {"loss_share": 0.1, "conceal": "guess"}, "zero, repeat", id="no-such-concealment"),
    pytest.param(Speed, {"factor": 0}, "factor=0", id="standstill"),
]


@pytest.mark.parametrize(("made", "options", "says"), OPTIONS)
def test_an_option_that_cannot_be_meant_is_named(made, options, says):
    with pytest.raises(UsageError, match=says):
        made(**options)
