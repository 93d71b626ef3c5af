"""Tones of the frequency, the level and the rhythm that were asked for, without clicks."""

import math

import numpy as np
import pytest

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Tone, seed_of
from harness.audio.conditions.tone import amplitudes
from harness.audio.speech_level import active_speech_level
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import like_speech, mean_square, under

THIRD_OCTAVES = [125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000]


def tone_alone(condition, speech):
    done = under(condition, speech)
    return done.waveform.astype(np.float64) / done.facts["scale"] - speech, done.facts


@pytest.mark.parametrize("frequency_hz", [*THIRD_OCTAVES, 50.0, 60.0, 1234.5, 7_900.0])
@pytest.mark.parametrize("level_db", [-20.0, 0.0])
def test_a_tone_has_its_frequency_and_its_level_over_active_speech(frequency_hz, level_db):
    speech = like_speech(2.0, level=0.02)
    tone, facts = tone_alone(Tone(frequency_hz=frequency_hz, level_db=level_db), speech)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert np.fft.rfftfreq(len(tone), 1 / SAMPLE_RATE)[spectrum.argmax()] == pytest.approx(frequency_hz, abs=0.5)
    found_db = 10 * math.log10(mean_square(tone)) - active_speech_level(speech).level_db
    assert found_db == pytest.approx(level_db, abs=0.05)
    assert facts["tone_share"] == 1.0


def test_the_harmonics_are_the_sum_of_sines_one_by_one():
    condition, speech = Tone(frequency_hz=437.3, harmonics=5, level_db=0), like_speech(4.0, level=0.02)
    tone, facts = tone_alone(condition, speech)
    phases, _ = condition.drawn(seed_of("u1", condition))
    place = np.arange(len(speech)) / SAMPLE_RATE
    expected = sum(
        a * np.sin(2 * np.pi * 437.3 * k * place + phase)
        for k, (a, phase) in enumerate(zip(amplitudes(5), phases, strict=True), start=1)
    )
    np.testing.assert_allclose(tone, expected * 10 ** (facts["speech_level_db"] / 20), atol=1e-6)


def test_harmonics_fall_with_their_number_and_have_unit_power_together():
    np.testing.assert_allclose(amplitudes(4) / amplitudes(4)[0], [1, 1 / 2, 1 / 3, 1 / 4])
    assert np.square(amplitudes(7)).sum() / 2 == pytest.approx(1.0)
    assert 20 * math.log10(5) < 15  # dB by which the fifth is softer (IEC 60601-1-8)


def test_harmonics_beyond_8_khz_are_left_out():
    condition = Tone(frequency_hz=3_000, harmonics=4)
    assert condition.n_audible == 2
    assert Tone(frequency_hz=4_000, harmonics=4).n_audible == 1
    tone, _ = tone_alone(condition, like_speech(1.0))
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    loud = np.flatnonzero(spectrum > 0.01 * spectrum.max())
    assert {round(hz, -3) for hz in loud / len(tone) * SAMPLE_RATE} == {3_000, 6_000}


def test_a_pulsed_tone_goes_on_and_off():
    condition = Tone(frequency_hz=1_000, duty_cycle=0.25, period_s=0.4, level_db=0)
    tone, facts = tone_alone(condition, like_speech(4.0))
    loudness = np.sqrt(np.convolve(tone**2, np.ones(160) / 160, "same"))
    on = loudness > 0.5 * loudness.max()
    assert on.mean() == pytest.approx(0.25, abs=0.03)
    assert facts["tone_share"] == pytest.approx(0.25, abs=0.01)
    beginnings = np.flatnonzero(np.diff(on.astype(int)) == 1)
    np.testing.assert_allclose(np.diff(beginnings), 0.4 * SAMPLE_RATE, atol=20)


def test_going_on_and_off_does_not_click():
    steady, _ = tone_alone(Tone(frequency_hz=500, level_db=0), like_speech(3.0))
    pulsed, _ = tone_alone(Tone(frequency_hz=500, duty_cycle=0.5, period_s=0.2, level_db=0), like_speech(3.0))
    assert np.abs(np.diff(pulsed)).max() < 1.05 * np.abs(np.diff(steady)).max()
    spectrum = np.abs(np.fft.rfft(pulsed * np.hanning(len(pulsed)))) ** 2
    above = np.fft.rfftfreq(len(pulsed), 1 / SAMPLE_RATE) > 1_000
    assert spectrum[above].sum() < 1e-5 * spectrum.sum()


def test_a_tone_begins_at_another_moment_in_every_clip():
    condition, speech = Tone(frequency_hz=500, duty_cycle=0.5), like_speech(1.0)
    assert len({under(condition, speech, utterance_id=f"u{i}").waveform.tobytes() for i in range(5)}) == 5


@pytest.mark.parametrize("num_samples", [2, 3, 1_000, 16_001])
def test_a_tone_is_as_long_as_its_clip(num_samples):
    assert len(under(Tone(frequency_hz=500, duty_cycle=0.5), like_speech(2.0)[:num_samples]).waveform) == num_samples


def test_a_silent_clip_has_no_level_for_a_tone():
    with pytest.raises(ConditionError, match="'tone_500hz': the clip is silent"):
        under(Tone(frequency_hz=500), np.zeros(1_000, np.float32))


OPTIONS = [
    pytest.param({"frequency_hz": 8_000}, "frequency_hz=8000", id="beyond-the-band"),
    pytest.param({"harmonics": 1.5}, "expected a whole number", id="half-a-harmonic"),
    pytest.param({"harmonics": 0}, "harmonics=0", id="no-harmonic"),
    pytest.param({"duty_cycle": 1.1}, "duty_cycle=1.1", id="more-than-always"),
    pytest.param({"duty_cycle": 0.01, "period_s": 1.0}, "click", id="a-click"),
    pytest.param({"period_s": math.inf}, "period_s=inf", id="endless-period"),
    pytest.param({"level_db": True}, "level_db=True", id="truth"),
]


@pytest.mark.parametrize(("options", "says"), OPTIONS)
def test_an_option_that_cannot_be_meant_is_named(options, says):
    with pytest.raises(UsageError, match=says):
        Tone(**({"frequency_hz": 500} | options))
