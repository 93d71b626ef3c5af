"""A finished run in, the slices that a search finds worse out: on half of its speakers, confirmed on the other half."""

import logging
import time
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd

from harness.corpus.attributes import DECLINED, UNDECLARED, Provenance
from harness.errors import UsageError
from harness.fairness.discovery import HALVES, Discovery, DiscoveryOptions, discover, searchable
from harness.fairness.membership import AND
from harness.fairness.search.confirmation import beyond_margin
from harness.pipelines.evaluation import EXIT_VIOLATED, EXIT_WITHIN_POLICY
from harness.pipelines.job import Job, Outcome
from harness.provenance import digest_of_file, environment, version
from harness.report.discoveries import DISCOVERIES, NOT_ASSESSABLE, write_discoveries
from harness.results import Run, open_run_directory
from harness.results.run import FACTS, SCORES, SUMMARY
from harness.transcription.progress import stage

log = logging.getLogger(__name__)

MOST_LEVELS = 10  # different numbers of a measured attribute that are values; more are cut at their quartiles


@dataclass(frozen=True, kw_only=True)
class DiscoverJob(Job):
    """Holds everything that a search needs, as ordinary objects.

    Attributes:
        run: A finished run, whose scores are searched.
        options: How far the search goes.
        policy: Floors, level and margin; its comparators are not used.
        by: Attributes to search, `condition`, `utterance_length` and `audio_s` among them; None for all there are.
    """

    run: Run
    options: DiscoveryOptions
    by: list[str] | None


def discover_slices(job: DiscoverJob) -> Outcome:
    """Search the scores of a run, test what was found, write everything.

    Raises:
        UsageError: `by` names something that the scores do not have, or the run directory is another's.
    """
    started = time.perf_counter()
    declared = job.run.facts["manifest"]["attributes"]
    scores = job.run.scores
    names = _searched(searchable(scores, list(declared)), job)
    measured = [name for name, about in declared.items() if about["provenance"] == Provenance.measured.value]
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "scores_digest": digest_of_file(job.run.path / SCORES),
    }
    with open_run_directory(
        job.run_dir,
        pipeline="discover",
        name=job.run.path.resolve().name,
        config_yaml=job.config_yaml,
        fingerprint=fingerprint,
    ) as run:
        with stage("searching", n_rows=len(scores)):
            found = discover(_as_numbers(scores, measured), names, job.policy, options=job.options, seed=job.seed)
        elapsed_s = time.perf_counter() - started
        log.info("%d slices searched, %d tested in %.1f s", found.n_assessed, len(found.candidates), elapsed_s)
        summary = _summary(found, job)
        run.reopen()
        run.write_table(DISCOVERIES, found.candidates)
        run.write_table(NOT_ASSESSABLE, found.not_assessable)
        run.write_json(FACTS, _facts(run, job, names, elapsed_s))
        run.write_json(SUMMARY, summary)
        write_discoveries(run)
        return Outcome(run, EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED)


def _searched(known: list[str], job: DiscoverJob) -> list[str]:
    """Return the attributes to search.

    Raises:
        UsageError: One that was asked for is not there, or the policy promises something of what is not searched.
    """
    names = known if job.by is None else list(dict.fromkeys(job.by))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        problem = f"{unknown} cannot be searched" if unknown else "nothing to search"
        raise UsageError(f"by={job.by}: {problem}; expected some of {known}, which {job.run.path} has.")
    unchecked = [name for name in job.policy.dimensions if not set(name.split(AND)) <= set(names)]
    if unchecked:
        raise UsageError(f"policy.dimensions names {unchecked}, which are not searched; searched are {names}.")
    return names


def _as_numbers(scores: pd.DataFrame, measured: list[str]) -> pd.DataFrame:
    """Return the scores with measured attributes as numbers, where all that is declared are many different numbers."""
    numbers = {}
    for name in measured:
        told = scores[name].where(~scores[name].isin([UNDECLARED, DECLINED]))
        if told.dropna().map(lambda cell: isinstance(cell, str)).all():
            values = pd.to_numeric(told, errors="coerce")
            if values.notna().equals(told.notna()) and len(values.dropna().unique()) > MOST_LEVELS:
                numbers[name] = values
    return scores.assign(**numbers)


def _summary(found: Discovery, job: DiscoverJob) -> dict[str, object]:
    confirmed = found.candidates[found.candidates["confirmed"].astype(bool)]
    beyond = beyond_margin(found.candidates, job.policy)
    shown = ["dimension", "slice", "n_speakers", "wer", "outside_wer", "gap", "gap_low", "gap_high", "p_adjusted"]
    return {
        "policy": job.policy.name,
        "margin": job.policy.margin,
        "margin_ratio": job.policy.margin_ratio,
        "confidence": 1 - job.policy.alpha,
        "n_dimensions": found.n_dimensions,
        "n_assessed": found.n_assessed,
        "n_not_assessable": found.n_not_assessable,
        "n_discovery_speakers": found.n_speakers[0],
        "n_validation_speakers": found.n_speakers[1],
        "n_candidates": len(found.candidates),
        "n_confirmed": len(confirmed),
        "n_beyond_margin": len(beyond),
        "confirmed": confirmed[[*shown, "reason"]].to_dict("records"),
        "fail_on_discovery": job.options.fail_on_discovery,
        "passed": beyond.empty or not job.options.fail_on_discovery,
        "notes": [*job.run.summary["notes"], *found.notes],
    }


def _facts(run: Run, job: DiscoverJob, names: list[str], elapsed_s: float) -> dict[str, object]:
    source = job.run.facts
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "pipeline": "discover",
        "seed": job.seed,
        "run": {
            "name": job.run.path.resolve().name,
            "scores_digest": digest_of_file(job.run.path / SCORES),
            "commit": source.get("commit"),
        },
        "manifest": source["manifest"],
        "backend": source.get("backend"),
        "hypotheses": source.get("hypotheses"),
        "normalizer": source["normalizer"],
        "searched": names,
        "options": asdict(job.options),
        "halves": HALVES,
        "policy": {key: getattr(value, "value", value) for key, value in asdict(job.policy).items()},
        "timings_s": {"discover": elapsed_s},
    }
