"""A pipeline's name in, what most people need of it out: names of options and commands; what they mean is declared.

Every name here is composed and every command is run by tests/test_help.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """Names what a pipeline's help shows first.

    Attributes:
        options: The options that most people need, beside those that have to be given.
        examples: What follows `harness PIPELINE` in commands that run; RECEIPT is one's own.
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
    "release": Guide(
        options=(
            "release.by", "release.slices", "release.epsilon", "release.total_epsilon", "release.delta",
            "release.statistic", "release.words_are_public", "release.caps.words", "release.caps.errors",
            "release.caps.rate", "release.min_speakers", "release.ledger", "release.corpus",
        ),
        examples=(
            "run=runs/before out=released release.method=laplace release.total_epsilon=4",
            "run=runs/before out=released release.method=suppression release.min_speakers=10",
        ),
    ),
    "bundle": Guide(
        options=("out", "references", "ids", "manifest.path", "manifest.columns", "spellings", "terms", "beside"),
        examples=("runs/before", "runs/before out=claim.tar references=include ids=kept"),
    ),
    "reproduce": Guide(
        options=(
            "manifest.path", "manifest.columns", "manifest.language", "tolerance", "reference_pattern",
            "allow_targets", "run_dir", "html",
        ),
        examples=("before.tar", "before.tar tolerance=0 run_dir=again"),
    ),
    "bounty_open": Guide(
        options=(
            "alternatives", "name", "hypotheses", "backends", "columns", "texts", "rules.n_submissions",
            "rules.n_acceptances", "rules.alpha", "rules.min_gain", "rules.min_speakers", "rules.assumed",
            "development_share", "manifest.path", "manifest.audio_root", "seed",
        ),
        examples=(
            "run=runs/before alternatives.after=runs/after out=opened rules.min_speakers=5",
            "run=runs/before out=opened hypotheses=true rules.min_speakers=5",
        ),
    ),
    "bounty_preview": Guide(
        options=(), examples=("bounty=bounty submission=mine.json", "bounty=bounty/public submission=mine.json")
    ),
    "bounty_submit": Guide(
        options=(), examples=("bounty=bounty submission=mine.json", "bounty=bounty submission=transcribed.json")
    ),
    "bounty_check": Guide(options=("timeout_s",), examples=("bounty=bounty", "bounty=bounty timeout_s=3600")),
    "bounty_status": Guide(options=(), examples=("bounty=bounty", "bounty=bounty/public")),
    "bounty_close": Guide(options=(), examples=("bounty=bounty", "bounty=bounty/public")),
    "bounty_verify": Guide(options=("receipt",), examples=("bounty=bounty", "bounty=bounty receipt=RECEIPT")),
    "bounty_route": Guide(
        options=("systems", "prefix", "as_recorded"),
        examples=(
            "bounty=bounty out=mine/backend/routed.yaml systems.small=runs/whisper",
            "bounty=bounty out=mine/backend/routed.yaml systems.a=runs/whisper prefix=m_",
        ),
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
        options=("run", "release", "service", "out", "verify", "model_index"),
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
    "forget": Guide(
        options=(
            "speaker", "withdrawn", "where", "manifests", "corpus", "apply", "list_withdrawn", "recordings",
            "cache.path",
        ),
        examples=(
            "speaker=s00 where=runs",
            "speaker=[s00,s10] where=[runs] manifests=corpus.csv apply=true",
        ),
    ),
    "cache": Guide(
        options=(
            "action", "out", "dry_run", "cache.path", "prune.unused_days", "prune.older_than_days", "prune.backend",
            "prune.keep_identity", "prune.all",
        ),
        examples=("", "action=prune prune.unused_days=90 dry_run=true", "action=export out=heard.jsonl"),
    ),
}  # fmt: skip
