"""Runs, authors and written cards for the tests of service cards, and what a test reads from a run by itself."""

import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.pipelines.job import SliceOptions
from harness.pipelines.service_card import CardOutcome, ServiceCardJob, service_card
from harness.report.cards.authored import Authored, parse_authored
from harness.results import Run
from tests.builders import DECLARED
from tests.report.builders import finished_run

ATTRIBUTES = {
    **DECLARED,
    "gender": {"kind": "demographic", "provenance": "annotated"},
    "device": {"kind": "acoustic", "provenance": "measured"},
}
GENDERS = ("female", "male", "undeclared", "female", "male")
STATED = {
    "service": "Example Speech",
    "provider": "Example Ltd.",
    "version": "2.4",
    "overview": "It turns speech into text.\n\nIt does so since 2019.",
    "intended_uses": ["Notes that 2 people read.", "Search."],
    "further_information": ["https://example.org/speech", "See https://example.org/a_b_c"],
}


def run_of_groups(folder: Path, **changes: object) -> Run:
    """Return a run of three accents, one deaf to the recogniser and one of too few people, by gender and device."""
    accents = ("north", "south", "west")
    places = {f"s{accent}{place}": place for accent in range(len(accents)) for place in range(len(GENDERS))}
    by_speaker = {
        "gender": {speaker: GENDERS[place] for speaker, place in places.items()},
        "device": {speaker: "phone" if place % 2 else "desk" for speaker, place in places.items()},
    }
    options: dict[str, object] = {
        "deaf_to": ("south",),
        "few": ("west",),
        "attributes": ATTRIBUTES,
        "slices": SliceOptions(intersections=2),
        "by_speaker": by_speaker,
    }
    return finished_run(folder, accents, **(options | changes))  # type: ignore[arg-type]


def copy_of(run: Run, folder: Path) -> Run:
    """Return a run like this one that a test may change."""
    shutil.copytree(run.path, folder)
    return Run.open(folder)


def authored(stated: Mapping[object, object] = STATED) -> Authored:
    """Return what an author states."""
    return parse_authored(stated, "card.yaml")


def written(folder: Path, *runs: Run, stated: Mapping[object, object] | None = None) -> Path:
    """Write a card without its model index, and return its folder."""
    service = None
    if stated is not None:
        service = folder.parent / f"{folder.name}.yaml"
        service.write_text(json.dumps(stated), encoding="utf-8")  # JSON is YAML
    service_card(ServiceCardJob(runs=runs, service=service, out=folder, model_index=False))
    return folder


def checked(card: Path, *runs: Run) -> CardOutcome:
    """Check a card."""
    return service_card(ServiceCardJob(runs=runs, verify=card))


def rows(run: Run, file: str) -> list[dict[str, str]]:
    """Return a table as text, read by another reader than the harness's."""
    with (run.path / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
