"""A window falls back where `whisper.transcribe` tries the next temperature; the oracle counts its attempts."""

import pytest

from harness.backends.whisper_engine.fallback import close_to_threshold, failed
from harness.backends.whisper_engine.records import Heard

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # whisper leaves its vocabulary open


@pytest.mark.parametrize(
    ("text", "avg_logprob", "no_speech_prob", "again"),
    [
        pytest.param("so it goes", -0.3, 0.1, False, id="sure"),
        pytest.param("so it goes", -1.2, 0.1, True, id="guessed"),
        pytest.param("so it goes", -1.2, 0.7, False, id="guessed-because-nobody-speaks"),
        pytest.param("la " * 60, -0.3, 0.1, True, id="repeats-itself"),
        pytest.param("la " * 60, -0.3, 0.7, True, id="repeats-itself-where-nobody-may-speak"),
        pytest.param("la " * 60, -1.2, 0.7, False, id="repeats-itself-where-nobody-speaks"),
        pytest.param("", -0.3, 0.1, False, id="nothing"),
    ],
)
def test_the_thresholds_are_those_of_transcribe(text, avg_logprob, no_speech_prob, again):
    import numpy as np
    import whisper
    from whisper.model import ModelDimensions
    from whisper.utils import compression_ratio

    model = whisper.model.Whisper(ModelDimensions(80, 1500, 64, 2, 1, 51_864, 448, 64, 2, 1))
    tried = []

    def decode(mel, options):
        tried.append(options.temperature)
        return whisper.DecodingResult(
            audio_features=mel,
            language="en",
            tokens=[50_363, 464],  # 0.00 s, a word
            text=text,
            avg_logprob=avg_logprob,
            no_speech_prob=no_speech_prob,
            temperature=options.temperature,
            compression_ratio=compression_ratio(text),
        )

    model.decode = decode
    whisper.transcribe(model, np.zeros(16_000, dtype=np.float32), temperature=(0.0, 0.2), fp16=False)
    assert tried == ([0.0, 0.2] if again else [0.0])
    assert failed(Heard(tokens=(), avg_logprob=avg_logprob, no_speech_prob=no_speech_prob), text) is again


@pytest.mark.parametrize(
    ("avg_logprob", "no_speech_prob", "close"),
    [(-0.5, 0.1, False), (-1.00005, 0.1, True), (-0.5, 0.60005, True)],
)
def test_a_window_at_a_threshold_is_doubted(avg_logprob, no_speech_prob, close):
    assert close_to_threshold(Heard(tokens=(), avg_logprob=avg_logprob, no_speech_prob=no_speech_prob)) is close
