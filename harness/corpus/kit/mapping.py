"""A table and what the user said in, which column is what out, or one error with every question and its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from harness.corpus.cells import shown
from harness.corpus.kit.names import AUDIO, END, MEANINGS, OFFSET, SPEAKER, TEXT, folded, names_of
from harness.corpus.kit.recordings import Found, Recordings
from harness.corpus.kit.table import Column, Table
from harness.errors import UsageError

MATCHED_SHARE = 0.5  # of a column's filled cells that name recordings, for it to be the column of files
OPTION = "kit.columns"
_ASKED = {
    AUDIO: "names each row's recording",
    TEXT: "holds what was said",
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """Says which column is what.

    Attributes:
        columns: By what they mean; what no column means is not in it.
        notes: How they were chosen.
    """

    columns: Mapping[str, Column]
    notes: tuple[str, ...]


def mapped(table: Table, recordings: Recordings, told: Mapping[str, str], *, where: str) -> Mapped:
    """Find the column of each meaning: by what the user said, by content for files, by names for the rest.

    Args:
        table: The sheet's.
        recordings: What cells of files must name.
        told: A column's name by its meaning; "" for no column.
        where: What messages call the sheet.

    Raises:
        UsageError: A column that the user named is not there, or it cannot be told which one is meant; every question
            is in it, each with the answer to give.
    """
    chosen, questions = _told(table, told, where)
    left = [column for column in table.columns if column not in chosen.values()]
    notes = []
    if AUDIO not in told:
        files, note, question = _files(table, left, recordings, where)
        questions += question
        notes += note
        if files is not None:
            chosen[AUDIO] = files
            left.remove(files)
    for meaning in (name for name in MEANINGS if name != AUDIO and name not in told):
        found = [column for column in left if column.is_named and meaning in names_of(column.name)]
        best = [column for column in found if names_of(column.name)[meaning] == _best(found, meaning)]
        if len(best) > 1:
            questions.append(_question(meaning, best, where))
        elif best:
            chosen[meaning] = best[0]
            left.remove(best[0])
        elif meaning == TEXT:
            questions.append(_question(meaning, left, where))
    if questions:
        raise UsageError("\n".join(questions))
    return Mapped({name: chosen[name] for name in MEANINGS if name in chosen}, tuple(notes))


def fits(table: Table, recordings: Recordings) -> bool:
    """Say whether a sheet has a column of files and, by its name, one of what was said."""
    files = any(_matches(table, column, recordings) for column in table.columns) or _named(table, AUDIO)
    return bool(files) and _named(table, TEXT)


def override(meaning: str, name: str) -> str:
    """Return what to add to the command for a column to mean something."""
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"\"{OPTION}.{meaning}='{quoted}'\""


def _told(table: Table, told: Mapping[str, str], where: str) -> tuple[dict[str, Column], list[str]]:
    chosen: dict[str, Column] = {}
    problems = []
    for meaning, name in told.items():
        if meaning not in MEANINGS:
            problems.append(f"{OPTION}.{meaning}: expected one of {', '.join(MEANINGS)}.")
        elif name:
            column = table.column(name) or _alike(table, name)
            if column is None:
                problems.append(f"{OPTION}.{meaning}={name}: {where} has no such column; {_listed(table, name)}")
            elif column in chosen.values():
                problems.append(f"{OPTION}.{meaning}={name}: the column has another meaning already. Name each once.")
            else:
                chosen[meaning] = column
    return chosen, problems


def _alike(table: Table, name: str) -> Column | None:
    found = [column for column in table.columns if column.is_named and folded(column.name) == folded(name) != ""]
    return found[0] if len(found) == 1 else None


def _listed(table: Table, wanted: str) -> str:
    names = [column.name for column in table.columns]
    close = get_close_matches(wanted, names, n=1)
    return f"found {', '.join(map(shown, names))}.{f' Did you mean {close[0]!r}?' if close else ''}"


def _named(table: Table, meaning: str) -> bool:
    return any(meaning in names_of(column.name) for column in table.columns if column.is_named)


def _best(found: list[Column], meaning: str) -> int:
    return min((names_of(column.name)[meaning] for column in found), default=0)


def _files(
    table: Table, left: list[Column], recordings: Recordings, where: str
) -> tuple[Column | None, list[str], list[str]]:
    """Return the column of files, what to note and what to ask."""
    finds = {column: found for column in left if (found := _matches(table, column, recordings))}
    with_suffix = [column for column, found in finds.items() if any(each.with_suffix for each in found)]
    candidates = with_suffix or list(finds)
    if not candidates:
        by_name = [column for column in left if column.is_named and AUDIO in names_of(column.name)]
        if len(by_name) != 1:
            return None, [], [_question(AUDIO, by_name or left, where, more=_none_match(recordings))]
        return by_name[0], [], []
    named = [column for column in candidates if column.is_named and AUDIO in names_of(column.name)]
    if len({tuple(each.path for each in finds[column]) for column in candidates}) == 1:
        column = (named or candidates)[0]  # they name the same recordings: any will do
    elif len(candidates) == 1:
        column = candidates[0]
    else:
        return None, [], [_question(AUDIO, candidates, where, more="Several columns name recordings of the folder. ")]
    return column, [] if column in named else [f"column {shown(column.name)} names the recordings, by its cells"], []


def _matches(table: Table, column: Column, recordings: Recordings) -> list[Found] | None:
    """Return what a column's cells name; None where too few name a recording."""
    found = [recordings.find(cell) for cell in table.cells(column)]
    n_filled = sum(map(bool, table.cells(column)))
    n_named = sum(1 for each in found if each.path is not None or each.several)
    return found if n_named and n_named >= MATCHED_SHARE * n_filled else None


def _none_match(recordings: Recordings) -> str:
    example = f", such as {recordings.paths[0]!r}," if recordings.paths else ""
    return f"No column names the {len(recordings.paths)} recordings of the folder{example} in half of its rows. "


def _question(meaning: str, candidates: list[Column], where: str, *, more: str = "") -> str:
    asked = _ASKED.get(meaning, f"is {meaning}")
    answers = " or ".join(override(meaning, column.name) for column in candidates) or "no column is left to choose"
    none = f", or {override(meaning, '')} for none of them" if meaning not in (AUDIO, TEXT) and candidates else ""
    return f"{where}: which column {asked}? {more}Add to the command: {answers}{none}."


def used_times(found: Mapping[str, Column], told: Mapping[str, str], *, is_segmented: bool) -> Mapping[str, Column]:
    """Leave columns of times out where each row is a whole recording: their lengths are rounded, and would cut it."""
    times = {name for name in (OFFSET, "duration", END) if name in found and not told.get(name)}
    if is_segmented and OFFSET in found:
        return found
    return {name: column for name, column in found.items() if name not in times}


def speaker_note(found: Mapping[str, Column]) -> list[str]:
    """Say that nobody is named as a speaker, and how to."""
    if SPEAKER in found:
        return []
    return [f"no column of speakers: add {override(SPEAKER, 'ITS NAME')} if there is one, else nothing can be tested"]
