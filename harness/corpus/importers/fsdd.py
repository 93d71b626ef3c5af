"""The folder of the Free Spoken Digit Dataset in; a record for each of its recordings out.

Layout of the release: `recordings/{digit}_{speaker}_{take}.wav` and `metadata.py`, which names gender and accent of
every speaker; some copies have them in `speakers.csv`. Code is never run: `metadata.py` is read as a literal. Takes 0
to 4 of every digit and speaker are the release's test split, the others its training split.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.corpus.cells import shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import csv_rows
from harness.errors import ManifestError, UsageError

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS, METADATA, RECORDINGS = "speakers.csv", "metadata.py", "recordings"
N_TEST_TAKES = 5  # the first tenth of 50; README of the dataset, "Usage"
LONGEST_METADATA = 1_000_000  # bytes
_ATTRIBUTES = ("gender", "accent")

People = Mapping[str, Mapping[str, str]]


def read_fsdd(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads all takes, or those of `split=test` or `split=train`; the text is the digit that the file name says.

    Raises:
        UsageError: There are no recordings, or no such split.
        ManifestError: What is known of the speakers cannot be read.
    """
    if options.split not in (None, "test", "train"):
        raise UsageError(f"split={options.split}: expected test (takes 0 to 4), train (the others), or none for both.")
    folder = source / RECORDINGS if (source / RECORDINGS).is_dir() else source
    names = sorted(path.name for path in folder.glob("*.wav"))
    if not names:
        raise UsageError(f"source={source}: no recordings such as {RECORDINGS}/7_jackson_32.wav. Name the dataset.")
    people = _people(source, ledger)
    return Corpus(datasheet("fsdd"), _records(names, people, options.split, ledger), folder)


def _records(names: list[str], people: People, split: str | None, ledger: Ledger) -> Iterator[Record]:
    for name in names:
        digit, _, rest = name.removesuffix(".wav").partition("_")
        speaker, _, take = rest.rpartition("_")
        if digit not in map(str, range(10)) or not speaker or not (take.isascii() and take.isdecimal()):
            ledger.refuse(name, "is no recording of a digit; expected DIGIT_SPEAKER_TAKE.wav. Rename or remove it.")
            continue
        if split is not None and (int(take[-6:]) < N_TEST_TAKES) != (split == "test"):
            ledger.leave_out(name, f"is of another part than {split}")
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


def _people(source: Path, ledger: Ledger) -> People:
    for path in (source / SPEAKERS, source.parent / SPEAKERS):
        if path.is_file():
            rows = csv_rows(path, lambda line, problem: ledger.refuse(f"{SPEAKERS}:{line}", problem))
            return {row.cells.get("speaker", ""): row.cells for row in rows}
    for path in (source / METADATA, source.parent / METADATA):
        if path.is_file():
            return _literal(path)
    ledger.remark(f"no {SPEAKERS} and no {METADATA} in the source: gender and accent are undeclared for everybody")
    return {}


def _literal(path: Path) -> People:
    """Returns the mapping that `metadata.py` assigns, without running it."""
    if path.stat().st_size > LONGEST_METADATA:
        raise ManifestError(
            [f"{path.name}: has more than {LONGEST_METADATA:,} bytes for six speakers. Fetch it again."]
        )
    try:
        assigned = [node.value for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.Assign)]
        found: object = ast.literal_eval(assigned[0])
    except (SyntaxError, ValueError, TypeError, IndexError, RecursionError, MemoryError) as error:
        raise ManifestError([f"{path.name}: does not assign one plain mapping of speakers. Fetch it again."]) from error
    if not isinstance(found, dict) or not all(isinstance(about, dict) for about in found.values()):
        raise ManifestError([f"{path.name}: assigns {shown(found)}; expected a mapping of speakers. Fetch it again."])
    return {str(name): {str(key): str(value) for key, value in about.items()} for name, about in found.items()}
