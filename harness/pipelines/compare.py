"""Two runs on the same utterances in, a run directory that says which system is better, and for whom, out."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePath

import numpy as np
import pandas as pd

from harness.errors import DataError, UsageError
from harness.fairness import Failures, Verdict
from harness.fairness.membership import AND, OVERALL
from harness.fairness.paired import pair_comparisons
from harness.fairness.systems.mapsswe import mapsswe_row
from harness.fairness.systems.paired_verdicts import (
    MAPSSWE,
    MAX_GAP,
    WER,
    WORST_SLICE,
    ComparisonVerdict,
    headlines,
    regressions,
)
from harness.fairness.systems.pairing import Pair, paired_scores
from harness.pipelines.evaluation import EXIT_TOO_MANY_FAILED, EXIT_VIOLATED, EXIT_WITHIN_POLICY
from harness.pipelines.job import Job, Outcome
from harness.provenance import digest_of_file, environment, version
from harness.report.comparison import write_comparison_report
from harness.report.wording import mapping
from harness.results import Run, open_run_directory
from harness.results.run import COMPARISONS, FACTS, SCORES, SUMMARY
from harness.results.summary import number
from harness.scoring.segments import segments
from harness.transcription.progress import stage

log = logging.getLogger(__name__)

_NO_ATTRIBUTES = ("condition", "speaker_id")  # dimensions that no manifest declares


@dataclass(frozen=True, kw_only=True)
class CompareJob(Job):
    """Holds everything a comparison of two runs needs, as ordinary objects.

    Attributes:
        baseline: A finished run.
        candidate: Another one of the same utterances, scored with the same normaliser.
        policy: Margins, level, correction, floors, what failures count as, and whether a regression fails.
        by: Dimensions; None for those that both runs were sliced by.
    """

    baseline: Run
    candidate: Run
    by: list[str] | None


def compare(job: CompareJob) -> Outcome:
    """Match the runs utterance by utterance, compare them in every slice, write the comparison.

    The command ends with 3 where the candidate is shown worse by at least the margin and a disparity fails the policy,
    with 4 where either system failed on more clips than the policy allows, else with 0.

    Raises:
        HarnessError: The runs are not of the same utterances or normaliser; the message says what to do.
    """
    started = time.perf_counter()
    _check_normalizers(job.baseline, job.candidate)
    _check_withdrawn(job.baseline, job.candidate)
    by = _dimensions(job)
    with stage("reading"):
        pair = paired_scores(job.baseline.scores, job.candidate.scores, by, job.policy)
    names = _names(job)
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "baseline_scores_digest": digest_of_file(job.baseline.path / SCORES),
        "candidate_scores_digest": digest_of_file(job.candidate.path / SCORES),
    }
    with open_run_directory(
        job.run_dir,
        pipeline="compare",
        name=f"{names['candidate']}_against_{names['baseline']}",
        config_yaml=job.config_yaml,
        fingerprint=fingerprint,
    ) as run:
        with stage("comparing", n_rows=len(pair.baseline)):
            table = _table(pair, by, job)
        summary = _summary(table, pair, names, job)
        compared_s = time.perf_counter() - started
        log.info("%d utterances of two systems compared in %.1f s", len(pair.baseline), compared_s)
        run.reopen()
        run.write_table(COMPARISONS, table)
        run.write_json(FACTS, _facts(run, job, by, len(pair.baseline)) | {"timings_s": {"comparison": compared_s}})
        run.write_json(SUMMARY, summary)
        write_comparison_report(run)
        if summary["max_failed_exceeded"]:
            return Outcome(run, EXIT_TOO_MANY_FAILED)
        return Outcome(run, EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED)


def _check_normalizers(baseline: Run, candidate: Run) -> None:
    """Refuse runs whose words were not counted by the same rules.

    Raises:
        DataError: Their normalisers differ.
    """
    first, second = baseline.facts.get("normalizer"), candidate.facts.get("normalizer")
    if first != second:
        raise DataError(
            f"baseline {baseline.path} was scored with the normaliser {first}, candidate {candidate.path} with "
            f"{second}: their errors count different words. Score one of them again as the other was: harness rescore "
            f"hypotheses={candidate.path} manifest.path=… normalizer=… (config.yaml of each run has its options)."
        )


def _check_withdrawn(baseline: Run, candidate: Run) -> None:
    """Refuse runs between which people withdrew, without saying who they are.

    Raises:
        DataError: One leaves out more people than the other.
    """
    known = [mapping(mapping(run.facts.get("manifest")).get("withdrawn")) for run in (baseline, candidate)]
    counts = [each.get("n_utterances", 0) for each in known]
    if counts[0] != counts[1]:
        raise DataError(
            f"baseline {baseline.path} leaves out {counts[0]} utterances of people who withdrew consent, candidate "
            f"{candidate.path} {counts[1]}. Score the one that leaves out fewer anew: harness rescore hypotheses=RUN."
        )


def _dimensions(job: CompareJob) -> list[str]:
    """Return the dimensions to compare in.

    Raises:
        UsageError: One that was asked for is no attribute, or the policy promises something of what is not among them.
    """
    ours, theirs = (run.facts.get("sliced_by", []) for run in (job.baseline, job.candidate))
    by = [name for name in ours if name in theirs] if job.by is None else list(dict.fromkeys(job.by))
    known = [*mapping(mapping(job.baseline.facts.get("manifest")).get("attributes")), *_NO_ATTRIBUTES]
    unknown = [name for name in job.by or [] if not set(name.split(AND)) <= set(known)]
    if unknown:
        raise UsageError(f"by names {unknown}; expected some of {known}, which {job.baseline.path} has.")
    unchecked = [name for name in job.policy.dimensions if name not in [*by, OVERALL]]
    if unchecked:
        raise UsageError(
            f"policy.dimensions names {unchecked}, which are not compared; compared are {[OVERALL, *by]}. Correct the "
            "name, or see by=."
        )
    return by


def _names(job: CompareJob) -> dict[str, str]:
    """Return what to call the systems: their backends or files of transcripts, unless those are called the same."""
    baseline, candidate = (_system(run) for run in (job.baseline, job.candidate))
    if baseline == candidate:
        return {"baseline": f"{baseline} (baseline)", "candidate": f"{candidate} (candidate)"}
    return {"baseline": baseline, "candidate": candidate}


def _system(run: Run) -> str:
    facts = run.facts
    backend, hypotheses = facts.get("backend"), facts.get("hypotheses")
    if isinstance(backend, Mapping) and backend.get("name"):
        return str(backend["name"])
    if isinstance(hypotheses, Mapping) and hypotheses.get("file"):
        return PurePath(str(hypotheses["file"])).stem
    return run.path.resolve().name


def _table(pair: Pair, by: list[str], job: CompareJob) -> pd.DataFrame:
    """Return the comparisons table, MAPSSWE after the overall word error rate."""
    table = pair_comparisons(pair, by, job.policy, rng=np.random.default_rng(job.seed), orders=_orders(job.baseline))
    kept = ~pair.baseline["failed"].to_numpy(bool)
    if job.policy.failures is Failures.deletions:
        kept[:] = True
    found = segments(
        *(
            scores[column][kept].tolist()
            for scores, column in (
                (pair.baseline, "reference"),
                (pair.baseline, "hypothesis"),
                (pair.candidate, "hypothesis"),
            )
        )
    )
    row = mapsswe_row(found.baseline_errors, found.candidate_errors, alpha=job.policy.alpha)
    return pd.concat([table.iloc[:1], row, table.iloc[1:]], ignore_index=True)


def _orders(run: Run) -> dict[str, list[str]]:
    """Return the order of the values of the attributes that have one."""
    manifest = run.facts.get("manifest")
    attributes = manifest.get("attributes", {}) if isinstance(manifest, Mapping) else {}
    return {name: list(about["order"]) for name, about in attributes.items() if about.get("order")}


def _summary(table: pd.DataFrame, pair: Pair, names: Mapping[str, str], job: CompareJob) -> dict[str, object]:
    """Return the headline, as written to summary.json."""
    policy = job.policy
    broken = regressions(table, policy)
    n_utterances = len(pair.baseline)
    n_failed = {name: int(getattr(pair, name)["failed"].sum()) for name in ("baseline", "candidate")}
    too_many_failed = any(n > 0 and n / n_utterances > policy.max_failed for n in n_failed.values())
    speakers = pair.baseline["speaker_id"]
    judged = table["verdict"].value_counts()
    return {
        **names,
        "headlines": headlines(table, policy, **names),
        "confidence": 1 - policy.alpha,
        "n_utterances": n_utterances,
        "n_speakers": int(speakers[speakers != ""].nunique()),
        "n_failed": n_failed,
        "failures_count_as": policy.failures.value,
        WER: _plain_row(table, WER, OVERALL),
        MAPSSWE: _plain_row(table, MAPSSWE, OVERALL),
        "dimensions": {
            name: {measure: _plain_row(table, measure, name) for measure in (MAX_GAP, WORST_SLICE)}
            for name in table.loc[table["measure"] == MAX_GAP, "dimension"]
        },
        "n_tested": int(table["p_adjusted"].notna().sum()),
        "verdicts": {verdict.value: int(judged.get(verdict.value, 0)) for verdict in ComparisonVerdict},
        "policy": policy.name,
        "margin": policy.margin,
        "fails_on_regression": any(
            Verdict.disparity.value in policy.for_dimension(name).fail_on for name in table["dimension"].unique()
        ),
        "passed": broken.empty and not too_many_failed,
        "regressions": broken[["measure", "dimension", "slice", "difference", "reason"]].to_dict("records"),
        "max_failed_exceeded": too_many_failed,
        "notes": _notes(job),
    }


def _plain_row(table: pd.DataFrame, measure: str, dimension: str) -> dict[str, object]:
    """Return a row of a measure as JSON has it."""
    row = table[(table["measure"] == measure) & (table["dimension"] == dimension)].iloc[0]
    return {
        str(name): number(value) if isinstance(value, float) else value
        for name, value in row.items()
        if name not in ("measure", "dimension", "slice")
    }


def _notes(job: CompareJob) -> list[str]:
    """Return what the reader must know: what both runs say, each once, and what differs between them."""
    said = [note for run in (job.baseline, job.candidate) for note in run.summary.get("notes", [])]
    manifests = [run.facts.get("manifest", {}) for run in (job.baseline, job.candidate)]
    if manifests[0].get("digest") != manifests[1].get("digest"):
        said.append(
            "The runs read different manifest files; the utterances, references, speakers and attributes compared are "
            "the same in both."
        )
    ours, theirs = (run.facts.get("sliced_by", []) for run in (job.baseline, job.candidate))
    alone = [name for name in dict.fromkeys([*ours, *theirs]) if (name in ours) != (name in theirs)]
    if alone and job.by is None:
        said.append(f"Not compared, for only one of the runs was sliced by it: {', '.join(alone)}.")
    return list(dict.fromkeys(said))


def _facts(run: Run, job: CompareJob, by: list[str], n_rows: int) -> dict[str, object]:
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "pipeline": "compare",
        "seed": job.seed,
        "baseline": _source(job.baseline),
        "candidate": _source(job.candidate),
        "sliced_by": by,
        "policy": {key: getattr(value, "value", value) for key, value in asdict(job.policy).items()},
        "normalizer": job.baseline.facts.get("normalizer"),
        "n_rows": n_rows,
    }


def _source(run: Run) -> dict[str, object]:
    """Return where one side of the comparison came from."""
    facts = run.facts
    keys = ("pipeline", "backend", "hypotheses", "manifest", "normalizer", "commit", "finished")
    return {
        "name": run.path.resolve().name,
        "scores_digest": digest_of_file(run.path / SCORES),
        **{key: facts.get(key) for key in keys},
    }
