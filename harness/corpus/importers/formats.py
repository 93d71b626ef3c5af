"""A format's name in, what it is and how it is read out."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from importlib import import_module
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger
from harness.errors import UsageError

Reader = Callable[[Path, ImportOptions, Ledger], Corpus]


class ImportFormat(Enum):
    """Names the formats; each one's value says what the source is."""

    afrispeech = "AfriSpeech-200: African accents of English, clinical and general"
    artie = "the Artie Bias Corpus"
    casual_conversations = "Casual Conversations v1 with its transcriptions, or v2 with transcriptions of your own"
    common_voice = "a Mozilla Common Voice release, any language"
    coraal = "CORAAL, the Corpus of Regional African American Language: one component or several"
    edacc = "the Edinburgh International Accents of English Corpus"
    fair_speech = "Meta's Fair-Speech"
    fleurs = "FLEURS, a language or several"
    fsdd = "the Free Spoken Digit Dataset"
    hf_dataset = "a Hugging Face dataset saved to disk"
    kaldi = "a Kaldi data folder"
    l2_arctic = "L2-ARCTIC"
    lhotse = "a Lhotse CutSet, or recordings and supervisions"
    lhotse_recipe = "a corpus that Lhotse has a recipe for"
    nemo = "a NeMo manifest"
    parquet = "Parquet files with a column of audio"
    speech_accent_archive = "the Speech Accent Archive"
    stm = "NIST STM segments with their recordings"
    timit = "TIMIT"
    torgo = "TORGO, dysarthric speech and controls"
    vctk = "the CSTR VCTK Corpus"
    voxpopuli = "VoxPopuli transcribed or accented speech, a language"


@dataclass(frozen=True, slots=True)
class Format:
    """Says what a format is; `read_<format>` in the module of its name reads it.

    Attributes:
        what: What the source is, in a few words.
        options: Names of the import options that mean something to it.
    """

    what: str
    options: tuple[str, ...] = ()


_OPTIONS = {  # that mean something to a format
    ImportFormat.afrispeech: ("split",),
    ImportFormat.casual_conversations: ("split",),
    ImportFormat.common_voice: ("split", "language"),
    ImportFormat.coraal: ("split",),
    ImportFormat.edacc: ("split",),
    ImportFormat.fleurs: ("split", "language"),
    ImportFormat.fsdd: ("split",),
    ImportFormat.hf_dataset: ("split", "language", "columns"),
    ImportFormat.kaldi: ("language",),
    ImportFormat.l2_arctic: ("split",),
    ImportFormat.lhotse: ("split", "language"),
    ImportFormat.lhotse_recipe: ("recipe", "split", "language"),
    ImportFormat.nemo: ("language", "columns"),
    ImportFormat.parquet: ("split", "language", "columns"),
    ImportFormat.stm: ("language",),
    ImportFormat.timit: ("split",),
    ImportFormat.torgo: ("split",),
    ImportFormat.vctk: ("split",),
    ImportFormat.voxpopuli: ("split", "language"),
}
FORMATS = {each.name: Format(each.value, _OPTIONS.get(each, ())) for each in ImportFormat}


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
