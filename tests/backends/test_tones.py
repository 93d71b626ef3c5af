"""The toy recogniser is exact on what it can hear, loses words as noise grows, and never crashes."""

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio import SAMPLE_RATE
from harness.audio.torchaudio_door import functional
from harness.backends.tones import VOCABULARY, Tones, synthesise
from harness.errors import UsageError

EVERY_PAIR = " ".join(f"{first} {second}" for first in VOCABULARY for second in VOCABULARY)


def heard(waveform):
    (transcript,) = Tones().transcribe([waveform])
    return transcript.text


def with_noise(waveform, snr_db, seed=0):
    noise = np.random.default_rng(seed).standard_normal(len(waveform))
    level = np.sqrt(np.mean(waveform.astype(np.float64) ** 2)) * 10 ** (-snr_db / 20)
    return (waveform + level * noise).astype(np.float32)


def through_telephone(waveform):
    import torch

    narrow = functional().resample(torch.from_numpy(waveform), SAMPLE_RATE, 8_000)
    return functional().resample(narrow, 8_000, SAMPLE_RATE).numpy()


def test_every_pair_of_words_is_heard_exactly_on_clean_audio():
    assert heard(synthesise(EVERY_PAIR)) == EVERY_PAIR


def test_every_pair_of_words_is_heard_exactly_through_8_khz():
    assert heard(through_telephone(synthesise(EVERY_PAIR))) == EVERY_PAIR


@given(
    words=st.lists(st.sampled_from(VOCABULARY), max_size=12),
    lead=st.integers(0, 4_000),
    gain=st.floats(0.01, 1.5),
)
@settings(max_examples=50, deadline=None)
def test_any_text_is_heard_at_any_level_and_wherever_it_begins(words, lead, gain):
    waveform = np.concatenate([np.zeros(lead), gain * synthesise(" ".join(words))]).astype(np.float32)
    assert heard(waveform) == " ".join(words)


def test_more_noise_means_more_errors_from_none_to_all():
    text = " ".join(np.random.default_rng(7).choice(VOCABULARY, 200))
    wers = [jiwer.wer(text, heard(with_noise(synthesise(text), snr_db))) for snr_db in (20, 5, 0, -5, -15)]
    assert wers == sorted(wers)
    assert wers[0] == 0
    assert 0.05 < wers[1] < 0.5
    assert 0.3 < wers[2] < 0.8
    assert wers[-1] > 0.95


def test_the_softest_words_are_lost_first():
    for loud, soft in (("zero", "nine"), ("one", "eight")):
        assert heard(with_noise(synthesise(f"zero {loud}"), 3)) == f"zero {loud}"
        assert heard(with_noise(synthesise(f"zero {soft}"), 3)) == "zero"


@pytest.mark.parametrize(
    "waveform",
    [
        pytest.param(np.zeros(0, dtype=np.float32), id="no-samples"),
        pytest.param(np.ones(1, dtype=np.float32), id="one-sample"),
        pytest.param(np.zeros(16_000, dtype=np.float32), id="silence"),
        pytest.param(np.random.default_rng(0).standard_normal(16_000).astype(np.float32), id="noise"),
    ],
)
def test_where_nothing_is_said_nothing_is_heard(waveform):
    assert heard(waveform) == ""


def test_words_carry_the_times_at_which_they_were_spoken():
    (transcript,) = Tones().transcribe([synthesise("three one")])
    assert [word.text for word in transcript.words] == ["three", "one"]
    assert [word.start_s for word in transcript.words] == pytest.approx([0.05, 0.20], abs=0.01)
    assert [word.end_s for word in transcript.words] == pytest.approx([0.15, 0.30], abs=0.01)
    assert all(0.9 < word.confidence <= 1.0 for word in transcript.words)


def test_a_text_does_not_depend_on_the_other_clips():
    waveforms = [with_noise(synthesise(f"{word} nine five"), 5, seed) for seed, word in enumerate(VOCABULARY)]
    together = Tones().transcribe(waveforms)
    assert together == [Tones().transcribe([waveform])[0] for waveform in waveforms]
    assert together == Tones().transcribe(waveforms[::-1])[::-1]


def test_an_unknown_word_cannot_be_spoken():
    with pytest.raises(UsageError, match="cannot speak 'ten', 'oh'; expected words of zero one"):
        synthesise("one ten oh")


def test_the_identity_is_plain_and_stable():
    assert Tones().identity() == Tones().identity() == {"backend": "tones", "version": 1}
