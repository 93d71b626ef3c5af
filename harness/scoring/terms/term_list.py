"""A customer's CSV of terms goes in, a checked `TermList` comes out, or every bad row by its line.

A spreadsheet writes such a file with commas, semicolons or tabs, with or without a byte order mark. Cells are texts:
what begins like a formula is a term like any other, and nothing is computed.
"""

import csv
import difflib
import hashlib
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.cells import CONTROL_CHARACTERS, LANGUAGE_TAG, listed, shown
from harness.errors import DataError, UsageError

log = logging.getLogger(__name__)

COLUMNS = ("term", "forms", "variants", "kind", "weight", "language")
BETWEEN = "|"  # forms of one cell
LONGEST_FORM = 200  # characters; a term is a few words
MOST_FORMS = 100  # of a term in one cell
HEAVIEST = 1_000
_LARGEST_FILE = 50_000_000  # bytes, of half a million terms
_SEPARATORS = ",;\t"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Term:
    """Is something that must be heard right, as its row says it, before any normalising.

    Attributes:
        term: Its canonical form, which outputs show.
        forms: Further surface forms (plurals, full names); said as one of them, it must be heard as that one.
        variants: Renderings that are right in place of any form as a whole (`10 mg` for `ten milligrams`).
        kind: What it is (medicine, name); empty when not told.
        weight: How many words each of its words counts as in the weighted word error rate.
        language: The language it is a term of, as a BCP 47 tag; None: of all.
        where: File and line, for messages.
    """

    term: str
    forms: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    kind: str = ""
    weight: int = 1
    language: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class TermList:
    """Holds terms in the order of their file."""

    terms: tuple[Term, ...]

    @property
    def digest(self) -> str:
        """Names what is counted: the same for the same terms in any order, wherever they were read from."""
        rows = sorted(
            json.dumps([t.term, sorted(t.forms), sorted(t.variants), t.kind, t.weight, t.language]) for t in self.terms
        )
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def read_terms(path: Path | str) -> TermList:
    """Read a list of terms.

    The file is CSV in UTF-8, cells apart by commas, semicolons or tabs. Columns: `term`; and if wanted `forms` and
    `variants` (several apart by `|`), `kind`, `weight` (a whole number, 1 when blank), `language`. Blank rows are
    skipped, columns of other names are not read.

    Raises:
        UsageError: The file is not there, or is no such table.
        DataError: Rows cannot be used; every one is named with its line.
    """
    path = Path(path)
    rows = _rows(path, _text(path))
    names = _names(path, next(rows, (1, []))[1])
    terms: list[Term] = []
    problems: list[str] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            terms.append(_term(f"{path.name}:{line}", _named(names, cells)))
        except _BadRowError as problem:
            problems.append(f"{path}:{line}: {problem}")
    if problems:
        raise DataError("\n".join(problems))
    if not terms:
        raise UsageError(f"{path}: holds no term; expected one a row under the header {', '.join(COLUMNS)}")
    return TermList(tuple(terms))


class _BadRowError(ValueError):
    """Says what is wrong with a row, and what to do."""


def _text(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV file with the columns {', '.join(COLUMNS)}")
    if path.stat().st_size > _LARGEST_FILE:
        raise UsageError(f"{path}: is larger than {_LARGEST_FILE // 1_000_000} MB; expected a list of terms, one a row")
    data = path.read_bytes()
    if data.startswith(_UTF_16_MARKS):
        raise UsageError(f"{path}: is in UTF-16; save it as CSV in UTF-8")
    if data.startswith(b"PK\x03\x04"):
        raise UsageError(f"{path}: is a workbook or an archive; save the sheet as CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 ({error}); save it as CSV in UTF-8") from error


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line that each row begins on, and its cells."""
    stated, _, rest = text.partition("\n")
    is_stated = stated.rstrip("\r").lower() in {f"sep={separator}" for separator in _SEPARATORS}  # a spreadsheet's
    separator = stated[4] if is_stated else _separator(stated)
    reader = csv.reader(io.StringIO(rest if is_stated else text, newline=""), delimiter=separator, strict=True)
    line = first = 1 + is_stated
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + first
    except csv.Error as error:
        raise DataError(f"{path}:{line}: cannot be read as CSV ({error}); mend the quotation marks there") from error


def _separator(header: str) -> str:
    """Return what separates the cells of a header: what stands in it most often."""
    return max(_SEPARATORS, key=header.count)


def _names(path: Path, header: Sequence[str]) -> list[str]:
    """Return the names of the columns, checked."""
    names = [cell.strip().lower() for cell in header]
    if "term" not in names:
        raise UsageError(
            f"{path}: no column term among {listed(header) or 'none'}; expected a first row of {', '.join(COLUMNS)}, "
            "all but term as you need them"
        )
    if repeated := sorted({name for name in names if name in COLUMNS and names.count(name) > 1}):
        raise UsageError(f"{path}: column {', '.join(repeated)} appears twice; rename one")
    others = [name for name in names if name and name not in COLUMNS]
    for name in others:
        if meant := difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.8):
            raise UsageError(f"{path}: column {shown(name)} is not read; call it {meant[0]}, or something else")
    if others:
        log.warning("%s: columns %s are not read; known are %s", path, listed(others), ", ".join(COLUMNS))
    return names


def _named(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(names) :]):
        raise _BadRowError(
            f"has {len(cells)} cells where the first row has {len(names)}; quote a cell that holds the separator"
        )
    row = dict.fromkeys(COLUMNS, "") | dict(zip(names, (cell.strip() for cell in cells), strict=False))
    for name in COLUMNS:
        if CONTROL_CHARACTERS.search(row[name]):
            raise _BadRowError(f"{name} {shown(row[name])} holds a line break or control character; write it on a line")
    return row


def _term(where: str, row: Mapping[str, str]) -> Term:
    if not row["term"]:
        raise _BadRowError("has no term; write one, or remove the row")
    if BETWEEN in row["term"]:
        raise _BadRowError(f"term {shown(row['term'])} holds {BETWEEN!r}; write one form, and further ones under forms")
    if row["language"] and not LANGUAGE_TAG.fullmatch(row["language"]):
        raise _BadRowError(f"language {shown(row['language'])} is no BCP 47 tag such as en or en-GB; correct it")
    return Term(
        term=_form("term", row["term"]),
        forms=_forms("forms", row["forms"]),
        variants=_forms("variants", row["variants"]),
        kind=_form("kind", row["kind"]),
        weight=_weight(row["weight"]),
        language=row["language"] or None,
        where=where,
    )


def _forms(column: str, cell: str) -> tuple[str, ...]:
    forms = tuple(dict.fromkeys(_form(column, form.strip()) for form in cell.split(BETWEEN) if form.strip()))
    if len(forms) > MOST_FORMS:
        raise _BadRowError(f"{column} holds {len(forms)} forms; expected at most {MOST_FORMS}. Write a term a row.")
    return forms


def _form(column: str, form: str) -> str:
    if len(form) > LONGEST_FORM:
        raise _BadRowError(
            f"{column} {shown(form)} has {len(form)} characters; expected at most {LONGEST_FORM}. Write the few words "
            "that matter."
        )
    return form


def _weight(cell: str) -> int:
    if not cell:
        return 1
    whole = cell.removesuffix(".0")
    if whole.isascii() and whole.isdigit() and len(whole) <= 4 and 1 <= int(whole) <= HEAVIEST:
        return int(whole)
    raise _BadRowError(
        f"weight {shown(cell)} is no whole number from 1 to {HEAVIEST}; write how many ordinary words one of its words "
        "is worth"
    )
