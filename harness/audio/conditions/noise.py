"""A clip in, the clip with noise at a signal-to-noise ratio out: from a recording, of several talkers, or generated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.colours import COLOURS, generated_loop
from harness.audio.conditions.mixing import POWERS, disturbed, mean_square, speech_level_of
from harness.audio.conditions.protocol import Conditioned
from harness.audio.conditions.recordings import cut_from, noise_loop, resolved, sha256_of, voice_loop
from harness.audio.speech_level import SpeechLevel
from harness.audio.waveform import Waveform
from harness.errors import UsageError

N_TRIES = 8  # places that are drawn until one is not silent
FAINTEST = 1e-4  # power, of the recording's own: 40 dB below it is a pause, which no SNR should blow up to noise
MOST_TALKERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(AcousticCondition):
    """Adds noise at an SNR: g = sqrt(P_s / (P_n 10^(SNR/10))), P_s the active speech power, P_n over what is used.

    Every clip gets a piece of its own: a loop without a seam is made of the recording (50 ms cross-fade) and cut at a
    drawn place, where a pause, 40 dB under the recording's level, is not taken. Where the sum would clip, speech and
    noise get one scale.

    Attributes:
        recording: A recording of noise, any rate, channels averaged.
        colour: `white`, `pink`, `brown` or `babble`, generated; see `colours.generated_loop`.
        talkers: Recordings of one talker each, mixed to a babble as for training recognisers (Snyder et al., 2018):
            each at the same active level, from a place of its own. Words in them are real words.
        snr_db: Signal-to-noise ratio, -60 to 100.
        speech_power: `active` (ITU-T P.56) or `rms` of the whole clip.
    """

    recording: str | None = None
    colour: str | None = None
    talkers: tuple[str, ...] = ()
    snr_db: float
    speech_power: str = "active"
    _digests: tuple[str, ...] = field(init=False, repr=False, default=())
    SWEPT: ClassVar[str] = "snr_db"
    PAIRED: ClassVar[tuple[str, ...]] = ("snr_db", "speech_power")

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:
        """Returns the noisy clip; facts: levels in dB re full scale, the activity of the speech, the common scale."""
        level = self.level_of(waveform)
        noise = self.drawn(len(waveform), rng)
        return disturbed(waveform, noise, level=level, power=mean_square(noise), ratio_db=self.snr_db)

    def level_of(self, waveform: Waveform) -> SpeechLevel:
        """Returns the level of the speech that the SNR refers to.

        Raises:
            ConditionError: when the clip is silent.
        """
        return speech_level_of(waveform, power=self.speech_power, name=self.name)

    def drawn(self, num_samples: int, rng: np.random.Generator) -> Waveform:
        """Returns the piece of noise for a clip: `(num_samples,)`, of any level, never silent."""
        if not self.talkers:
            return _drawn_from(self._loop(), num_samples, rng)
        babble = np.zeros(num_samples, dtype=np.float32)
        for path, digest in zip(self.talkers, self._digests, strict=True):
            babble += _drawn_from(voice_loop(path, digest), num_samples, rng)
        return babble

    def default_name(self) -> str:
        """Returns `kitchen_10db`, `white_0db`."""
        source = Path(self.recording).stem if self.recording else self.colour or "talkers"
        return f"{source[:40]}_{self.snr_db:g}db"

    def files(self) -> Mapping[str, str]:
        """Returns the SHA-256 of the recording, or of each talker's."""
        names = ["recording"] if self.recording else [f"talkers[{i}]" for i in range(len(self.talkers))]
        return dict(zip(names, self._digests, strict=True))

    def _loop(self) -> Waveform:
        return noise_loop(self.recording, self._digests[0]) if self.recording else generated_loop(str(self.colour))

    def _check(self) -> None:
        self._number("snr_db", -60, 100)
        self._choice("speech_power", POWERS)
        given = [name for name in ("recording", "colour", "talkers") if getattr(self, name)]
        if len(given) != 1:
            raise UsageError(
                f"Noise: {' and '.join(given) or 'none of recording, colour and talkers'} given; expected exactly one: "
                f"recording=FILE, talkers=[FILE,…] or colour= {', '.join(COLOURS)}."
            )
        if self.colour:
            self._choice("colour", COLOURS)
        object.__setattr__(self, "talkers", _talkers(self.talkers))
        if self.recording:
            object.__setattr__(self, "recording", resolved(self.recording, of="Noise: recording"))
        paths = [self.recording] if self.recording else self.talkers
        object.__setattr__(self, "_digests", tuple(sha256_of(path) for path in paths))
        for path, digest in zip(paths, self._digests, strict=True):
            noise_loop(path, digest)  # one that cannot serve is found before the run begins


def _talkers(paths: object) -> tuple[str, ...]:
    if isinstance(paths, str) or not isinstance(paths, Sequence) or len(paths) > MOST_TALKERS:
        raise UsageError(f"Noise: talkers={paths!r}; expected a list of at most {MOST_TALKERS} recordings.")
    return tuple(resolved(path, of="Noise: talkers") for path in paths)


def _drawn_from(loop: Waveform, num_samples: int, rng: np.random.Generator) -> Waveform:
    """Returns a piece of a loop, of mean square 1 or a little more, that is not a pause of it."""
    for start in rng.integers(0, len(loop), size=N_TRIES):
        piece = cut_from(loop, int(start), num_samples)
        if mean_square(piece) >= FAINTEST:
            return piece
    loudest = int(np.abs(loop).argmax())
    return cut_from(loop, (loudest - num_samples // 2) % len(loop), num_samples)
