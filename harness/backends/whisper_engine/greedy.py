"""Windows heard by the encoder in, tokens out: the likeliest or a sampled one at each step, row by row of one batch.

Rows that have ended leave the batch, so that short texts do not wait for long ones. A GPU is asked only every few steps
whether any has: asking makes it wait. What a row says depends on nothing else in the batch: what is sampled comes from
numbers drawn for the row beforehand, and a row where rounding could have mattered says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.backends.whisper_engine.decoder import Decoder, Rows
from harness.backends.whisper_engine.records import Heard
from harness.backends.whisper_engine.rules import TokenRules

if TYPE_CHECKING:
    import torch

CLOSE = 3e-5  # of a logit's size; summed in another order, float32 logits of `base` dimensions differ by up to 1.2e-6
_STEPS_BETWEEN_LOOKS = 8  # on a GPU


@dataclass(frozen=True, slots=True)
class Beginning:
    """Is what a row begins with and what decides its tokens.

    Attributes:
        tokens: Prompt, language, task: what stands before the text.
        start: Where among them the transcript starts; the token there knows whether anybody speaks.
        limit: The most tokens that may follow.
        seed: Decides what is sampled.
    """

    tokens: tuple[int, ...]
    start: int
    limit: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """Says how tokens are chosen.

    Attributes:
        rules: What may follow what.
        no_speech: The token whose probability is that nobody speaks.
        temperature: 0 takes the likeliest token; above, tokens are sampled from logits divided by it.
    """

    rules: TokenRules
    no_speech: int
    temperature: float


@dataclass(frozen=True, slots=True)
class _State:
    """Holds, for each row, `(n_rows, …)`, what was decoded so far."""

    position: "torch.Tensor"  # in the list of results
    tokens: "torch.Tensor"  # (n_rows, most tokens that may follow)
    limit: "torch.Tensor"
    uniform: "torch.Tensor"  # float64 in [0, 1): one for each token that may be sampled
    sum_logprob: "torch.Tensor"
    no_speech_prob: "torch.Tensor"
    close: "torch.Tensor"
    ended: "torch.Tensor"

    def taken(self, rows: "torch.Tensor") -> "_State":
        """Returns the state of some rows."""
        return _State(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def decode(decoder: Decoder, audio: "torch.Tensor", beginnings: Sequence[Beginning], choice: Choice) -> list[Heard]:
    """Returns what is heard in each window of `audio`, `(n_windows, n_audio_ctx, n_audio_state)`."""
    n_before = max(len(beginning.tokens) for beginning in beginnings)
    most = max(beginning.limit for beginning in beginnings)
    rows = Rows(decoder, audio, capacity=n_before + most)
    state, x = _started(rows, decoder, beginnings, choice)
    results: dict[int, Heard] = {}
    look = 1 if audio.device.type == "cpu" else _STEPS_BETWEEN_LOOKS
    for step in range(most):
        state = _chosen(state, decoder.logits(x), step, choice)
        if step + 1 == most or (step + 1) % look == 0:
            state = _without_ended(state, rows, results, choice)
        if len(state.position) == 0:
            break
        x = rows.step(state.tokens[:, step])
    return [results[position] for position in range(len(beginnings))]


def _started(
    rows: Rows, decoder: Decoder, beginnings: Sequence[Beginning], choice: Choice
) -> "tuple[_State, torch.Tensor]":
    """Reads the beginnings and returns the state and the last layer's output at each row's last token."""
    import torch

    x, at_start = begun(rows, beginnings)
    no_speech = decoder.logits(at_start).softmax(dim=-1)[:, choice.no_speech]
    n_rows, most = len(beginnings), max(beginning.limit for beginning in beginnings)
    device = x.device
    state = _State(
        position=torch.arange(n_rows, device=device),
        tokens=torch.full((n_rows, most), choice.rules.end, device=device),
        limit=torch.tensor([beginning.limit for beginning in beginnings], device=device),
        uniform=torch.tensor(_uniforms(beginnings, choice.temperature, most), device=device),
        sum_logprob=torch.zeros(n_rows, device=device),
        no_speech_prob=no_speech,
        close=torch.zeros(n_rows, dtype=torch.bool, device=device),
        ended=torch.zeros(n_rows, dtype=torch.bool, device=device),
    )
    return state, x


def begun(rows: Rows, beginnings: Sequence[Beginning]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Reads the beginnings, the shorter ones padded at the front.

    Returns:
        The last layer's output at each row's last token and where its transcript starts, `(n_rows, n_text_state)` each.
    """
    import torch

    longest = max(len(beginning.tokens) for beginning in beginnings)
    padding = [longest - len(beginning.tokens) for beginning in beginnings]
    device = rows.device
    tokens = [(0,) * n_more + beginning.tokens for n_more, beginning in zip(padding, beginnings, strict=True)]
    starts = [n_more + beginning.start for n_more, beginning in zip(padding, beginnings, strict=True)]
    x = rows.start(
        torch.tensor(tokens, device=device), torch.tensor(padding, device=device) if any(padding) else None
    )  # (n_rows, longest, n_text_state)
    return x[:, -1], x[torch.arange(len(x), device=device), torch.tensor(starts, device=device)]


