"""Make the demo corpus: eight synthetic accents x eight voices x six commands, as Opus files and manifest.jsonl.

Needs espeak-ng (`apt-get install espeak-ng`; made with 1.51 of Debian 12), and of Python's packages numpy, scipy and
soundfile. Run `python manifests/demo/make_demo.py`: it writes audio/ and manifest.jsonl beside itself, the same bytes
each time with the same versions. espeak-ng's 22,050 Hz become 16 kHz, coded as Ogg Opus at about 21 kbit/s.

Every accent has the same eight variants of the synthesiser and says the same 48 sentences, 8 of each of 6 topics; a
speaker says one of each topic. Which eighth of the sentences, which rate and which pitch a variant has rotates from
accent to accent: each variant has each of them once (a Latin square of order 8). So neither text nor voice, rate or
pitch can explain a gap between accents, nor text, rate or pitch a gap between genders. Age bands are dealt out at
random within each accent and change nothing in the audio: a gap between them is chance.
"""

import io
import json
import logging
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000  # Hz, what the harness's backends hear
ESPEAK_SAMPLE_RATE = 22_050  # Hz, what espeak-ng 1.51 writes
OPUS_COMPRESSION = 0.95  # libsndfile's scale; about 21 kbit/s at 16 kHz
AGE_SEED = 2  # the first one tried; no other was

ACCENTS = {  # value: espeak-ng voice. `en` is British; with its other name, en-gb, espeak-ng 1.51 ignores the variant.
    "us_general": "en-us",
    "us_new_york": "en-us-nyc",
    "british": "en",
    "received_pronunciation": "en-gb-x-rp",
    "lancashire": "en-gb-x-gbclan",
    "west_midlands": "en-gb-x-gbcwmd",
    "scottish": "en-gb-scotland",
    "caribbean": "en-029",
}
# The first four female and male variants of espeak-ng: taken in order, not chosen by how well they are recognised.
VARIANTS = ("f1", "m1", "f2", "m2", "f3", "m3", "f4", "m4")
RATES_WPM = (130, 140, 150, 160, 170, 180, 190, 200)  # espeak-ng's -s; its default is 175
PITCHES = (35, 39, 43, 47, 51, 55, 59, 63)  # espeak-ng's -p, 0 to 99; its default is 50
# One deck of eight for every accent: a quarter of the speakers did not say, half of these when asked.
AGE_BANDS = ("under_30", "under_30", "30_to_59", "30_to_59", "60_and_over", "60_and_over", "", "prefer not to say")

SENTENCES = {
    "lights": (
        "turn on the kitchen lights",
        "switch off the bedroom light",
        "dim the living room lights to thirty percent",
        "brighten the hallway lights",
        "set the office lights to blue",
        "turn off the bathroom light",
        "set the dining room lights to sixty five percent",
        "switch on the basement lights",
    ),
    "climate": (
        "set the thermostat to twenty two degrees",
        "turn on the heating in the bathroom",
        "make the bedroom warmer",
        "what is the temperature outside",
        "switch off the air conditioning",
        "change the temperature to eighteen degrees",
        "turn off the fan in the office",
        "make the living room cooler",
    ),
    "music": (
        "play some jazz music in the kitchen",
        "turn down the volume",
        "play the news",
        "skip this song",
        "resume the radio",
        "play classical music in the living room",
        "set the volume to fifteen",
        "skip to the next song",
    ),
    "timers": (
        "set a timer for fifteen minutes",
        "wake me up at six thirty in the morning",
        "cancel the alarm",
        "how much time is left on the timer",
        "set an alarm at nine fifteen in the evening",
        "add fifty seconds to the timer",
        "set a timer for two hundred seconds",
        "pause the timer",
    ),
    "doors": (
        "lock the front door",
        "unlock the back door",
        "open the garage door",
        "close the blinds in the bedroom",
        "is the gate closed",
        "who is at the front door",
        "is the garage door open",
        "open the curtains in the living room",
    ),
    "appliances": (
        "start the dishwasher",
        "stop the washing machine in ten minutes",
        "heat the oven to one hundred and eighty degrees",
        "turn on the coffee maker",
        "switch off the television",
        "start the vacuum",
        "stop the dryer in forty five minutes",
        "turn off the oven",
    ),
}

HERE = Path(__file__).resolve().parent
log = logging.getLogger("make_demo")


