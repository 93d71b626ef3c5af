"""The spoken part alone gives the same bits as a clip padded to 30 s; the oracle is whisper's own spectrogram."""

import numpy as np
import pytest

from harness.audio import SAMPLE_RATE
from harness.backends.whisper_engine.features import log_mels, long_log_mel

WINDOW = 30 * SAMPLE_RATE
EDGES = [1, 159, 160, 161, 399, 400, 401, 1_600, 15_599, 15_600, 15_601, 16_001, 80_007]
ENDS = [WINDOW - n for n in (401, 400, 399, 201, 200, 199, 161, 160, 1, 0)]


@pytest.fixture(scope="module")
def sound():
    rng = np.random.default_rng(0)
    return (rng.normal(size=WINDOW) * np.linspace(0, 1, WINDOW)).astype(np.float32)


def device():
    import torch

    return torch.device("cpu")


def padded(clip, n_mels=80):
    import whisper

    return whisper.log_mel_spectrogram(whisper.pad_or_trim(clip), n_mels).numpy()


@pytest.mark.parametrize("n_mels", [80, 128])
def test_a_batch_of_any_lengths_has_the_bits_of_each_clip_padded_alone(sound, n_mels):
    clips = [sound[-num_samples:] for num_samples in [*EDGES, *ENDS]]
    batch = log_mels(clips, n_mels=n_mels, device=device()).numpy()
    for clip, mel in zip(clips, batch, strict=True):
        assert np.array_equal(mel, padded(clip, n_mels)), len(clip)


@pytest.mark.parametrize("num_samples", [*EDGES, *ENDS])
def test_a_clip_alone_has_the_bits_of_the_clip_padded(sound, num_samples):
    (mel,) = log_mels([sound[:num_samples]], n_mels=80, device=device()).numpy()
    assert np.array_equal(mel, padded(sound[:num_samples]))


@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(np.zeros(8_000, dtype=np.float32), id="silence"),
        pytest.param(np.full(8_000, 1e-7, dtype=np.float32), id="below-the-floor"),
        pytest.param(np.full(50_000, 0.9, dtype=np.float32), id="constant"),
    ],
)
def test_what_holds_no_power_has_the_bits_of_the_clip_padded(clip):
    (mel,) = log_mels([clip], n_mels=80, device=device()).numpy()
    assert np.array_equal(mel, padded(clip))


@pytest.mark.parametrize("beyond", [1, 159, 160, 300, 100_003])
def test_a_long_clip_has_the_bits_that_transcribe_looks_at(sound, beyond):
    import whisper

    clip = np.concatenate([sound, sound[:beyond]])
    whole = whisper.log_mel_spectrogram(clip, 80, padding=WINDOW).numpy()[:, : len(clip) // 160]
    assert np.array_equal(long_log_mel(clip, n_mels=80, device=device()).numpy(), whole)


def test_a_clip_of_more_than_30_s_is_no_window():
    with pytest.raises(ValueError, match="more than 30 s"):
        log_mels([np.zeros(WINDOW + 1, dtype=np.float32)], n_mels=80, device=device())
