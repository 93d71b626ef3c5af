"""Runs of three systems on a small corpus, and bounties on them, for the tests of everything about bounties."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import yaml

from harness.corpus import Manifest
from harness.errors import HarnessError
from harness.fairness.bounty import BountyRules
from harness.pipelines.bounty_check import BountyCheckJob, bounty_check
from harness.pipelines.bounty_close import BountyCloseJob, bounty_close
from harness.pipelines.bounty_open import BountyOpenJob, bounty_open
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.bounty_preview import BountyPreviewJob, bounty_preview
from harness.pipelines.bounty_route import BountyRouteJob, bounty_route
from harness.pipelines.bounty_status import BountyStatusJob, bounty_status
from harness.pipelines.bounty_submit import BountySubmitJob, bounty_submit
from harness.pipelines.bounty_verify import BountyVerifyJob, bounty_verify
from harness.report.bounties.screen import show_bounty
from harness.results import Run
from harness.results.bounties.gathering import Source
from tests.builders import FEW_RESAMPLES, Ended, harness

ACCENTS = ("north", "south", "east")
WORDS = ["up", "down", "left", "right", "stop", "go", "yes", "no", "one", "two", "three", "four"]
ATTRIBUTES = {
    "accent": {"kind": "accent", "provenance": "self_reported"},
    "devices": {"kind": "acoustic", "provenance": "annotated", "multivalued": True},
    "snr_db": {"kind": "acoustic", "provenance": "measured", "bins": [0, 10, 20]},
}
QUIET = (
    "evidence.sensitivity=false",
    "evidence.adjusted=false",
    "evidence.metrics=false",
    "report.html=false",
    "slices.by=[accent]",
)


def corpus(folder: Path, *, n_speakers: int = 150, n_utterances: int = 2) -> Path:
    """Write a manifest without audio: people of three accents, half of them in noise."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "utterance_id": f"s{speaker:03d}-{number}",
            "text": " ".join(rng.choice(WORDS, size=8)),
            "speaker_id": f"s{speaker:03d}",
            "accent": ACCENTS[speaker % 3],
            "devices": "phone|headset" if speaker % 5 == 0 else "laptop",
            "snr_db": float(speaker % 7 * 5 - 2.5) if speaker % 11 else "",
        }
        for speaker in range(n_speakers)
        for number in range(n_utterances)
    ]
    path = folder / "corpus.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    sheet = {"name": "small", "license": "CC0-1.0", "language": "en", "attributes": ATTRIBUTES}
    (folder / "datasheet.yaml").write_text(yaml.safe_dump(sheet))
    return path


def heard(rows: list[dict[str, object]], wrong_of: Mapping[str, float], *, noisy: float = 0.0, seed: int) -> list[str]:
    """Return what a system makes of the rows: a share of words wrong by accent, and more of them in noise."""
    rng = np.random.default_rng(seed)
    lines = []
    for row in rows:
        snr = row["snr_db"]
        chance = wrong_of[str(row["accent"])] + (noisy if isinstance(snr, float) and snr < 10 else 0.0)
        words = ["wrong" if rng.random() < chance else word for word in str(row["text"]).split()]
        lines.append(json.dumps({"utterance_id": row["utterance_id"], "text": " ".join(words)}))
    return lines


SYSTEMS = {  # shares of words wrong: the base fails the south, and everybody in noise
    "base": ({"north": 0.1, "south": 0.5, "east": 0.2}, 0.4),
    "other": ({"north": 0.3, "south": 0.1, "east": 0.2}, 0.4),
    "robust": ({"north": 0.2, "south": 0.2, "east": 0.2}, 0.0),
}


def runs(folder: Path) -> Path:
    """Make `runs/NAME` of every system."""
    path = corpus(folder)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for seed, (name, (wrong_of, noisy)) in enumerate(SYSTEMS.items()):
        (folder / f"{name}.jsonl").write_text("\n".join([*heard(rows, wrong_of, noisy=noisy, seed=seed), ""]))
        source = (f"hypotheses={name}.jsonl", "manifest.path=corpus.jsonl", f"run_dir=runs/{name}")
        ended = harness("rescore", *source, *QUIET, *FEW_RESAMPLES, cwd=folder)
        assert ended.exit_status in (0, 3), ended.err
    return folder


def opened(folder: Path, *, options: Mapping[str, object] | None = None, **rules: object) -> Path:
    """Open `bounty` on the runs, as `harness bounty open` does."""
    systems = {name: Run.open(folder / "runs" / name) for name in SYSTEMS}
    given: dict[str, object] = {
        "systems": systems,
        "out": folder / "bounty",
        "source": Source(Manifest.load(folder / "corpus.jsonl", require_audio=False), {}),
        "rules": BountyRules(**({"n_submissions": 20} | rules)),  # type: ignore[arg-type]
        "seed": 3,
    }
    bounty_open(BountyOpenJob(**(given | dict(options or {}))))  # type: ignore[arg-type]
    return folder / "bounty"


JOBS: dict[str, tuple[Callable[..., BountyOutcome], type]] = {
    "submit": (bounty_submit, BountySubmitJob),
    "check": (bounty_check, BountyCheckJob),
    "status": (bounty_status, BountyStatusJob),
    "close": (bounty_close, BountyCloseJob),
    "verify": (bounty_verify, BountyVerifyJob),
    "preview": (bounty_preview, BountyPreviewJob),
    "route": (bounty_route, BountyRouteJob),
}


def command(action: str, folder: Path, **options: object) -> Ended:
    """Do what `harness bounty ACTION` does, without the third of a second that Hydra takes."""
    do, job = JOBS[action]
    out = io.StringIO()
    try:
        outcome = do(job(**({"bounty": folder / "bounty"} | options)))
    except HarnessError as error:
        return Ended(error.exit_status, "", f"harness: {error}\n")
    show_bounty(outcome.answer, out)
    return Ended(outcome.exit_status, out.getvalue(), "")


def claim(
    folder: Path, predicate: str, alternative: object = None, *, name: str = "claim.json", **more: object
) -> Path:
    """Write a submission."""
    path = folder / name
    told = {"predicate": predicate, "alternative": alternative or {"system": "other"}, "by": "a hunter", **more}
    path.write_text(json.dumps(told))
    return path


def submit(folder: Path, path: Path) -> Ended:
    """Hand a submission in."""
    return command("submit", folder, submission=path)


def ended_after(folder: Path, *claims: tuple[str, str]) -> Path:
    """Hand in groups, each with a system on offer, answer them all, and close the bounty."""
    for predicate, system in claims:
        assert submit(folder, claim(folder, predicate, {"system": system})).exit_status == 0
    for action in ("check", "close"):
        found = command(action, folder)
        assert found.exit_status == 0, found.err
    return folder


def kinds(bounty: Path) -> list[str]:
    """Return what the lines of the ledger are."""
    return [json.loads(line)["kind"] for line in (bounty / "ledger.jsonl").read_text().splitlines()]


def answers(bounty: Path) -> list[str]:
    """Return the answers in the ledger."""
    entries = [json.loads(line) for line in (bounty / "ledger.jsonl").read_text().splitlines()]
    return [entry["content"]["verdict"] for entry in entries if entry["kind"] == "answered"]
