"""Run directories of many nights, copied from one real run with other dates and numbers."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from harness.results import Run

FIRST = datetime(2026, 3, 1, 2, 30)
Facts = dict[str, object]


def night(
    run: Run,
    folder: Path,
    day: int = 0,
    *,
    facts: Facts | None = None,
    summary: Facts | None = None,
    worse: float = 0.0,
    name: Callable[[str], str] = str,
) -> Path:
    """Copy a run to a folder as that of another night.

    Args:
        run: What is copied.
        folder: The copy.
        day: After the first night.
        facts: Changes of run.json.
        summary: Changes of summary.json.
        worse: What is added to every WER and gap of the tables, and to the headline.
        name: Of a slice, from its own name.
    """
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("hypotheses"))
    written = run.facts | {"finished": f"{FIRST + timedelta(days=day):%Y-%m-%d %H:%M:%S} UTC"} | (facts or {})
    headline = run.summary | {"wer": run.summary["wer"] + worse} | (summary or {})
    (folder / "run.json").write_text(json.dumps(written), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(headline), encoding="utf-8")
    for file, columns in (("slices.csv", ("wer", "wer_low", "wer_high")), ("disparities.csv", ("gap", "gap_low"))):
        table = pd.read_csv(run.path / file, keep_default_na=False, na_values=[""], dtype={"slice": str})
        changed = table.assign(**{column: table[column] + worse for column in columns}, slice=table["slice"].map(name))
        changed.to_csv(folder / file, index=False, lineterminator="\n")
    return folder


def of_manifest(run: Run, **changes: object) -> Facts:
    """Return the change of run.json that makes it one of another manifest."""
    manifest = run.facts["manifest"]
    assert isinstance(manifest, dict)
    return {"manifest": manifest | changes}


def of_system(name: str, **identity: object) -> Facts:
    """Return the change of run.json that makes it one of another backend."""
    return {"backend": {"name": name} | identity}
