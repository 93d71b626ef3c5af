"""The telephone line and the mask against scipy's filters, and G.711 against libsndfile, value by value."""

import io

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, csd, firwin, freqs, freqz, resample_poly, welch

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import LowPass, Telephone
from harness.audio.conditions.companding import companding_table, mu_law
from harness.audio.conditions.filters import band_pass_taps, between, interpolated
from harness.errors import UsageError
from tests.audio.conditions.clips import like_speech, under

SAMPLES = np.arange(-32_768, 32_768).astype(np.int16)


@pytest.mark.parametrize(("amplitude", "expected"), [(0.01, 0.228477), (0.1, 0.590990), (0.5, 0.875703), (1.0, 1.0)])
def test_v12_2_continuous_mu_law(amplitude, expected):
    assert mu_law(amplitude) == pytest.approx(expected, abs=5e-7)
    assert mu_law(-amplitude) == -mu_law(amplitude)


V12_2 = [(0, 0), (100, 104), (-100, -104), (1_000, 988), (8_000, 7_932), (-30_000, -30_076), (32_767, 32_124)]


@pytest.mark.parametrize(("sample", "expected"), V12_2)
def test_v12_2_g_711_there_and_back(sample, expected):
    assert companding_table("mulaw")[np.int16(sample).view(np.uint16)] * 32_768 == expected


@pytest.mark.parametrize(("law", "subtype"), [("mulaw", "ULAW"), ("alaw", "ALAW")])
def test_companding_is_libsndfiles_for_every_sample_value(law, subtype):
    file = io.BytesIO()
    soundfile.write(file, SAMPLES, 8_000, format="WAV", subtype=subtype)
    file.seek(0)
    expected, _ = soundfile.read(file, dtype="int16")
    np.testing.assert_array_equal(companding_table(law)[SAMPLES.view(np.uint16)] * 32_768, expected)


def test_the_band_pass_is_scipys():
    expected = firwin(257, [300, 3_400], window=("kaiser", 7.0), pass_zero=False, fs=SAMPLE_RATE)
    np.testing.assert_allclose(band_pass_taps(300, 3_400), expected, atol=1e-12)
    low = firwin(257, 3_860, window=("kaiser", 7.0), fs=SAMPLE_RATE)
    np.testing.assert_allclose(band_pass_taps(0, 3_860), low, atol=1e-12)


def transfer_db(before, after):
    frequencies, across = csd(before, after, SAMPLE_RATE, nperseg=4096)
    return frequencies, 20 * np.log10(np.abs(across) / welch(before, SAMPLE_RATE, nperseg=4096)[1])


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "none"])
def test_a_telephone_passes_its_band_and_nothing_else(codec):
    speech = like_speech(10.0, pauses=False)
    white = 0.1 * np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    frequencies, level_db = transfer_db(white, under(Telephone(codec=codec), white).waveform)
    expected = 20 * np.log10(np.abs(freqz(band_pass_taps(300, 3_400), worN=2 * np.pi * frequencies / SAMPLE_RATE)[1]))
    passed = (frequencies > 320) & (frequencies < 3_380)
    np.testing.assert_allclose(level_db[passed], expected[passed], atol=0.5)
    assert level_db[(frequencies > 20) & (frequencies < 150)].max() < -25
    assert level_db[(frequencies > 3_600) & (frequencies < 7_950)].max() < -25


@pytest.mark.parametrize("num_samples", [16_000, 16_001])
def test_a_telephone_is_scipys_filter_and_resampling_up_to_its_16_bits(num_samples):
    speech = like_speech(2.0)[:num_samples]
    passed = np.convolve(speech, band_pass_taps(300, 3_400), "same")[::2]
    expected = resample_poly(np.round(passed * 32_768) / 32_768, 2, 1, window=firwin(1025, 0.5))[:num_samples]
    found = under(Telephone(codec="none"), speech).waveform
    assert found.shape == speech.shape
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=2e-4)


