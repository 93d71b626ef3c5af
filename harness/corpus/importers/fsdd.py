"""The folder of the Free Spoken Digit Dataset in; a record for each of its recordings out.

Layout of the release: `recordings/{digit}_{speaker}_{take}.wav` and `metadata.py`, which names gender and accent of
every speaker; newer copies have them in `speakers.csv`. Code is never run: `metadata.py` is read as a literal.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import csv_rows
from harness.errors import ManifestError, UsageError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS, METADATA, RECORDINGS = "speakers.csv", "metadata.py", "recordings"
_ATTRIBUTES = ("gender", "accent")


def read_fsdd(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:  # noqa: ARG001 (one language, one part)
    """Reads a copy of the dataset; its text is the digit that the file name says.

    Raises:
        UsageError: There are no recordings.
        ManifestError: What is known of the speakers cannot be read.
    """
    folder = source / RECORDINGS if (source / RECORDINGS).is_dir() else source
    names = sorted(path.name for path in folder.glob("*.wav"))
    if not names:
        raise UsageError(f"source={source}: no recordings such as {RECORDINGS}/7_jackson_32.wav. Name the dataset.")
    people = _people(source, ledger)
    return Corpus(datasheet("fsdd"), _records(names, people, ledger), folder)


def _records(names: list[str], people: Mapping[str, Mapping[str, str]], ledger: Ledger) -> Iterator[Record]:
    for name in names:
        digit, _, rest = name.removesuffix(".wav").partition("_")
        speaker, _, take = rest.rpartition("_")
        if digit not in map(str, range(10)) or not speaker or not take.isdecimal():
            ledger.refuse(name, "is no recording of a digit; expected DIGIT_SPEAKER_TAKE.wav. Rename or remove it.")
            continue
        known = people.get(speaker, {})
        yield Record(
            file=name,
            line=0,
            utterance_id=name.removesuffix(".wav"),
            text=DIGITS[int(digit)],
            audio=name,
            speaker_id=speaker,
            attributes={each: known.get(each) for each in _ATTRIBUTES},
        )


def _people(source: Path, ledger: Ledger) -> Mapping[str, Mapping[str, str]]:
    if (source / SPEAKERS).is_file():
        rows = csv_rows(source / SPEAKERS, lambda line, problem: ledger.refuse(f"{SPEAKERS}:{line}", problem))
        return {row.cells.get("speaker", ""): row.cells for row in rows}
    if (source / METADATA).is_file():
        return _literal(source / METADATA)
    ledger.remark(f"no {SPEAKERS} and no {METADATA} in the source: gender and accent are undeclared for everybody")
    return {}


def _literal(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Returns the mapping that `metadata.py` assigns, without running it."""
    try:
        assigned = [node.value for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.Assign)]
        found: object = ast.literal_eval(assigned[0])
    except (SyntaxError, ValueError, IndexError, RecursionError) as error:
        raise ManifestError([f"{path.name}: does not assign one plain mapping of speakers. Fetch it again."]) from error
    if not isinstance(found, dict):
        raise ManifestError([f"{path.name}: assigns no mapping of speakers. Fetch it again."])
    return {
        str(name): {str(k): str(v) for k, v in about.items()}
        for name, about in found.items()
        if isinstance(about, dict)
    }
