"""What the parts of the engine hand each other: windows to decode, and what was heard in them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Window:
    """Is up to 30 s of one clip, ready to be heard.

    Attributes:
        mel: What the encoder hears, `(n_mels, 3000)` in float32, on the model's device.
        seed: Decides what is sampled: the clip's digest, and where in the clip the window begins.
        language: The language's code; None has it detected in this window.
        timestamps: Whether whisper is to say when things were said, as long clips need.
        prompt: Tokens heard before, which the model continues.
    """

    mel: "torch.Tensor"
    seed: bytes
    language: str | None
    timestamps: bool = False
    prompt: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """Holds what was heard in a window.

    Attributes:
        tokens: What was decoded, timestamps among it, without the end-of-text token.
        avg_logprob: Mean natural log of the probability of the tokens and of the end of the text.
        no_speech_prob: The probability that nobody speaks, in [0, 1].
        temperature: At which the tokens were taken.
        close: Whether rounding could have decided a token: another one was within `greedy.CLOSE` of it.
    """

    tokens: tuple[int, ...]
    avg_logprob: float
    no_speech_prob: float
    temperature: float = field(default=0.0)
    close: bool = field(default=False)
