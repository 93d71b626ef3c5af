"""A clip of more than 30 s in, the windows to hear one after the other out, each placed by what was heard in the last.

It takes the course of `whisper.transcribe` through the clip, with its defaults: what was heard so far is the prompt of
the next window, which begins where the last complete segment ended. Each clip keeps its own place, so that the windows
of many clips can be heard together.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.backends.whisper_engine.fallback import LOGPROB_THRESHOLD, NO_SPEECH_THRESHOLD
from harness.backends.whisper_engine.features import WINDOW_FRAMES, padded_window
from harness.backends.whisper_engine.records import Heard, Window

if TYPE_CHECKING:
    import torch
    from whisper.tokenizer import Tokenizer

_FORGETS_ABOVE = 0.5  # the temperature above which a window's text is no prompt for the next


class LongClip:
    """Is a clip that is being heard window by window.

    Args:
        mel: All its frames, `(n_mels, n_frames)`.
        seed: The clip's digest.
        language: The language's code.
        tokenizer: The model's, of that language.
        frames_per_timestamp: Mel frames from one timestamp token to the next.
    """

    def __init__(
        self, mel: "torch.Tensor", seed: bytes, language: str, *, tokenizer: "Tokenizer", frames_per_timestamp: int
    ) -> None:
        self._mel = mel
        self._seed = seed
        self._language = language
        self._tokenizer = tokenizer
        self._frames_per_timestamp = frames_per_timestamp
        self._frame = 0
        self._tokens: list[int] = []  # heard so far
        self._prompt_start = 0  # among them

    @property
    def ended(self) -> bool:
        """Says whether all of the clip was heard."""
        return self._frame >= self._mel.shape[-1]

    @property
    def text(self) -> str:
        """Is what was heard so far."""
        return str(self._tokenizer.decode(self._tokens)).strip()

    def window(self) -> Window:
        """Returns the window to hear next."""
        return Window(
            mel=padded_window(self._mel[:, self._frame : self._frame + WINDOW_FRAMES]),
            seed=self._seed + self._frame.to_bytes(8, "little"),
            language=self._language,
            timestamps=True,
            prompt=tuple(self._tokens[self._prompt_start :]),
        )

    def advance(self, heard: Heard) -> None:
        """Takes in what was heard in the window and moves on to the next."""
        n_frames = min(WINDOW_FRAMES, self._mel.shape[-1] - self._frame)
        if heard.no_speech_prob > NO_SPEECH_THRESHOLD and heard.avg_logprob <= LOGPROB_THRESHOLD:
            self._frame += n_frames
            return
        segments, n_heard = self._segments(heard.tokens)
        self._frame += n_frames if n_heard is None else n_heard
        self._tokens += [token for segment in segments for token in segment if self._says(segment)]
        if heard.temperature > _FORGETS_ABOVE:
            self._prompt_start = len(self._tokens)

    def _segments(self, tokens: Sequence[int]) -> tuple[list[Sequence[int]], int | None]:
        """Returns the segments, and the frames that they cover; None when that is the whole window.

        Two timestamps in a row end one segment and begin the next. What follows the last such pair is not complete,
        unless one timestamp alone ends the text: then nothing was said after it.
        """
        first = self._tokenizer.timestamp_begin
        times = [token >= first for token in tokens]
        ends = [place + 1 for place, pair in enumerate(pairwise(times)) if all(pair)]
        if not ends:
            return [tokens], None
        finished = times[-2:] == [False, True]
        bounds = [0, *ends, *([len(tokens)] if finished else [])]
        segments = [tokens[start:end] for start, end in pairwise(bounds)]
        return segments, None if finished else (tokens[ends[-1] - 1] - first) * self._frames_per_timestamp

    def _says(self, segment: Sequence[int]) -> bool:
        """Says whether a segment takes time and holds words: others are no prompt and no text."""
        text = self._tokenizer.decode([token for token in segment if token < self._tokenizer.eot])
        return len(segment) > 1 and segment[0] != segment[-1] and bool(text.strip())
