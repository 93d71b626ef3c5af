"""Noise at the SNR that was asked for: vectors, loops without seams, colours, and clips and recordings that cannot."""

import concurrent.futures
import math

import numpy as np
import pytest
from scipy.signal import welch

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Noise, recordings
from harness.audio.conditions.colours import generated_loop
from harness.audio.conditions.mixing import mixed, noise_gain
from harness.audio.conditions.recordings import cut_from, looped, noise_loop, sha256_of
from harness.audio.speech_level import active_speech_level
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import like_speech, mean_square, noise_file, under, written


def test_v12_1_by_hand():
    speech, noise = np.array([1, -1, 1, -1], np.float32), np.array([2, 2, -2, -2], np.float32)
    gain = noise_gain(mean_square(speech), mean_square(noise), 10 * math.log10(4))
    assert gain == pytest.approx(0.25)
    together, scale = mixed(speech, noise, gain=gain)
    np.testing.assert_allclose(together / scale, [1.5, -0.5, 0.5, -1.5], rtol=1e-6)
    assert scale == pytest.approx(1 / 1.5)
    np.testing.assert_allclose(together, np.array([1.5, -0.5, 0.5, -1.5]) / 1.5, rtol=1e-6)


def test_v12_1_by_the_condition(tmp_path):
    recording = written(tmp_path / "n.wav", np.tile([0.5, 0.5, -0.5, -0.5], 1_000))
    speech = np.tile([0.25, -0.25, 0.25, -0.25], 1_000).astype(np.float32)
    noisy = under(Noise(recording=recording, snr_db=10 * math.log10(4), speech_power="rms"), speech)
    assert mean_square(noisy.waveform - speech) == pytest.approx(0.25**2 / 4, rel=1e-5)
    assert noisy.facts["scale"] == 1.0


@pytest.mark.parametrize("snr_db", [40, 20, 10, 5, 0, -5, -20])
@pytest.mark.parametrize("source", ["recording", "white", "pink", "brown", "babble", "talkers"])
def test_the_snr_is_met_on_the_power_of_active_speech(tmp_path, source, snr_db):
    speech = like_speech(level=0.01)
    noisy = under(noise_of(source, tmp_path, snr_db=snr_db), speech)
    noise = noisy.waveform.astype(np.float64) / noisy.facts["scale"] - speech
    achieved_db = active_speech_level(speech).level_db - 10 * math.log10(mean_square(noise))
    assert achieved_db == pytest.approx(snr_db, abs=0.01)
    assert noisy.facts["noise_level_db"] == pytest.approx(10 * math.log10(mean_square(noise)), abs=0.01)


def noise_of(source, folder, **options):
    if source == "recording":
        return Noise(recording=noise_file(folder), **options)
    if source == "talkers":
        talkers = [written(folder / f"{i}.wav", like_speech(2.0, seed=i)) for i in range(3)]
        return Noise(talkers=talkers, **options)
    return Noise(colour=source, **options)


def test_speech_and_noise_get_one_scale_where_they_would_clip(tmp_path):
    speech = like_speech(level=0.2)
    noisy = under(Noise(recording=noise_file(tmp_path), snr_db=-10), speech)
    assert noisy.facts["scale"] < 1
    assert np.abs(noisy.waveform).max() == pytest.approx(1.0, abs=1e-6)
    residual = noisy.waveform.astype(np.float64) / noisy.facts["scale"] - speech
    gain = np.sqrt(mean_square(residual))
    assert abs(np.dot(residual, speech)) / len(speech) < 0.1 * gain * np.sqrt(mean_square(speech))


def test_a_pause_in_the_speech_is_as_noisy_as_the_rest(tmp_path):
    speech = like_speech()
    noisy = under(Noise(recording=noise_file(tmp_path), snr_db=10), speech)
    pause = noisy.waveform[round(0.35 * SAMPLE_RATE) : round(0.45 * SAMPLE_RATE)]
    expected_db = active_speech_level(speech).level_db - 10 + 20 * math.log10(noisy.facts["scale"])
    assert 10 * math.log10(mean_square(pause)) == pytest.approx(expected_db, abs=0.7)


