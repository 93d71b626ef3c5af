"""What Hydra composed in, the jobs of the pipelines that read and write corpora built and run."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import yaml

from harness.config.composed import Composed
from harness.config.corpus_schemas import ExportedManifestOptions
from harness.config.measuring_schemas import ManifestOptions
from harness.config.parts import manifest
from harness.corpus.importers import ImportOptions
from harness.errors import UsageError
from harness.pipelines.export import ExportJob, ExportOutcome, export
from harness.pipelines.import_corpus import ImportJob, ImportOutcome, import_corpus
from harness.results import Run
from harness.results.run import CONFIG


def import_corpus_job(composed: Composed) -> ImportOutcome:
    """Import a corpus."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    _check_named(source=options.source, out=options.out)
    return import_corpus(
        ImportJob(
            format=options.format.name,
            source=Path(options.source),
            out=Path(options.out),
            options=ImportOptions(**{each.name: getattr(options, each.name) for each in fields(ImportOptions)}),
            name=options.name,
            fold=options.fold,
            datasheet=None if options.datasheet is None else Path(options.datasheet),
            withdrawn=None if options.withdrawn is None else Path(options.withdrawn),
            hash_speakers=options.hash_speakers,
        )
    )


def export_job(composed: Composed) -> ExportOutcome:
    """Export a manifest, or a run of it."""
    composed.plain  # noqa: B018 (refuses what is missing or leads nowhere)
    options = composed.options()
    _check_named(out=options.out)
    run = None if options.run is None else Run.open(options.run)
    source = _source(options.manifest, run)
    root = Path(source.audio_root or Path(source.path).absolute().parent)
    return export(
        ExportJob(
            format=options.format,
            manifest=manifest(source, require_audio=False, audio_root=root),
            columns=source.columns,
            run=run,
            out=Path(options.out),
            audio_root=root,
        )
    )


def _check_named(**places: str) -> None:
    """Refuse an empty name, which would be the current folder: `out=$OUT` where OUT is not set."""
    for name, place in places.items():
        if not place.strip():
            raise UsageError(f"{name}= names nothing. Name a folder; the current one is {name}=.")


def _source(options: ExportedManifestOptions, run: Run | None) -> ManifestOptions:
    """Return the manifest that is named, or that the run says it was made of."""
    if options.path is not None:
        return options
    if run is None:
        raise UsageError("nothing to export. Give manifest.path=FILE, or run=RUN.")
    content = yaml.safe_load((run.path / CONFIG).read_text(encoding="utf-8"))
    written = content.get("manifest") if isinstance(content, dict) else None
    known = {each.name for each in fields(ManifestOptions)}
    if not isinstance(written, Mapping) or not isinstance(written.get("path"), str) or not set(written) <= known:
        raise UsageError(f"run={run.path}: its {CONFIG} names no manifest. Give it: manifest.path=FILE.")
    found = ManifestOptions(**written)
    if not Path(found.path).is_file():
        raise UsageError(
            f"run={run.path}: its manifest is not at {found.path} any more, seen from here. Give it: "
            "manifest.path=FILE."
        )
    return replace(found, grammar=None)
