"""Windows heard by the encoder in, tokens out: whisper's own beam search over the attention caches of `decoder`.

Candidates are ranked by `whisper.decoding.BeamSearchDecoder` itself. The beams of a clip share its audio, which is held
once, and every clip of a batch gets the beams that it has alone. Rounding is not watched here as it is in `greedy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.whisper_engine.decoder import Decoder, Rows
from harness.backends.whisper_engine.greedy import Beginning, Choice, begun
from harness.backends.whisper_engine.records import Heard

if TYPE_CHECKING:
    import torch


def decode(
    decoder: Decoder, audio: "torch.Tensor", beginnings: Sequence[Beginning], choice: Choice, *, beam_size: int
) -> list[Heard]:
    """Returns what is heard in each window of `audio`, `(n_windows, n_audio_ctx, n_audio_state)`."""
    results: dict[int, Heard] = {}
    for limit in sorted({beginning.limit for beginning in beginnings}):
        of_limit = [place for place, beginning in enumerate(beginnings) if beginning.limit == limit]
        own = [beginnings[place] for place in of_limit]
        results |= zip(of_limit, _searched(decoder, audio[of_limit], own, choice, beam_size), strict=True)
    return [results[place] for place in range(len(beginnings))]


@dataclass(frozen=True, slots=True)
class _Caches:
    """Is what whisper's beam search calls to have the caches follow the beams."""

    rows: Rows

    def rearrange_kv_cache(self, source_indices: list[int]) -> None:
        import torch

        if source_indices != list(range(len(source_indices))):
            self.rows.take(torch.tensor(source_indices, device=self.rows.device))


def _searched(
    decoder: Decoder, audio: "torch.Tensor", beginnings: Sequence[Beginning], choice: Choice, beam_size: int
) -> list[Heard]:
    """Returns what is heard in windows that may all have the same number of tokens."""
    import torch
    from whisper.decoding import BeamSearchDecoder, MaximumLikelihoodRanker

    n_before, limit = max(len(beginning.tokens) for beginning in beginnings), beginnings[0].limit
    rows = Rows(decoder, audio, capacity=n_before + limit)
    x, at_start = begun(rows, beginnings)
    no_speech = decoder.logits(at_start).softmax(dim=-1)[:, choice.no_speech].tolist()
    rows.repeat(beam_size)
    x = x.repeat_interleave(beam_size, dim=0)  # (n_windows * beam_size, n_text_state)
    search = BeamSearchDecoder(beam_size, choice.rules.end, _Caches(rows))
    before = [(0,) * (n_before - len(beginning.tokens)) + beginning.tokens for beginning in beginnings]
    tokens = torch.tensor(before, device=x.device).repeat_interleave(beam_size, dim=0)
    sums = torch.zeros(len(tokens), device=x.device)
    for step in range(limit):
        logits, _ = choice.rules.struck(decoder.logits(x), tokens[:, n_before:])
        tokens, completed = search.update(tokens, logits, sums)
        if completed or step + 1 == limit:
            break
        x = rows.step(tokens[:, -1])
    shape = (len(beginnings), beam_size)
    candidates, logprobs = search.finalize(tokens.reshape(*shape, -1), sums.reshape(shape))
    texts = [[_between(each.tolist(), n_before, choice.rules.end) for each in own] for own in candidates]
    best = MaximumLikelihoodRanker(None).rank(texts, logprobs)
    return [
        Heard(tokens=own[rank], avg_logprob=of_own[rank] / (len(own[rank]) + 1), no_speech_prob=nobody)
        for own, of_own, rank, nobody in zip(texts, logprobs, best, no_speech, strict=True)
    ]


def _between(tokens: list[int], n_before: int, end: int) -> tuple[int, ...]:
    """Returns the tokens after the beginning and before the end of the text."""
    said = tokens[n_before:]
    return tuple(said[: said.index(end)])
