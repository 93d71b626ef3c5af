"""A night's run and the baselines in, what changed since the blessed run out, on the utterances that both have."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import HarnessError
from harness.fairness import DimensionPolicy, Policy
from harness.fairness.gate import CHANGE_COLUMNS, GateOptions, changes
from harness.fairness.membership import AND
from harness.fairness.policy import REST, Correction, Failures, Family
from harness.fairness.systems.pairing import paired_scores
from harness.pipelines.bless import key_of
from harness.report.wording import mapping
from harness.results import Run
from harness.results.baselines import Blessing, blessed_run, other_normalizers, shared_test
from harness.results.headlines import REPORTS, LeftOutError, headline
from harness.results.whole import check_tables, check_whole


class Standing(Enum):
    """Says what a cell was compared with."""

    compared = "compared"
    no_baseline = "no_baseline"
    not_comparable = "not_comparable"


@dataclass(frozen=True, slots=True)
class Compared:
    """Holds what became of a cell's comparison.

    Attributes:
        name: Of the cell.
        standing: Whether there was one.
        reason: Why not; or what was left out of it.
        run: The night's run.
        blessing: The baseline; None: there is none.
        n_utterances: That both runs have.
        changes: One row a measure, with `cell`; empty where nothing was compared.
    """

    name: str
    standing: Standing
    reason: str
    run: Run
    blessing: Blessing | None
    n_utterances: int
    changes: pd.DataFrame

    def facts(self) -> dict[str, object]:
        """Return what nightly.json says of it."""
        summary = self.run.summary
        blessed = None
        if self.blessing is not None:
            blessed = {name: getattr(self.blessing, name) for name in ("source", "blessed", "by", "reason")}
        return {
            "standing": self.standing.value,
            "comparison": self.reason,
            "report": next((name for name in REPORTS if (self.run.path / name).is_file()), REPORTS[-1]),
            "baseline": blessed,
            "n_utterances": self.n_utterances,
            "since": [] if self.blessing is None else _since(self.blessing.run.facts, self.run.facts),
            "dimensions": list(self.changes["dimension"].unique()) if len(self.changes) else [],
            "n_violations": len(summary["violations"]),
            **{key: summary[key] for key in ("wer", "wer_low", "wer_high", "n_failed", "passed", "policy")},
            **_names(self.run),
            **{name: mapping(self.run.facts["manifest"]).get(name) for name in ("datasheet", "attributes")},
        }


def compared(name: str, folder: Path, baselines: Path, options: GateOptions) -> Compared:
    """Compare a cell's run with its blessed baseline; a run that cannot be is said to be so, and no error."""
    run = Run(folder / name)
    try:
        check_whole(run)
        key = key_of(run)
        blessing = blessed_run(key, baselines)
        if blessing is None:
            others = other_normalizers(key, baselines)
            standing = Standing.not_comparable if others else Standing.no_baseline
            return _without(name, run, standing, _no_baseline(run, key.normalizer, others))
        return _paired(name, run, blessing, options)
    except HarnessError as error:
        return _without(name, run, Standing.not_comparable, " ".join(str(error).split()))


def _paired(name: str, run: Run, blessing: Blessing, options: GateOptions) -> Compared:
    check_tables(blessing.run)  # one of an earlier harness may lack a column
    ours, theirs = run.facts, blessing.run.facts
    by = [dimension for dimension in ours["sliced_by"] if dimension in theirs["sliced_by"]]
    shared = shared_test(blessing.run.scores, run.scores, by, options)
    policy = policy_of(ours)
    pair = paired_scores(shared.baseline, shared.tonight, by, policy)
    found = changes(pair, by, policy, options, comparators=_comparators(run), orders=_orders(ours))
    left = (
        (shared.n_only_tonight, "only tonight"),
        (shared.n_only_baseline, "only in the baseline"),
        (shared.n_changed, "with another reference, speaker or attribute"),
    )
    told = [f"left out: {n:,} utterances {where}" for n, where in left if n]
    told += [f"{dimension} sliced by only {where}" for dimension, where in _unshared(ours, theirs)]
    found = found.assign(cell=name, promised=[policy.for_dimension(each).margin for each in found["dimension"]])
    return Compared(name, Standing.compared, "; ".join(told), run, blessing, len(shared.tonight), found)


def _no_baseline(run: Run, normalizer: str, others: list[str]) -> str:
    if others:
        return (
            f"its baseline was scored with the normaliser {', '.join(others)}, this run with {normalizer}: errors "
            f"count different words. Score it as that was, or hold later nights to it: harness bless {run.path}"
        )
    return f"no baseline yet: harness bless {run.path}"


def _since(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what else is other than when the baseline was made: the recogniser, versions, the machine."""
    ours, theirs = _made_with(now), _made_with(before)
    return [
        f"{name}: {theirs.get(name)} → {ours.get(name)}"
        for name in dict.fromkeys([*theirs, *ours])
        if theirs.get(name) != ours.get(name)
    ]


def _made_with(facts: Mapping[str, Any]) -> dict[str, object]:
    parts = {
        "backend": facts.get("backend"),
        "hypotheses": facts.get("hypotheses"),
        "version of": facts.get("versions"),
    }
    flat = {f"{part} {name}": value for part, told in parts.items() for name, value in mapping(told).items()}
    return flat | {name: facts.get(name) for name in ("device", "python", "commit")}


def policy_of(facts: Mapping[str, Any]) -> Policy:
    """Return the policy that a run was judged by, as its run.json says."""
    told = dict(mapping(facts["policy"]))
    dimensions = {name: DimensionPolicy(**options) for name, options in mapping(told.pop("dimensions", {})).items()}
    enums: dict[str, Any] = {
        name: kind(told.pop(name))
        for name, kind in (("correction", Correction), ("family", Family), ("failures", Failures))
        if name in told
    }
    return Policy(dimensions=dimensions, **enums, **told)


def _comparators(run: Run) -> dict[tuple[str, str], str]:
    """Return what slices are compared with, where it is not the rest."""
    rows = run.disparities[["dimension", "slice", "comparator"]].itertuples(index=False)
    return {(dimension, name): comparator for dimension, name, comparator in rows if comparator != REST}


def _orders(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    about = mapping(mapping(facts["manifest"])["attributes"])
    return {name: list(mapping(told).get("order") or []) for name, told in about.items()}


def _unshared(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the attributes that one of the two runs was not sliced by."""
    pairs = ((ours, theirs, "tonight"), (theirs, ours, "in the baseline"))
    return [
        (name, where)
        for own, other, where in pairs
        for name in own["sliced_by"]
        if name not in other["sliced_by"] and AND not in name
    ]


def _names(run: Run) -> dict[str, str]:
    try:
        told = headline(run.path)
    except LeftOutError:
        return {"manifest": str(mapping(run.facts["manifest"])["name"]), "system": ""}
    return {"manifest": told.manifest, "system": told.system}


def _without(name: str, run: Run, standing: Standing, reason: str, blessing: Blessing | None = None) -> Compared:
    return Compared(name, standing, reason, run, blessing, 0, pd.DataFrame(columns=["cell", *CHANGE_COLUMNS]))
