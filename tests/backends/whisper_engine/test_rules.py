"""The rules for all rows at once strike out what whisper's filters do row by row."""

from types import SimpleNamespace

import numpy as np
import pytest

from harness.backends.whisper_engine.rules import TokenRules

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # whisper leaves its vocabulary open
N_VOCAB = 51_865


def whisper_task(*, timestamps):
    """Plans decoding without any weights: the filters need none."""
    from whisper import DecodingOptions
    from whisper.decoding import DecodingTask

    model = SimpleNamespace(
        is_multilingual=True,
        num_languages=99,
        dims=SimpleNamespace(n_text_ctx=448, n_audio_ctx=1500),
        decoder=SimpleNamespace(blocks=[]),
    )
    return DecodingTask(model, DecodingOptions(language="en", without_timestamps=not timestamps, fp16=False))


def histories(rng, n_tokens, first):
    """Draws what rows may have said: times in pairs, never going back, and text."""
    rows = []
    for _ in range(40):
        row, time = [], first + int(rng.integers(0, 50))
        while len(row) < n_tokens:
            time += int(rng.integers(1, 30))
            row += [time, *rng.integers(0, 50_000, rng.integers(1, 4)).tolist()]
            time += int(rng.integers(1, 30))
            row += [time] if rng.random() < 0.8 else []
            row += [50_257, 50_257] if rng.random() < 0.1 else []
        rows.append(row[:n_tokens])
    return rows


@pytest.mark.parametrize("timestamps", [pytest.param(True, id="timestamps"), pytest.param(False, id="text")])
@pytest.mark.parametrize("n_tokens", [0, 1, 2, 3, 4, 5, 9])
def test_the_same_logits_are_struck_out(timestamps, n_tokens):
    import torch

    task = whisper_task(timestamps=timestamps)
    rng = np.random.default_rng(n_tokens)
    said = torch.tensor(histories(rng, n_tokens, task.tokenizer.timestamp_begin), dtype=torch.long).reshape(40, -1)
    scale = rng.choice([0.3, 1.0, 3.0], size=(40, 1))  # flat logits favour the 1,501 timestamps, peaked ones the text
    logits = torch.tensor(rng.normal(size=(40, N_VOCAB)) * scale, dtype=torch.float32)
    expected = logits.clone()
    before = torch.tensor([task.initial_tokens] * 40)
    for rule in task.logit_filters:
        rule.apply(expected, torch.cat([before, said], dim=1))
    struck, lead = TokenRules.of(task, torch.device("cpu")).struck(logits.clone(), said)
    assert torch.equal(struck, expected)
    assert (lead is None) is not timestamps
