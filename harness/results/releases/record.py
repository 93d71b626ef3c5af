"""A table and what is public of how it was made in, the files of a release out, and back.

`release.csv` is the table, `release.json` everything else. Of a private release nothing in them is exact but what is
public: names, options, versions, and what it cost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import exp
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import RunDirectoryError, UsageError
from harness.fairness.membership import AND
from harness.fairness.privacy import PRIVATE_COLUMNS, PrivacyOptions, PrivateTable, ReleaseMethod, Spent, Statistic
from harness.provenance import digest_of_file, version
from harness.results.ledger import Entry
from harness.results.releases.budget import Account
from harness.results.releases.design import Dimension
from harness.results.releases.suppressed import SUPPRESSED_COLUMNS, SuppressedTable
from harness.results.run import SCORES, Run
from harness.results.sharing.facts import shared_facts
from harness.results.sharing.tables import DIGITS, defused

CSV, JSON, PAGE, MARKDOWN = "release.csv", "release.json", "release.html", "release.md"
VERSION = 1  # of what a release says of itself
_LARGEST = 50_000_000  # bytes of a file of a release
_ROUNDING = 1e-6  # of the last digit, by which a whole number may come out too large
_NEEDED = (
    "version", "receipt", "made", "harness", "corpus", "system", "normalizer", "method", "dimensions", "attributes",
    "not_protected",
)  # fmt: skip
_NOT_COVERED = (
    "Exact numbers of the same people that are published some other way, such as a report, a card, a paper or what a "
    "meeting was shown.",
    "The run directory, the recordings, the transcripts and the ledger, which are exact. They stay where they are.",
    "What the table is there to tell: that a group is served worse is told of everybody in it, recorded or not.",
)
_NOT_COVERED_BY_NOISE = (
    "Releases from a copy of the manifest or of a part of it that has a ledger of its own: people in two ledgers have "
    "two budgets.",
    "Somebody who is in the corpus under two speaker ids: each id is protected, not the two together.",
)
_NOT_COVERED_BY_CHANCE = (  # measured: 2 to 9 of 400 draws with 70 to 85 % of the people that a slice needs
    "Luck: noisy numbers decide which slices are shown, so that one of somewhat too few people is shown now and then, "
    "at most in some 2 of 100 draws, and then with about three times the error that is stated.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """Is a release, before it is written or after it was read.

    Attributes:
        facts: What release.json says.
        table: What release.csv has.
    """

    facts: Mapping[str, object]
    table: pd.DataFrame

    @property
    def is_private(self) -> bool:
        """Say whether its numbers have noise."""
        return self.facts["method"] != ReleaseMethod.suppression.value

    @property
    def texts(self) -> dict[str, str]:
        """Return the two files."""
        facts = json.dumps(self.facts, indent=2, ensure_ascii=False, allow_nan=False)
        return {CSV: self.table.to_csv(index=False, lineterminator="\n"), JSON: f"{facts}\n"}


def private_release(
    run: Run, table: PrivateTable, *, entry: Entry, account: Account, dimensions: Sequence[Dimension],
    options: PrivacyOptions,
) -> Release:  # fmt: skip
    """Put a private release together; the run gives names only."""
    total, spent = account.total or table.cost, account.spent
    chance = () if options.counted is Statistic.public_words else _NOT_COVERED_BY_CHANCE  # of public words, it has none
    facts = {
        **_common(run, options.method, entry, dimensions),
        "opendp": version("opendp"),
        "statistic": options.counted.value,
        "epsilon": table.cost.epsilon,
        "delta": table.cost.delta,
        "rho": table.cost.rho,
        "even_guess": round(1 / (1 + exp(-options.epsilon)), 4),  # what somebody can become sure of (Wood et al. 2018)
        "recorded": _spent(Spent(float(str(entry.content["epsilon"])), float(str(entry.content["delta"])))),
        "budget": {**_spent(total), "spent": _spent(spent), "n_releases": len(account.private)},
        "settings": {
            "caps": asdict(options.caps),
            "public_words": options.counted is Statistic.public_words,
            "largest_error": options.largest_error,
            "confidence": options.confidence,
        },
        "statement": asdict(table.statement),
        "proofs": [asdict(proof) for proof in table.proofs],
        "not_protected": [*_NOT_COVERED, *_NOT_COVERED_BY_NOISE, *chance],
    }
    return Release(_plain(facts), _written(table.frame[list(PRIVATE_COLUMNS)]))


def exact_release(
    run: Run, table: SuppressedTable, *, entry: Entry, dimensions: Sequence[Dimension], min_speakers: int
) -> Release:
    """Put a release of exact numbers together."""
    facts = {
        **_common(run, ReleaseMethod.suppression, entry, dimensions),
        "epsilon": None,
        "delta": None,
        "min_speakers": min_speakers,
        "n_hidden": dict(table.n_hidden),
        "notes": list(table.notes),
        "not_protected": [
            "This is no differential privacy. Numbers are exact, and somebody who knows all but one of a slice, or "
            "other tables of the same people, may learn of that one.",
            *_NOT_COVERED,
        ],
    }
    return Release(_plain(facts), _written(table.frame))


def read_release(folder: Path) -> Release:
    """Read a release back; it may be anybody's.

    Raises:
        UsageError: The folder has none.
        RunDirectoryError: It is damaged, or of a later harness.
    """
    for name in (CSV, JSON):
        if not (folder / name).is_file():
            raise UsageError(f"release={folder}: no {name} in this folder. Give the folder that harness release wrote.")
        if (folder / name).stat().st_size > _LARGEST:
            raise RunDirectoryError(f"{folder / name}: larger than {_LARGEST:,} bytes; no release is.")
    try:
        facts = json.loads((folder / JSON).read_text(encoding="utf-8"), parse_constant=_refused)
        table = pd.read_csv(
            folder / CSV, keep_default_na=False, na_values=[""], dtype={"dimension": str, "slice": str, "reason": str}
        )
    except (OSError, ValueError, RecursionError) as error:
        told = " ".join(str(error).split())[:200]
        raise RunDirectoryError(
            f"release={folder}: damaged ({told}). Get it again; a new one would cost again."
        ) from error
    _check(folder, facts, table)
    return Release(facts, table)


def run_digest(run: Run) -> str:
    """Return a digest of the scores, by which a ledger knows a run."""
    return digest_of_file(run.path / SCORES)


def _common(run: Run, method: ReleaseMethod, entry: Entry, dimensions: Sequence[Dimension]) -> dict[str, object]:
    facts = run.facts
    manifest = facts["manifest"]
    return {
        "version": VERSION,
        "receipt": entry.digest,
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "harness": version("asr-fairness-harness"),
        "corpus": {name: manifest.get(name) for name in ("name", "version", "license")},
        "system": {"name": _system(facts), **_mapping(shared_facts(facts, dimensions=frozenset())["backend"])},
        "normalizer": facts["normalizer"],
        "method": method.value,
        "dimensions": [each.name for each in dimensions],
        "attributes": {
            name: {"kind": kind, "provenance": said}
            for each in dimensions
            for name, kind, said in zip(each.name.split(AND), each.kinds, each.provenance, strict=False)
        },
    }


def _system(facts: Mapping[str, object]) -> str:
    """Return what to call the recogniser: the backend, or the file its transcripts were read from, without its path."""
    backend, hypotheses = _mapping(facts.get("backend")), _mapping(facts.get("hypotheses"))
    return str(backend.get("name") or PurePath(str(hypotheses.get("file") or "")).stem or "not named")


def _written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is written: rates with 3 digits, people whole, names that no spreadsheet calculates.

    An expected error is rounded up: one above what is withheld never reads as if it were within.
    """
    told = frame.assign(
        dimension=frame["dimension"].astype(str).map(defused), slice=frame["slice"].astype(str).map(defused)
    )
    for name in told.columns:
        if name == "n_speakers":
            told[name] = told[name].round().astype("Int64")
        elif name == "expected_error":
            told[name] = (np.ceil(told[name] * 10**DIGITS - _ROUNDING) / 10**DIGITS).round(DIGITS)
        elif pd.api.types.is_float_dtype(told[name]):
            told[name] = told[name].round(DIGITS)
    return told.reset_index(drop=True)