def test_noise_shorter_than_the_speech_goes_round_without_a_seam(tmp_path):
    place = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    recording = written(tmp_path / "hum.wav", 0.3 * np.sin(2 * np.pi * 90.5 * place))  # would jump where it goes round
    loop = noise_loop(recording, sha256_of(recording))
    round_and_round = cut_from(loop, 3, 5 * len(loop))
    steepest = np.abs(np.diff(0.3 * np.sqrt(2) * np.sin(2 * np.pi * 90.5 * place))).max()
    assert np.abs(np.diff(round_and_round)).max() < 6 * steepest
    speech = like_speech(3.0)
    assert len(under(Noise(recording=recording, snr_db=0), speech).waveform) == len(speech)


def test_a_cross_fade_keeps_the_power_of_noise():
    loop = looped(np.random.default_rng(0).standard_normal(200_000))
    faded = loop[:800]
    assert mean_square(faded) == pytest.approx(1.0, abs=0.15)
    assert len(loop) == 200_000 - 800


@pytest.mark.parametrize(("start", "num_samples"), [(0, 5), (3, 4), (3, 5), (6, 30), (0, 7), (2, 14)])
def test_a_cut_goes_round(start, num_samples):
    loop = np.arange(7, dtype=np.float32)
    np.testing.assert_array_equal(cut_from(loop, start, num_samples), (start + np.arange(num_samples)) % 7)


def test_every_clip_gets_a_piece_of_its_own(tmp_path):
    condition, speech = Noise(recording=noise_file(tmp_path), snr_db=0), like_speech(1.0)
    pieces = [under(condition, speech, utterance_id=f"u{i}").waveform for i in range(5)]
    assert len({piece.tobytes() for piece in pieces}) == 5


def test_the_levels_of_a_sweep_share_their_piece(tmp_path):
    recording, speech = noise_file(tmp_path), like_speech(1.0, level=0.01)
    at = {snr_db: under(Noise(recording=recording, snr_db=snr_db), speech).waveform - speech for snr_db in (20, 10)}
    np.testing.assert_allclose(at[10], at[20] * np.sqrt(10), atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 48_000])
def test_any_rate_and_any_channels_serve(tmp_path, sample_rate):
    stereo = 0.1 * np.random.default_rng(0).standard_normal((sample_rate, 2))
    recording = written(tmp_path / "n.wav", stereo, sample_rate)
    assert under(Noise(recording=recording, snr_db=0), like_speech(2.0)).waveform.shape == (32_000,)


def test_an_offset_is_not_power(tmp_path):
    samples = 0.01 * np.random.default_rng(0).standard_normal(32_000)
    plain, shifted = written(tmp_path / "a.wav", samples), written(tmp_path / "b.wav", samples + 0.5)
    loops = [noise_loop(path, sha256_of(path)) for path in (plain, shifted)]
    np.testing.assert_allclose(loops[0], loops[1], atol=1e-3)


def test_a_pause_of_the_recording_is_not_blown_up_to_noise(tmp_path):
    samples = np.zeros(20 * SAMPLE_RATE)
    samples[:3_000] = 0.2 * np.random.default_rng(0).standard_normal(3_000)  # a second of kitchen, and then nothing
    condition = Noise(recording=written(tmp_path / "n.wav", samples), snr_db=10)
    for i in range(20):
        noise = condition.drawn(4_000, np.random.default_rng(i))
        assert mean_square(noise) >= 1e-4


REFUSED = [
    pytest.param(np.zeros(16_000), "silent", id="silent"),
    pytest.param(np.full(16_000, 0.3), "silent", id="only-an-offset"),
    pytest.param(np.tile([0.1, -0.1], 50), "0.006 s", id="too-short"),
    pytest.param(np.r_[np.nan, np.zeros(16_000)], "not finite", id="nan"),
]


@pytest.mark.parametrize(("samples", "says"), REFUSED)
def test_a_recording_that_cannot_be_noise_is_refused_when_the_condition_is_made(tmp_path, samples, says):
    with pytest.raises(ConditionError, match=says):
        Noise(recording=written(tmp_path / "n.wav", samples), snr_db=10)


def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path):
    (tmp_path / "n.wav").write_text("<html>", encoding="utf-8")
    with pytest.raises(ConditionError, match=r"n\.wav.*a web page"):
        Noise(recording=str(tmp_path / "n.wav"), snr_db=10)


