"""Windows heard by the encoder in, the language of each out, as `whisper.detect_language` finds it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.whisper_engine.decoder import Decoder, Rows
from harness.backends.whisper_engine.greedy import CLOSE

if TYPE_CHECKING:
    import torch
    from whisper.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Language:
    """Is the likeliest language of a window.

    Attributes:
        code: Such as `en`.
        close: Whether rounding could have decided it.
    """

    code: str
    close: bool


def detected(decoder: Decoder, audio: "torch.Tensor", tokenizer: "Tokenizer") -> list[Language]:
    """Returns the language of each window of `audio`, `(n_windows, n_audio_ctx, n_audio_state)`."""
    import torch

    rows = Rows(decoder, audio, capacity=1)
    begin = torch.full((len(audio), 1), tokenizer.sot, device=audio.device)
    logits = decoder.logits(rows.start(begin, None)[:, 0])  # (n_windows, n_vocab)
    codes = dict(sorted(zip(tokenizer.all_language_tokens, tokenizer.all_language_codes, strict=True)))
    of_languages = logits[:, torch.tensor(list(codes), device=audio.device)]  # (n_windows, n_languages)
    likeliest, places = of_languages.topk(2)
    best, second = likeliest.unbind(dim=-1)
    close = best - second < CLOSE * (1 + best.abs())
    names = list(codes.values())
    return [
        Language(code=names[place], close=near)
        for place, near in zip(places[:, 0].tolist(), close.tolist(), strict=True)
    ]
