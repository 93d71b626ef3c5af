"""A format's name in, what it is and how it is written out."""

from collections.abc import Callable
from enum import Enum
from importlib import import_module
from pathlib import Path

from harness.results.exporters.table import ExportTable

Writer = Callable[[ExportTable, Path], list[Path]]


class ExportFormat(Enum):
    """Names the formats; each one's value says what is written."""

    fairlearn = "a frame for fairlearn's MetricFrame, one row an utterance"
    kaldi = "a Kaldi data folder"
    lhotse = "Lhotse recordings, supervisions and cuts"
    nemo = "a NeMo manifest, with the recogniser's text and WER where a run is given"
    parquet = "one Parquet file, which is a manifest, too"
    stm = "NIST STM segments"
    trn = "a pair of NIST TRN files, reference and hypothesis, for sclite"


NEEDS_RUN = (ExportFormat.trn, ExportFormat.fairlearn)


def writer(chosen: ExportFormat) -> Writer:
    """Returns what writes a format."""
    write: Writer = getattr(import_module(f"harness.results.exporters.{chosen.name}"), f"write_{chosen.name}")
    return write