def test_a_silent_clip_has_no_snr(tmp_path):
    condition = Noise(recording=noise_file(tmp_path), snr_db=10)
    with pytest.raises(ConditionError, match="'kitchen_10db': the clip is silent"):
        under(condition, np.zeros(16_000, np.float32))


OPTIONS = [
    pytest.param({}, "none of recording, colour and talkers", id="no-source"),
    pytest.param({"colour": "white", "talkers": ["a"]}, "colour and talkers", id="two-sources"),
    pytest.param({"colour": "blue"}, "expected one of white, pink", id="no-such-colour"),
    pytest.param({"colour": "white", "snr_db": math.nan}, "snr_db=nan", id="nan"),
    pytest.param({"colour": "white", "snr_db": "10"}, "snr_db='10'", id="text"),
    pytest.param({"colour": "white", "snr_db": 101}, "-60 to 100", id="out-of-range"),
    pytest.param({"colour": "white", "speech_power": "peak"}, "active, rms", id="no-such-power"),
    pytest.param({"recording": "nowhere.wav"}, r"Noise: recording=nowhere\.wav: no such file", id="no-such-file"),
    pytest.param({"talkers": "a.wav"}, "expected a list", id="talkers-not-a-list"),
    pytest.param({"colour": "white", "name": "../x"}, "name='../x'", id="name-that-leaves-a-folder"),
    pytest.param({"colour": "white", "name": "x" * 61}, "at most 60", id="name-too-long"),
]


@pytest.mark.parametrize(("options", "says"), OPTIONS)
def test_an_option_that_cannot_be_meant_is_named(options, says):
    with pytest.raises(UsageError, match=says):
        Noise(**({"snr_db": 10} | options))


@pytest.mark.parametrize(("colour", "slope_db"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_a_colour_falls_as_it_should(colour, slope_db):
    frequencies, density = welch(generated_loop(colour), SAMPLE_RATE, nperseg=4096)
    chosen = (frequencies > 50) & (frequencies < 7_000)
    slope, _ = np.polyfit(np.log2(frequencies[chosen]), 10 * np.log10(density[chosen]), 1)
    assert slope == pytest.approx(slope_db, abs=0.15)


def test_generated_noise_has_no_seam():
    loop = generated_loop("pink")
    assert abs(float(loop[0]) - float(loop[-1])) < np.abs(np.diff(loop[:100_000])).max()


def test_babble_has_the_spectrum_and_the_modulation_of_speech():
    babble = generated_loop("babble")
    frequencies, density = welch(babble, SAMPLE_RATE, nperseg=4096)
    level_db = 10 * np.log10(density)
    at = {hz: level_db[np.abs(frequencies - hz).argmin()] for hz in (500, 1_000, 2_000, 4_000)}
    assert [at[500] - at[hz] for hz in (1_000, 2_000, 4_000)] == pytest.approx([9.26, 16.95, 24.94], abs=1.5)
    envelope = np.abs(babble[:960_000]).reshape(-1, 160).mean(axis=1)
    white = np.abs(generated_loop("white")[:960_000]).reshape(-1, 160).mean(axis=1)
    assert envelope.std() / envelope.mean() > 3 * white.std() / white.mean()


def test_many_threads_decode_a_recording_once(tmp_path, monkeypatch):
    decoded = []
    genuine = recordings.read_waveform
    monkeypatch.setattr(recordings, "read_waveform", lambda path: decoded.append(path) or genuine(path))
    condition, speech = Noise(recording=noise_file(tmp_path), snr_db=0), like_speech(1.0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda i: under(condition, speech, utterance_id=f"u{i % 4}").waveform.tobytes(), range(64))
        )
    assert len(decoded) == 1
    assert made[:4] * 16 == made


def test_generated_noise_is_made_once_and_cannot_be_written_to():
    assert generated_loop("white") is generated_loop("white")
    with pytest.raises(ValueError, match="read-only"):
        generated_loop("white")[0] = 0


def test_a_recording_that_changes_while_the_run_goes_on_is_an_error(tmp_path):
    path = noise_file(tmp_path)
    digest = sha256_of(path)
    noise_file(tmp_path, seed=8)
    with pytest.raises(ConditionError, match="has changed since the run began"):
        noise_loop(path, digest)
