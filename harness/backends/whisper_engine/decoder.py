"""Tokens in, the logits of what follows them out, with every key and value computed once and kept in place.

The layers are those of `whisper.model.TextDecoder`. whisper joins the keys and values of each step to those before by
copying them all; here they are written into room reserved at the start, and what the audio contributes is laid out head
by head once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.whisper_engine.attention import attend, heads, joined
from harness.backends.whisper_engine.encoder import FeedForward, SelfAttention
from harness.backends.whisper_engine.linears import Product, product, side_by_side

if TYPE_CHECKING:
    import torch
    from torch.nn import Module
    from whisper.model import Whisper as WhisperModel


@dataclass(frozen=True, slots=True)
class _CrossAttention:
    """Holds what a layer looks at the audio with."""

    norm: "Module"
    query: Product
    keys_values: Product
    out: Product


@dataclass(frozen=True, slots=True)
class _Layer:
    attention: SelfAttention
    cross: _CrossAttention
    feed_forward: FeedForward


class Decoder:
    """Holds the weights that all rows share.

    Args:
        model: whisper's, its linear layers in `dtype`, the rest in float32.
        dtype: What to compute in; layer normalisation and logits are float32 whatever it is.
    """

    def __init__(self, model: "WhisperModel", dtype: "torch.dtype") -> None:
        self.n_heads = int(model.dims.n_text_head)
        self.dtype = dtype
        self._decoder = model.decoder
        self._vocabulary = product(model.decoder.token_embedding.weight.to(dtype), None)
        self.layers = [
            _Layer(
                attention=SelfAttention.of(block),
                cross=_CrossAttention(
                    norm=block.cross_attn_ln,
                    query=product(block.cross_attn.query.weight, block.cross_attn.query.bias),
                    keys_values=side_by_side([block.cross_attn.key, block.cross_attn.value]),
                    out=product(block.cross_attn.out.weight, block.cross_attn.out.bias),
                ),
                feed_forward=FeedForward.of(block),
            )
            for block in model.decoder.blocks
        ]

    def embedded(self, tokens: "torch.Tensor", positions: "torch.Tensor") -> "torch.Tensor":
        """Returns tokens `(n_rows, n_tokens)` at their positions as vectors `(n_rows, n_tokens, n_text_state)`."""
        decoder = self._decoder
        x: torch.Tensor = decoder.token_embedding(tokens) + decoder.positional_embedding[positions]
        return x.to(self.dtype)

    def logits(self, x: "torch.Tensor") -> "torch.Tensor":
        """Returns the logits `(n_rows, n_vocab)`, in float32, of what follows the last layer's output `(n_rows, …)`."""
        return self._vocabulary(self._decoder.ln(x)).float()


