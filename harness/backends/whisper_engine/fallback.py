"""What was heard in a window in, whether to try it again out: the thresholds of `whisper.transcribe`."""

from harness.backends.whisper_engine.records import Heard

COMPRESSION_RATIO_THRESHOLD = 2.4  # bytes of text per byte compressed: above it the text repeats itself
LOGPROB_THRESHOLD = -1.0  # nats a token on average: below it the model is guessing
NO_SPEECH_THRESHOLD = 0.6  # probability: above it nobody speaks, if the model is guessing, too
_CLOSE = 1e-3  # to a threshold, in its own unit


def failed(heard: Heard, text: str) -> bool:
    """Says whether a text repeats itself or was guessed, and not because nobody speaks."""
    from whisper.utils import compression_ratio

    guessed = heard.avg_logprob < LOGPROB_THRESHOLD
    if guessed and heard.no_speech_prob > NO_SPEECH_THRESHOLD:
        return False
    return guessed or bool(compression_ratio(text) > COMPRESSION_RATIO_THRESHOLD)


def close_to_threshold(heard: Heard) -> bool:
    """Says whether rounding could have decided on which side of a threshold a window is."""
    return (
        abs(heard.avg_logprob - LOGPROB_THRESHOLD) < _CLOSE or abs(heard.no_speech_prob - NO_SPEECH_THRESHOLD) < _CLOSE
    )
