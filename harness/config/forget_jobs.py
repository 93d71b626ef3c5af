"""What Hydra composed in, the job of `harness forget` built and run: runs are made anew by their own configuration."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.config.composed import Composed
from harness.config.parts import normalizer
from harness.corpus import Manifest
from harness.corpus.people import read_withdrawn, salt_of
from harness.errors import HarnessError, UsageError
from harness.fairness.conditions import HarmScale
from harness.pipelines.forget import ForgetJob, ForgetOutcome, forget
from harness.pipelines.remaking import Recorded
from harness.provenance import digest_of_recordings
from harness.results import Run
from harness.results.forgetting.corpora import ManifestSource
from harness.results.forgetting.runs import facts_of
from harness.results.forgetting.sources import config_of, source_of
from harness.results.run import CONFIG
from harness.scoring.terms import read_terms
from harness.scoring.transcripts.stems import with_stems

_MEASURES = ("benchmark", "rescore", "last_mile")


def forget_job(composed: Composed) -> ForgetOutcome:
    """Find, and with apply=true remove, what is kept of people."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    listed = frozenset() if options.withdrawn is None else read_withdrawn(Path(options.withdrawn)).speaker_ids
    given = _texts("speaker", options.speaker)
    return forget(
        ForgetJob(
            speaker_ids=frozenset(given) | listed,
            salt=salt_of(),
            where=_folders(_texts("where", options.where)),
            manifests=tuple(ManifestSource(Path(path)) for path in _texts("manifests", options.manifests)),
            corpus=tuple(_texts("corpus", options.corpus)),
            cache=options.cache.file,
            apply=options.apply,
            list_withdrawn=options.list_withdrawn,
            recordings=options.recordings,
            recall=recalled,
        )
    )


def recalled(folder: Path) -> Recorded:
    """Read what a run was made with: its configuration, and of its manifest what is there yet.

    Raises:
        HarnessError: The configuration is not there, or is none that this version understands.
    """
    facts = facts_of(folder) or {}
    pipeline = facts.get("pipeline")
    if pipeline not in _MEASURES:
        raise UsageError(f"{folder}: its run.json does not say which command made it.")
    composed = Composed(str(pipeline), OmegaConf.create(dict(config_of(folder / CONFIG))), {}, ())
    try:
        composed.plain  # noqa: B018 (refuses what may not be obeyed)
        options = composed.options()
        rules = normalizer(composed, options.spellings)
    except (OmegaConfBaseException, KeyError, AttributeError, OSError) as error:
        raise UsageError(f"{folder / CONFIG}: cannot be understood ({str(error).splitlines()[0]}).") from error
    manifest, missing = _manifest(folder, options, stem_ids=getattr(options, "stem_ids", False))
    return Recorded(
        manifest=manifest,
        missing=missing,
        recordings=None if manifest is None else _recordings(manifest),
        normalizer=rules,
        policy=options.policy,
        slices=options.slices,
        evidence=options.evidence,
        report=options.report,
        seed=options.seed,
        reference_pattern=options.reference_pattern,
        allow_missing=getattr(options, "allow_missing", False),
        terms=_terms(options.terms),
        wer=getattr(options, "wer", 0.2),
        scale=getattr(options, "scale", HarmScale.additive),
        beside=_beside(getattr(options, "beside", None)),
    )


def _manifest(folder: Path, options: Any, *, stem_ids: bool) -> tuple[Manifest | None, str]:  # noqa: ANN401
    """Load the manifest of a run as it is now; where it cannot be, say why."""
    source, told = source_of(folder / CONFIG), options.manifest
    if source is None or not source.path.is_file():
        return None, "its manifest is not where it was"
    try:
        found = Manifest.load(
            source.path,
            name=told.name,
            columns=source.columns,
            audio_root=source.audio_root,
            allow_outside=told.allow_outside,
            language=told.language,
            require_audio=False,
            withdrawn=told.withdrawn,
        )
        return (with_stems(found) if stem_ids else found), ""
    except HarnessError:  # its words may name people
        return None, "its manifest cannot be read any more"


def _recordings(manifest: Manifest) -> str | None:
    try:
        return digest_of_recordings(manifest.frame["audio_filepath"].dropna())
    except OSError:
        return None


def _terms(path: str | None) -> Any:  # noqa: ANN401
    try:
        return None if path is None else read_terms(Path(path))
    except (HarnessError, OSError):
        return None


def _beside(path: str | None) -> Run | None:
    try:
        return None if path is None else Run.open(path)
    except HarnessError:
        return None


def _texts(name: str, option: object) -> list[str]:
    """Return one or several as texts: an id may look like a number."""
    given: list[object] = option if isinstance(option, list) else [] if option is None else [option]
    if any(not isinstance(each, str | int) or isinstance(each, bool) or not str(each).strip() for each in given):
        raise UsageError(
            f"{name}={option}; expected a text, or a list of them: {name}=[A,B]. Quote what is no plain text."
        )
    return [str(each) for each in given]


def _folders(given: list[str]) -> tuple[Path, ...]:
    """Return the folders that are looked through; of those that nobody named, the ones that are there."""
    folders = [Path(each) for each in given]
    if given == ["runs", "baselines"]:
        folders = [folder for folder in folders if folder.is_dir()]
    if not folders:
        raise UsageError("neither runs nor baselines is here; expected where=FOLDER, or where=[A,B].")
    return tuple(folders)
