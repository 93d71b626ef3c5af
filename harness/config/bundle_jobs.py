"""What Hydra composed in, the jobs that write a bundle and that check somebody's built and run.

What a bundle states is data: it is checked against a schema, may refer to nothing, and names no class but this
harness's normalisers and those that are allowed on the command line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.config.bundle_schemas import ClaimConfig
from harness.config.composed import Composed
from harness.config.measuring_jobs import KIT_FOLDER
from harness.config.measuring_schemas import ManifestOptions
from harness.config.parts import manifest
from harness.corpus import Manifest
from harness.corpus.kit.writing import MANIFEST_FILE
from harness.errors import UsageError
from harness.pipelines.bundle import BundleJob, BundleOutcome, bundle
from harness.pipelines.job import AnyNormalizer, Evaluation
from harness.pipelines.last_mile import Told
from harness.pipelines.reproduce import ReproduceJob, ReproduceOutcome, check_bounds, reproduce
from harness.plugins import TARGETS, build
from harness.report.html import ReportOptions
from harness.results import Run
from harness.results.bundles import Bundle, BundleError, Claim, config_of, opened_bundle
from harness.results.bundles.contents import DIALECT, SPELLINGS_FILE, TERMS_FILE
from harness.results.run import CONFIG
from harness.scoring.spellings import DIALECT_SPELLINGS, read_spellings, with_spellings
from harness.scoring.terms import read_terms
from harness.scoring.transcripts.stems import with_stems
from harness.transcription.progress import stage

_NORMALIZERS = frozenset(each for each in TARGETS if each.startswith("harness.scoring.normalization."))


def bundle_job(composed: Composed) -> BundleOutcome:
    """Bundle a run."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    run = Run.open(options.run)
    config = config_of(run)
    beside = _there(run, config, "beside", options.beside)
    claim = Claim(
        run,
        manifest(_manifest_of(run, config, options.manifest), require_audio=False),
        config,
        spellings=_beside_package(_there(run, config, "spellings", options.spellings)),
        terms=_there(run, config, "terms", options.terms),
        beside=None if beside is None else Run.open(beside),
    )
    out = None if options.out is None else Path(options.out)
    return bundle(BundleJob(claim=claim, out=out, references=options.references, ids=options.ids))


def _manifest_of(run: Run, config: Mapping[str, object], given: ManifestOptions) -> ManifestOptions:
    """Return the manifest that is named, or that the run says it was made of."""
    if given.path is not None:
        return given
    written = config.get("manifest")
    known = {each.name for each in fields(ManifestOptions)}
    if not isinstance(written, Mapping) or not isinstance(written.get("path"), str) or not set(written) <= known:
        raise UsageError(f"run={run.path}: its {CONFIG} names no manifest. Give it: manifest.path=FILE.")
    found = ManifestOptions(**written)
    path = Path(found.path)
    if path.is_dir():  # recordings with a spreadsheet, of which a manifest was made
        kit = config.get("kit")
        out = kit.get("out") if isinstance(kit, Mapping) else None
        return ManifestOptions(path=str(Path(out or path / KIT_FOLDER) / MANIFEST_FILE))
    if not path.is_file():
        raise UsageError(f"run={run.path}: its manifest is not at {path} any more. Give it: manifest.path=FILE.")
    return replace(found, grammar=None, audio_root=None, allow_outside=True)  # no recording is looked for


def _there(run: Run, config: Mapping[str, object], name: str, given: str | None) -> Path | None:
    """Return a file or run that is given, or that the run says it was made with; None where it was made without."""
    written = config.get(name)
    if written is None:
        return None
    path = Path(given if given is not None else str(written))
    if str(path) != DIALECT and not path.exists():
        raise UsageError(
            f"run={run.path}: what it was made with, {name}={path}, is not there any more. Give it: {name}=…."
        )
    return path


def _beside_package(spellings: Path | None) -> Path | None:
    """Return a table of spellings of somebody's own; None for that of the package."""
    return None if spellings is None or str(spellings) == DIALECT else spellings


