"""A small corpus, a run of it and the job of a release, for the tests of releases and of what is made from them."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import yaml

from harness.fairness.privacy import ReleaseMethod
from harness.pipelines.release import ReleaseJob
from harness.results import Run
from harness.results.ledger import Ledger
from harness.results.releases.budget import FILE
from harness.results.releases.options import ReleaseOptions
from tests.builders import FEW_RESAMPLES, harness

SLICES = {"accent": ["north", "south"], "gender": ["female", "male"]}
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
N_SPEAKERS = 60


def write_corpus(
    folder: Path, *, misheard: int, n_speakers: int = N_SPEAKERS, accents: tuple[str, ...] = ("north", "south")
) -> None:
    """Write a manifest, its datasheet and transcripts in which the last accent is misheard in so many words of ten."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(misheard)
    rows = []
    for speaker in range(n_speakers):
        for number in range(3):
            wrong = int(rng.binomial(10, misheard / 10)) if speaker % len(accents) else int(rng.binomial(10, 0.1))
            heard = [*("wrong" for _ in range(wrong)), *WORDS[wrong:]]
            rows.append(
                {
                    "utterance_id": f"utt{speaker:03d}x{number}",
                    "text": " ".join(WORDS),
                    "heard": " ".join(heard),
                    "speaker_id": f"person{speaker:03d}",
                    "accent": accents[speaker % len(accents)],
                    "gender": "female" if speaker % 3 else "male",
                }
            )
    with (folder / "corpus.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    said = {"kind": "demographic", "provenance": "self_reported"}
    sheet = {"name": "tones", "language": "en", "attributes": {"accent": said | {"kind": "accent"}, "gender": said}}
    (folder / "datasheet.yaml").write_text(yaml.safe_dump(sheet), encoding="utf-8")


def rescored(folder: Path, name: str = "run") -> Path:
    ended = harness(
        "rescore", "hypotheses=corpus.csv", "columns.text=heard", f"manifest.path={folder / 'corpus.csv'}",
        f"run_dir={folder / name}", "report.html=false", "evidence.sensitivity=false", "evidence.adjusted=false",
        *FEW_RESAMPLES, cwd=folder,
    )  # fmt: skip
    assert ended.exit_status in (0, 3), ended.err
    return folder / name


def scored_corpus(folder: Path) -> Path:
    """Write a corpus and a run of it."""
    write_corpus(folder, misheard=4)
    rescored(folder)
    return folder


def copied(made: Path, folder: Path) -> Path:
    """Copy a corpus and its run to a folder in which its manifest lies."""
    shutil.copytree(made, folder)
    config = folder / "run" / "config.yaml"
    config.write_text(config.read_text().replace(str(made), str(folder)), encoding="utf-8")
    return folder


def job(corpus: Path, out: Path, *, run: str = "run", **changes: object) -> ReleaseJob:
    options: dict[str, object] = {
        "method": ReleaseMethod.laplace,
        "slices": SLICES,
        "total_epsilon": 8.0,
        "epsilon": 2.0,
    }
    return ReleaseJob(run=Run.open(corpus / run), out=out, options=ReleaseOptions(**(options | changes)))  # type: ignore[arg-type]


def kinds(corpus: Path) -> list[str]:
    return [entry.kind for entry in Ledger(corpus / FILE).entries()]


def without_scripts(text: str) -> str:
    return re.sub(r"<script>.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)