def _uniforms(
    beginnings: Sequence[Beginning], temperature: float, most: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Returns one number in [0, 1) for each token that may be sampled, `(n_rows, most)`; none when none is."""
    if temperature == 0:
        return np.zeros((len(beginnings), 0))
    return np.stack(
        [np.random.default_rng(int.from_bytes(beginning.seed, "little")).random(most) for beginning in beginnings]
    )


def _chosen(state: _State, logits: "torch.Tensor", step: int, choice: Choice) -> _State:
    """Returns the state with one more token in each row that has not ended."""
    import torch

    struck, lead = choice.rules.struck(logits, state.tokens[:, :step])
    if choice.temperature == 0:
        (best, second), (token, _) = (part.unbind(dim=-1) for part in struck.topk(2))
        size = 1 + best.abs()
        near = best - second < CLOSE * size
        if lead is not None:
            near |= lead.abs() < CLOSE * size
        close = state.close | (near & ~state.ended)
    else:
        token, close = _sampled(struck / choice.temperature, state.uniform[:, step]), state.close
    logprob = struck.gather(1, token[:, None])[:, 0] - struck.logsumexp(dim=-1)
    token = torch.where(state.ended, choice.rules.end, token)
    state.tokens[:, step] = token
    ended = state.ended | (token == choice.rules.end) | (state.limit == step + 1)
    sum_logprob = state.sum_logprob + logprob.masked_fill(state.ended, 0)
    return replace(state, sum_logprob=sum_logprob, close=close, ended=ended)


def _sampled(logits: "torch.Tensor", uniform: "torch.Tensor") -> "torch.Tensor":
    """Returns the token of each row `(n_rows,)` where the running sum of the probabilities passes the row's number."""
    import torch

    running = logits.softmax(dim=-1).cumsum(dim=-1, dtype=torch.float64)  # (n_rows, n_vocab)
    passed = (uniform[:, None] * running[:, -1:]).clamp(max=1)
    return torch.searchsorted(running, passed, right=True)[:, 0].clamp(max=logits.shape[1] - 1)


def _without_ended(state: _State, rows: Rows, results: dict[int, Heard], choice: Choice) -> _State:
    """Notes the results of rows that have ended and returns the state of the others, the last ones in their places."""
    import torch

    ended = state.ended.tolist()
    if not any(ended):
        return state
    gone = state.taken(torch.tensor([row for row, over in enumerate(ended) if over], device=state.ended.device))
    results |= zip(gone.position.tolist(), _heard(gone, choice), strict=True)
    left = [row for row, over in enumerate(ended) if not over]
    n_left = len(left)
    movers = iter([row for row in left if row >= n_left])
    order = [next(movers) if ended[place] else place for place in range(n_left)]
    if order:
        rows.keep(order)
    return state.taken(torch.tensor(order, dtype=torch.long, device=state.ended.device))


def _heard(state: _State, choice: Choice) -> list[Heard]:
    results = []
    columns = (state.tokens, state.sum_logprob, state.no_speech_prob, state.close)
    for row, sum_logprob, no_speech_prob, close in zip(*(column.tolist() for column in columns), strict=True):
        tokens = tuple(row[: row.index(choice.rules.end)] if choice.rules.end in row else row)
        results.append(
            Heard(
                tokens=tokens,
                avg_logprob=sum_logprob / (len(tokens) + 1),
                no_speech_prob=no_speech_prob,
                temperature=choice.temperature,
                close=close,
            )
        )
    return results