def reproduce_job(composed: Composed) -> ReproduceOutcome:
    """Check somebody's bundle."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    with opened_bundle(Path(options.bundle)) as received:
        claim = _claim(received)
        _check_pattern(received, claim.reference_pattern, options.reference_pattern)
        evaluation = _evaluation(received, claim, options, frozenset(composed.named_targets))
        stated = {**received.config, "bundle": received.path.name}
        return reproduce(
            ReproduceJob(
                bundle=received,
                evaluation=evaluation,
                told=_told(received, claim),
                tolerance=options.tolerance,
                run_dir=options.run_dir,
                config=stated,
                config_yaml=OmegaConf.to_yaml(OmegaConf.create(stated)),
            )
        )


def _told(received: Bundle, claim: ClaimConfig) -> Told | None:
    """Return what a claim tells of conditions; None where it is of no last-mile test."""
    if received.about["pipeline"] != "last_mile":
        return None
    return Told(received.levels(), claim.wer, claim.scale, received.beside())


def _claim(received: Bundle) -> ClaimConfig:
    """Return what a bundle states, as the dataclass that declares it; its own checks run here.

    Raises:
        BundleError: It is no such configuration.
        UsageError: An option of it is out of its range.
    """
    try:
        if any("${" in text for text in _texts(received.config)):
            raise BundleError(f"{received.path}: its configuration refers to something; expected plain values.")
        claim = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ClaimConfig), received.config))
    except OmegaConfBaseException as error:
        said = str(error).splitlines()[0]
        raise BundleError(f"{received.path}: its configuration cannot be read: {error.full_key}: {said}") from error
    except RecursionError as error:
        raise BundleError(f"{received.path}: its configuration is nested too deeply.") from error
    if not isinstance(claim, ClaimConfig) or claim.seed < 0 or not 0 < claim.wer < 1:
        raise BundleError(f"{received.path}: its configuration has a seed below 0, or a wer that is none.")
    return claim


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, str):
        yield node


def _check_pattern(received: Bundle, stated: str | None, given: str | None) -> None:
    """Refuse a regular expression that nobody has read: it can be made to run for years.

    Raises:
        UsageError: The bundle states one, and the command line does not, or another.
    """
    if stated != given:
        wanted = f"reference_pattern={stated!r}" if stated is not None else "no reference_pattern"
        raise UsageError(
            f"{received.path}: the claim is of references without what a regular expression matches. If you trust it, "
            f"give it on the command line: {wanted}."
            if stated is not None
            else f"{received.path}: states no reference_pattern. Leave it out."
        )


def _evaluation(received: Bundle, claim: ClaimConfig, options: Any, named: frozenset[str]) -> Evaluation:  # noqa: ANN401
    own = None if options.manifest.path is None else _own(options.manifest, claim.stem_ids)
    with stage("reading", n_bytes=received.path.stat().st_size):
        measured = received.manifest(own)
    check_bounds(
        received,
        policy=claim.policy,
        slices=claim.slices,
        evidence=claim.evidence,
        n_attributes=len(measured.attributes),
    )
    return Evaluation(
        manifest=measured,
        normalizer=_normalizer(received, claim, named),
        policy=claim.policy,
        slices=claim.slices,
        seed=claim.seed,
        evidence=claim.evidence,
        report=ReportOptions(html=options.html),
        allow_missing=claim.allow_missing,
        reference_pattern=claim.reference_pattern,
        terms=None if claim.terms is None else read_terms(_part(received, claim.terms, TERMS_FILE)),
    )


def _own(options: ManifestOptions, stem_ids: bool) -> Manifest:
    found = manifest(options, require_audio=False)
    return with_stems(found) if stem_ids else found


def _normalizer(received: Bundle, claim: ClaimConfig, named: frozenset[str]) -> AnyNormalizer:
    chosen: Any = build("normalizer", claim.normalizer, allowed=_NORMALIZERS | named)
    if claim.spellings is None:
        return chosen  # type: ignore[no-any-return]
    is_ours = claim.spellings == DIALECT
    return with_spellings(
        chosen, read_spellings(DIALECT_SPELLINGS if is_ours else _part(received, claim.spellings, SPELLINGS_FILE))
    )


def _part(received: Bundle, stated: str, name: str) -> Path:
    """Return a file of a bundle that its configuration names."""
    found = received.part(name)
    if stated != name or found is None:
        raise BundleError(f"{received.path}: its configuration names {stated!r:.60}; expected {name}, and that in it.")
    return found
