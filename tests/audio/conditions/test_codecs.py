"""Every codec in time and at full length, at its rate and bit rate, and the identity that carries its version."""

import concurrent.futures

import numpy as np
import pytest
import soundfile

from harness.audio import SAMPLE_RATE
from harness.audio.conditions import Codec, digest_of, identity_of
from harness.audio.conditions.codecs import FORMATS
from harness.errors import ConditionError, UsageError
from tests.audio.conditions.clips import like_speech, under

CODECS = sorted(FORMATS)


def chirp(duration_s=2.0):
    place = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * (300 + 500 * place) * place)).astype(np.float32)


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_neither_delays_nor_shortens_nor_lengthens(codec):
    clean = chirp()
    decoded = under(Codec(codec=codec), clean).waveform
    assert decoded.shape == clean.shape
    lags = np.correlate(np.pad(decoded, 400), clean, "valid")
    assert lags.argmax() == 400
    inside = slice(400, -400)
    assert np.corrcoef(decoded[inside], clean[inside])[0, 1] > 0.95
    assert not np.array_equal(decoded, clean)


@pytest.mark.parametrize("bitrate_kbps", [16, 24, 32, 40, 64, 160])
@pytest.mark.parametrize("num_samples", [20_000, 20_001, 21_105])
def test_an_mp3_is_in_time_at_every_bit_rate(bitrate_kbps, num_samples):
    clean = chirp()[:num_samples]
    decoded = under(Codec(codec="mp3", bitrate_kbps=bitrate_kbps), clean).waveform
    lags = np.correlate(np.pad(decoded, 1_500), clean, "valid")
    assert lags.argmax() == 1_500


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("num_samples", [1, 2, 161, 5_001])
def test_a_clip_of_any_length_comes_back_whole(codec, num_samples):
    assert len(under(Codec(codec=codec), like_speech(1.0)[:num_samples]).waveform) == num_samples


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "gsm", "g721"])
def test_a_codec_of_the_telephone_passes_nothing_above_4_khz(codec):
    white = 0.1 * np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    power = np.abs(np.fft.rfft(under(Codec(codec=codec), white).waveform)) ** 2
    above = np.fft.rfftfreq(32_000, 1 / SAMPLE_RATE) > 4_200
    assert power[above].sum() < 1e-5 * power.sum()


@pytest.mark.parametrize(
    ("codec", "kbps"), [("opus", 12), ("opus", 24), ("opus", 128), ("mp3", 16), ("mp3", 32), ("mp3", 96)]
)
def test_the_bit_rate_is_what_was_asked_for(codec, kbps):
    told = under(Codec(codec=codec, bitrate_kbps=kbps), like_speech(8.0)).facts["kbps"]
    assert told == pytest.approx(kbps, rel=0.25)


@pytest.mark.parametrize(("codec", "kbps"), [("mulaw", 64), ("gsm", 13), ("g721", 32), ("ima_adpcm", 64)])
def test_a_fixed_bit_rate_is_told(codec, kbps):
    assert under(Codec(codec=codec), like_speech(8.0)).facts["kbps"] == pytest.approx(kbps, rel=0.03)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_beyond_full_scale_is_clipped_and_told(codec):
    done = under(Codec(codec=codec), 5 * chirp(0.5))
    assert done.facts["clipped_share"] > 0.3
    assert np.abs(done.waveform).max() < 2.5  # what lies between samples of 8 kHz at full scale may be beyond it


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_gives_the_same_bytes_in_many_threads(codec):
    condition, clips = Codec(codec=codec), [like_speech(0.7, seed=seed) for seed in range(4)]
    expected = [under(condition, clip).waveform.tobytes() for clip in clips]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda clip: under(condition, clip).waveform.tobytes(), clips * 3)) == expected * 3


def test_another_version_of_a_codec_is_another_condition(monkeypatch):
    condition = Codec(codec="opus")
    before = digest_of(condition)
    assert identity_of(condition)["libraries"] == {
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
    }
    monkeypatch.setattr(soundfile, "__libsndfile_version__", "9.9.9")
    assert digest_of(condition) != before


def test_a_decoder_that_loses_samples_is_an_error_not_a_shorter_clip(monkeypatch):
    genuine = soundfile.read
    monkeypatch.setattr(soundfile, "read", lambda file, dtype: (genuine(file, dtype=dtype)[0][:-1], 16_000))
    with pytest.raises(ConditionError, match=r"'opus_24kbps': 8,000 samples at 16000 Hz came back as 7,999"):
        under(Codec(codec="opus"), like_speech(0.5))


OPTIONS = [
    pytest.param({"codec": "flac"}, "expected one of mulaw, alaw, gsm", id="no-such-codec"),
    pytest.param({"codec": "gsm", "bitrate_kbps": 13}, "gsm has 13 kbit/s. Leave it out", id="fixed-bit-rate"),
    pytest.param({"codec": "vorbis", "bitrate_kbps": 13}, "a variable bit rate", id="variable-bit-rate"),
    pytest.param({"codec": "opus", "bitrate_kbps": 5}, "6 to 256", id="too-few-bits"),
    pytest.param({"codec": "mp3", "bitrate_kbps": 8}, "16 to 160", id="mp3-of-few-bits"),
]


@pytest.mark.parametrize(("options", "says"), OPTIONS)
def test_an_option_that_cannot_be_meant_is_named(options, says):
    with pytest.raises(UsageError, match=says):
        Codec(**options)
