"""Make manifest.jsonl for the first ten takes of the Free Spoken Digit Dataset: 600 utterances by six people.

Run `FSDD_DIR=.../recordings python manifests/fsdd/make_manifest.py`, where FSDD_DIR is the folder `recordings` of a
copy of https://github.com/Jakobovski/free-spoken-digit-dataset. Needs soundfile. No audio is copied.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
N_TAKES = 10  # the dataset has 50; its own test split is takes 0 to 4

HERE = Path(__file__).resolve().parent
log = logging.getLogger("make_manifest")


@dataclass(frozen=True, slots=True)
class Speaker:
    """What metadata.py of the dataset says of a speaker, word for word."""

    speaker_id: str
    gender: str
    accent: str


SPEAKERS = (
    Speaker("george", "male", "GRC/Greek"),
    Speaker("jackson", "male", "USA/neutral"),
    Speaker("lucas", "male", "DEU/German"),
    Speaker("nicolas", "male", "BEL/French"),
    Speaker("theo", "male", "USA/neutral"),
    Speaker("yweweler", "male", "DEU/German"),
)


def main() -> None:
    """Writes manifest.jsonl."""
    recordings = Path(os.environ.get("FSDD_DIR", ""))
    if "FSDD_DIR" not in os.environ or not recordings.is_dir():
        sys.exit(f"FSDD_DIR={recordings}: expected the dataset's folder `recordings`. Set FSDD_DIR to it.")
    lines = [json.dumps(row) + "\n" for row in rows(recordings)]
    (HERE / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")
    log.info("%d utterances", len(lines))


def rows(recordings: Path) -> Iterator[dict[str, str | float]]:
    """The manifest's rows: by speaker, then digit, then take."""
    for speaker in SPEAKERS:
        for digit, word in enumerate(DIGITS):
            for take in range(N_TAKES):
                utterance_id = f"{digit}_{speaker.speaker_id}_{take}"
                file_name = f"{utterance_id}.wav"
                yield {
                    "utterance_id": utterance_id,
                    "audio_filepath": file_name,
                    "text": word,
                    "duration": round(soundfile.info(recordings / file_name).duration, 6),
                    "language": "en",
                    "speaker_id": speaker.speaker_id,
                    "accent": speaker.accent,
                    "gender": speaker.gender,
                }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
