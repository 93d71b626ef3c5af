"""Every codec written and read back, segments against the whole, and an error for all that cannot be heard."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from harness.audio import SAMPLE_RATE, audio_duration_s, read_waveform
from harness.errors import AudioError
from tests.shared import DATA, REPOSITORY, needs_data

DURATION_S = 2


def chirp(sample_rate=SAMPLE_RATE, duration_s=DURATION_S):
    """Speech-like in level, and different at every moment, so that a segment of it can be told from any other."""
    t = np.arange(round(sample_rate * duration_s)) / sample_rate
    return (0.4 * np.sin(2 * np.pi * (200 + 300 * t) * t)).astype(np.float32)


def written(path, samples, sample_rate=SAMPLE_RATE, **options):
    soundfile.write(path, samples, sample_rate, **options)
    return path


CODECS = [
    pytest.param("a.wav", {"subtype": "PCM_16"}, 2**-15, id="wav-16-bit"),
    pytest.param("a.wav", {"subtype": "PCM_24"}, 2**-23, id="wav-24-bit"),
    pytest.param("a.wav", {"subtype": "FLOAT"}, 0.0, id="wav-float"),
    pytest.param("a.wav", {"subtype": "ULAW"}, 0.02, id="wav-mu-law"),
    pytest.param("a.flac", {"subtype": "PCM_16"}, 2**-15, id="flac"),
    pytest.param("a.ogg", {"format": "OGG", "subtype": "VORBIS"}, 0.1, id="ogg-vorbis"),
    pytest.param("a.opus", {"format": "OGG", "subtype": "OPUS"}, 0.1, id="opus"),
    pytest.param("a.mp3", {"format": "MP3"}, 0.1, id="mp3"),
    pytest.param("a.mp3", {"format": "MP3", "bitrate_mode": "VARIABLE"}, 0.1, id="mp3-of-varying-bit-rate"),
]


@pytest.mark.parametrize(("name", "options", "tolerance"), CODECS)
def test_every_codec_reads_back_as_it_was_written(tmp_path, name, options, tolerance):
    samples = chirp()
    waveform = read_waveform(written(tmp_path / name, samples, **options))
    assert waveform.dtype == np.float32
    assert waveform.shape == samples.shape
    assert waveform.flags.c_contiguous
    inside = slice(None, -320 if name.endswith("opus") else None)  # Opus rounds off the last 20 ms of a loud end
    np.testing.assert_allclose(waveform[inside], samples[inside], atol=tolerance, rtol=0)


FORMATS = [pytest.param(*codec.values[:2], id=codec.id) for codec in CODECS]


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_a_segment_is_that_part_of_the_whole(tmp_path, name, options):
    path = written(tmp_path / name, chirp(), **options)
    segment = read_waveform(path, offset_s=0.731, duration_s=0.5)
    whole = read_waveform(path)
    start = round(0.731 * SAMPLE_RATE)
    assert len(segment) == SAMPLE_RATE // 2
    np.testing.assert_allclose(segment, whole[start : start + len(segment)], atol=1e-6, rtol=0)  # 0 but for MP3


@pytest.mark.parametrize(("name", "options"), FORMATS)
def test_the_duration_comes_from_the_header(tmp_path, name, options):
    assert audio_duration_s(written(tmp_path / name, chirp(), **options)) == DURATION_S


@given(offset=st.integers(0, 31_999), length=st.integers(1, 32_000))
@settings(max_examples=50, deadline=None)
def test_any_segment_at_16_khz_is_exactly_a_cut_of_the_whole(tmp_path_factory, offset, length):
    folder = tmp_path_factory.getbasetemp() / "cuts"
    folder.mkdir(exist_ok=True)
    path = folder / "a.flac"
    if not path.exists():
        written(path, chirp())
    length = min(length, 32_000 - offset)
    segment = read_waveform(path, offset_s=offset / SAMPLE_RATE, duration_s=length / SAMPLE_RATE)
    np.testing.assert_array_equal(segment, read_waveform(path)[offset : offset + length])


def test_a_segment_to_the_end_needs_no_duration(tmp_path):
    path = written(tmp_path / "a.wav", chirp(), subtype="FLOAT")
    np.testing.assert_array_equal(read_waveform(path, offset_s=1.5), chirp()[24_000:])


@pytest.mark.parametrize("excess_s", [pytest.param(0.0, id="exact"), pytest.param(0.05, id="rounded-up")])
def test_a_duration_rounded_beyond_the_end_is_the_end(tmp_path, excess_s):
    path = written(tmp_path / "a.wav", chirp(), subtype="FLOAT")
    np.testing.assert_array_equal(read_waveform(path, duration_s=DURATION_S + excess_s), chirp())


def test_a_segment_does_not_read_what_stands_around_it(tmp_path, monkeypatch):
    path = written(tmp_path / "long.wav", np.zeros(SAMPLE_RATE * 60, dtype=np.float32), subtype="PCM_16")
    asked = []
    genuine = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile,
        "read",
        lambda recording, frames=-1, **options: asked.append(frames) or genuine(recording, frames, **options),
    )
    read_waveform(path, offset_s=50.0, duration_s=0.25)
    assert asked == [4_000]


@pytest.mark.parametrize("n_channels", [2, 6])
def test_channels_are_averaged(tmp_path, n_channels):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (1_000, n_channels)).astype(np.float32)
    waveform = read_waveform(written(tmp_path / "a.wav", samples, subtype="FLOAT"))
    np.testing.assert_allclose(waveform, samples.sum(axis=1) / n_channels, atol=1e-6)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000])
def test_every_common_rate_becomes_16_khz_with_the_same_sound(tmp_path, sample_rate):
    samples = chirp(sample_rate)
    waveform = read_waveform(written(tmp_path / "a.wav", samples, sample_rate, subtype="FLOAT"))
    common = math.gcd(sample_rate, SAMPLE_RATE)
    expected = resample_poly(samples, SAMPLE_RATE // common, sample_rate // common)  # an independent resampler
    assert waveform.dtype == np.float32
    assert len(waveform) == math.ceil(len(samples) * SAMPLE_RATE / sample_rate)
    inside = slice(500, -500)
    np.testing.assert_allclose(waveform[inside], expected[: len(waveform)][inside], atol=0.01)


def test_a_resampled_recording_has_the_same_bytes_every_time(tmp_path):
    import torch

    path = written(tmp_path / "a.flac", chirp(44_100), 44_100)
    first = read_waveform(path).tobytes()
    assert read_waveform(path).tobytes() == first
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert read_waveform(path).tobytes() == first
    finally:
        torch.set_num_threads(n_threads)


def test_a_16_khz_recording_never_imports_torch(tmp_path):
    path = written(tmp_path / "a.flac", chirp())
    program = f"""
