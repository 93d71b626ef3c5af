"""What an importer is told and what it gives back: options and a ledger in, a stream of records and a datasheet out.

An importer is one file with one function, `read_<format>(source, options, ledger) -> Corpus`. It looks at names and
headers at once and reads rows only as they are asked for, so that a corpus of any size passes through a little memory.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.corpus.datasheet import Datasheet
from harness.errors import ManifestError

MOST_PROBLEMS = 1_000  # named before a source is given up
Value = str | int | float | Sequence[str] | None  # of an attribute; None where nothing is recorded


@dataclass(kw_only=True)
class ImportOptions:
    """Says what is taken of a source, where its layout leaves a choice.

    Attributes:
        split: The part to take, such as `test` or `validated`; None: all, or the format's usual one.
        language: BCP 47 tag of rows that state none.
        recipe: The recipe of Lhotse that makes its manifests out of the source, such as `librispeech`.
        columns: The source's column for `utterance_id`, `audio_filepath`, `text`, `speaker_id` and others, where they
            have names that the format leaves open.
    """

    split: str | None = None
    language: str | None = None
    recipe: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """Is one utterance as its corpus has it.

    Attributes:
        file: Where it stands, as messages show it.
        line: Its line there, or row in a file without lines; from 1, or 0 where a file is one utterance.
        utterance_id: Unique in what is imported.
        text: The reference; "" where nothing was said.
        audio: Path of the recording, relative to the corpus's audio root, with slashes; None where there is none.
        embedded: The recording itself, where the source holds its bytes and no file does; it is written to one.
        speaker_id: None where unknown.
        offset: Start in the recording, seconds.
        duration: Length, seconds; None where the corpus does not say.
        language: BCP 47; None for that of the corpus.
        attributes: Values as the corpus has them, by attribute.
    """

    file: str
    line: int
    utterance_id: str
    text: str
    audio: str | None = None
    speaker_id: str | None = None
    offset: float = 0.0
    duration: float | None = None
    language: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    embedded: bytes | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Returns where it stands, for messages."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Corpus:
    """Is what an importer found.

    Attributes:
        datasheet: What the corpus is; attributes of records that it does not declare are added as annotated.
        records: Its utterances, once, in the order of the source; reading them may raise a `DataError`.
        audio_root: The folder that their audio paths start from; None where there is no audio, or records hold it.
    """

    datasheet: Datasheet
    records: Iterator[Record]
    audio_root: Path | None


class Ledger:
    """Keeps what an importer could not use: bad rows, which stop the import, and rows left out, which are listed.

    Attributes:
        problems: A line for every bad row, as errors show them.
        n_left_out: How many rows were left out, by reason.
        remarks: What outputs should say of the import.
    """

    def __init__(self, told: Callable[[str, str], None] | None = None) -> None:
        """Begins an empty ledger; `told` is given place and reason of every row that is left out."""
        self.problems: list[str] = []
        self.n_left_out: Counter[str] = Counter()
        self.remarks: list[str] = []
        self._told = told

    def refuse(self, place: str, problem: str) -> None:
        """Notes a row that is wrong; the problem starts with a verb and says what to do.

        Raises:
            ManifestError: There are so many that the source is probably of another format.
        """
        self.problems.append(f"{place}: {problem}")
        if len(self.problems) >= MOST_PROBLEMS:
            raise ManifestError([*self.problems, f"and perhaps more: gave up after {MOST_PROBLEMS:,} problems."])

    def leave_out(self, place: str, reason: str) -> None:
        """Notes a row that is in order and no utterance to be scored: the reason is the same text for all its kind."""
        self.n_left_out[reason] += 1
        if self._told is not None:
            self._told(place, reason)

    def remark(self, text: str) -> None:
        """Notes what outputs should say, once."""
        if text not in self.remarks:
            self.remarks.append(text)
