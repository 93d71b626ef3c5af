"""A table of spellings and a normaliser go in, a normaliser that first writes each of them the standard way comes out.

Transcribers write what they hear (finna, tryna, lemme), recognisers often the words it stands for, and only one of the
two counts as an error. openai-whisper's English rules unify the mainstream reductions (gonna) and leave the others, so
that the choice of a normaliser moves the error rate of those who say them.

Off by default. Who speaks so may want to be written so, and a recogniser that rewrites a variety into the standard one
makes an error that this table would hide (Mei, Choi, Schellmann, Sloane and Koenecke 2025, arXiv:2506.08846: one text
standardisation hides how recognisers differ; ask the community that is transcribed). Switched on, it reads reference
and hypothesis alike, of everybody: Koenecke et al. (2020) wrote aks as ask in one group's references only.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError, UsageError
from harness.scoring.normalization import ByLanguage, Normalizer

DIALECT_SPELLINGS = Path(__file__).parent / "data" / "dialect_spellings.csv"
COLUMNS = ("spelling", "standard", "variety", "source")

_APOSTROPHES = "'’‘ʼ＇"
_ONE_APOSTROPHE = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))
_TOKEN = re.compile(r"'?\w+(?:'\w+)*'?")


@dataclass(frozen=True, slots=True)
class Spellings:
    """Maps spellings, in lower case with plain apostrophes, to the words that they stand for."""

    standard: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Names what is replaced by what; sources and varieties change no text and are not part of it."""
        pairs = "\n".join(f"{spelling}\t{standard}" for spelling, standard in sorted(self.standard.items()))
        return hashlib.sha256(pairs.encode()).hexdigest()


class WithSpellings:
    """Writes spellings the standard way, whole tokens in any case, and then applies another normaliser.

    A capital at the beginning of a token stays one, for a normaliser that keeps case.

    >>> from harness.scoring.normalization import LowercaseNoPunctuation
    >>> WithSpellings(LowercaseNoPunctuation(), Spellings({"finna": "fixing to"}))("Finna go, Finnair!")
    'fixing to go finnair'
    """

    def __init__(self, normalizer: Normalizer, spellings: Spellings) -> None:
        self._normalizer = normalizer
        self._spellings = spellings
        self._pattern = _pattern(spellings)

    @property
    def id(self) -> str:
        """Names the other normaliser and the digest of the table."""
        return f"{self._normalizer.id}+spellings@{self._spellings.digest[:8]}"

    def __call__(self, text: str) -> str:
        """Return the normalised text."""
        return self._normalizer(self._pattern.sub(self._standard, text))

    def _standard(self, found: re.Match[str]) -> str:
        standard = self._spellings.standard.get(found[0].lower().translate(_ONE_APOSTROPHE))
        if standard is None:  # a letter that only `re` takes for another's capital, such as the long s
            return found[0]
        return standard[0].upper() + standard[1:] if found[0].lstrip(_APOSTROPHES)[0].isupper() else standard


class ByLanguageWithSpellings(ByLanguage):
    """Chooses the rules by language as `ByLanguage` does, and applies the table to English only."""

    def __init__(self, spellings: Spellings) -> None:
        super().__init__()
        self._spelled = WithSpellings(super().for_language("en"), spellings)
        self._digest = spellings.digest

    @property
    def id(self) -> str:
        """Names the rules of each language and the digest of the table."""
        return f"{super().id}+spellings@{self._digest[:8]}"

    def for_language(self, language: str | None) -> Normalizer:
        """Return the rules for a BCP 47 tag; those for English read the table first."""
        english = super().for_language("en")
        rules = super().for_language(language)
        return self._spelled if rules is english else rules


def with_spellings(normalizer: Normalizer | ByLanguage, spellings: Spellings) -> Normalizer | ByLanguage:
    """Return a normaliser that reads the table first; of rules by language, those for English."""
    if isinstance(normalizer, ByLanguage):
        return ByLanguageWithSpellings(spellings)
    return WithSpellings(normalizer, spellings)


def read_spellings(path: Path | str = DIALECT_SPELLINGS) -> Spellings:
    """Read a table of spellings: CSV in UTF-8 with the columns spelling, standard, variety and source, none blank.

    Args:
        path: The file; by default the one of the package, in which every row says where its spelling is attested.

    Raises:
        UsageError: The file is not there, or is no such table.
        DataError: Rows cannot be used; every one is named with its line.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV file with the columns {', '.join(COLUMNS)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
                raise UsageError(
                    f"{path}: no column {', '.join(missing)} among {', '.join(rows.fieldnames or ['none'])}; expected "
                    f"{', '.join(COLUMNS)}"
                )
            lines = [(rows.line_num, row) for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV in UTF-8: {error}; save it as such") from error
    entries = [_entry(line, row) for line, row in lines]
    if problems := [f"{path}:{line}: {problem}" for line, problem in _problems(entries)]:
        raise DataError("\n".join(problems))
    if not entries:
        raise UsageError(f"{path}: holds no spelling; expected one a row")
    return Spellings({entry.spelling: entry.standard for entry in entries})


@dataclass(frozen=True, slots=True)
class _Entry:
    """Is a row of a table, and what is wrong with it by itself."""

    line: int  # that it ends on
    spelling: str
    standard: str
    problem: str  # empty when there is none


def _entry(line: int, row: Mapping[str, str]) -> _Entry:
    cells = {column: " ".join((row[column] or "").translate(_ONE_APOSTROPHE).split()) for column in COLUMNS}
    spelling, problem = cells["spelling"].lower(), ""
    if blank := [column for column in COLUMNS if not cells[column]]:
        problem = f"has no {', no '.join(blank)}; fill in every cell"
    elif len(row) > len(COLUMNS) and None in row:
        problem = "has more cells than there are columns; quote a cell that holds a comma"
    elif not _TOKEN.fullmatch(spelling):
        problem = "is not one word; expected letters, digits and apostrophes only"
    return _Entry(line, spelling, cells["standard"], problem)


def _problems(entries: Sequence[_Entry]) -> Iterator[tuple[int, str]]:
    """Yield what is wrong, and on which line."""
    first: dict[str, int] = {}
    spellings = {entry.spelling for entry in entries}
    for entry in entries:
        before = first.setdefault(entry.spelling, entry.line)
        if entry.problem:
            yield entry.line, f"spelling {entry.spelling!r} {entry.problem}"
        elif before != entry.line:
            yield entry.line, f"spelling {entry.spelling!r} is on line {before} already; keep one of them"
        elif chained := [word for word in entry.standard.lower().split() if word in spellings]:
            yield (
                entry.line,
                f"standard {entry.standard!r} has {chained[0]!r}, a spelling itself; write what it stands for",
            )


def _pattern(spellings: Spellings) -> re.Pattern[str]:
    """Match whole tokens: no letter or digit before or after, nor one beyond an apostrophe."""
    longest_first = sorted(spellings.standard, key=lambda spelling: (-len(spelling), spelling))
    either = "|".join(re.escape(spelling).replace("'", f"[{_APOSTROPHES}]") for spelling in longest_first)
    before, after = rf"(?<!\w)(?<!\w[{_APOSTROPHES}])", rf"(?!\w)(?![{_APOSTROPHES}]\w)"
    return re.compile(f"{before}(?:{either}){after}", re.IGNORECASE)
