"""A clip in, the clip with lost packets out: bursts of 20 ms frames that are silent, or say again what came before."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.protocol import Conditioned
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import UsageError

FRAME = SAMPLE_RATE // 50  # samples, 20 ms: one packet of most voice codecs


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketLoss(AcousticCondition):
    """Loses 20 ms frames in bursts (Gilbert, 1960): a line is good or bad, and loses what is sent while it is bad.

    Attributes:
        loss_share: Share of the frames that are lost in the long run, 0 to 0.9.
        burst_frames: Mean length of a burst in frames, at least 1; 1 / (1 - loss_share) are losses that do not know
            of each other.
        conceal: `zero` for silence; `repeat` for the last frame that arrived.
    """

    loss_share: float
    burst_frames: float = 2.0
    conceal: str = "zero"
    SWEPT: ClassVar[str] = "loss_share"
    PAIRED: ClassVar[tuple[str, ...]] = ("loss_share",)

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
        """Returns the clip as it arrives; facts: lost_share of its samples."""
        lost = self.drawn(-(-len(waveform) // FRAME), rng)  # (n_frames,)
        frames = np.zeros((len(lost), FRAME), dtype=np.float32)
        frames.reshape(-1)[: len(waveform)] = waveform
        arrived = frames[_last_arrived(lost)]
        arrived[lost if self.conceal == "zero" else np.cumsum(~lost) == 0] = 0.0
        lost_share = np.repeat(lost, FRAME)[: len(waveform)].mean()
        return Conditioned(arrived.reshape(-1)[: len(waveform)], {"lost_share": float(lost_share)})

    def drawn(self, n_frames: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Returns which frames are lost, `(n_frames,)`; the line begins as it is in the long run."""
        ends, begins = 1 / self.burst_frames, self.loss_share / (1 - self.loss_share) / self.burst_frames
        chances = rng.random(n_frames)
        lost = np.zeros(n_frames, dtype=bool)
        is_bad = False
        for i, chance in enumerate(chances):
            is_bad = chance < (self.loss_share if i == 0 else 1 - ends if is_bad else begins)
            lost[i] = is_bad
        return lost

    def default_name(self) -> str:
        """Returns `packet_loss_0.05`."""
        return f"packet_loss_{self.loss_share:g}"

    def _check(self) -> None:
        self._number("loss_share", 0, 0.9)
        self._number("burst_frames", 1, 1000)
        self._choice("conceal", ("zero", "repeat"))
        if self.burst_frames < self.loss_share / (1 - self.loss_share):
            raise UsageError(
                f"PacketLoss: loss_share={self.loss_share:g} in bursts of {self.burst_frames:g} frames would need gaps "
                f"shorter than a frame; expected burst_frames of at least {self.loss_share / (1 - self.loss_share):g}."
            )


def _last_arrived(lost: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Returns the number of the last frame that arrived, at each frame; 0 before the first: `(n_frames,)`."""
    return np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost))))
