"""The options of the pipelines that read and write corpora in, their schemas out."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from harness.config.measuring_schemas import ManifestOptions
from harness.corpus.importers import ImportFormat, ImportOptions
from harness.results.exporters.formats import ExportFormat


@dataclass(kw_only=True)
class ImportCorpusConfig(ImportOptions):
    """Is the schema of `harness import_corpus`.

    Attributes:
        format: What the source is.
        source: The corpus as it was released: its folder, or its file where the format is one.
        out: The folder that manifest and datasheet are written to; an earlier import in it is written anew.
        name: What outputs call the corpus; None: as its datasheet does.
        fold: Tables that bring spellings of an attribute together in a further one: those that come with the harness
            (common_voice_accents, common_voice_genders, artie_accents, edacc_accents), or YAML files.
        datasheet: A datasheet that takes the place of the format's; None: none.
        withdrawn: A list of people who withdrew their consent, a speaker id a line; this and every later run leave them
            out, as those whom an earlier import's list in the folder names; None: only these.
        hash_speakers: Whether a hash stands for each speaker id; its salt is in HARNESS_SPEAKER_SALT.
    """

    format: ImportFormat = MISSING
    source: str = MISSING
    out: str = MISSING
    name: str | None = None
    fold: list[str] = field(default_factory=list)
    datasheet: str | None = None
    withdrawn: str | None = None
    hash_speakers: bool = False


@dataclass(kw_only=True)
class ExportedManifestOptions(ManifestOptions):
    """Names the manifest, where no run does.

    Attributes:
        path: The manifest file; None: that of the run.
    """

    path: str | None = None  # type: ignore[assignment]


@dataclass(kw_only=True)
class ExportConfig:
    """Is the schema of `harness export`; a manifest, a run, or a run whose manifest lies elsewhere now.

    Attributes:
        format: What is written.
        run: A finished run directory; None: the manifest alone.
        out: The folder that is written; an earlier export in it is written anew.
    """

    format: ExportFormat = MISSING
    manifest: ExportedManifestOptions = field(default_factory=ExportedManifestOptions)
    run: str | None = None
    out: str = MISSING
