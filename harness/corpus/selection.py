"""A table, a datasheet and a column mapping in, a `Selection` out: which column is what, and which are left aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from harness.corpus.attributes import CONTRACT_COLUMNS, Attribute, AttributeKind, Provenance, clashes
from harness.corpus.cells import listed, shown
from harness.corpus.datasheet import DATASHEET_FILE, Datasheet
from harness.corpus.inferred import doubt
from harness.corpus.reading import Table
from harness.errors import ManifestError, UsageError

NEMO_NAMES = {"speaker": "speaker_id", "lang": "language"}  # read so where the contract's own name is absent
FREE_TEXT_VALUES = 100  # a column with more different values than this...
FREE_TEXT_SHARE = 0.1  # ...that are also more than this share of the rows, is free text and not an attribute

# Without a datasheet nobody said what a column describes; these names leave no doubt, all others are `content`.
KINDS_BY_NAME = {
    **dict.fromkeys(("accent", "accents"), AttributeKind.accent),
    **dict.fromkeys(("dialect", "dialects", "variant"), AttributeKind.dialect),
    **dict.fromkeys(
        ("age", "gender", "sex", "ethnicity", "race", "nationality", "country", "native_language", "first_language"),
        AttributeKind.demographic,
    ),
    **dict.fromkeys(("snr", "snr_db", "noise", "device", "microphone", "channel"), AttributeKind.acoustic),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Says which column of a table is what.

    Attributes:
        columns: The table's column for each contract column and attribute that has one.
        datasheet: The datasheet; where there was none, with the table's own attributes filled in.
        notes: What was left aside, in words for the report.
    """

    columns: dict[str, str]
    datasheet: Datasheet
    notes: tuple[str, ...]


def select(table: Table, datasheet: Datasheet, mapping: Mapping[str, str], *, require_audio: bool) -> Selection:
    """Finds the columns of the contract and the attributes; missing ones are noted in `table.problems`.

    Raises:
        UsageError: The mapping names something that is not there.
    """
    declared = [attribute.name for attribute in datasheet.attributes]
    _check_mapping(table, mapping, [*CONTRACT_COLUMNS, *declared])
    columns = _contract_columns(table, mapping, declared)
    _check_contract(table, columns, require_audio=require_audio)
    if datasheet.declared:
        return _with_declared_attributes(table, datasheet, columns, mapping)
    return _with_all_attributes(table, datasheet, columns)


def _check_mapping(table: Table, mapping: Mapping[str, str], known: Sequence[str]) -> None:
    problems = []
    for name, column in mapping.items():
        if name not in known:
            problems.append(f"columns names {shown(name)}, which is {_not_among(name, known)}")
        elif column not in table.columns:
            problems.append(
                f"manifest.columns.{name}={column}: {table.problems.file} has no such column; {_found(table, column)}"
            )
    if problems:
        raise UsageError("\n".join(problems))


def _contract_columns(table: Table, mapping: Mapping[str, str], declared: Sequence[str]) -> dict[str, str]:
    columns = {name: mapping.get(name, name) for name in CONTRACT_COLUMNS}
    for nemo_name, name in NEMO_NAMES.items():
        is_free = nemo_name not in declared and nemo_name not in mapping.values()
        if columns[name] not in table.columns and nemo_name in table.columns and is_free:
            columns[name] = nemo_name
    return {name: column for name, column in columns.items() if column in table.columns}


def _check_contract(table: Table, columns: Mapping[str, str], *, require_audio: bool) -> None:
    if "text" not in columns:
        _add_missing(table, "text", "")
    if "utterance_id" not in columns and "audio_filepath" not in columns:
        _add_missing(table, "utterance_id", ", nor audio_filepath to derive ids from")
    elif require_audio and "audio_filepath" not in columns:
        _add_missing(table, "audio_filepath", "")


