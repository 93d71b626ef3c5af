"""Corpora as they are released in, manifests with datasheets out: one format a file, `read_<format>`."""

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.formats import FORMATS, Format, ImportFormat, reader
from harness.corpus.importers.writing import Imported, write_corpus

__all__ = [
    "FORMATS",
    "Corpus",
    "Format",
    "ImportFormat",
    "ImportOptions",
    "Imported",
    "Ledger",
    "Record",
    "reader",
    "write_corpus",
]
