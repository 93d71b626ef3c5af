"""A format's name and a source in, what its importer makes of it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus import Manifest
from harness.corpus.importers import Corpus, Imported, ImportOptions, Ledger, Record, reader, write_corpus
from harness.corpus.importers.checked import Changes
from harness.corpus.importers.folding import Folding
from harness.corpus.people import Withdrawn

RELEASES = Path(__file__).parent / "releases"
NOBODY = Withdrawn(frozenset())


@dataclass(frozen=True)
class ReadRows:
    """Is what an importer gave, with its records read."""

    corpus: Corpus
    records: Sequence[Record]
    ledger: Ledger


def rows_of(format_: str, source: Path, **options) -> ReadRows:
    ledger = Ledger()
    corpus = reader(format_)(source, ImportOptions(**options), ledger)
    return ReadRows(corpus, list(corpus.records), ledger)


def written(
    format_: str,
    source: Path,
    out: Path,
    *,
    salt: bytes | None = None,
    withdrawn: Withdrawn = NOBODY,
    folding: Folding | None = None,
    name: str | None = None,
    **options,
) -> Imported:
    def read(ledger: Ledger) -> Corpus:
        return reader(format_)(source, ImportOptions(**options), ledger)

    changes = Changes(salt, withdrawn, folding)
    return write_corpus(read, out, changes, asked={"format": format_}, name=name, counted=lambda _: None)


def imported(format_: str, source: Path, tmp_path: Path, **options) -> Manifest:
    found = written(format_, source, tmp_path / "imported", **options)
    return Manifest.load(found.path / "manifest.jsonl", audio_root=found.audio_root, require_audio=False)