import sys
from harness.audio import audio_duration_s, read_waveform
read_waveform({str(path)!r}, offset_s=0.5), audio_duration_s({str(path)!r})
assert not {{"torch", "torchaudio", "scipy"}} & set(sys.modules), "imported too much"
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)


def test_a_loud_float_recording_is_not_clipped(tmp_path):
    samples = 3 * chirp()
    np.testing.assert_array_equal(read_waveform(written(tmp_path / "a.wav", samples, subtype="FLOAT")), samples)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        pytest.param(None, "a.wav", "no such file", id="missing"),
        pytest.param(b"", "a.wav", "empty", id="empty"),
        pytest.param(b"hello" * 50, "a.wav", "no known audio format", id="text-called-wav"),
        pytest.param(bytes(1_000), "a.raw", "'.raw'", id="headerless"),
        pytest.param(
            b"\0\0\0\x20ftypM4A " + bytes(500), "a.m4a", r"MPEG-4.*ffmpeg -i a\.m4a a_converted\.flac", id="m4a"
        ),
        pytest.param(b"\x1aE\xdf\xa3" + bytes(500), "a.webm", "WebM", id="webm"),
        pytest.param(b"#!AMR\n" + bytes(500), "a.amr", "AMR", id="amr"),
        pytest.param(b"0&\xb2u\x8ef\xcf\x11" + bytes(500), "a.wma", "Windows Media", id="wma"),
        pytest.param(b"\xff\xf1" + bytes(500), "a.aac", "AAC", id="aac"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "a.flac", "git lfs pull", id="lfs-pointer"),
        pytest.param(b"<!DOCTYPE html>" + b" " * 200, "a.wav", "web page", id="web-page"),
    ],
)
def test_what_is_no_recording_is_an_error_that_says_what_to_do(tmp_path, content, name, expected):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for read in (read_waveform, audio_duration_s):
        with pytest.raises(AudioError, match=expected) as raised:
            read(path)
        assert str(raised.value).startswith(f"{path}: ")


def test_a_folder_is_no_recording(tmp_path):
    with pytest.raises(AudioError, match="found a folder"):
        read_waveform(tmp_path)


