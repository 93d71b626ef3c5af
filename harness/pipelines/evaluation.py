"""Hypotheses in, scores, slices, verdicts and the written run out: what every pipeline that measures ends with."""

import logging
import time
from dataclasses import asdict
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd

from harness.corpus.declaring import told_attributes
from harness.errors import HarnessError
from harness.fairness import Policy, disparity_table, slice_table
from harness.fairness.speed import speed_table
from harness.pipelines.evidence import Judged, evidence_tables, other_scores, under_other_normalizers
from harness.pipelines.job import Beyond, Evaluation, Outcome
from harness.pipelines.term_tables import term_tables
from harness.provenance import environment
from harness.report.html import ReportOptions, write_html
from harness.report.markdown import write_report
from harness.results import Run, summarise
from harness.results.run import DISPARITIES, FACTS, SCORES, SLICES, SPEED, SUMMARY
from harness.results.speed import run_speed
from harness.results.tracking import track
from harness.scoring import score
from harness.scoring.beside import beside
from harness.transcription import sessions
from harness.transcription.progress import stage

log = logging.getLogger(__name__)

N_FAILURE_REASONS = 5
EXIT_WITHIN_POLICY, EXIT_VIOLATED, EXIT_TOO_MANY_FAILED = 0, 3, 4


def scored(hypotheses: pd.DataFrame, job: Evaluation) -> pd.DataFrame:
    """Count the errors of every utterance of the job's manifest.

    Raises:
        HypothesesError: The hypotheses do not match the manifest.
    """
    with stage("scoring", n_rows=len(job.manifest)):
        return score(
            job.manifest,
            hypotheses,
            job.normalizer,
            allow_missing=job.allow_missing,
            reference_pattern=job.reference_pattern,
        )


def evaluate(
    run: Run,
    scores: pd.DataFrame,
    hypotheses: pd.DataFrame,
    job: Evaluation,
    *,
    beyond: Beyond | None = None,
) -> Outcome:
    """Slice, judge and write everything; what was measured beyond that is written beside it."""
    started = time.perf_counter()
    by = job.by
    if len(scores["condition"].unique()) > 1:
        by = ["condition", *by]
    orders = job.orders
    with stage("slicing", n_rows=len(scores)):
        slices = slice_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    with stage("judging", n_rows=len(scores)):
        disparities = disparity_table(scores, by, job.policy, np.random.default_rng(job.seed), orders=orders)
    judged = Judged(scores, disparities, by, orders, job.policy, job.seed)
    disparities, evidence = _evidence(judged, hypotheses, job)
    speed = _speed(run, *((scores, hypotheses) if beyond is None else (beyond.scores, beyond.hypotheses)), job)
    summary = summarise(scores, slices, disparities, job.policy, job.manifest.notes)
    summary["failure_reasons"] = _failure_reasons(hypotheses if beyond is None else beyond.hypotheses)
    if beyond is not None:
        summary |= {
            "passed": summary["passed"] and beyond.kept,
            "max_failed_exceeded": summary["max_failed_exceeded"] or beyond.too_many_failed,
            "beyond": dict(beyond.summary),
        }
    log.info(
        "%d utterances scored, %d slices judged in %.1f s", len(scores), len(disparities), time.perf_counter() - started
    )
    run.reopen()
    with stage("writing", n_rows=len(scores)):
        run.write_table(SCORES, scores if beyond is None else beyond.scores)
    run.write_table(SLICES, slices)
    run.write_table(DISPARITIES, disparities)
    terms = term_tables(scores if beyond is None else beyond.scores, job)
    for name, table in (evidence | speed | terms | dict(beyond.tables if beyond else {})).items():
        run.write_table(name, table)
    facts = _facts(run, job, scores, by, time.perf_counter() - started)
    run.write_json(FACTS, facts | {"speed": _speed_facts(run, speed[SPEED]) if speed else None})
    run.write_json(SUMMARY, summary)
    write_report(run)
    _draw(run, job.report)
    track(run, job.tracking)
    if summary["max_failed_exceeded"]:
        return Outcome(run, EXIT_TOO_MANY_FAILED)
    return Outcome(run, EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED)


