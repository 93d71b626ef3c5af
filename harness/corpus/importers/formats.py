"""A format's name in, what it is and how it is read out."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger
from harness.errors import UsageError

Reader = Callable[[Path, ImportOptions, Ledger], Corpus]


@dataclass(frozen=True, slots=True)
class Format:
    """Says what a format is; `read_<format>` in the module of its name reads it.

    Attributes:
        what: What the source is, in a few words.
        options: Names of the import options that mean something to it.
    """

    what: str
    options: tuple[str, ...] = ()


FORMATS = {
    "afrispeech": Format("AfriSpeech-200: African accents of English, clinical and general", ("split",)),
    "artie": Format("the Artie Bias Corpus"),
    "casual_conversations": Format("Casual Conversations (v1 or v2) with transcriptions", ("split",)),
    "common_voice": Format("a Mozilla Common Voice release, any language", ("split", "language")),
    "coraal": Format("CORAAL, the Corpus of Regional African American Language: one component or several"),
    "edacc": Format("the Edinburgh International Accents of English Corpus", ("split",)),
    "fair_speech": Format("Meta's Fair-Speech"),
    "fleurs": Format("FLEURS, a language or several", ("split", "language")),
    "fsdd": Format("the Free Spoken Digit Dataset"),
    "hf_dataset": Format("a Hugging Face dataset saved to disk", ("split", "language", "columns")),
    "kaldi": Format("a Kaldi data folder", ("language",)),
    "l2_arctic": Format("L2-ARCTIC"),
    "lhotse": Format("a Lhotse CutSet, or recordings and supervisions", ("split", "language")),
    "lhotse_recipe": Format("a corpus that Lhotse has a recipe for", ("recipe", "split", "language")),
    "nemo": Format("a NeMo manifest", ("language", "columns")),
    "parquet": Format("Parquet files with a column of audio", ("split", "language", "columns")),
    "speech_accent_archive": Format("the Speech Accent Archive"),
    "stm": Format("NIST STM segments with their recordings", ("language",)),
    "timit": Format("TIMIT", ("split",)),
    "torgo": Format("TORGO, dysarthric speech and controls"),
    "vctk": Format("the CSTR VCTK Corpus"),
    "voxpopuli": Format("VoxPopuli transcribed or accented speech, a language", ("split", "language")),
}


def reader(name: str) -> Reader:
    """Returns what reads a format.

    Raises:
        UsageError: There is no such format.
    """
    if name not in FORMATS:
        close = get_close_matches(name, FORMATS, n=1)
        advice = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f"format={name}: is none that can be imported; expected one of {', '.join(FORMATS)}.{advice}")
    read: Reader = getattr(import_module(f"harness.corpus.importers.{name}"), f"read_{name}")
    return read
