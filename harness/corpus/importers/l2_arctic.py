"""The folder of L2-ARCTIC in; a record for each sentence that its speakers read, or for each story they retell, out.

Layout of release 5: a folder for each of 24 speakers with `transcript/arctic_a0001.txt` and `wav/arctic_a0001.wav`, and
`suitcase_corpus/` with `transcript/aba.txt` and `wav/aba.wav`, in which 22 of them (not ASI and SKA) retell a story
from pictures. The archive of each folder may have been unpacked into a folder of its name. First language and gender
are in the release's README; they come with the harness in `tables/l2_arctic.csv`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import csv_rows, text_lines
from harness.errors import UsageError

TABLE = Path(__file__).parent / "tables" / "l2_arctic.csv"
READ, TOLD = "read", "suitcase"
SUITCASE = "suitcase_corpus"
MOST_LINES = 1_000  # of a transcript

People = Mapping[str, Mapping[str, str]]


def read_l2_arctic(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads the sentences that were read, or with `split=suitcase` the stories that were told.

    Raises:
        UsageError: There are no speakers, no transcripts, or no such split.
        TextFileError: A transcript cannot be read as text.
    """
    if options.split not in (None, READ, TOLD):
        raise UsageError(f"split={options.split}: expected {READ}, which is usual, or {TOLD}.")
    people = {row.cells["speaker"]: row.cells for row in csv_rows(TABLE, lambda *_: None)}
    folders = _suitcase(source) if options.split == TOLD else _speakers(source, people)
    if not any(next((folder / "transcript").glob("*.txt"), None) for folder in folders):
        wanted = f"{SUITCASE}/transcript/aba.txt" if options.split == TOLD else "ABA/transcript/arctic_a0001.txt"
        raise UsageError(
            f"source={source}: no {wanted} or alike in it. Name the folder that its archives were unpacked in."
        )
    has_audio = any(next((folder / "wav").glob("*.wav"), None) for folder in folders)
    if not has_audio:
        ledger.remark("no recordings in the source: transcripts made elsewhere can be scored, none heard")
    records = (record for folder in folders for record in _records(source, folder, people, ledger, has_audio=has_audio))
    return Corpus(datasheet("l2_arctic"), records, source if has_audio else None)


def _records(source: Path, folder: Path, people: People, ledger: Ledger, *, has_audio: bool) -> Iterator[Record]:
    for path in sorted((folder / "transcript").glob("*.txt")):
        told = folder.name == SUITCASE
        speaker = path.stem.upper() if told else folder.name
        place = path.relative_to(source).as_posix()
        if speaker not in people:
            ledger.refuse(
                place, f"is of a speaker whom the release does not have; expected one of {', '.join(people)}."
            )
            continue
        yield Record(
            file=place,
            line=0,
            utterance_id=f"{speaker}_{TOLD if told else path.stem}",
            text=_text(path, place),
            audio=(folder / "wav" / f"{path.stem}.wav").relative_to(source).as_posix() if has_audio else None,
            speaker_id=speaker,
            attributes={name: people[speaker][name] for name in ("native_language", "gender")},
        )


def _text(path: Path, place: str) -> str:
    """Returns a transcript, whose lines are one text."""
    lines = []
    for line, text in text_lines(path, name=place):
        if line > MOST_LINES:
            raise UsageError(f"{place}: has more than {MOST_LINES:,} lines; expected one sentence. Fetch it again.")
        lines.append(text.strip())
    return " ".join(each for each in lines if each)


def _speakers(source: Path, people: People) -> list[Path]:
    return [folder for name in sorted(people) for folder in (source / name, source / name / name) if _is_folder(folder)]


def _suitcase(source: Path) -> list[Path]:
    return [folder for folder in (source / SUITCASE, source / SUITCASE / SUITCASE) if _is_folder(folder)]


def _is_folder(folder: Path) -> bool:
    return (folder / "transcript").is_dir()
