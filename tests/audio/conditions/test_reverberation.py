"""Rooms, measured and simulated: the convolution against scipy's, its timing and energy, and known decays."""

import math

import numpy as np
import pytest
from scipy.signal import fftconvolve

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Reverberation, Room, digest_of, identity_of, simulation
from harness.audio.conditions.responses import direct_to_reverberant_db, reverberation_time_s
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import decaying, like_speech, mean_square, under, written


def room(folder, response, sample_rate=SAMPLE_RATE):
    return Reverberation(impulse_response=written(folder / "room.wav", response, sample_rate))


@pytest.mark.parametrize("duration_s", [0.05, 0.5, 3.0], ids=["short-room", "room", "longer-than-the-clip"])
@pytest.mark.parametrize("num_samples", [1, 1_000, 32_000])
def test_a_room_is_scipys_convolution_in_time_and_at_equal_energy(tmp_path, duration_s, num_samples):
    response = decaying(duration_s=duration_s, delay=300)
    speech = like_speech(2.0, level=0.01, pauses=False)[:num_samples]
    expected = fftconvolve(speech.astype(np.float64), response)[300 : 300 + num_samples]
    expected *= np.sqrt(mean_square(speech) / mean_square(expected))
    done = under(room(tmp_path, response), speech)
    np.testing.assert_allclose(done.waveform, expected, atol=1e-6)
    assert done.facts["scale"] == 1.0


def test_a_room_of_one_sample_changes_nothing(tmp_path):
    speech = like_speech(1.0)
    done = under(room(tmp_path, np.array([0.25])), speech)
    np.testing.assert_allclose(done.waveform, speech, atol=1e-6)
    assert done.facts == {"scale": 1.0}  # there is no decay that a time could be told of


def test_what_would_clip_is_scaled_and_told(tmp_path):
    speech = np.zeros(16_000, np.float32)
    speech[::400] = 1.0
    response = np.zeros(1_000)
    response[[0, 400, 800]] = [0.5, 0.4, 0.4]
    done = under(room(tmp_path, response), speech)
    assert done.facts["scale"] < 1
    assert np.abs(done.waveform).max() == pytest.approx(1.0, abs=1e-6)


def test_a_silent_clip_is_silent_in_every_room(tmp_path):
    assert not under(room(tmp_path, decaying()), np.zeros(500, np.float32)).waveform.any()


@pytest.mark.parametrize("sample_rate", [8_000, 48_000])
def test_a_response_of_any_rate_is_resampled(tmp_path, sample_rate):
    response = np.zeros(sample_rate // 2)
    response[[0, sample_rate // 4]] = [1.0, 0.5]
    speech = np.zeros(16_000, np.float32)
    speech[1_000] = 0.5
    heard = under(room(tmp_path, response, sample_rate), speech).waveform
    assert np.abs(heard).argmax() == 1_000
    assert 3_000 + np.abs(heard[3_000:]).argmax() == 5_000


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("noise_db", [-200, -60, -45], ids=["no-noise", "quiet", "noisy"])
def test_the_reverberation_time_of_a_known_decay_is_found(t60_s, noise_db):
    rng = np.random.default_rng(0)
    place = np.arange(round(1.5 * t60_s * SAMPLE_RATE)) / SAMPLE_RATE
    decay = rng.standard_normal(len(place)) * 10 ** (-3 * place / t60_s)
    response = decay + 10 ** (noise_db / 20) * rng.standard_normal(len(place))
    response[0] = 5.0
    assert reverberation_time_s(response.astype(np.float32)) == pytest.approx(t60_s, rel=0.05)


@pytest.mark.parametrize("response", [[1.0], [1.0, 0.5], np.ones(4_000)], ids=["one-sample", "two", "no-decay"])
def test_what_does_not_decay_has_no_reverberation_time(response):
    assert math.isnan(reverberation_time_s(np.array(response, np.float32)))


def test_the_direct_sound_is_compared_with_the_rest():
    response = np.zeros(5_000, np.float32)
    response[[100, 2_000, 3_000]] = [1.0, 0.5, 0.5]
    assert direct_to_reverberant_db(response) == pytest.approx(10 * math.log10(1 / 0.5))
    assert math.isnan(direct_to_reverberant_db(np.ones(1, np.float32)))


REFUSED = [
    pytest.param(np.zeros(500), "the impulse response is silent", id="silent"),
    pytest.param(np.r_[1.0, np.inf], "not finite", id="infinite"),
]


@pytest.mark.parametrize(("response", "says"), REFUSED)
def test_a_recording_that_is_no_response_is_refused(tmp_path, response, says):
    with pytest.raises(ConditionError, match=says):
        room(tmp_path, response)


def test_a_missing_response_is_named():
    with pytest.raises(UsageError, match=r"impulse_response=hall\.wav: no such file"):
        Reverberation(impulse_response="hall.wav")


@pytest.fixture(scope="module")
def simulated():
    pytest.importorskip("pyroomacoustics", reason="needs the extra `rooms`", exc_type=ImportError)
    return Room(dimensions_m=[5, 4, 2.7], t60_s=0.3, distance_m=1.5)


def test_a_simulated_room_rings_as_long_as_was_asked(simulated):
    speech = like_speech(1.0)
    done = under(simulated, speech)
    assert done.facts["t60_s"] == pytest.approx(0.3, rel=0.05)
    assert done.facts["drr_db"] < 5
    assert len(done.waveform) == len(speech)
    assert np.correlate(np.pad(done.waveform, 200), speech, "valid").argmax() == 200


def test_a_talker_who_is_nearer_is_more_direct(simulated):
    near = Room(dimensions_m=[5, 4, 2.7], t60_s=0.3, distance_m=0.3)
    assert near.response().drr_db > simulated.response().drr_db + 6


def test_the_simulator_is_part_of_the_identity(simulated, monkeypatch):
    assert list(identity_of(simulated)["libraries"]) == ["pyroomacoustics"]
    before = digest_of(simulated)
    monkeypatch.setattr(simulation, "version", lambda: "99.0")
    assert digest_of(simulated) != before


ROOMS = [
    pytest.param({"dimensions_m": [5, 4]}, "expected length, width and height", id="two-lengths"),
    pytest.param({"dimensions_m": 5}, "dimensions_m=5", id="a-number"),
    pytest.param({"dimensions_m": [5, 4, 500]}, "1 to 100 m", id="a-tower"),
    pytest.param({"distance_m": 4}, "do not fit a room of 6 × 5 × 3 m", id="talker-in-the-wall"),
    pytest.param({"height_m": 2.9}, "height_m=2.9", id="under-the-ceiling"),
    pytest.param({"t60_s": 9}, "t60_s=9", id="cathedral"),
]


@pytest.mark.parametrize(("options", "says"), ROOMS)
def test_a_room_that_cannot_be_meant_is_named(simulated, options, says):  # noqa: ARG001
    with pytest.raises(UsageError, match=says):
        Room(**options)


def test_walls_that_would_absorb_more_than_all_are_an_error(simulated):  # noqa: ARG001
    with pytest.raises(ConditionError, match="absorb more than all"):
        Room(dimensions_m=[20, 15, 6], t60_s=0.1).response()


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    def missing(_name):
        raise simulation.metadata.PackageNotFoundError

    monkeypatch.setattr(simulation.metadata, "version", missing)
    with pytest.raises(UsageError, match=r"pip install 'asr-fairness-harness\[rooms\]'"):
        Room()
