"""Known mixtures, known bands and known clipping read back; what cannot be told is None and says why."""

import math

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from harness.audio import SAMPLE_RATE
from harness.audio import measurements as told
from harness.audio.measurements import bandwidth, clipped, measure_recording, measure_samples, snr
from harness.audio.speech_level import active_speech_level
from harness.errors import AudioError
from tests.shared import DATA, REPOSITORY, needs_data


def speech_like(duration_s=4.0, *, level=0.2, seed=0):
    """Syllables of noise, four a second, and a pause of half a second in every two."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    envelope = np.sin(2 * np.pi * 2 * t) ** 2 * (t % 2 < 1.5)
    return (level * envelope * rng.standard_normal(len(t))).astype(np.float32)


def measured(waveform, *, recorded=None, sample_rate=SAMPLE_RATE):
    return measure_samples(waveform, waveform[:, None] if recorded is None else recorded, sample_rate)


def in_noise(speech, noise, snr_db):
    power = active_speech_level(speech).power
    return (speech + noise * np.sqrt(power / np.mean(noise**2) / 10 ** (snr_db / 10))).astype(np.float32)


def estimated(waveform):
    return snr(waveform, active_speech_level(waveform))


@pytest.mark.parametrize("snr_db", [0, 5, 10, 20, 30, 40])
def test_the_ratio_of_speech_with_pauses_to_white_noise_is_told_within_2_db(snr_db):
    noise = np.random.default_rng(1).standard_normal(4 * SAMPLE_RATE)
    assert estimated(in_noise(speech_like(), noise, snr_db)).value == pytest.approx(snr_db, abs=2)


@needs_data("speech")
@needs_data("noise")
@pytest.mark.parametrize("snr_db", [5, 10, 15, 20])
def test_the_ratio_of_real_speech_to_a_real_kitchen_is_told_within_4_db(snr_db):
    speech = measured_file(DATA / "speech" / "jfk.flac")
    kitchen = measured_file(DATA / "noise" / "kitchen.flac")
    readings = [
        estimated(in_noise(speech, kitchen[start : start + len(speech)], snr_db)).value
        for start in range(0, 100 * SAMPLE_RATE, 25 * SAMPLE_RATE)
    ]
    found = [each for each in readings if each is not None]
    assert len(found) >= 2
    assert found == pytest.approx([snr_db] * len(found), abs=4)


def measured_file(path):
    from harness.audio import read_waveform

    return read_waveform(path)


@given(scale=st.floats(0.01, 10))
@settings(max_examples=20, deadline=None)
def test_the_ratio_the_share_and_the_band_do_not_depend_on_the_level(scale):
    noisy = in_noise(speech_like(), np.random.default_rng(1).standard_normal(4 * SAMPLE_RATE), 10)
    plain, scaled = measured(noisy), measured((noisy * np.float32(scale)).astype(np.float32))
    assert scaled.snr_db == pytest.approx(plain.snr_db, abs=0.3)  # P.56 has thresholds 6 dB apart
    assert scaled.speech_share == pytest.approx(plain.speech_share, abs=0.05)
    assert scaled.bandwidth_hz == plain.bandwidth_hz
    assert scaled.level_dbfs - plain.level_dbfs == pytest.approx(20 * math.log10(scale), abs=0.01)


@pytest.mark.parametrize(
    ("waveform", "note"),
    [
        pytest.param(np.random.default_rng(0).normal(0, 0.1, 48_000), told.ALL_NOISE, id="white-noise-alone"),
        pytest.param(speech_like(0.2), told.TOO_SHORT_FOR_NOISE, id="a-fifth-of-a-second"),
        pytest.param(speech_like(), told.EMPTY_PAUSES, id="gated"),
        pytest.param(speech_like()[: SAMPLE_RATE // 4 * 5][1200:4800], told.TOO_SHORT_FOR_NOISE, id="a-syllable"),
        pytest.param(np.exp(np.linspace(-3, 0, 16_000)) * np.sin(np.arange(16_000)), told.NO_PAUSE, id="no-pause"),
    ],
)
def test_a_ratio_that_cannot_be_told_is_none_and_says_why(waveform, note):
    reading = estimated(waveform.astype(np.float32))
    assert reading == told.Reading(None, note)


def test_levels_are_those_of_the_formula():
    tone = np.sin(2 * np.pi * 1000 * np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    assert measured(tone).level_dbfs == pytest.approx(-3.01, abs=0.01)
    padded = np.concatenate([speech_like(), np.random.default_rng(3).normal(0, 1e-5, 16 * SAMPLE_RATE)])
    short, long = measured(speech_like()), measured(padded.astype(np.float32))
    assert long.level_dbfs == pytest.approx(short.level_dbfs - 10 * math.log10(5), abs=0.1)
    assert long.speech_level_dbfs == pytest.approx(short.speech_level_dbfs, abs=0.3)
    assert long.speech_share == pytest.approx(short.speech_share / 5, abs=0.02)


def test_an_offset_is_taken_out_and_said():
    plain, shifted = measured(speech_like()), measured((speech_like() + 0.3).astype(np.float32))
    assert shifted.notes == (told.OFFSET, *plain.notes)
    for name in ("level_dbfs", "speech_level_dbfs", "speech_share", "bandwidth_hz"):
        assert getattr(shifted, name) == pytest.approx(getattr(plain, name), abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.25, -1.0])
def test_a_recording_that_never_changes_has_no_level_and_no_share(value):
    found = measured(np.full(SAMPLE_RATE, value, dtype=np.float32))
    assert found.audio_s == 1
    assert found.notes == (told.NO_SOUND,)
    numbers = (found.level_dbfs, found.speech_level_dbfs, found.speech_share, found.snr_db, found.clipped_share)
    assert (*numbers, found.bandwidth_hz) == (None,) * 6


@pytest.mark.parametrize("num_samples", [1, 2, 10, 159, 160, 511, 512, 4_000])
def test_a_recording_of_a_few_samples_is_measured_as_far_as_it_goes(num_samples):
    found = measured(np.random.default_rng(num_samples).normal(0, 0.1, num_samples + 1).astype(np.float32))
    assert found.level_dbfs is not None
    assert found.snr_db is None
    assert (found.bandwidth_hz is None) == (num_samples + 1 < 512)
    assert all(each is None or math.isfinite(each) for each in (found.speech_share, found.speech_level_dbfs))


def runs_by_hand(channel):
    """Count samples in flat tops, one after the other."""
    n, tops = 0, 0
    for extreme in (max(channel), min(channel)):
        run = 0
        for sample in [*channel, None]:
            if sample == extreme:
                run += 1
                continue
            n, tops = (n + run, tops + 1) if run >= 3 else (n, tops)
            run = 0
    return n if tops >= 2 else 0


@given(st.lists(st.integers(-2, 2), min_size=3, max_size=60).filter(lambda cells: len(set(cells)) > 1))
def test_flat_tops_are_counted_as_by_hand(cells):
    channel = np.array(cells, dtype=np.float32)
    assert clipped(channel[:, None]) == pytest.approx(runs_by_hand(cells) / len(cells))


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01], ids=["as-clipped", "turned-down", "turned-far-down"])
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
def test_clipping_is_seen_at_any_rate_and_level(tmp_path, sample_rate, gain):
    tone = np.cumsum(np.random.default_rng(0).standard_normal(2 * sample_rate))
    voice = signal.sosfilt(signal.butter(2, [100, 800], "band", fs=sample_rate, output="sos"), tone)
    limit = np.quantile(np.abs(voice), 0.95)
    path = tmp_path / "a.wav"
    soundfile.write(path, gain * np.clip(voice, -limit, limit) / limit, sample_rate, subtype="PCM_16")
    soundfile.write(tmp_path / "whole.wav", gain * voice / np.abs(voice).max(), sample_rate, subtype="PCM_16")
    assert measure_recording(path).clipped_share == pytest.approx(0.05, abs=0.012)
    assert measure_recording(tmp_path / "whole.wav").clipped_share < 1e-4


def test_one_clipped_channel_of_two_counts_half(tmp_path):
    voice = speech_like()
    stereo = np.stack([voice, np.clip(voice, -0.1, 0.1)], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, SAMPLE_RATE, subtype="FLOAT")
    assert measure_recording(tmp_path / "a.wav").clipped_share == pytest.approx(clipped(stereo[:, 1:]) / 2)


@pytest.mark.parametrize("edge_hz", [1_500, 3_400, 4_000, 6_000])
def test_the_edge_of_a_band_is_found(edge_hz):
    noise = np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE)
    low = signal.sosfilt(signal.ellip(10, 0.5, 80, edge_hz, fs=SAMPLE_RATE, output="sos"), noise)
    assert bandwidth((0.1 * low).astype(np.float32), SAMPLE_RATE).value == pytest.approx(edge_hz, rel=0.05)


def demo_voice():
    return measured_file(REPOSITORY / "manifests" / "demo" / "audio" / "demo-scottish-m1-lights.opus")


def test_a_telephone_call_in_a_file_of_16_khz_is_seen_as_one(tmp_path):
    voice = demo_voice()
    telephone = signal.butter(8, [300, 3400], "band", fs=SAMPLE_RATE, output="sos")
    narrow = signal.resample_poly(signal.sosfiltfilt(telephone, voice), 1, 2)
    soundfile.write(tmp_path / "narrow.wav", narrow, 8_000)
    soundfile.write(tmp_path / "again.wav", signal.resample_poly(narrow, 2, 1), SAMPLE_RATE)
    soundfile.write(tmp_path / "wide.wav", voice, SAMPLE_RATE)
    band = {path.stem: measure_recording(path).bandwidth_hz for path in tmp_path.glob("*.wav")}
    assert 3_300 < band["narrow"] <= 4_000
    assert 3_300 < band["again"] < 4_000
    assert band["wide"] > 7_200


@pytest.mark.parametrize(("sample_rate", "highest_hz"), [(8_000, 4_000), (44_100, 8_000)])
def test_no_band_is_wider_than_the_recording_or_than_what_is_heard(tmp_path, sample_rate, highest_hz):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, sample_rate), sample_rate)
    assert 0.95 * highest_hz < measure_recording(tmp_path / "a.wav").bandwidth_hz <= highest_hz


def test_a_segment_is_measured_alone(tmp_path):
    loud_then_quiet = np.concatenate([speech_like(), 0.01 * speech_like()])
    soundfile.write(tmp_path / "a.wav", loud_then_quiet, SAMPLE_RATE, subtype="FLOAT")
    segment = measure_recording(tmp_path / "a.wav", offset_s=4.0, duration_s=4.0)
    assert segment == measured(np.float32(0.01) * speech_like())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_no_number_is_an_error_not_a_measurement(tmp_path, value):
    samples = speech_like()
    samples[100] = value
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        measure_recording(tmp_path / "a.wav")


def test_nothing_that_is_given_is_changed():
    noisy = in_noise(speech_like(), np.random.default_rng(1).standard_normal(4 * SAMPLE_RATE), 10)
    recorded, before = noisy[:, None].copy(), noisy.copy()
    measure_samples(noisy, recorded, SAMPLE_RATE)
    np.testing.assert_array_equal(noisy, before)
    np.testing.assert_array_equal(recorded[:, 0], before)


@needs_data("fsdd")
def test_real_digits_at_8_khz_have_a_telephone_s_band_and_are_not_clipped():
    found = [measure_recording(path) for path in sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::20]]
    assert max(each.bandwidth_hz for each in found) <= 4_000
    assert np.median([each.bandwidth_hz for each in found]) > 3_400
    assert max(each.clipped_share for each in found) < 0.001
    assert all((each.snr_db is None) == bool(each.notes) for each in found)