def test_a_telephone_does_not_delay():
    speech = like_speech(2.0)
    heard = under(Telephone(), speech).waveform
    lags = np.correlate(np.pad(heard, 50), speech, "valid")
    assert lags.argmax() == 50


def test_what_is_louder_than_16_bits_is_clipped_and_told():
    speech = like_speech(1.0, level=0.6)
    done = under(Telephone(), speech)
    assert done.facts["clipped_share"] == pytest.approx(float(np.mean(np.abs(speech) > 1)))
    assert 0 < done.facts["clipped_share"] < 0.5
    assert under(Telephone(), like_speech(1.0, level=0.05)).facts["clipped_share"] == 0


def test_silence_stays_silence_but_for_the_idle_noise_of_a_law():
    silence = np.zeros(3_001, np.float32)
    assert not under(Telephone(), silence).waveform.any()
    np.testing.assert_allclose(under(Telephone(codec="alaw"), silence).waveform[200:-200], 8 / 32_768, rtol=1e-3)


@pytest.mark.parametrize("num_samples", [1, 2, 3, 9_999, 10_000])
def test_doubling_the_rate_keeps_the_samples_and_fills_in_between(num_samples):
    slow = np.random.default_rng(0).standard_normal((num_samples + 1) // 2).astype(np.float32)
    doubled = interpolated(slow, num_samples=num_samples)
    assert doubled.shape == (num_samples,)
    np.testing.assert_array_equal(doubled[::2], slow)
    zeros_between = np.zeros(2 * len(slow))
    zeros_between[::2] = slow
    taps = np.zeros(257)
    taps[1::2], taps[128] = between().taps, 1.0
    np.testing.assert_allclose(doubled, np.convolve(zeros_between, taps)[128 : 128 + num_samples], atol=1e-5)


@pytest.mark.parametrize("cutoff_hz", [200, 1_000, 3_000, 6_000])
@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_a_low_pass_has_the_amplitude_of_scipys_butterworth(cutoff_hz, order):
    kernel = LowPass(cutoff_hz=cutoff_hz, order=order).kernel()
    np.testing.assert_array_equal(kernel.taps, kernel.taps[::-1])  # so there is no delay
    frequencies, response = freqz(kernel.taps, worN=2048, fs=SAMPLE_RATE)
    expected = np.abs(freqs(*butter(order, 2 * np.pi * cutoff_hz, analog=True), worN=2 * np.pi * frequencies)[1])
    np.testing.assert_allclose(np.abs(response), expected, atol=0.015)


def test_a_mask_damps_a_clip_as_its_filter_says():
    white = 0.1 * np.random.default_rng(0).standard_normal(10 * SAMPLE_RATE).astype(np.float32)
    frequencies, level_db = transfer_db(white, under(LowPass(cutoff_hz=2_000, order=2), white).waveform)
    expected_db = -10 * np.log10(1 + (frequencies / 2_000) ** 4)
    np.testing.assert_allclose(level_db[5:-100], expected_db[5:-100], atol=0.3)


OPTIONS = [
    pytest.param(Telephone, {"low_hz": 2_000, "high_hz": 1_000}, "expected low_hz below it", id="upside-down"),
    pytest.param(Telephone, {"high_hz": 4_000}, "high_hz=4000", id="beyond-4-khz"),
    pytest.param(Telephone, {"codec": "gsm"}, "mulaw, alaw, none", id="no-such-law"),
    pytest.param(LowPass, {"cutoff_hz": 9_000}, "cutoff_hz=9000", id="beyond-8-khz"),
    pytest.param(LowPass, {"cutoff_hz": 900, "order": 0}, "order=0", id="no-order"),
]


@pytest.mark.parametrize(("made", "options", "says"), OPTIONS)
def test_an_option_that_cannot_be_meant_is_named(made, options, says):
    with pytest.raises(UsageError, match=says):
        made(**options)
