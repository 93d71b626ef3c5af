"""Tokens so far in, what may not follow them struck out of the logits: whisper's rules, for all rows at once.

They do what the filters of `whisper.decoding` do (`SuppressBlank`, `SuppressTokens`, `ApplyTimestampRules`), which go
through the rows one by one and wait for the device in each.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from whisper.decoding import DecodingTask


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Knows which tokens may come next.

    Attributes:
        suppressed: Tokens that never may, `(n_suppressed,)`.
        blank: Tokens that may not come first, `(n_blank,)`.
        end: The end-of-text token; those below it are text.
        first_timestamp: The token of 0.00 s, the first of the timestamps; None: the model gives no times.
        last_initial: The token of the latest time at which speech may begin.
    """

    suppressed: "torch.Tensor"
    blank: "torch.Tensor"
    end: int
    first_timestamp: int | None
    last_initial: int

    @classmethod
    def of(cls, task: "DecodingTask", device: "torch.device") -> "TokenRules":
        """Returns the rules by which a task of whisper's decodes."""
        import torch

        tokenizer, timestamps = task.tokenizer, not task.options.without_timestamps
        suppressed = [*task._get_suppress_tokens(), *([tokenizer.no_timestamps] if timestamps else [])]
        step_s = 30 / task.model.dims.n_audio_ctx  # between timestamps: 0.02
        return cls(
            suppressed=torch.tensor(suppressed, device=device),
            blank=torch.tensor([*tokenizer.encode(" "), tokenizer.eot], device=device),
            end=tokenizer.eot,
            first_timestamp=tokenizer.timestamp_begin if timestamps else None,
            last_initial=tokenizer.timestamp_begin + round((task.options.max_initial_timestamp or 0) / step_s),
        )

    def struck(self, logits: "torch.Tensor", so_far: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor | None]":
        """Returns the logits `(n_rows, n_vocab)` with minus infinity where a token may not follow those so far.

        Args:
            logits: `(n_rows, n_vocab)`.
            so_far: The tokens decoded in each row, `(n_rows, n_tokens)`.

        Returns:
            The logits, and by how many nats a timestamp is likelier than any text `(n_rows,)`, below 0 where it is less
            likely; None where no times are given.
        """
        import torch

        logits = logits.index_fill(1, self.suppressed, -torch.inf)
        if so_far.shape[1] == 0:
            logits = logits.index_fill(1, self.blank, -torch.inf)
        if self.first_timestamp is None:
            return logits, None
        if so_far.shape[1] == 0:
            logits[:, : self.first_timestamp] = -torch.inf
            logits[:, self.last_initial + 1 :] = -torch.inf
        else:
            self._strike_by_times(logits, so_far)
        times, text = logits[:, self.first_timestamp :], logits[:, : self.first_timestamp]
        lead = times.logsumexp(dim=-1) - text.amax(dim=-1)  # (n_rows,)
        text.masked_fill_((lead > 0)[:, None], -torch.inf)
        return logits, lead

    def _strike_by_times(self, logits: "torch.Tensor", so_far: "torch.Tensor") -> None:
        """Strikes out, in place, what would break that times come in pairs and never go back."""
        import torch

        first = int(self.first_timestamp or 0)
        last_is_time = so_far[:, -1] >= first  # (n_rows,)
        paired = so_far[:, -2] >= first if so_far.shape[1] > 1 else torch.ones_like(last_is_time)
        logits[:, first:].masked_fill_((last_is_time & paired)[:, None], -torch.inf)
        logits[:, : self.end].masked_fill_((last_is_time & ~paired)[:, None], -torch.inf)
        latest = so_far.masked_fill(so_far < first, first - 1).amax(dim=1)  # (n_rows,): times never decrease
        least = latest + (~(last_is_time & ~paired)).long() * (latest >= first).long()
        times = torch.arange(first, logits.shape[1], device=logits.device)
        logits[:, first:].masked_fill_(times < least[:, None], -torch.inf)
