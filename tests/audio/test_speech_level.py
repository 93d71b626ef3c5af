"""Active speech levels against the standard's own way, sample by sample, and against what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio import SAMPLE_RATE, read_waveform
from harness.audio.speech_level import active_speech_level
from tests.audio.conditions.clips import like_speech
from tests.shared import DATA, needs_data


def by_the_standard(waveform):
    """P.56, method B, one sample and one threshold after the other, at the full rate."""
    decay, hangover = math.exp(-1 / (SAMPLE_RATE * 0.03)), round(0.2 * SAMPLE_RATE)
    thresholds = 2.0 ** np.arange(-25, 2)
    active, idle = np.zeros(len(thresholds)), np.full(len(thresholds), hangover + 1)
    first = second = 0.0
    for magnitude in np.abs(waveform.astype(np.float64)):
        first = decay * first + (1 - decay) * magnitude
        second = decay * second + (1 - decay) * first
        idle = np.where(second >= thresholds, 0, idle + 1)
        active += idle <= hangover
    energy = float(np.square(waveform, dtype=np.float64).sum())
    levels = 10 * np.log10(energy / active[active > 0])
    margins = levels - 20 * np.log10(thresholds[active > 0])
    return float(np.interp(-15.9, -margins, levels))


CLIPS = [
    pytest.param(like_speech(), id="with-pauses"),
    pytest.param(like_speech(pauses=False), id="without-pauses"),
    pytest.param(like_speech(level=0.003), id="soft"),
    pytest.param(np.concatenate([np.zeros(20_000, np.float32), like_speech(1.0)]), id="silence-before"),
    pytest.param(like_speech(0.4), id="short"),
]


@pytest.mark.parametrize("waveform", CLIPS)
def test_the_level_is_that_of_the_standard_to_a_tenth_of_a_decibel(waveform):
    level = active_speech_level(waveform)
    assert level.method == "p56"
    assert abs(level.level_db - by_the_standard(waveform)) < 0.1


@needs_data("speech")
def test_the_level_of_real_speech_is_that_of_the_standard():
    waveform = read_waveform(DATA / "speech" / "jfk.flac", duration_s=4)
    assert abs(active_speech_level(waveform).level_db - by_the_standard(waveform)) < 0.1


def test_pauses_do_not_lower_the_level():
    speech = like_speech(pauses=False)
    padded = np.concatenate([np.zeros(80_000, np.float32), speech, np.zeros(80_000, np.float32)])
    plain, with_pauses = active_speech_level(speech), active_speech_level(padded)
    assert abs(plain.level_db - with_pauses.level_db) < 0.5
    assert with_pauses.long_term_db < plain.long_term_db - 5
    assert with_pauses.activity < 0.3


@given(exponent=st.integers(-20, 8))
@settings(max_examples=20, deadline=None)
def test_twice_the_amplitude_is_six_decibels_more(exponent):
    speech = like_speech(1.0)
    louder = active_speech_level(speech * np.float32(2.0**exponent))
    expected_db = active_speech_level(speech).level_db + exponent * 20 * math.log10(2)
    assert louder.level_db == pytest.approx(expected_db, abs=1e-4)


def test_level_and_activity_make_up_the_long_term_level():
    level = active_speech_level(like_speech())
    assert level.level_db + 10 * math.log10(level.activity) == pytest.approx(level.long_term_db)
    assert level.power == pytest.approx(10 ** (level.level_db / 10))


@pytest.mark.parametrize("value", [0.0, 0.3, -1e-6])
def test_silence_has_no_level_and_a_constant_is_silence(value):
    level = active_speech_level(np.full(1_000, value, np.float32))
    assert (level.method, level.level_db, level.activity, level.power) == ("silence", -math.inf, 0.0, 0.0)


def test_an_offset_is_not_speech():
    speech = like_speech()
    level, shifted = active_speech_level(speech), active_speech_level(speech + np.float32(0.2))
    assert shifted.level_db == pytest.approx(level.level_db, abs=1e-3)


@pytest.mark.parametrize("num_samples", [2, 14, 16, 18, 100])
def test_a_clip_too_short_for_an_envelope_has_its_plain_level(num_samples):
    level = active_speech_level(np.tile([0.5, -0.5], num_samples // 2).astype(np.float32))
    assert (level.method, level.activity) == ("rms", 1.0)
    assert level.level_db == pytest.approx(20 * math.log10(0.5))


@given(
    num_samples=st.integers(2, 40_000),
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from([1e-9, 1e-4, 0.1, 1.0, 100.0]),
)
@settings(max_examples=40, deadline=None)
def test_a_level_is_never_below_the_long_term_level(num_samples, seed, level):
    waveform = (level * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)
    found = active_speech_level(waveform)
    assert math.isfinite(found.level_db)
    assert found.level_db >= found.long_term_db - 1e-9
    assert 0 < found.activity <= 1 + 1e-9