class Rows:
    """Is a batch of token sequences growing side by side, each beside the audio of its clip.

    Args:
        decoder: The weights.
        audio: What the encoder heard, `(n_clips, n_audio_ctx, n_audio_state)`.
        capacity: How many tokens a row may come to hold, padding before it included.
    """

    def __init__(self, decoder: Decoder, audio: "torch.Tensor", *, capacity: int) -> None:
        self._decoder = decoder
        self._capacity = capacity
        self._length = 0  # tokens so far, padding included
        self._padding: torch.Tensor | None = None  # (n_rows,)
        self._audio = [_keys_values(layer.cross.keys_values(audio), decoder.n_heads) for layer in decoder.layers]
        n_rows, n_heads, _, size = self._audio[0][0].shape
        room = (2, n_rows, n_heads, capacity, size)
        self._own = [audio.new_empty(room) for _ in decoder.layers]  # keys and values

    @property
    def device(self) -> "torch.device":
        """Is where the rows are."""
        return self._own[0].device

    def start(self, tokens: "torch.Tensor", padding: "torch.Tensor | None") -> "torch.Tensor":
        """Reads what every row begins with, afresh, and returns the last layer's output at each token.

        Args:
            tokens: `(n_rows, n_tokens)`.
            padding: How many tokens at the front of each row mean nothing, `(n_rows,)`; None: none anywhere.
        """
        import torch

        self._length, self._padding = 0, padding
        column = torch.arange(tokens.shape[1], device=tokens.device)
        mask = column <= column[:, None]  # (n_tokens, n_tokens): what stands before, and itself
        if padding is None:
            return self._read(tokens, column, mask)
        real = column >= padding[:, None]  # (n_rows, n_tokens)
        alone = torch.eye(len(column), dtype=torch.bool, device=tokens.device)  # padding sees itself: finite, unused
        mask = ((mask & real[:, None, :]) | alone)[:, None]  # (n_rows, 1, n_tokens, n_tokens)
        return self._read(tokens, (column - padding[:, None]).clamp(min=0), mask)

    def step(self, tokens: "torch.Tensor") -> "torch.Tensor":
        """Reads each row's next token, `(n_rows,)`, and returns the last layer's output `(n_rows, n_text_state)`."""
        import torch

        column = torch.full_like(tokens, self._length)[:, None]  # (n_rows, 1)
        if self._padding is None:
            return self._read(tokens[:, None], column, None)[:, 0]
        keys = torch.arange(self._length + 1, device=tokens.device)
        mask = (keys >= self._padding[:, None])[:, None, None]  # (n_rows, 1, 1, n_keys)
        return self._read(tokens[:, None], column - self._padding[:, None], mask)[:, 0]

    def keep(self, order: Sequence[int]) -> None:
        """Leaves `len(order)` rows: row k becomes what row `order[k]` was, which is k or a row that goes.

        Only rows that change places are copied, so that dropping a few of many costs little.
        """
        import torch

        n_rows = len(order)
        moved = [(old, new) for new, old in enumerate(order) if old != new]
        if moved:
            device = self._own[0].device
            source, target = torch.tensor(moved, device=device).T
            for own, (keys, values) in zip(self._own, self._audio, strict=True):
                own[:, target] = own[:, source]
                keys[target], values[target] = keys[source], values[source]
        self._own = [own[:, :n_rows] for own in self._own]
        self._audio = [(keys[:n_rows], values[:n_rows]) for keys, values in self._audio]
        if self._padding is not None:
            self._padding = self._padding[torch.tensor(order, device=self._padding.device)]

    def repeat(self, n_times: int) -> None:
        """Turns each row into several equal ones, which go on sharing their clip's audio."""
        self._own = [own.repeat_interleave(n_times, dim=1) for own in self._own]
        if self._padding is not None:
            self._padding = self._padding.repeat_interleave(n_times)

    def take(self, sources: "torch.Tensor") -> None:
        """Makes row k what row `sources[k]` of the same clip was; `(n_rows,)`."""
        for own in self._own:
            own[:, :, :, : self._length] = own[:, sources, :, : self._length]

    def _read(self, tokens: "torch.Tensor", positions: "torch.Tensor", mask: "torch.Tensor | None") -> "torch.Tensor":
        """Returns `(n_rows, n_tokens, n_text_state)` and remembers the keys and values of the tokens."""
        start, self._length = self._length, self._length + tokens.shape[1]
        x = self._decoder.embedded(tokens, positions)
        for layer, own, audio in zip(self._decoder.layers, self._own, self._audio, strict=True):
            attention, cross = layer.attention, layer.cross
            parts = attention.queries_keys_values(attention.norm(x)).chunk(3, dim=-1)
            queries, keys, values = (heads(part, self._decoder.n_heads) for part in parts)
            own[0, :, :, start : self._length], own[1, :, :, start : self._length] = keys, values
            so_far = own[:, :, :, : self._length]  # (2, n_rows, n_heads, tokens so far, size)
            x = x + attention.out(joined(attend(queries, so_far[0], so_far[1], mask)))
            x = layer.feed_forward(x + cross.out(self._listened(cross.query(cross.norm(x)), audio)))
        return x

    def _listened(self, queries: "torch.Tensor", audio: "tuple[torch.Tensor, torch.Tensor]") -> "torch.Tensor":
        """Returns what the queries of each clip's rows find in its audio, `(n_rows, n_tokens, n_text_state)`."""
        shape = queries.shape
        of_clips = queries.reshape(len(audio[0]), -1, shape[-1])  # (n_clips, rows of a clip * n_tokens, n_text_state)
        return joined(attend(heads(of_clips, self._decoder.n_heads), *audio)).reshape(shape)


def _keys_values(both: "torch.Tensor", n_heads: int) -> "tuple[torch.Tensor, torch.Tensor]":
    keys, values = (heads(part, n_heads).contiguous() for part in both.chunk(2, dim=-1))
    return keys, values  # (n_clips, n_heads, n_audio_ctx, size) each
