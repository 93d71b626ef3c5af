"""What Hydra composed in, the jobs of a bounty's commands built and run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path, PurePath

import yaml

from harness.config.composed import Composed
from harness.config.corpus_schemas import ExportedManifestOptions
from harness.config.measuring_schemas import ManifestOptions
from harness.config.parts import manifest
from harness.config.registration import configs_folder
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError
from harness.fairness.bounty import BountyRules
from harness.pipelines.bounty_check import BountyCheckJob, bounty_check
from harness.pipelines.bounty_close import BountyCloseJob, bounty_close
from harness.pipelines.bounty_open import BountyOpenJob, bounty_open
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.pipelines.bounty_preview import BountyPreviewJob, bounty_preview
from harness.pipelines.bounty_rerun import Rerun
from harness.pipelines.bounty_route import BountyRouteJob, bounty_route
from harness.pipelines.bounty_status import BountyStatusJob, bounty_status
from harness.pipelines.bounty_submit import BountySubmitJob, bounty_submit
from harness.pipelines.bounty_verify import BountyVerifyJob, bounty_verify
from harness.results import Run
from harness.results.bounties.gathering import Source
from harness.results.run import CONFIG
from harness.scoring.transcripts.stems import with_stems

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")
_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
_RUNS_PROGRAMS = ("command", "router")  # backends whose options are programs, or other backends


def bounty_open_job(composed: Composed) -> BountyOutcome:
    """Open a bounty on runs."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    _check_named(run=options.run, out=options.out)
    _check_backends(options.backends)
    run = Run.open(options.run)
    systems = {options.name or _system(run): run}
    for name, path in options.alternatives.items():
        if name in systems:
            raise UsageError(f"alternatives.{name}: the system to be improved is called so; name it with name=NAME.")
        systems[name] = Run.open(path)
    if wrong := [name for name in systems if not _NAME.fullmatch(name)]:
        raise UsageError(f"the system {wrong[0]!r:.80}: expected at most 60 of A-Z a-z 0-9 . _ + -; see name=.")
    if options.seed is not None and options.seed < 0:
        raise UsageError(f"seed={options.seed}; expected a whole number >= 0.")
    rules = asdict(options.rules)
    return bounty_open(
        BountyOpenJob(
            systems=systems,
            out=Path(options.out),
            source=_source(options.manifest, run),
            rules=BountyRules(**rules | {"gain_steps": tuple(rules["gain_steps"])}),
            columns=options.columns,
            development_share=options.development_share,
            texts=options.texts,
            hypotheses=options.hypotheses,
            backends=options.backends,
            seed=options.seed,
        )
    )


def bounty_submit_job(composed: Composed) -> BountyOutcome:
    """Take a submission."""
    composed.plain  # noqa: B018
    options = composed.options()
    _check_named(bounty=options.bounty, submission=options.submission)
    return bounty_submit(BountySubmitJob(bounty=Path(options.bounty), submission=Path(options.submission)))


def bounty_check_job(composed: Composed) -> BountyOutcome:
    """Answer what was handed in."""
    composed.plain  # noqa: B018
    options = composed.options()
    if options.timeout_s is not None and not options.timeout_s > 0:
        raise UsageError(f"timeout_s={options.timeout_s}; expected seconds > 0.")
    return bounty_check(BountyCheckJob(bounty=_bounty(options.bounty), rerun=Rerun(options.timeout_s)))


def bounty_status_job(composed: Composed) -> BountyOutcome:
    """Say where a bounty stands."""
    composed.plain  # noqa: B018
    return bounty_status(BountyStatusJob(bounty=_bounty(composed.options().bounty)))


def bounty_close_job(composed: Composed) -> BountyOutcome:
    """End a bounty."""
    composed.plain  # noqa: B018
    return bounty_close(BountyCloseJob(bounty=_bounty(composed.options().bounty)))


