"""Runs of a small corpus, to be bundled."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.builders import FEW_RESAMPLES, Ended, harness, tone_rows

PLAIN = (
    "evidence.sensitivity=false",
    "evidence.adjusted=false",
    "evidence.metrics=false",
)  # tested where they are made
KINDS = {
    "accent": {"kind": "accent", "provenance": "self_reported", "order": ["south", "north"]},
    "age": {"kind": "demographic", "provenance": "self_reported", "bins": [30, 60]},
    "languages": {"kind": "demographic", "provenance": "self_reported", "multivalued": True},
}
SHEET = {"name": "tones", "license": "CC0-1.0", "language": "en", "undeclared": ["NA"], "attributes": KINDS}
PEOPLE = ("zoë", "Anna", "anna", "10", "9", "Ł", "bob", "İ", "ß", "carol", "Dora", "e")  # in no order


def corpus(folder: Path, **sheet: object) -> Path:
    """Write a manifest of twelve people in two accents, and its datasheet; return the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = tone_rows(n_speakers=6, n_utterances=4)
    names = dict(zip(dict.fromkeys(row["speaker_id"] for row in rows), PEOPLE, strict=True))
    lines = [
        {
            **{key: value for key, value in row.items() if key != "audio_filepath"},
            "utterance_id": f"clips/{names[row['speaker_id']]}-{9 - place % 4}.wav",
            "speaker_id": names[row["speaker_id"]],
            "age": None if place // 4 == 3 else 20 + 7 * (place // 4),
            "languages": ["cy", "en"] if place // 4 % 2 else "NA",
        }
        for place, row in enumerate(rows)
    ]
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    (folder / "datasheet.yaml").write_text(yaml.safe_dump(SHEET | sheet, allow_unicode=True), encoding="utf-8")
    return manifest


def heard(manifest: Path, *, wrong: float = 0.3) -> Path:
    """Write what was heard of a manifest's utterances: the south with more errors; one clip failed."""
    rng = np.random.default_rng(3)
    rows = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        share = wrong if row["accent"] == "south" else wrong / 4
        words = ["nothing" if rng.random() < share else word for word in row["text"].split()]
        rows.append({"utterance_id": row["utterance_id"], "text": " ".join(words)})
    path = manifest.parent / "heard.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def rescored(folder: Path, *options: object, name: str = "run", **sheet: object) -> Path:
    """Make a run of that corpus; return its directory."""
    manifest = corpus(folder / "corpus", **sheet)
    given = (
        f"hypotheses={heard(manifest)}",
        f"manifest.path={manifest}",
        f"run_dir={folder / name}",
        "report.html=false",
    )
    ended = harness("rescore", *given, *FEW_RESAMPLES, *options, cwd=folder)
    assert ended.exit_status in (0, 3), ended.err
    return folder / name


def bundled(run: Path, *options: object, out: str = "claim.tar") -> Path:
    """Bundle a run beside it; return the archive."""
    ended = harness("bundle", run, f"out={run.parent / out}", *options, cwd=run.parent)
    assert ended.exit_status == 0, ended.err
    return run.parent / out


def reproduced(bundle: Path, folder: Path, *options: object) -> tuple[Ended, Any]:
    """Reproduce a bundle in a folder; return how the command ended and what it found, None where it could not."""
    ended = harness("reproduce", bundle, "run_dir=again", *options, cwd=folder)
    assert ended.is_in_words, ended.err
    told = folder / "again" / "reproduced.json"
    return ended, json.loads(told.read_text()) if told.is_file() else None