def _draw(run: Run, options: ReportOptions) -> None:
    """Write the pages of a run that is whole without them: what goes wrong is said and changes no verdict."""
    if not options.html:
        return
    started = time.perf_counter()
    try:
        with stage("drawing the report"):
            write_html(run, options)
    except HarnessError as error:
        log.warning("no report.html: %s", error)
    except Exception:
        log.exception("no report.html: the harness itself failed; this is a defect, please report it with this")
    else:
        log.info("report.html written in %.1f s", time.perf_counter() - started)


def _evidence(
    judged: Judged, hypotheses: pd.DataFrame, job: Evaluation
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return the disparities, marked where they depend on the normaliser, and the tables of further evidence."""
    if not job.evidence.sensitivity:
        with stage("weighing the evidence", n_rows=len(judged.scores)):
            return judged.disparities, evidence_tables(judged, job.evidence)
    scores = other_scores(
        judged,
        job.evidence,
        manifest=job.manifest,
        hypotheses=hypotheses,
        normalizer=job.normalizer,
        reference_pattern=job.reference_pattern,
    )
    n_rows = len(judged.scores)
    with (
        stage("weighing the evidence", n_rows=n_rows),
        beside(partial(under_other_normalizers, judged, scores), n_rows=n_rows) as found,
    ):
        tables = evidence_tables(judged, job.evidence)
        disparities, verdicts = found()
    return disparities, tables | verdicts


def _speed(run: Run, scores: pd.DataFrame, hypotheses: pd.DataFrame, job: Evaluation) -> dict[str, pd.DataFrame]:
    """Return the table of speed, of all that was heard; none where nobody looked at a clock."""
    if scores["processing_s"].isna().all() and not sessions.read(run.path):
        return {}
    several = len(scores["condition"].unique()) > 1
    return {SPEED: speed_table(scores, hypotheses, ["condition", *job.by] if several else job.by, orders=job.orders)}


def _speed_facts(run: Run, speed: pd.DataFrame) -> dict[str, object]:
    told = sessions.read(run.path)
    return run_speed(speed, told, run.hypotheses.attempts() if told else None)


def _failure_reasons(hypotheses: pd.DataFrame) -> list[dict[str, object]]:
    """Return the commonest errors of failed clips and how often each occurred."""
    counts = hypotheses["error"].dropna().value_counts().head(N_FAILURE_REASONS)
    return [{"error": error, "n": int(count)} for error, count in counts.items()]


def _plain(policy: Policy) -> dict[str, object]:
    """Return the policy as JSON has it."""
    return {key: getattr(value, "value", value) for key, value in asdict(policy).items()}


def _facts(run: Run, job: Evaluation, scores: pd.DataFrame, by: list[str], evaluated_s: float) -> dict[str, object]:
    n_failed = int(scores["failed"].sum())
    timings = dict(job.facts.get("timings_s", {})) | {"evaluation": evaluated_s}  # type: ignore[call-overload]
    sheet = job.manifest.datasheet
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "seed": job.seed,
        "manifest": {
            "name": job.manifest.name,
            "digest": job.manifest.digest,
            "datasheet": sheet.declared,
            "version": sheet.version,
            "license": sheet.license,
            "description": sheet.description,
            "citation": sheet.citation,
            "caveats": list(sheet.caveats),
            "withdrawn": {
                "n_speakers": job.manifest.left_out.n_speakers,
                "n_utterances": len(job.manifest.left_out.utterance_ids),
            },
            "attributes": told_attributes(job.manifest.attributes),
        },
        "sliced_by": by,
        "policy": _plain(job.policy),
        "normalizer": job.normalizer.id,
        "terms": None if job.terms is None else {"digest": job.terms.digest, "n_terms": len(job.terms.terms)},
        **{key: value for key, value in job.facts.items() if key != "timings_s"},
        "n_rows_in": len(job.manifest),
        "n_scored": len(scores) - n_failed,
        "n_failed": n_failed,
        "timings_s": timings,
    }
