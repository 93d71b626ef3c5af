"""A finished run in, one folder to share out: aggregates over enough people, and nothing that was said or by whom."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from harness.corpus import Provenance
from harness.errors import RunDirectoryError, StorageError, UsageError
from harness.fairness.membership import AND, OVERALL
from harness.results.run import CONFIG, FACTS, SUMMARY, Run
from harness.results.sharing.cells import SLICE, Cells, cells_of
from harness.results.sharing.facts import shared_config, shared_facts, shared_summary
from harness.results.sharing.readme import readme
from harness.results.sharing.suppression import LEAST_SPEAKERS, Suppressed, suppressed
from harness.results.sharing.tables import SHAPES, defused, shared_table

log = logging.getLogger(__name__)

README, HIDDEN, DIGESTS = "README.md", "hidden.csv", "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Shared:
    """Says what was shared.

    Attributes:
        path: The folder.
        files: Names of the files in it.
        min_speakers: The floor.
        n_published: Slices shown, everybody among them.
        n_hidden: Slices hidden, small ones and those hidden with them.
        notes: What else was left out, in words.
    """

    path: Path
    files: tuple[str, ...]
    min_speakers: int
    n_published: int
    n_hidden: int
    notes: tuple[str, ...]


def share_aggregate(run: Run, out: Path | str, *, min_speakers: int | None = None) -> Shared:
    """Write the aggregate results of a run to a new folder, whole or not at all.

    Args:
        run: Finished: `Run.open`.
        out: Where; not there yet, or empty, and not in the run's own folder.
        min_speakers: Fewest speakers of a slice that is shown, at least 5; None for the floor of the run's policy.

    Raises:
        UsageError: The folder holds something, the floor is too low, or too few people were recorded to share anything.
        RunDirectoryError: The run is damaged.
        StorageError: The folder cannot be written.
    """
    out = Path(out)
    _check_out(out, run)
    facts, scores = run.facts, run.scores
    by = _dimensions(facts, scores)
    cells = cells_of(scores, by)
    _check_speakers(cells, run)
    allowed = suppressed(cells, min_speakers=_floor(facts, min_speakers))
    tables = {
        name: shared_table(name, table, cells, allowed) for name in SHAPES if (table := run.optional(name)) is not None
    }
    files = {name: table.text for name, table in tables.items()} | _facts(run, allowed)
    files[HIDDEN] = _hidden(cells, allowed, by)
    files[README] = readme(
        [*files, DIGESTS],
        tables,
        n_published=len(allowed.published),
        n_cells=len(cells.keys),
        min_speakers=allowed.min_speakers,
        sources=_sources(run, allowed),
        notes=allowed.notes,
    )
    files[DIGESTS] = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in files.items())
    _write(out, files)
    n_hidden = sum(key.side == SLICE for key in allowed.hidden)
    n_published = sum(key.side == SLICE for key in allowed.published)
    log.info("%s: %d slices shared, %d hidden", out, n_published, n_hidden)
    return Shared(out, tuple(files), allowed.min_speakers, n_published, n_hidden, allowed.notes)


def _check_out(out: Path, run: Run) -> None:
    if out.resolve().is_relative_to(run.path.resolve()):
        raise UsageError(f"{out}: is in the run's own folder, which is not for sharing. Choose another folder.")
    check_empty(out)


def check_empty(out: Path | str) -> None:
    """Refuse a place that holds something.

    Raises:
        UsageError: It does.
    """
    out = Path(out)
    if os.path.lexists(out) and (not out.is_dir() or out.is_symlink() or any(out.iterdir())):
        raise UsageError(
            f"{out}: is there and not an empty folder. Choose a new one: nothing else may be shared with it."
        )


def _dimensions(facts: Mapping[str, object], scores: pd.DataFrame) -> list[str]:
    """Return the dimensions of the run, those of its tables under several conditions among them."""
    sliced_by = facts.get("sliced_by")
    names = [str(name) for name in sliced_by] if isinstance(sliced_by, list) else []
    missing = [name for name in names if any(part not in scores for part in name.split(AND))]
    if missing:
        raise RunDirectoryError(
            f"the scores have no attribute of {missing[0]!r}, which {FACTS} names. Make the run again."
        )
    several = "condition" in scores and len(scores["condition"].unique()) > 1
    return [*(["condition"] if several and "condition" not in names else []), *names]


def _check_speakers(cells: Cells, run: Run) -> None:
    if int(cells.n_speakers[0]) == 0:
        raise UsageError(
            f"{run.path}: no utterance has a speaker id, so that nobody can tell how many people a slice is of. "
            "Map a column of speakers and make the run again."
        )


def _floor(facts: Mapping[str, object], min_speakers: int | None) -> int:
    if min_speakers is not None:
        if min_speakers < LEAST_SPEAKERS:
            raise UsageError(f"min_speakers={min_speakers}; expected at least {LEAST_SPEAKERS}.")
        return min_speakers
    policy = facts.get("policy")
    promised = policy.get("min_speakers") if isinstance(policy, dict) else None
    return max(LEAST_SPEAKERS, promised) if isinstance(promised, int) else LEAST_SPEAKERS


def _shown(allowed: Suppressed) -> frozenset[str]:
    """Name the dimensions of which anything is published, and the attributes that they are made of."""
    shown = {key.dimension for key in allowed.published}
    return frozenset({*shown, *(part for name in shown for part in name.split(AND))} - {OVERALL})


def _sources(run: Run, allowed: Suppressed) -> dict[str, str]:
    """Return who says so of the attributes of which anything is published."""
    attributes, shown = run.facts["manifest"]["attributes"], _shown(allowed)
    return {
        defused(name): Provenance(told["provenance"]).value
        for name, told in attributes.items()
        if name in shown and told.get("provenance") in Provenance.__members__
    }


def _facts(run: Run, allowed: Suppressed) -> dict[str, str]:
    dimensions = _shown(allowed)
    try:
        config = yaml.safe_load((run.path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunDirectoryError(f"{run.path / CONFIG}: cannot be read. Make the run again.") from error
    config = config if isinstance(config, dict) else {}
    return {
        FACTS: _json(shared_facts(run.facts, dimensions=dimensions)),
        SUMMARY: _json(shared_summary(run.summary, allowed)),
        CONFIG: yaml.safe_dump(shared_config(config, dimensions=dimensions), sort_keys=False, allow_unicode=True),
    }


def _json(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _hidden(cells: Cells, allowed: Suppressed, by: list[str]) -> str:
    """Count the slices of each dimension and the hidden ones; why one is hidden is not said."""
    hidden = Counter(key.dimension for key in allowed.hidden if key.side == SLICE)
    total = Counter(key.dimension for key in cells.keys if key.side == SLICE)
    rows = [f"{_quoted(defused(name))},{total[name]},{hidden[name]}\n" for name in by]
    return "dimension,n_slices,n_hidden\n" + "".join(rows)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def _write(out: Path, files: Mapping[str, str]) -> None:
    """Write a folder beside its place and put it there whole."""
    part = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        part.chmod(0o755)
        for name, text in files.items():
            with (part / name).open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        part.rename(out)  # over an empty folder too
    except OSError as error:
        raise StorageError(f"{out}: cannot write ({error.strerror}). Make room, or choose another folder.") from error
    finally:
        if part is not None and part.exists():
            shutil.rmtree(part, ignore_errors=True)