def test_a_recording_without_samples_is_an_error_not_silence(tmp_path):
    with pytest.raises(AudioError, match="no samples"):
        read_waveform(written(tmp_path / "a.wav", np.zeros(0, dtype=np.float32)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_an_error(tmp_path, value):
    samples = chirp()
    samples[100] = value
    with pytest.raises(AudioError, match="1 samples are not finite"):
        read_waveform(written(tmp_path / "a.wav", samples, subtype="FLOAT"))


@pytest.mark.parametrize("fraction", [0.5, 0.8])
@pytest.mark.parametrize(("name", "options"), [*FORMATS, pytest.param("a.aiff", {}, id="aiff")])
def test_a_recording_cut_short_is_an_error_not_a_shorter_waveform(tmp_path, name, options, fraction):
    whole = written(tmp_path / name, chirp(), **options).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(AudioError, match=r"cut short|damaged"):
        read_waveform(tmp_path / name)


def test_a_streamed_wav_that_could_not_know_its_length_is_read_to_its_end(tmp_path):
    path = written(tmp_path / "a.wav", chirp(), subtype="PCM_16")
    header = bytearray(path.read_bytes())
    at = header.index(b"data") + 4
    header[at : at + 4] = header[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(header)
    assert len(read_waveform(path)) == DURATION_S * SAMPLE_RATE


def without_length_header(path):
    """Removes an MP3's first frame, the one that only says how long the recording is."""
    stream = path.read_bytes()
    path.write_bytes(stream[stream.index(stream[:2], 8) :])
    return path


def loud_and_quiet():
    rng = np.random.default_rng(0)
    return np.concatenate([level * rng.standard_normal(2 * SAMPLE_RATE) for level in (0.3, 0.001) * 3])


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\x01\x02" + bytes(130)], ids=["untagged", "tagged"])
def test_an_mp3_whose_length_decoders_would_guess_is_an_error(tmp_path, tag):
    path = written(tmp_path / "a.mp3", loud_and_quiet(), format="MP3", bitrate_mode="VARIABLE")
    without_length_header(path)
    path.write_bytes(tag + path.read_bytes())
    with pytest.raises(AudioError, match="does not say how long it is"):
        read_waveform(path)


def test_an_mp3_of_one_bit_rate_needs_no_length_header(tmp_path):
    path = written(tmp_path / "a.mp3", loud_and_quiet(), format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    without_length_header(path)
    assert abs(len(read_waveform(path)) / SAMPLE_RATE - 12) < 0.2


@pytest.mark.parametrize(
    ("offset_s", "duration_s", "expected"),
    [
        pytest.param(2.5, 1.0, "ends at 2.000 s", id="begins-beyond-the-end"),
        pytest.param(2.0, None, "ends at 2.000 s", id="begins-at-the-end"),
        pytest.param(1.5, 1.0, "ends at 2.000 s", id="ends-beyond-the-end"),
        pytest.param(-0.5, 1.0, "expected a finite offset >= 0", id="begins-before-the-beginning"),
        pytest.param(0.0, 0.0, "duration > 0", id="no-duration"),
        pytest.param(0.0, -1.0, "duration > 0", id="negative-duration"),
        pytest.param(math.nan, 1.0, "finite", id="offset-is-no-number"),
        pytest.param(0.0, math.nan, "finite", id="duration-is-no-number"),
        pytest.param(0.0, math.inf, "finite", id="endless"),
        pytest.param(1.0, 1e-6, "holds no sample", id="shorter-than-a-sample"),
    ],
)
def test_a_segment_outside_the_recording_is_an_error(tmp_path, offset_s, duration_s, expected):
    path = written(tmp_path / "a.wav", chirp())
    with pytest.raises(AudioError, match=expected):
        read_waveform(path, offset_s=offset_s, duration_s=duration_s)


def test_a_rate_that_would_need_gigabytes_to_resample_is_an_error(tmp_path):
    path = written(tmp_path / "a.wav", chirp(44_101), 44_101)
    with pytest.raises(AudioError, match=r"ffmpeg -i a\.wav -ar 16000 a_converted\.flac"):
        read_waveform(path)


@needs_data("fsdd")
def test_real_recordings_at_8_khz_double_their_samples():
    for path in sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::50]:
        assert len(read_waveform(path)) == 2 * soundfile.info(path).frames


@needs_data("speech")
def test_real_stereo_speech_is_heard_whole():
    waveform = read_waveform(DATA / "speech" / "jfk.flac")
    assert len(waveform) == 11 * SAMPLE_RATE
    assert 0.3 < np.abs(waveform).max() < 1.0


def test_a_path_may_be_a_string_and_hold_any_letters(tmp_path):
    path = written(tmp_path / "ñandú 語.flac", chirp())
    assert len(read_waveform(str(path))) == len(read_waveform(Path(path)))
