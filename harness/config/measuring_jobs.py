"""What Hydra composed in, the jobs of the pipelines that hear or score a manifest built and run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.audio import audio_duration_s
from harness.config.composed import Composed
from harness.config.parts import judged, manifest, normalizer
from harness.corpus import Manifest
from harness.corpus.kit import read_kit, write_kit
from harness.errors import UsageError
from harness.pipelines.audit_invariance import AuditJob, audit_invariance
from harness.pipelines.audit_settings import variant_names
from harness.pipelines.benchmark import BenchmarkJob, benchmark
from harness.pipelines.job import Outcome
from harness.pipelines.last_mile import LastMileJob, last_mile
from harness.pipelines.rescore import RescoreJob, Transcripts, read_transcripts, rescore
from harness.results import Run
from harness.scoring.beside import beside
from harness.scoring.terms import read_terms
from harness.transcription.progress import stage

_NOISE = "harness.audio.conditions.Noise"
KIT_FOLDER = "kit"  # in the folder of the recordings
BYTES_PER_TRANSCRIPT = 100  # about


def benchmark_job(composed: Composed) -> Outcome:
    """Transcribe, score and judge a manifest, under one condition at most."""
    chosen = composed.conditions().all[1:]
    return benchmark(BenchmarkJob(conditions=chosen, **_heard(composed)))


def last_mile_job(composed: Composed) -> Outcome:
    """Hear a manifest under every condition, the recordings of rooms among them."""
    options = composed.options()
    found = composed.conditions(noises=_noises(options.noises, options.snr_db), crossed=options.crossed)
    return last_mile(
        LastMileJob(
            conditions=found.all,
            levels=found.levels,
            wer=options.wer,
            scale=options.scale,
            beside=Run.open(options.beside) if options.beside is not None else None,
            share=options.share,
            share_to=options.share_to,
            **_heard(composed),
        )
    )


def _noises(paths: Sequence[str], snr_db: Sequence[float]) -> dict[str, object]:
    """Return a node for every recording of a room, called as its file is.

    Raises:
        UsageError: Two files have one name.
    """
    nodes: dict[str, object] = {}
    for path in paths:
        name = re.sub(r"[^A-Za-z0-9]+", "_", Path(path).stem).strip("_") or "noise"
        if name in nodes:
            raise UsageError(f"noises: two recordings would be called {name!r}. Rename one of the files.")
        nodes[name] = {"_target_": _NOISE, "recording": path, "snr_db": list(snr_db)}
    return nodes


def _manifest_or_kit(options: Any) -> Manifest:  # noqa: ANN401
    """Read a manifest, or make one of a folder with recordings and a spreadsheet."""
    folder = Path(options.manifest.path)
    if not folder.is_dir():
        return manifest(options.manifest, require_audio=True)
    told = options.kit
    columns = told.columns | options.manifest.columns
    language = told.language or options.manifest.language
    name = told.name or options.manifest.name
    out = Path(told.out) if told.out is not None else folder / KIT_FOLDER
    with stage("reading"):
        kit = read_kit(
            folder, replace(told, columns=columns, language=language, name=name), out=out, duration_of=audio_duration_s
        )
        return write_kit(kit, out)


def _heard(composed: Composed) -> dict[str, Any]:
    """Return what every pipeline that hears a manifest is made of."""
    plain = composed.plain
    backend = composed.plugin("backend")  # what is wrong with it is said here, before any process is started
    options = composed.options()
    return {
        "manifest": _manifest_or_kit(options),
        "make_backend": composed.maker("backend"),
        "backend_name": composed.choices.get("backend", type(backend).__name__),
        "executor": options.executor,
        "cache": options.cache,
    } | _measured(composed, options, plain)


def audit_invariance_job(composed: Composed) -> Outcome:
    """Hear a manifest under settings that should not matter."""
    plain = composed.plain
    backend = composed.plugin("backend")
    options = composed.options()
    return audit_invariance(
        AuditJob(
            manifest=manifest(options.manifest, require_audio=True),
            makers=_makers(composed, options.audit.variants),
            backend_name=composed.choices.get("backend", type(backend).__name__),
            normalizer=normalizer(composed, options.spellings),
            slices=options.slices,
            executor=options.executor,
            options=options.audit,
            reference_pattern=options.reference_pattern,
            **judged(options, plain),
        )
    )


def _makers(composed: Composed, variants: Sequence[dict[str, object]] | None) -> dict[str, Callable[[], Any]]:
    """Return what builds each variant of the backend, by name.

    Raises:
        UsageError: A variant is another backend, or has an option that the backend does not take.
    """
    makers = {}
    for position, (name, changes) in enumerate(zip(variant_names(variants), variants or [{}], strict=True)):
        if any(key.startswith("_") for key in changes):
            raise UsageError(f"audit.variants[{position}]={changes}; expected options of the backend that is chosen.")
        makers[name] = composed.maker("backend", changes)
        try:
            makers[name]()
        except UsageError as error:
            raise UsageError(f"audit.variants[{position}] ({name}): {error}") from error
    return makers


def rescore_job(composed: Composed) -> Outcome:
    """Score transcripts made elsewhere, which are read beside the manifest."""
    plain = composed.plain
    options = composed.options()
    hypotheses = Path(options.hypotheses)
    if not hypotheses.exists():
        raise UsageError(
            f"hypotheses={options.hypotheses}: no such file or folder. Give a file or folder of transcripts, or "
            "a run directory."
        )
    n_rows = hypotheses.stat().st_size // BYTES_PER_TRANSCRIPT
    reading = partial(read_transcripts, hypotheses, options.columns, format=options.format)
    with beside(reading, n_rows=n_rows) as transcripts:
        job = RescoreJob(
            manifest=manifest(options.manifest, require_audio=False),
            hypotheses=hypotheses,
            transcripts=_received(transcripts, hypotheses),
            stem_ids=options.stem_ids,
            allow_missing=options.allow_missing,
            allow_extra=options.allow_extra,
            **_measured(composed, options, plain),
        )
    return rescore(job)


def _received(transcripts: Callable[[], Transcripts], path: Path) -> Transcripts:
    with stage("reading", n_bytes=path.stat().st_size):
        return transcripts()


def _measured(composed: Composed, options: Any, plain: dict[str, object]) -> dict[str, Any]:  # noqa: ANN401
    """Return what every pipeline that measures is made of."""
    return {
        "normalizer": normalizer(composed, options.spellings),
        "slices": options.slices,
        "evidence": options.evidence,
        "report": options.report,
        "tracking": options.tracking,
        "reference_pattern": options.reference_pattern,
        "terms": None if options.terms is None else read_terms(Path(options.terms)),
    } | judged(options, plain)
