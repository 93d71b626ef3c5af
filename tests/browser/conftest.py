"""A real Chromium without a network and the pages of real runs; where none is installed the tests skip and say so."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.browser.opened import HOSTILE, Opened, chromium, installed
from tests.builders import FEW_RESAMPLES, harness
from tests.shared import DATA, REPOSITORY

SYSTEMS = ("canary-qwen-2.5b", "parakeet-tdt-0.6b-v3", "whisper-large-v3-turbo")
EDACC = (
    "columns.utterance_id=utt_id", "columns.text=hyp_raw", "manifest.columns.utterance_id=utt_id",
    "manifest.columns.text=ref_raw", "manifest.columns.speaker_id=speaker", "manifest.name=edacc",
    "manifest.language=en", "reference_pattern='<[^<>]*>'", "normalizer=whisper_english", "slices.by=[accent]",
)  # fmt: skip
SYNTHETIC = ("normalizer=verbatim", "slices.intersections=2")
ACCENTS = ("north", "south", "east", "west", HOSTILE)
WORDS = ("open", "the", "gate", "and", "close", "every", "window", "before", "rain", "comes", "down")


@dataclass(frozen=True)
class Pages:
    """Is where the pages are that are opened."""

    report: Path
    card: Path
    board: Path
    hostile_report: Path
    hostile_card: Path


@pytest.fixture(scope="module")
def browser():
    """Yield a Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = chromium(playwright)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser) -> Iterator[Opened]:
    """Yield what opens pages; whatever the browser complains of by the end fails the test."""
    opening = Opened(browser)
    yield opening
    opening.close()
    assert opening.complaints == []
    assert opening.requested_elsewhere == []


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> Pages:
    """Return the pages of three systems on real conversations, or on made-up ones, and of a run that means harm."""
    installed()  # else nothing needs to be made
    folder = shared_folder(tmp_path_factory) / "pages"
    with once(folder):
        if not (folder / "board").exists():
            make_pages(folder)
    return Pages(
        report=folder / "runs" / SYSTEMS[0] / "report.html",
        card=folder / "card" / "service_card.html",
        board=folder / "board" / "index.html",
        hostile_report=folder / "runs" / "hostile" / "report.html",
        hostile_card=folder / "hostile_card" / "service_card.html",
    )


def shared_folder(tmp_path_factory) -> Path:
    """Return a folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


class once:  # noqa: N801 (reads as what it is: with once(folder): …)
    """Let one process at a time make what is in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.lock = folder / ".lock"

    def __enter__(self) -> None:
        self.file = self.lock.open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


def make_pages(folder: Path) -> None:
    """Make three runs of one corpus, their report, card and board, and a run whose every text means harm."""
    options = EDACC if (DATA / "edacc").exists() else SYNTHETIC
    for system in SYSTEMS:
        source = edacc(folder, system) if options is EDACC else synthetic(folder, system)
        command(folder, "rescore", *source, *options, f"run_dir=runs/{system}")
    others = ",".join(f"runs/{system}" for system in SYSTEMS[1:])
    command(folder, "report", f"run=runs/{SYSTEMS[0]}", f"report.beside=[{others}]")
    command(folder, "rescore", *synthetic(folder, "hostile", text=HOSTILE), *SYNTHETIC, "run_dir=runs/hostile")
    command(folder, "report", "run=runs/hostile")
    stated = f"service={REPOSITORY / 'examples' / 'service_card.yaml'}"
    command(folder, "service_card", f"run=runs/{SYSTEMS[0]}", stated, "out=card", "model_index=false")
    (folder / "hostile.yaml").write_text(json.dumps({"service": HOSTILE, "limitations": [HOSTILE]}))
    command(folder, "service_card", "run=runs/hostile", "service=hostile.yaml", "out=hostile_card", "model_index=false")
    command(folder, "history", "runs=runs", "board=board")


def command(folder: Path, pipeline: str, *overrides: str) -> None:
    few = FEW_RESAMPLES if pipeline == "rescore" else ()
    ended = harness(pipeline, *overrides, *few, cwd=folder)
    assert ended.exit_status in (0, 3), ended.err


def edacc(folder: Path, system: str) -> tuple[str, str]:
    """Write the conversations with one utterance more, whose id, speaker and accent are markup."""
    source = folder / f"{system}.jsonl"
    shutil.copy(DATA / "edacc" / f"{system}.jsonl", source)
    last = {"utt_id": HOSTILE, "speaker": HOSTILE, "accent": HOSTILE, "ref_raw": "HELLO", "hyp_raw": f"{HOSTILE} hello"}
    with source.open("a") as file:
        file.write(json.dumps(last) + "\n")
    return f"hypotheses={source.name}", f"manifest.path={source.name}"


def synthetic(folder: Path, system: str, *, text: str = "so") -> tuple[str, str]:
    """Write made-up conversations and what a system hears of them; now and then it hears the text instead."""
    rng = np.random.default_rng(sum(map(ord, system)))
    rows = [
        {
            "utterance_id": f"{accent}-{speaker}-{number}",
            "speaker_id": f"{accent}-{speaker}",
            "accent": accent,
            "gender": ("female", "male")[speaker % 2],
            "text": " ".join(WORDS[(speaker + number + place) % len(WORDS)] for place in range(8)),
        }
        for accent in ACCENTS
        for speaker in range(12)
        for number in range(5)
    ]
    wrong = {accent: rng.uniform(0.02, 0.3) for accent in ACCENTS}
    heard = [
        {
            "utterance_id": row["utterance_id"],
            "text": " ".join(text if rng.random() < wrong[row["accent"]] else word for word in row["text"].split()),
        }
        for row in rows
    ]
    corpus, transcripts = (folder / "synthetic.jsonl", folder / f"{system}.heard.jsonl")
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))
    transcripts.write_text("".join(json.dumps(row) + "\n" for row in heard))
    kinds = {name: {"kind": "demographic", "provenance": "self_reported"} for name in ("accent", "gender")}
    (folder / "datasheet.yaml").write_text(json.dumps({"name": "synthetic", "language": "en", "attributes": kinds}))
    return f"hypotheses={transcripts.name}", f"manifest.path={corpus.name}"
