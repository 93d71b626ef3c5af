"""A long clip takes the course of `whisper.transcribe`: both are told the same scripted results, drawn at random."""

import numpy as np
import pytest

from harness.backends.whisper_engine.features import long_log_mel
from harness.backends.whisper_engine.records import Heard
from harness.backends.whisper_engine.windows import LongClip

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # whisper leaves its vocabulary open


def english():
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


def script(rng, tokenizer):
    """Draws what was heard in a window: segments, complete or not, with and without words, doubted or not."""
    first, time, tokens = tokenizer.timestamp_begin, int(rng.integers(0, 50)), []
    for _ in range(rng.integers(1, 5)):
        words = tokenizer.encode(" " + " ".join(rng.choice(["hear", "me", "now", "then"], rng.integers(1, 6))))
        tokens += [first + time, *(words if rng.random() < 0.8 else tokenizer.encode(" "))]
        time += int(rng.integers(1, 300))
        tokens.append(first + time)
    tokens = tokens[: -int(rng.integers(0, 3)) or None]
    temperature = float(rng.choice([0.0, 0.8], p=[0.8, 0.2]))
    return Heard(
        tokens=tuple(tokens),
        avg_logprob=float(rng.choice([-0.3, -1.7])),
        no_speech_prob=float(rng.choice([0.1, 0.9])),
        temperature=temperature,
    )


@pytest.fixture(scope="module")
def model():
    import torch
    from whisper.model import ModelDimensions, Whisper

    with torch.random.fork_rng():
        return Whisper(ModelDimensions(80, 1500, 64, 2, 1, 51_865, 448, 64, 2, 1))


@pytest.mark.parametrize("seed", range(12))
def test_scripted_windows_give_the_text_prompts_and_places_of_transcribe(model, monkeypatch, seed):
    import torch
    import whisper

    tokenizer = english()
    rng = np.random.default_rng(seed)
    clip = rng.normal(size=int(rng.integers(31, 150) * 16_000 + 7)).astype(np.float32) * 0.1
    results = [script(rng, tokenizer) for _ in range(200)]
    asked = []

    def decode(mel, options):
        heard = results[len(asked)]
        asked.append((mel, tuple(options.prompt)))
        return whisper.DecodingResult(
            audio_features=mel,
            language="en",
            tokens=list(heard.tokens),
            avg_logprob=heard.avg_logprob,
            no_speech_prob=heard.no_speech_prob,
            temperature=heard.temperature,
            compression_ratio=1.0,
        )

    monkeypatch.setattr(model, "decode", decode)
    expected = whisper.transcribe(model, clip, temperature=0.0, fp16=False, language="en")["text"].strip()

    mel = long_log_mel(clip, n_mels=80, device=torch.device("cpu"))
    course = LongClip(mel, b"", "en", tokenizer=tokenizer, frames_per_timestamp=2)
    for (expected_mel, prompt), heard in zip(asked, results, strict=False):
        assert not course.ended
        window = course.window()
        assert window.prompt == prompt
        assert torch.equal(window.mel, expected_mel)
        course.advance(heard)
    assert course.ended
    assert course.text == expected