def _add_missing(table: Table, name: str, more: str) -> None:
    table.problems.add_file(
        f"has no column {name}{more}; {_found(table, name)} Map one: manifest.columns.{name}=ITS_NAME."
    )


def _with_declared_attributes(
    table: Table, datasheet: Datasheet, contract: dict[str, str], mapping: Mapping[str, str]
) -> Selection:
    columns = {attribute.name: mapping.get(attribute.name, attribute.name) for attribute in datasheet.attributes}
    missing = [
        f"{DATASHEET_FILE}: attribute {shown(name)} has no column in {table.problems.file}; {_found(table, column)} "
        "Correct its name, or remove it from the datasheet."
        for name, column in columns.items()
        if column not in table.columns
    ]
    if missing:
        raise ManifestError(missing)
    used = {*contract.values(), *columns.values()}
    left = [name for name in (*table.columns, *table.unreadable) if name not in used]
    notes = (f"columns not declared in the datasheet, not used: {listed(left)}",) if left else ()
    return Selection(contract | columns, datasheet, (*notes, *_doubts(datasheet.attributes)))


def _with_all_attributes(table: Table, datasheet: Datasheet, contract: dict[str, str]) -> Selection:
    notes = ["no datasheet: attributes are used as annotated"]
    left = [name for name in table.columns if name not in contract.values()]
    shadowed = [name for name in left if name in CONTRACT_COLUMNS]
    nested = [name for name in left if dict in set(map(type, table.columns[name]))]
    candidates = [name for name in left if name not in nested and name not in shadowed]
    attributes = _annotated(table, candidates)
    free_text = [attribute.name for attribute in attributes if _is_free_text(table.columns[attribute.name])]
    if shadowed:
        notes.append(f"columns that the mapping replaces, not used: {listed(shadowed)}")
    if nested or table.unreadable:
        notes.append(f"columns with nested records or bytes, not used: {listed([*nested, *table.unreadable])}")
    if free_text:
        notes.append(f"columns with too many different values to slice on, not used: {listed(free_text)}")
    kept = tuple(attribute for attribute in attributes if attribute.name not in free_text)
    columns = contract | {attribute.name: attribute.name for attribute in kept}
    return Selection(columns, replace(datasheet, attributes=kept), (*notes, *_doubts(kept)))


def _doubts(attributes: Sequence[Attribute]) -> list[str]:
    """Return what should be looked at again: attributes of people whose very names say that they were guessed."""
    return [told for each in attributes if (told := doubt(each.name, each.kind, each.provenance))]


def _annotated(table: Table, names: Sequence[str]) -> list[Attribute]:
    attributes = []
    for name in names:
        multivalued = list in set(map(type, table.columns[name]))
        kind = KINDS_BY_NAME.get(name.casefold(), AttributeKind.content)
        try:
            attributes.append(Attribute(name, kind, Provenance.annotated, multivalued=multivalued))
        except ManifestError as error:
            for problem in error.problems:
                table.problems.add_file(f"{problem} Or write a {DATASHEET_FILE} that declares the columns to use.")
    for problem in clashes(attribute.name for attribute in attributes):
        table.problems.add_file(problem)
    return attributes


def _is_free_text(cells: list[object]) -> bool:
    n_values = len({cell if isinstance(cell, str) else repr(cell) for cell in cells})
    return n_values > FREE_TEXT_VALUES and n_values > FREE_TEXT_SHARE * len(cells)


def _found(table: Table, wanted: str) -> str:
    if wanted in table.unreadable:
        return f"its type, {table.unreadable[wanted]}, holds nested records or bytes."
    names = list(table.columns)
    close = get_close_matches(wanted, names, n=1)
    advice = f" Did you mean {shown(close[0])}?" if close else ""
    return f"found {', '.join(map(shown, names))}.{advice}"


def _not_among(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    advice = f" Did you mean {close[0]}?" if close else ""
    return f"neither a manifest column nor a declared attribute; expected one of {', '.join(known)}.{advice}"
