"""A clip in, the clip after a codec there and back out: in time with it and as long, whatever the codec adds."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import soundfile

from harness.audio.conditions.base import AcousticCondition
from harness.audio.conditions.filters import as_waveform, decimated, interpolated
from harness.audio.conditions.levels import limited_to
from harness.audio.conditions.protocol import Conditioned
from harness.audio.conditions.telephone import line
from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.errors import ConditionError, UsageError

MP3_DELAY = 576 + 529  # samples, of LAME's encoder and of a decoder (LAME's technical FAQ)
LINE_RATE = 8_000  # Hz, of telephone codecs


@dataclass(frozen=True, slots=True)
class _Format:
    """Is how libsndfile writes a codec.

    Attributes:
        container: Of the file in memory.
        subtype: The codec's name there.
        sample_rate: Hz that the codec is used at.
        kbps: Lowest and highest bit rate that can be chosen at that rate; None where it is fixed.
    """

    container: str
    subtype: str
    sample_rate: int
    kbps: tuple[float, float] | None = None


FORMATS: Mapping[str, _Format] = {
    "mulaw": _Format("WAV", "ULAW", LINE_RATE),
    "alaw": _Format("WAV", "ALAW", LINE_RATE),
    "gsm": _Format("WAV", "GSM610", LINE_RATE),
    "g721": _Format("AU", "G721_32", LINE_RATE),
    "ima_adpcm": _Format("WAV", "IMA_ADPCM", SAMPLE_RATE),
    "vorbis": _Format("OGG", "VORBIS", SAMPLE_RATE),
    "opus": _Format("OGG", "OPUS", SAMPLE_RATE, (6.0, 256.0)),
    "mp3": _Format("MP3", "MPEG_LAYER_III", SAMPLE_RATE, (16.0, 160.0)),
}
_FIXED_KBPS = {"mulaw": 64, "alaw": 64, "gsm": 13, "g721": 32, "ima_adpcm": 64}
_DEFAULT_KBPS = {"opus": 24.0, "mp3": 32.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(AcousticCondition):
    """Encodes and decodes the clip with libsndfile, whose version is part of the condition's identity.

    What a codec adds at the end is cut off (G.721 pads to its frames, ADPCM to its blocks), and so is the delay of an
    MP3 whose frames are too small to say how long it is (32 kbit/s and less); no other codec delays.

    Attributes:
        codec: `mulaw`, `alaw` (64 kbit/s), `gsm` (full rate, 13), `g721` (ADPCM, 32), all at 8 kHz; `ima_adpcm` (64),
            `vorbis` (variable), `opus`, `mp3` at 16 kHz.
        bitrate_kbps: Of `opus`, 6 to 256 (24 by default: a good internet call), and `mp3`, 16 to 160 (32 by default).
    """

    codec: str
    bitrate_kbps: float | None = None
    SWEPT: ClassVar[str] = "bitrate_kbps"
    PAIRED: ClassVar[tuple[str, ...]] = ("bitrate_kbps",)

    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Conditioned:  # noqa: ARG002
        """Returns the decoded clip; facts: clipped_share beyond full scale, kbps of the file in memory."""
        limited, clipped_share = limited_to(waveform, 1.0)
        at_rate = decimated(limited, line()) if self._format.sample_rate == LINE_RATE else limited
        encoded = self._encoded(np.clip(at_rate, -1, 1))
        decoded = self._decoded(encoded, num_samples=len(at_rate))
        if self._format.sample_rate == LINE_RATE:
            decoded = interpolated(decoded, num_samples=len(waveform))
        kbps = len(encoded) * 8 / 1000 / (len(waveform) / SAMPLE_RATE)
        return Conditioned(as_waveform(decoded), {"clipped_share": clipped_share, "kbps": kbps})

    def default_name(self) -> str:
        """Returns `gsm`, `opus_24kbps`."""
        return self.codec if self.bitrate_kbps is None else f"{self.codec}_{self.bitrate_kbps:g}kbps"

    def libraries(self) -> Mapping[str, str]:
        """Returns the versions of soundfile and of the libsndfile in it, which brings the codecs."""
        return {"soundfile": str(soundfile.__version__), "libsndfile": str(soundfile.__libsndfile_version__)}

    @property
    def _format(self) -> _Format:
        return FORMATS[self.codec]

    def _encoded(self, waveform: Waveform) -> bytes:
        file = io.BytesIO()
        form = self._format
        options: dict[str, object] = {}
        if form.kbps is not None and self.bitrate_kbps is not None:
            low, high = _level_range(form)
            options["compression_level"] = (high - self.bitrate_kbps) / (high - low)
            options |= {"bitrate_mode": "CONSTANT"} if self.codec == "mp3" else {}
        try:
            soundfile.write(file, waveform, form.sample_rate, format=form.container, subtype=form.subtype, **options)
        except (soundfile.LibsndfileError, ValueError) as error:
            raise ConditionError(
                f"condition '{self.name}': {self.codec} cannot be written by libsndfile "
                f"{soundfile.__libsndfile_version__}: {error}. Install the soundfile named in constraints.txt"
            ) from error
        return file.getvalue()

    def _decoded(self, encoded: bytes, *, num_samples: int) -> Waveform:
        decoded, sample_rate = soundfile.read(io.BytesIO(encoded), dtype="float32")
        if len(decoded) < num_samples or sample_rate != self._format.sample_rate:
            raise ConditionError(
                f"condition '{self.name}': {num_samples:,} samples at {self._format.sample_rate} Hz came back as "
                f"{len(decoded):,} at {sample_rate}; expected all. Install the soundfile named in constraints.txt"
            )
        lead = MP3_DELAY if len(decoded) >= num_samples + MP3_DELAY else 0
        waveform: Waveform = decoded[lead : lead + num_samples]
        return waveform

    def _check(self) -> None:
        self._choice("codec", tuple(FORMATS))
        kbps = self._format.kbps
        if kbps is None and self.bitrate_kbps is not None:
            fixed = f"{_FIXED_KBPS[self.codec]} kbit/s" if self.codec in _FIXED_KBPS else "a variable bit rate"
            raise UsageError(f"Codec: bitrate_kbps={self.bitrate_kbps!r}; {self.codec} has {fixed}. Leave it out.")
        if kbps is not None:
            if self.bitrate_kbps is None:
                object.__setattr__(self, "bitrate_kbps", _DEFAULT_KBPS[self.codec])
            self._number("bitrate_kbps", *kbps)


def _level_range(form: _Format) -> tuple[float, float]:
    """Returns the bit rates, kbit/s, at libsndfile's compression levels 1 and 0 (at 16 kHz)."""
    return (8.0, 160.0) if form.container == "MP3" else (6.0, 256.0)
