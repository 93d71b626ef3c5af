"""A pipeline's name in, what most people need of it out: names of options and commands; what they mean is declared.

Every name here is composed and every command is run by tests/test_help.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """Names what a pipeline's help shows first.

    Attributes:
        options: The options that most people need, beside those that have to be given.
        examples: What follows `harness PIPELINE` in commands that run.
    """

    options: tuple[str, ...]
    examples: tuple[str, ...]


_SLICED = ("slices.by", "slices.intersections")
_JUDGED = ("policy.margin", "policy.correction", "policy.min_speakers", "policy.fail_on")
_FROM_RUNS = ("by", "policy.margin", "policy.correction", "run_dir", "seed")

GUIDES = {
    "benchmark": Guide(
        options=(
            "manifest.path", "manifest.columns", "manifest.language", *_SLICED, *_JUDGED, "executor.workers",
            "executor.retry_failed", "run_dir",
        ),
        examples=(
            "manifest=demo backend=pocketsphinx policy=strict",
            "manifest.path=corpus.csv backend=whisper backend.model=base.en",
            "-m manifest.path=corpus.csv backend=whisper backend.model=tiny.en,base.en",
        ),
    ),
    "last_mile": Guide(
        options=(
            "noises", "snr_db", "wer", "terms", "share", "manifest.path",
        ),
        examples=(
            "manifest=demo condition=[telephone,alarm]",
            "manifest.path=corpus.csv backend=tones condition=[noise_white,mask] wer=0.3",
        ),
    ),
    "rescore": Guide(
        options=(
            "format", "columns", "stem_ids", "allow_missing", "allow_extra", "manifest.columns", *_SLICED, *_JUDGED,
            "reference_pattern", "spellings", "evidence.metrics", "run_dir", "seed",
        ),
        examples=(
            "hypotheses=heard.csv manifest.path=corpus.csv",
            "hypotheses=heard.csv columns.text=heard manifest.path=corpus.csv stem_ids=true",
            "hypotheses=runs/before manifest.path=corpus.csv normalizer=verbatim policy=strict",
        ),
    ),
    "compare": Guide(
        options=_FROM_RUNS,
        examples=(
            "baseline=runs/before candidate=runs/after",
            "baseline=runs/before candidate=runs/after by=[accent] policy.margin=0.02",
        ),
    ),
    "plan": Guide(
        options=(
            "manifest.path", "run", "plan.gap", "plan.wer", "plan.power", "plan.speaker_cv", "plan.words_per_speaker",
            "by", "policy.margin", "policy.correction", "run_dir",
        ),
        examples=("plan.gap=0.03 plan.wer=0.15", "manifest.path=corpus.csv", "run=runs/before by=[accent]"),
    ),
    "describe": Guide(
        options=(
            "manifest.path", "manifest.columns", "against", "columns", "describe.audio", "describe.redact",
            "describe.intersections", "plan.gap", "plan.wer", "by", "policy.margin", "policy.min_speakers", "run_dir",
        ),
        examples=(
            "manifest=demo describe.audio=contents",
            "manifest.path=corpus.csv against=[corpus.csv] plan.gap=0.05",
            "manifest.path=corpus.csv describe.redact=slices by=[accent]",
        ),
    ),
    "discover": Guide(
        options=(
            "discovery.max_attributes", "discovery.min_speakers", "discovery.n_candidates",
            "discovery.fail_on_discovery", *_FROM_RUNS,
        ),
        examples=("run=runs/before", "run=runs/before discovery.max_attributes=2 by=[accent,gender]"),
    ),
    "audit_invariance": Guide(
        options=(
            "manifest.path", "audit.batch_sizes", "audit.orders", "audit.workers", "audit.variants", "audit.repeat",
            "audit.grid", "audit.n_utterances", "audit.fail_on", "slices.by", "run_dir", "seed",
        ),
        examples=(
            "manifest=demo backend=pocketsphinx audit.n_utterances=40",
            "manifest.path=corpus.csv backend=tones audit.batch_sizes=[1,4]",
        ),
    ),
    "measure": Guide(
        options=(
            "manifest.path", "manifest.columns", "manifest.audio_root", "prefix", "threads", "max_failed",
        ),
        examples=("manifest=demo out=measured", "manifest.path=corpus.csv out=measured prefix=measured_"),
    ),
    "import_corpus": Guide(
        options=("split", "language", "columns", "fold", "withdrawn", "hash_speakers", "name"),
        examples=(
            "format=common_voice source=cv-corpus/cy out=imported",
            "format=nemo source=heard.json out=imported name=mine",
        ),
    ),
    "export": Guide(
        options=("run", "manifest.path", "manifest.columns", "manifest.audio_root"),
        examples=("format=nemo run=runs/before out=exported", "format=parquet manifest.path=corpus.csv out=exported"),
    ),
    "report": Guide(
        options=("report.redact", "report.beside"),
        examples=(
            "run=runs/before",
            "run=runs/before report.redact=[transcripts,speakers]",
            "run=runs/before report.beside=[runs/after]",
        ),
    ),
    "service_card": Guide(
        options=("service", "out", "verify", "model_index"),
        examples=(
            "run=runs/before service=service.yaml out=card",
            "run=runs/before verify=card/service_card.json",
        ),
    ),
    "nightly": Guide(
        options=(
            "nights", "night", "baselines", "board", "gate.alpha", "gate.margin", "gate.min_speakers",
            "fail_on_policy", "cell_timeout_s",
        ),
        examples=("matrix=matrix.yaml", "matrix=matrix.yaml night=2026-11-22 gate.margin=0.02"),
    ),
    "bless": Guide(options=("baselines", "reason"), examples=("runs/before", "runs/before reason=released")),
    "history": Guide(
        options=("runs", "where.manifest", "where.system", "where.dimension", "where.slice", "last", "board", "out"),
        examples=("runs=runs", "runs=runs where.slice=north last=5", "runs=runs board=board"),
    ),
    "cache": Guide(
        options=(
            "action", "out", "dry_run", "cache.path", "prune.unused_days", "prune.older_than_days", "prune.backend",
            "prune.keep_identity", "prune.all",
        ),
        examples=("", "action=prune prune.unused_days=90 dry_run=true", "action=export out=heard.jsonl"),
    ),
}  # fmt: skip
