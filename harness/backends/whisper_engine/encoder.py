"""Log-Mel spectrograms in, what whisper's encoder makes of them out.

The layers are those of `whisper.model.AudioEncoder`, read here with joined query, key and value products.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.whisper_engine.attention import attend, heads, joined
from harness.backends.whisper_engine.linears import Product, product, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch.nn import Module
    from whisper.model import ResidualAttentionBlock
    from whisper.model import Whisper as WhisperModel


@dataclass(frozen=True, slots=True)
class SelfAttention:
    """Holds what a layer looks at itself with."""

    norm: "Module"
    queries_keys_values: Product
    out: Product

    @classmethod
    def of(cls, block: "ResidualAttentionBlock") -> "SelfAttention":
        """Returns that of a layer of whisper's."""
        attention = block.attn
        joint = side_by_side([attention.query, attention.key, attention.value])
        return cls(norm=block.attn_ln, queries_keys_values=joint, out=product(attention.out.weight, attention.out.bias))


@dataclass(frozen=True, slots=True)
class FeedForward:
    """Holds the two products that follow attention in a layer."""

    norm: "Module"
    widen: Product
    narrow: Product

    @classmethod
    def of(cls, block: "ResidualAttentionBlock") -> "FeedForward":
        """Returns that of a layer of whisper's."""
        wide, _, narrow = block.mlp
        return cls(norm=block.mlp_ln, widen=product(wide.weight, wide.bias), narrow=product(narrow.weight, narrow.bias))

    def __call__(self, x: "torch.Tensor") -> "torch.Tensor":
        """Returns `(…, size)` with the layer's contribution added."""
        import torch

        return x + self.narrow(torch.nn.functional.gelu(self.widen(self.norm(x))))


@contextmanager
def exact_convolutions() -> "Iterator[None]":
    """Keeps a GPU from rounding float32 convolutions to TensorFloat-32, which torch allows by default."""
    import torch

    cudnn = torch.backends.cudnn
    current = {"enabled": cudnn.enabled, "benchmark": cudnn.benchmark, "deterministic": cudnn.deterministic}
    with cudnn.flags(**current, allow_tf32=False):
        yield


class Encoder:
    """Listens to windows of 30 s.

    Args:
        model: whisper's, its linear layers and convolutions in `dtype`, the rest in float32.
        dtype: What to compute in; layer normalisation is float32 whatever it is.
    """

    def __init__(self, model: "WhisperModel", dtype: "torch.dtype") -> None:
        self._encoder = model.encoder
        self._dtype = dtype
        self._n_heads = int(model.dims.n_audio_head)
        self._layers = [(SelfAttention.of(block), FeedForward.of(block)) for block in model.encoder.blocks]

    def __call__(self, mels: "torch.Tensor") -> "torch.Tensor":
        """Returns what is heard `(n_windows, n_audio_ctx, n_audio_state)` in windows `(n_windows, n_mels, 3000)`.

        A CPU listens to one at a time, which is faster there: what a layer writes then stays in its caches.
        """
        import torch

        if mels.device.type == "cpu" and len(mels) > 1:
            return torch.cat([self._encoded(mel[None]) for mel in mels])
        return self._encoded(mels)

    def _encoded(self, mels: "torch.Tensor") -> "torch.Tensor":
        x = self._convolved(mels)  # (n_windows, n_audio_ctx, n_audio_state)
        for attention, feed_forward in self._layers:
            queries, keys, values = (
                heads(part, self._n_heads) for part in attention.queries_keys_values(attention.norm(x)).chunk(3, dim=-1)
            )
            x = feed_forward(x + attention.out(joined(attend(queries, keys, values))))
        heard: torch.Tensor = self._encoder.ln_post(x)
        return heard

    def _convolved(self, mels: "torch.Tensor") -> "torch.Tensor":
        import torch

        encoder, gelu = self._encoder, torch.nn.functional.gelu
        with exact_convolutions():
            x = gelu(encoder.conv2(gelu(encoder.conv1(mels.to(self._dtype)))))
        placed: torch.Tensor = x.transpose(1, 2) + encoder.positional_embedding
        return placed.to(self._dtype)
