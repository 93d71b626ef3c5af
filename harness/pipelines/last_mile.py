"""A customer's manifest under their conditions in, a run directory that says for whom it is worse there out."""

from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd

from harness.errors import StorageError, UsageError
from harness.fairness import Policy, violations
from harness.fairness.conditions import HarmScale, condition_grid, crossing_table, extra_harm_table
from harness.fairness.membership import OVERALL
from harness.pipelines.evaluation import evaluate, scored
from harness.pipelines.hearing import HearingJob, heard
from harness.pipelines.job import Beyond, Evaluation, Outcome
from harness.results import Run
from harness.results.ledger import LedgerError
from harness.results.placed import placed_beside
from harness.results.releases.beside import SHARE, not_hidden
from harness.results.releases.corpus import budget_beside
from harness.results.run import CONDITIONS, CROSSINGS, EXTRA_HARM, LEVELS, PLACED
from harness.results.sharing import check_empty, share_aggregate
from harness.transcription.progress import stage
from harness.transcription.store import CLEAN


class Share(Enum):
    """What of a run may leave the house."""

    none = "none"
    aggregate = "aggregate"  # a folder of its own, see `harness.results.sharing`


@dataclass(frozen=True, kw_only=True)
class LastMileJob(HearingJob):
    """Holds everything a last-mile test needs beside what hearing does.

    Attributes:
        levels: One row a condition: condition, sweep, parameter, level, digest.
        wer: The highest WER that is of use; in every sweep, the level at which a slice crosses it is looked for.
        scale: What a verdict on extra harm is about: words more in a hundred, or times as many.
        beside: A finished run that this one's gaps are placed beside, as of a public benchmark; None: none.
        share: What may leave the house.
        share_to: The folder of that; None: beside the run directory, called as it is with `_shared`.
    """

    levels: pd.DataFrame
    wer: float
    scale: HarmScale = HarmScale.additive
    beside: Run | None = None
    share: Share = Share.none
    share_to: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before hours of transcription."""
        if len(self.conditions) < 2:
            raise UsageError(
                "a last-mile test needs a condition beside clean. Choose some, as in condition=[noise,telephone], or "
                "give recordings of your own rooms: noises=[ward.wav]."
            )
        if "condition" in self.policy.dimensions:
            raise UsageError(
                "policy.dimensions names condition: each condition is judged by itself here, and what it adds to a "
                "slice against the rest. Set the margins of attributes."
            )
        if self.share is Share.aggregate and (folder := self.share_to or (self.run_dir and f"{self.run_dir}_shared")):
            check_empty(folder)
        if self.share is Share.aggregate:
            budget_beside(self.manifest.path, self.manifest.name).check_publish()
        if not 0 < self.wer < 1:
            raise UsageError(f"wer={self.wer}; expected the highest WER that is of use, between 0 and 1: 20 % are 0.2.")


@dataclass(frozen=True, slots=True)
class Told:
    """Holds what a `LastMileJob` tells of the conditions, for hypotheses that are there already."""

    levels: pd.DataFrame
    wer: float
    scale: HarmScale
    beside: Run | None


def last_mile(job: LastMileJob) -> Outcome:
    """Hear every utterance as recorded and under every condition, then judge each slice in each, and what is added.

    Raises:
        HarnessError: Something could not be measured; the message says what and what to do.
    """
    evaluation = job.evaluation()
    with heard(job, pipeline="last_mile") as found:
        scores = scored(found.hypotheses, evaluation)
        evaluation = replace(evaluation, facts=found.facts | {"beside": _of_beside(job.beside)})
        outcome = evaluate_conditions(found.run, scores, found.hypotheses, evaluation, told=job)
    return replace(outcome, last_words=_shared(outcome.run, job)) if job.share is Share.aggregate else outcome


def evaluate_conditions(
    run: Run, scores: pd.DataFrame, hypotheses: pd.DataFrame, evaluation: Evaluation, *, told: LastMileJob | Told
) -> Outcome:
    """Judge each slice in each condition, and what is added, and write everything; the rest is of `clean` alone."""
    beyond = _beyond(scores, hypotheses, evaluation, job=told)
    clean = scores[scores["condition"] == CLEAN].reset_index(drop=True)
    heard_clean = hypotheses[hypotheses["condition"] == CLEAN].reset_index(drop=True)
    return evaluate(run, clean, heard_clean, evaluation, beyond=beyond)


def _shared(run: Run, job: LastMileJob) -> str:
    """Write what may leave the house, and say where; where it cannot be, the run is whole all the same.

    Its numbers are exact: the corpus's ledger says so, so that no private release is made beside them.
    """
    try:
        budget = budget_beside(job.manifest.path, job.manifest.name)
        budget.check_publish()
        done = share_aggregate(run, job.share_to or f"{run.path}_shared")
    except (UsageError, StorageError, LedgerError) as error:
        return f"NOT SHARED, nothing was written: {error}"
    shared = f"May be shared: {done.path} ({done.n_published} slices, {done.n_hidden} hidden; begin with README.md)"
    rule = {"min_speakers": done.min_speakers, "manifest": job.manifest.digest}
    try:
        shared = "\n".join([*(f"Note: {note}" for note in not_hidden(budget, rule)), shared])
        budget.publish({"method": SHARE, **rule})
    except (UsageError, StorageError, LedgerError) as error:
        return f"NOT WRITTEN DOWN that exact numbers are out; make no private release beside them: {error}\n{shared}"
    return shared


def _beyond(
    scores: pd.DataFrame, hypotheses: pd.DataFrame, evaluation: Evaluation, *, job: LastMileJob | Told
) -> Beyond:
    """Return the tables of the conditions, and whether the policy holds under every one of them."""
    by, policy, seed, orders = evaluation.by, evaluation.policy, evaluation.seed, evaluation.orders
    with stage("judging the conditions", n_rows=len(scores)):
        grid = condition_grid(scores, by, policy, np.random.default_rng(seed), orders=orders)
        harm = extra_harm_table(
            scores, by, policy, np.random.default_rng(seed), orders=orders, levels=job.levels, scale=job.scale
        )
        crossings = crossing_table(
            scores, by, job.levels, wer=job.wer, policy=policy, rng=np.random.default_rng(seed), orders=orders
        )
    tables = {LEVELS: job.levels, CONDITIONS: grid, EXTRA_HARM: harm, CROSSINGS: crossings}
    if job.beside is not None:
        tables[PLACED] = placed_beside(grid, job.beside)
    broken, added = (violations(table[table["verdict"].fillna("") != ""], policy) for table in (grid, harm))
    failing = _failing(grid, policy)
    return Beyond(
        scores,
        hypotheses,
        tables,
        _summary(grid, harm, broken, added) | {"too_many_failed": failing},
        kept=broken.empty and added.empty and not failing,
        too_many_failed=bool(failing),
    )


def _failing(grid: pd.DataFrame, policy: Policy) -> list[dict[str, object]]:
    """Return the conditions under which more clips failed than is still a measurement."""
    everybody = grid[(grid["dimension"] == OVERALL) & (grid["n_failed"] > 0)]
    failing = everybody[everybody["n_failed"] / everybody["n_utterances"] > policy.max_failed]
    names = ["condition", "n_failed", "n_utterances"]
    return [dict(zip(names, row, strict=True)) for row in zip(*(failing[name].tolist() for name in names), strict=True)]


def _summary(grid: pd.DataFrame, harm: pd.DataFrame, broken: pd.DataFrame, added: pd.DataFrame) -> dict[str, object]:
    return {
        "n_conditions": int(grid["condition"].nunique()),
        "gaps": {"verdicts": _counts(grid), "violations": _told(broken)},
        "extra_harm": {"verdicts": _counts(harm), "violations": _told(added)},
    }


def _counts(table: pd.DataFrame) -> dict[str, int]:
    return {str(verdict): int(n) for verdict, n in table["verdict"].fillna("").value_counts().items() if verdict}


def _told(rows: pd.DataFrame) -> list[dict[str, str]]:
    names = ["condition", "dimension", "slice", "verdict"]  # the reasons stand in the tables
    return [dict(zip(names, map(str, row), strict=True)) for row in rows[names].itertuples(index=False)]


def _of_beside(run: Run | None) -> dict[str, str] | None:
    if run is None:
        return None
    return {"run": Path(run.path).name, "manifest": str(run.facts["manifest"]["name"])}
