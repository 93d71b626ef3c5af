"""A manifest and a backend in, whether its texts depend on batch, order, workers or precision out."""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from harness.backends import Identity
from harness.corpus import Manifest
from harness.corpus.attributes import Provenance
from harness.corpus.declaring import told_attributes
from harness.errors import BackendError
from harness.fairness.invariance import Hearing, invariance_table, texts_differ
from harness.pipelines.audit_settings import AuditOptions, Setting, settings
from harness.pipelines.audit_summary import audit_summary
from harness.pipelines.evaluation import EXIT_TOO_MANY_FAILED, EXIT_VIOLATED, EXIT_WITHIN_POLICY, scored
from harness.pipelines.job import AnyNormalizer, Evaluation, Job, Outcome, SliceOptions
from harness.provenance import digest_of_recordings, environment, version
from harness.report.invariance import write_invariance_report
from harness.results import Run, open_run_directory
from harness.results.run import CHANGED, FACTS, INVARIANCE, SUMMARY
from harness.transcription import ExecutorOptions, HypothesisStore, Session, recognisers, sessions, transcribe
from harness.transcription.batching import batches_by_duration, longest_first
from harness.transcription.executors import Order
from harness.transcription.progress import stage
from harness.transcription.worker_process import MakeBackend
from harness.transcription.workers import Worker

log = logging.getLogger(__name__)

_CHANGED_KEYS = ("utterance_id", "reference", "text_against", "text", "errors_against", "errors")


