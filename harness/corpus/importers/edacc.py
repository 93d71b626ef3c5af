"""The Edinburgh International Accents of English Corpus in; a record for each turn of its conversations out.

Layout of the release: `edacc_v1.0/{dev,test}/` with `segments` (turn, conversation, start, end), `text` and `utt2spk`
as Kaldi has them, and `stm`, which marks read passages as not to be scored; `data/CONVERSATION.wav`, and what speakers
said of themselves in `linguistic_background.csv`. Conversations stay whole; a turn is a place in one. The JSON Lines of
systems' transcripts that audits publish (`utt_id, speaker, accent, ref_raw`) are read, too, for their references.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CellError, number, shown
from harness.corpus.importers.corpus import Corpus, ImportOptions, Ledger, Record
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.textfiles import csv_rows, json_objects, text_lines
from harness.errors import UsageError

FOLDER, BACKGROUND, DATA = "edacc_v1.0", "linguistic_background.csv", "data"
SPLITS, USUAL = ("dev", "test"), "test"
NEEDED = ("segments", "text", "utt2spk")
SPEAKER = "PARTICIPANT_ID"
QUESTIONS = {  # how the question begins that heads a column of the background
    "how would you describe your accent": "accent_in_own_words",
    "what is your gender": "gender",
    "what's your ethnic background": "ethnicity",
    "what is your higher level of education": "education",
    "what's your year of birth": "year_of_birth",
    "what year did you start learning english": "year_of_first_english",
}
NOT_SCORED = "IGNORE_TIME_SEGMENT_IN_SCORING"
READ_PASSAGE = "is of the read passage, which the release says is not to be scored"
TAGS = "tags such as <LAUGH> and <OVERLAP> in the references are no words: score with reference_pattern='<[^>]*>'"
STM_WORDS = 5  # file, channel, speaker, start, end; then a label and the words
KEYS = ("utt_id", "speaker", "accent", "ref_raw")

Answers = Mapping[str, Mapping[str, str]]
Place = tuple[str, float, float]  # conversation, start and end in seconds


@dataclass(frozen=True, slots=True)
class _Part:
    """Is one part of the release: its folder, and what is beside the turns."""

    folder: Path
    audio: bool
    people: Answers
    not_scored: frozenset[Place]

    @property
    def root(self) -> Path:
        """Returns the folder of the release."""
        return self.folder.parent


def read_edacc(source: Path, options: ImportOptions, ledger: Ledger) -> Corpus:
    """Reads one part of the release, `test` unless `split=dev`, or the references of a file of transcripts.

    Raises:
        UsageError: The source is neither, or there is no such part.
        TextFileError: A file of it cannot be read as text.
    """
    ledger.remark(TAGS)
    root = next((each for each in (source, source / FOLDER) if (each / USUAL / NEEDED[0]).is_file()), None)
    if root is None:
        return Corpus(datasheet("edacc"), _references(_transcripts(source, ledger), ledger), None)
    folder = root / (options.split or USUAL)
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise UsageError(
            f"source={source}: {folder.name}/ has no {', '.join(missing)}; expected one of {', '.join(SPLITS)}, with "
            f"{', '.join(NEEDED)} in it. Name a part with split=, or fetch the release again."
        )
    audio = next((root / DATA).glob("*.wav"), None) is not None
    if not audio:
        ledger.remark(f"no recordings in {DATA}: transcripts made elsewhere can be scored, none heard")
    part = _Part(folder, audio, _background(root / BACKGROUND, ledger), _not_scored(folder / "stm", ledger))
    return Corpus(datasheet("edacc"), _turns(part, ledger), root if audio else None)


def _turns(part: _Part, ledger: Ledger) -> Iterator[Record]:
    texts, speakers = _by_turn(part.folder / "text"), _by_turn(part.folder / "utt2spk")
    file = f"{part.folder.name}/segments"
    for line, text in text_lines(part.folder / "segments"):
        place = _place(text.split()[1:])
        turn = text.partition(" ")[0]
        if place is None:
            ledger.refuse(f"{file}:{line}", f"is {shown(text)}; expected a turn, its conversation, start and end.")
        elif turn not in texts:
            ledger.refuse(f"{file}:{line}", f"has the turn {shown(turn)}, which text does not have. Fetch it again.")
        elif place in part.not_scored:
            ledger.leave_out(f"{file}:{line}", READ_PASSAGE)
        else:
            conversation, start, end = place
            speaker = speakers.get(turn)
            yield Record(
                file=file,
                line=line,
                utterance_id=turn,
                text=texts[turn],
                audio=f"{DATA}/{conversation}.wav" if part.audio else None,
                speaker_id=speaker,
                offset=start,
                duration=round(end - start, 6),
                attributes=part.people.get(speaker or "", {}),
            )


def _references(table: Path, ledger: Ledger) -> Iterator[Record]:
    for line, row in json_objects(table, lambda line, problem: ledger.refuse(f"{table.name}:{line}", problem)):
        turn, speaker, accent, text = (row.get(key) for key in KEYS)
        if not isinstance(turn, str) or not isinstance(text, str):
            ledger.refuse(
                f"{table.name}:{line}", f"has no text for {KEYS[0]} or {KEYS[3]}; expected {', '.join(KEYS)}."
            )
            continue
        yield Record(
            file=table.name,
            line=line,
            utterance_id=turn,
            text=text,
            speaker_id=speaker if isinstance(speaker, str) and speaker else None,
            attributes={"accent": accent if isinstance(accent, str) else None},
        )


def _transcripts(source: Path, ledger: Ledger) -> Path:
    """Returns the file of transcripts whose references are read."""
    found = [source] if source.is_file() else sorted(source.glob("*.jsonl"))
    if not found:
        raise UsageError(
            f"source={source}: no {USUAL}/{NEEDED[0]} and no *.jsonl in it. Name the folder {FOLDER}, or transcripts "
            f"with {', '.join(KEYS)}."
        )
    first = next(json_objects(found[0], lambda *_: None), None)
    if first is None or not set(KEYS) <= set(first[1]):
        keys = ", ".join(map(shown, first[1])) if first else "no object"
        raise UsageError(f"{found[0].name}: expected {', '.join(KEYS)} on each line; found {keys}.")
    if len(found) > 1:
        ledger.remark(
            f"the references are those of {found[0].name}; those of {len(found) - 1} more files were not read"
        )
    return found[0]


def _by_turn(path: Path) -> dict[str, str]:
    """Returns what follows the turn on each line, by turn."""
    pairs = (text.strip().partition(" ") for _, text in text_lines(path))
    return {turn: rest.strip() for turn, _, rest in pairs if turn}


def _not_scored(path: Path, ledger: Ledger) -> frozenset[Place]:
    """Returns where passages are read that the release does not score."""
    if not path.is_file():
        ledger.remark("no stm in the part: passages that were read are not told from what was said freely")
        return frozenset()
    words = (text.split() for _, text in text_lines(path) if NOT_SCORED in text)
    places = (_place([each[0], *each[3:5]]) for each in words if len(each) >= STM_WORDS)
    return frozenset(place for place in places if place is not None)


def _place(words: list[str]) -> Place | None:
    """Returns conversation, start and end; None where they are not that."""
    try:
        start, end = (number(word) for word in words[1:])
    except (CellError, ValueError):
        return None
    if start is None or end is None or not 0 <= start < end or "/" in words[0]:
        return None
    return words[0], start, end


def _background(path: Path, ledger: Ledger) -> Answers:
    """Returns what speakers said of themselves, word for word; an answer of several lines is on one."""
    if not path.is_file():
        ledger.remark(f"no {BACKGROUND} in the source: what speakers say of themselves is undeclared for everybody")
        return {}
    rows = list(csv_rows(path, lambda line, problem: ledger.refuse(f"{path.name}:{line}", problem)))
    if not rows and ledger.problems:
        return {}  # every row is refused, which ends the import
    names = list(rows[0].cells) if rows else []
    if SPEAKER not in names:
        raise UsageError(f"{path.name}: no column {SPEAKER}; found {', '.join(map(shown, names)) or 'no row'}.")
    columns = {name: attribute for name in names if (attribute := _question(name)) is not None}
    return {
        row.cells[SPEAKER].strip(): {
            attribute: " ".join(row.cells[name].splitlines()) for name, attribute in columns.items()
        }
        for row in rows
    }


def _question(name: str) -> str | None:
    asked = " ".join(name.replace("’", "'").casefold().split())
    return next((attribute for question, attribute in QUESTIONS.items() if asked.startswith(question)), None)