@dataclass(frozen=True, slots=True)
class Speaker:
    """One synthetic voice: an accent, a variant of the synthesiser, and a rate and pitch of its own."""

    speaker_id: str
    accent: str
    variant: str
    age_band: str
    rate_wpm: int
    pitch: int
    sentence_block: int  # which eighth of the sentences this speaker says, 0 to 7

    @property
    def gender(self) -> str:
        """The gender that espeak-ng states for the variant."""
        return "female" if self.variant.startswith("f") else "male"


def main() -> None:
    """Writes audio/ and manifest.jsonl anew."""
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng: not found; expected version 1.51. Install it: apt-get install espeak-ng.")
    audio_folder = HERE / "audio"
    shutil.rmtree(audio_folder, ignore_errors=True)
    audio_folder.mkdir()
    rows = [row for speaker in speakers() for row in record(speaker)]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    num_bytes = sum(path.stat().st_size for path in audio_folder.iterdir())
    duration_s = sum(float(row["duration"]) for row in rows)
    log.info("%d utterances, %.1f s of audio, %.2f MB", len(rows), duration_s, num_bytes / 1e6)


def speakers() -> Iterator[Speaker]:
    """The 64 speakers. Odd steps modulo 8 give every accent, and every variant, each block, rate and pitch once."""
    rng = random.Random(AGE_SEED)
    for a, accent in enumerate(ACCENTS):
        age_bands = rng.sample(AGE_BANDS, k=len(AGE_BANDS))
        for v, variant in enumerate(VARIANTS):
            yield Speaker(
                speaker_id=f"demo-{accent.replace('_', '-')}-{variant}",
                accent=accent,
                variant=variant,
                age_band=age_bands[v],
                rate_wpm=RATES_WPM[(3 * v + a) % 8],
                pitch=PITCHES[(5 * v + 3 * a) % 8],
                sentence_block=(v + 5 * a) % 8,
            )


def record(speaker: Speaker) -> Iterator[dict[str, str | float | int]]:
    """Synthesises a speaker's six commands, writes them, and gives their rows of the manifest."""
    for topic, sentences in SENTENCES.items():
        text = sentences[speaker.sentence_block]
        utterance_id = f"{speaker.speaker_id}-{topic}"
        waveform = synthesise(speaker, text)
        path = HERE / "audio" / f"{utterance_id}.opus"
        path.write_bytes(encode(waveform))
        yield {
            "utterance_id": utterance_id,
            "audio_filepath": f"audio/{path.name}",
            "text": text,
            "duration": round(soundfile.info(path).duration, 6),
            "language": "en",
            "speaker_id": speaker.speaker_id,
            "accent": speaker.accent,
            "gender": speaker.gender,
            "age_band": speaker.age_band,
            "speaking_rate": speaker.rate_wpm,
            "topic": topic,
        }


def synthesise(speaker: Speaker, text: str) -> npt.NDArray[np.float64]:
    """What the speaker says, at 16 kHz: `(num_samples,)`."""
    voice = f"{ACCENTS[speaker.accent]}+{speaker.variant}"
    options = ["-v", voice, "-s", str(speaker.rate_wpm), "-p", str(speaker.pitch), "--stdout"]
    wav = subprocess.run(["espeak-ng", *options, text], check=True, capture_output=True).stdout
    waveform, sample_rate = soundfile.read(io.BytesIO(wav))
    if sample_rate != ESPEAK_SAMPLE_RATE:
        sys.exit(f"espeak-ng wrote {sample_rate} Hz; expected {ESPEAK_SAMPLE_RATE}. Install espeak-ng 1.51.")
    return resample_poly(waveform, up=320, down=441)  # 16,000 / 22,050


def encode(waveform: npt.NDArray[np.float64]) -> bytes:
    """The waveform as Ogg Opus."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=OPUS_COMPRESSION)
    return with_serial_zero(buffer.getvalue())


def with_serial_zero(ogg: bytes) -> bytes:
    """The same Ogg stream with serial number 0 in place of libsndfile's random one, so that bytes repeat (RFC 3533)."""
    pages = bytearray(ogg)
    start = 0
    while start < len(pages):
        num_segments = pages[start + 26]
        end = start + 27 + num_segments + sum(pages[start + 27 : start + 27 + num_segments])
        pages[start + 14 : start + 18] = bytes(4)  # serial number
        pages[start + 22 : start + 26] = bytes(4)  # the checksum counts itself as zero
        pages[start + 22 : start + 26] = ogg_checksum(pages[start:end]).to_bytes(4, "little")
        start = end
    return bytes(pages)


def ogg_checksum(page: bytes | bytearray) -> int:
    """The CRC of RFC 3533: polynomial 0x04c11db7, not reflected, from zero."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