def bounty_verify_job(composed: Composed) -> BountyOutcome:
    """Check a bounty."""
    composed.plain  # noqa: B018
    options = composed.options()
    return bounty_verify(BountyVerifyJob(bounty=_bounty(options.bounty), receipt=options.receipt))


def bounty_preview_job(composed: Composed) -> BountyOutcome:
    """Try a submission on the published half."""
    composed.plain  # noqa: B018
    options = composed.options()
    _check_named(submission=options.submission)
    return bounty_preview(BountyPreviewJob(bounty=_bounty(options.bounty), submission=Path(options.submission)))


def bounty_route_job(composed: Composed) -> BountyOutcome:
    """Write the router of a bounty's list."""
    composed.plain  # noqa: B018
    options = composed.options()
    _check_named(out=options.out)
    return bounty_route(
        BountyRouteJob(
            bounty=_bounty(options.bounty),
            out=Path(options.out),
            runs={name: Path(path) for name, path in options.systems.items()},
            prefix=options.prefix,
            as_recorded=options.as_recorded,
        )
    )


def _bounty(path: str) -> Path:
    _check_named(bounty=path)
    return Path(path)


def _check_named(**places: str) -> None:
    """Refuse an empty name, which would be the current folder: `out=$OUT` where OUT is not set."""
    for name, place in places.items():
        if not place.strip():
            raise UsageError(f"{name}= names nothing. Name a file or folder; the current folder is {name}=.")


def _system(run: Run) -> str:
    """Return what a run's system is called: its backend, or its file of transcripts."""
    facts = run.facts
    backend, hypotheses = facts.get("backend"), facts.get("hypotheses")
    name = str(backend["name"]) if isinstance(backend, Mapping) and backend.get("name") else ""
    if not name and isinstance(hypotheses, Mapping) and hypotheses.get("file"):
        name = PurePath(str(hypotheses["file"])).stem
    return _UNFIT.sub("-", name or run.path.resolve().name).strip("-._+")[:60] or "base"


def _check_backends(backends: Mapping[str, Sequence[str]]) -> None:
    """Refuse backends and options that there are not, and those that would run what a hunter names."""
    for name, options in backends.items():
        path = configs_folder() / "backend" / f"{name}.yaml"
        known = sorted(each.stem for each in (configs_folder() / "backend").glob("*.yaml"))
        if name not in known or name in _RUNS_PROGRAMS:
            offered = [each for each in known if each not in _RUNS_PROGRAMS]
            raise UsageError(f"backends.{name}: cannot be offered; expected some of {offered}.")
        node = yaml.safe_load(path.read_text(encoding="utf-8"))
        if unknown := [each for each in options if each not in node or each.startswith("_")]:
            own = [each for each in node if not each.startswith("_")]
            raise UsageError(f"backends.{name}: has no option {unknown[0]!r}; expected some of {own}.")


def _source(options: ExportedManifestOptions, run: Run) -> Source | None:
    """Return the manifest that is named, or that the run says it was made of; None where that is not there."""
    written = _configuration(run)
    chosen = options if options.path is not None else _written(written.get("manifest"))
    if chosen is None:
        return None
    root = None if chosen.audio_root is None or not Path(chosen.audio_root).is_dir() else Path(chosen.audio_root)
    found = manifest(chosen, require_audio=False, audio_root=root)
    return Source(with_stems(found) if written.get("stem_ids") is True else found, chosen.columns)


def _configuration(run: Run) -> Mapping[object, object]:
    """Return the configuration of a run; empty where it cannot be read."""
    try:
        return yaml_mapping((run.path / CONFIG).read_bytes(), CONFIG)
    except ManifestError:
        return {}


def _written(told: object) -> ManifestOptions | None:
    """Return the manifest of a run's configuration, if it is still there."""
    known = {each.name for each in fields(ManifestOptions)}
    if not isinstance(told, Mapping) or not isinstance(told.get("path"), str) or not set(told) <= known:
        return None
    found = ManifestOptions(**{str(name): value for name, value in told.items()})
    return replace(found, grammar=None) if Path(found.path).is_file() else None
