"""Clean waveforms in, waveforms as other rooms, lines and devices would have given them out."""

from harness.audio.conditions.applying import conditioned, stretch_of
from harness.audio.conditions.batch import apply_batch
from harness.audio.conditions.chain import Chain
from harness.audio.conditions.codecs import Codec
from harness.audio.conditions.identity import digest_of, identity_of, seed_of
from harness.audio.conditions.levels import Clean, Clipping, Gain
from harness.audio.conditions.noise import Noise
from harness.audio.conditions.packets import PacketLoss
from harness.audio.conditions.protocol import Condition, Conditioned
from harness.audio.conditions.reverberation import Reverberation, Room
from harness.audio.conditions.speed import Speed
from harness.audio.conditions.telephone import LowPass, Telephone
from harness.audio.conditions.tone import Tone

__all__ = [
    "Chain",
    "Clean",
    "Clipping",
    "Codec",
    "Condition",
    "Conditioned",
    "Gain",
    "LowPass",
    "Noise",
    "PacketLoss",
    "Reverberation",
    "Room",
    "Speed",
    "Telephone",
    "Tone",
    "apply_batch",
    "conditioned",
    "digest_of",
    "identity_of",
    "seed_of",
    "stretch_of",
]