def _check(folder: Path, facts: object, table: pd.DataFrame) -> None:
    place = folder / JSON
    if not isinstance(facts, dict) or any(name not in facts for name in _NEEDED):
        raise RunDirectoryError(f"{place}: no release of this harness; expected {', '.join(_NEEDED)}.")
    if facts["version"] != VERSION:
        raise RunDirectoryError(f"{place}: is of version {facts['version']!r}; this harness reads version {VERSION}.")
    if facts["method"] not in [method.value for method in ReleaseMethod]:
        raise RunDirectoryError(f"{place}: is by the unknown method {facts['method']!r}.")
    columns = SUPPRESSED_COLUMNS if facts["method"] == ReleaseMethod.suppression.value else PRIVATE_COLUMNS
    if tuple(table.columns) != columns:
        raise RunDirectoryError(f"{folder / CSV}: has the columns {list(table.columns)}; expected {list(columns)}.")
    if table.duplicated(["dimension", "slice"]).any() or table[["dimension", "slice"]].isna().any(axis=None):
        raise RunDirectoryError(f"{folder / CSV}: names a slice twice, or not at all.")
    numbers = [name for name in columns if name not in ("dimension", "slice", "worth", "reason")]
    for name in numbers:
        cells = pd.to_numeric(table[name], errors="coerce")
        if (cells.isna() & table[name].notna()).any() or np.isinf(cells).any():
            raise RunDirectoryError(f"{folder / CSV}: {name} has a cell that is no number.")


def _spent(spent: Spent) -> dict[str, object]:
    return {"epsilon": spent.epsilon, "delta": spent.delta}


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Return facts as JSON has them, so that what is shown now is what is read later."""
    plain: dict[str, object] = json.loads(json.dumps(facts, ensure_ascii=False, allow_nan=False))
    return plain


def _refused(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class ReleasedRun(Run):
    """Is the folder of a release where a run is asked for: it says what it is of, and only numbers of the release."""

    @classmethod
    def open(cls, path: str | Path) -> "ReleasedRun":
        """Open a release.

        Raises:
            UsageError: The folder has none.
            RunDirectoryError: It is damaged.
        """
        read_release(Path(path))
        return cls(Path(path))

    @property
    def facts(self) -> dict[str, Any]:
        """Return what release.json says, and of it what run.json says of a run under the names it has there."""
        facts = dict(read_release(self.path).facts)
        manifest = {**_mapping(facts["corpus"]), "attributes": facts["attributes"], "datasheet": True}
        return {**facts, "backend": facts["system"], "manifest": manifest}

    @property
    def summary(self) -> dict[str, Any]:
        """Return what release.json says."""
        return dict(read_release(self.path).facts)