@dataclass(frozen=True, kw_only=True)
class AuditJob(Job):
    """Holds everything an audit needs, as ordinary objects.

    Attributes:
        manifest: What is heard.
        makers: Make the recogniser by the name of the variant, the reference first; see `variant_names`.
        backend_name: What outputs call it.
        normalizer: Rules applied to references and hypotheses alike.
        slices: What to slice by.
        executor: Where clips are recognised, and how they are decoded; batch size, order and workers are the audit's.
        options: What is varied.
        reference_pattern: What is not words in references; None: nothing.
    """

    manifest: Manifest
    makers: Mapping[str, MakeBackend]
    backend_name: str
    normalizer: AnyNormalizer
    slices: SliceOptions
    executor: ExecutorOptions
    options: AuditOptions = field(default_factory=AuditOptions)
    reference_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Holds what came of one setting.

    Attributes:
        scores: One row an utterance, with `text`: raw, None where the clip failed.
        sessions: Of the processes that transcribed.
        largest_batch: Clips that were handed over at once, at most.
    """

    scores: pd.DataFrame
    sessions: Sequence[Session]
    largest_batch: int


def audit_invariance(job: AuditJob) -> Outcome:
    """Hear the same clips under every setting, each with recognisers of its own, and compare the texts.

    The cache of transcripts is neither asked nor filled. The command ends with 4 where more clips failed under any
    setting than the policy allows, with 3 where a text changed with a factor of `audit.fail_on`, else with 0.

    Raises:
        HarnessError: Something could not be measured; the message says what and what to do.
    """
    started = time.perf_counter()
    planned = settings(job.options)
    manifest = _subset(job.manifest, job.options.n_utterances, np.random.default_rng(job.seed))
    evaluation = Evaluation(
        manifest=manifest,
        normalizer=job.normalizer,
        policy=job.policy,
        slices=job.slices,
        seed=job.seed,
        reference_pattern=job.reference_pattern,
    )
    recordings = digest_of_recordings(manifest.frame["audio_filepath"].dropna())  # before models that load for minutes
    alone = replace(job.executor, workers=min(1, job.options.workers[0]))
    identities = {name: _identity(make, alone) for name, make in job.makers.items()}
    fingerprint = {
        "harness": version("asr-fairness-harness"),
        "config": job.config,
        "manifest_digest": job.manifest.digest,
        "recordings_digest": recordings,
        "backend_identities": identities,
        "normalizer": job.normalizer.id,
    }
    with open_run_directory(
        job.run_dir,
        pipeline="audit_invariance",
        name=f"{job.manifest.name}_{job.backend_name}",
        config_yaml=job.config_yaml,
        fingerprint=fingerprint,
    ) as run:
        heard = {each.name: _heard(each, identities[each.variant], run, job, evaluation) for each in planned}
        by = evaluation.by
        orders = {attribute.name: attribute.order for attribute in manifest.attributes}
        hearings = [
            Hearing(each.name, each.told_changes, each.against, heard[each.against].scores, heard[each.name].scores)
            for each in planned[1:]
        ]
        with stage("comparing texts", n_rows=len(manifest)):
            table = invariance_table(hearings, by, job.policy, np.random.default_rng(job.seed), orders=orders)
        notes = [*manifest.notes, *_notes(planned, heard, identities, job)]
        summary = audit_summary(table, planned, heard[planned[0].name].scores, job.policy, job.options, notes)
        run.reopen()
        run.write_table(INVARIANCE, table)
        run.write_text(CHANGED, "".join(_changed_lines(hearings)))
        run.write_json(FACTS, _facts(run, job, planned, heard, identities) | {"sliced_by": by})
        run.write_json(SUMMARY, summary)
        write_invariance_report(run)
        log.info("%d settings of %d utterances in %.1f s", len(planned), len(manifest), time.perf_counter() - started)
        if summary["max_failed_exceeded"]:
            return Outcome(run, EXIT_TOO_MANY_FAILED)
        return Outcome(run, EXIT_WITHIN_POLICY if summary["passed"] else EXIT_VIOLATED)


def _subset(manifest: Manifest, n_utterances: int | None, rng: np.random.Generator) -> Manifest:
    """Return so many utterances, drawn at random from the speakers by turns, in the manifest's order.

    Utterances without a speaker id are one speaker's here.
    """
    if n_utterances is None or n_utterances >= len(manifest):
        return manifest
    drawn = manifest.frame["speaker_id"].iloc[rng.permutation(len(manifest))].fillna("")
    turns = drawn.groupby(drawn, sort=False).cumcount()  # a speaker's first, second, … in random order
    chosen = np.sort(turns.sort_values(kind="stable").index[:n_utterances].to_numpy())
    note = f"{n_utterances} of {len(manifest)} utterances were heard, drawn from the speakers by turns, seeded"
    return replace(manifest, frame=manifest.frame.loc[chosen].reset_index(drop=True), notes=(*manifest.notes, note))


def _identity(make: MakeBackend, executor: ExecutorOptions) -> Identity:
    """Return who a recogniser is, started and ended for that: an option that it refuses is refused before any clip."""
    with recognisers(make, executor) as workers, stage("starting the recogniser"):
        return workers[0].identity()


def _heard(setting: Setting, identity: Identity, run: Run, job: AuditJob, evaluation: Evaluation) -> Heard:
    """Transcribe what is left under one setting, and score it.

    Every setting has recognisers of its own: what one leaves behind in a process is no effect of the next. All of them
    are started before the first clip, or one might have heard everything before the other is there.

    Raises:
        BackendError: A recogniser is no longer who it was.
    """
    log.info("%s: %s", setting.folder, setting.told_changes or "the reference")
    options = replace(job.executor, batch_size=setting.batch_size, order=setting.order, workers=setting.workers)
    folder = run.path / "hypotheses" / setting.folder
    store = HypothesisStore(folder / "hypotheses")
    with recognisers(job.makers[setting.variant], options) as workers:
        if len(store.done(retry_failed=options.retry_failed)) < len(evaluation.manifest):
            _start(workers, identity)
        transcribe(evaluation.manifest, workers, store, options)
    hypotheses = store.frame()
    scores = scored(hypotheses, evaluation)
    texts = hypotheses.set_index("utterance_id")["text"].reindex(scores["utterance_id"]).astype(object)
    texts = texts.where(texts.notna(), None)
    return Heard(scores.assign(text=texts.to_numpy()), sessions.read(folder), _largest_batch(scores, options))


def _start(workers: Sequence[Worker], identity: Identity) -> None:
    for worker in workers:
        found = worker.identity()
        if found != identity:
            raise BackendError(
                f"the recogniser is another than when the audit began: {found}; expected {identity}. Its weights or "
                "options were changed; give the command again with another run_dir="
            )


def _largest_batch(scores: pd.DataFrame, options: ExecutorOptions) -> int:
    """Count the clips of the largest batch: there may be no more, or so many would be too much audio."""
    durations_s = scores["audio_s"].tolist()
    order = longest_first(durations_s)
    if options.order is not Order.longest_first:
        order = order[::-1] if options.order is Order.shortest_first else sorted(order)
    batches = batches_by_duration(durations_s, options.batch_size, most_s=options.batch_audio_s, order=order)
    return max(map(len, batches))


def _changed_lines(hearings: Sequence[Hearing]) -> Iterator[str]:
    """Yield a JSON line for every text that a setting changed: those that cost or save the most words come first."""
    for hearing in hearings:
        before, after = hearing.before, hearing.after
        errors_before, errors = (
            each[["substitutions", "deletions", "insertions"]].sum(axis=1).to_numpy(np.int64)
            for each in (before, after)
        )
        columns = (before["utterance_id"], before["reference"], before["text"], after["text"])
        rows = list(zip(*(column.tolist() for column in columns), errors_before.tolist(), errors.tolist(), strict=True))
        changed = np.flatnonzero(texts_differ(before["text"], after["text"]))
        more = np.abs(errors - errors_before)[changed]
        for position in changed[np.argsort(-more, kind="stable")].tolist():
            named = {"setting": hearing.setting, "changes": hearing.changes, "against": hearing.against}
            record = dict(zip(_CHANGED_KEYS, rows[position], strict=True)) | named
            yield json.dumps(record, ensure_ascii=False) + "\n"


def _notes(
    planned: Sequence[Setting], heard: Mapping[str, Heard], identities: Mapping[str, Identity], job: AuditJob
) -> Iterator[str]:
    """Yield what a reader must know: variants that are none, and batches that were smaller than asked."""
    if any(each.provenance is Provenance.synthetic for each in job.manifest.attributes):
        yield "The voices are synthetic: this shows the harness at work and says nothing about people."
    (reference, own), *others = identities.items()
    for name, identity in others:
        if identity == own:
            yield (
                f"{name} and {reference} have the same identity: the backend says that no text may differ between them"
            )
    for each in planned:
        found = heard[each.name]
        if found.largest_batch < each.batch_size:
            yield f"{each.name}: no batch had more than {found.largest_batch} clips (see executor.batch_audio_s)"
        fits = min((session.fits for session in found.sessions if session.fits), default=None)
        if fits is not None:
            yield f"{each.name}: {fits} clips fitted the device's memory at once"
    unheard = [factor.value for factor in job.options.fail_on if not any(factor in each.changes for each in planned)]
    if unheard:
        yield f"not audited, for there was one choice: {', '.join(unheard)}"


def _facts(
    run: Run,
    job: AuditJob,
    planned: Sequence[Setting],
    heard: Mapping[str, Heard],
    identities: Mapping[str, Identity],
) -> dict[str, object]:
    parts = [session for found in heard.values() for session in found.sessions]
    (identity, *_) = identities.values()
    options = asdict(job.options)
    return {
        "fingerprint": run.facts["fingerprint"],
        **environment(),
        "device": ", ".join(sorted({device for part in parts for device in part.devices})) or "unknown",
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "pipeline": "audit_invariance",
        "seed": job.seed,
        "backend": {"name": job.backend_name} | identity,
        "variants": dict(identities),
        "manifest": {
            "name": job.manifest.name,
            "digest": job.manifest.digest,
            "datasheet": job.manifest.datasheet.declared,
            "attributes": told_attributes(job.manifest.attributes),
        },
        "normalizer": job.normalizer.id,
        "policy": {key: getattr(value, "value", value) for key, value in asdict(job.policy).items()},
        "options": options
        | {
            "orders": [each.value for each in job.options.orders],
            "fail_on": [each.value for each in job.options.fail_on],
        },
        "settings": [_fact(each, heard[each.name]) for each in planned],
        "n_rows_in": len(job.manifest),
        "timings_s": {
            "warm_up": sum(part.warm_up_s for part in parts),
            "transcription": sum(part.wall_s for part in parts),
        },
    }


def _fact(setting: Setting, heard: Heard) -> dict[str, object]:
    return {
        "setting": setting.name,
        "folder": setting.folder,
        "changes": setting.told_changes,
        "against": setting.against,
        "batch_size": setting.batch_size,
        "largest_batch": heard.largest_batch,
        "order": setting.order.value,
        "workers": setting.workers,
        "variant": setting.variant,
        "n_sessions": len(heard.sessions),
        "n_failed": int(heard.scores["failed"].sum()),
    }
