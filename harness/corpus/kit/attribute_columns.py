"""A table's columns that mean nothing else in, the attributes to slice on out, and of the others why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.corpus.attributes import (
    CONTRACT_COLUMNS,
    INTERSECTION_SEPARATOR,
    OUTPUT_COLUMNS,
    Attribute,
    AttributeKind,
    Provenance,
)
from harness.corpus.cells import NUMBER, shown
from harness.corpus.datasheet import DEFAULT_DECLINED, DEFAULT_UNDECLARED
from harness.corpus.kit.names import SPEAKER, folded
from harness.corpus.kit.options import KitOptions
from harness.corpus.kit.personal import personal_kind
from harness.corpus.kit.table import Column, Table
from harness.corpus.selection import KINDS_BY_NAME
from harness.errors import ManifestError, UsageError

MOST_NUMBERS = 10  # different numbers that are still values and not a scale
SCATTERED_SHARE = 0.8  # of the filled cells that are different, from FEWEST_SCATTERED on: remarks, times, codes
FEWEST_SCATTERED = 10
FEWEST_PEOPLE = 5  # below, that each has a value of their own is chance

UNDECLARED_TEXTS = (
    *DEFAULT_UNDECLARED, "n/a", "-", "–", "?", "unknown", "not recorded", "unbekannt", "inconnu", "desconocido",
)  # fmt: skip
DECLINED_TEXTS = (
    *DEFAULT_DECLINED, "declined to say", "keine Angabe", "préfère ne pas répondre", "prefiero no decirlo",
)  # fmt: skip

_KINDS = {
    **KINDS_BY_NAME,
    **dict.fromkeys(("akzent", "acento", "accento", "akzente"), AttributeKind.accent),
    **dict.fromkeys(("mundart", "dialekt", "dialecte", "dialecto", "dialetto"), AttributeKind.dialect),
    **dict.fromkeys(
        """agegroup ageband ageyears geschlecht alter altersgruppe sexe genre edad genero sexo eta muttersprache
        mothertongue nativelanguage firstlanguage nationalitat nationality herkunft leeftijd geslacht
        ethnicity""".split(),  # noqa: SIM905
        AttributeKind.demographic,
    ),
    **dict.fromkeys(
        """room raum zimmer ward station noiselevel background mic mikrofon mikrophon micro gerat geraet headset phone
        condition environment umgebung larm laerm distance""".split(),  # noqa: SIM905
        AttributeKind.acoustic,
    ),
}  # fmt: skip
KINDS = {folded(name): kind for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class AttributeColumn:
    """Is a column that is sliced on.

    Attributes:
        column: In the spreadsheet.
        attribute: What the manifest and the datasheet say of it.
    """

    column: Column
    attribute: Attribute


@dataclass(frozen=True, slots=True)
class ChosenAttributes:
    """Holds the attributes of a table.

    Attributes:
        columns: In the order of the spreadsheet.
        notes: Which columns are not used and why, and what was renamed.
    """

    columns: tuple[AttributeColumn, ...]
    notes: tuple[str, ...]


def chosen_attributes(
    table: Table, meanings: Mapping[str, Column], options: KitOptions, *, known: Mapping[str, Attribute]
) -> ChosenAttributes:
    """Choose the columns to slice on and declare them.

    Args:
        table: The sheet's.
        meanings: The columns that mean something else.
        options: What the user said.
        known: Attributes as an earlier datasheet of this kit declares them, by name; what is said now counts more.

    Raises:
        UsageError: The user named a column that is not there.
        ManifestError: An attribute cannot be declared so, as a demographic one that was inferred.
    """
    taken = {column.position for column in meanings.values()}
    free = [column for column in table.columns if column.position not in taken]
    named = _named(table, free, options)
    notes: list[str] = []
    if options.attributes is None:
        reasons = {
            column.name: None
            if _attribute_name(column.name) in known
            else _unfit(table, column, meanings.get(SPEAKER), options)
            for column in free
        }
        notes += [f"column {shown(name)} is not sliced on: {reason}" for name, reason in reasons.items() if reason]
        wanted = [column for column in free if reasons[column.name] is None and any(table.cells(column))]
    else:
        wanted = [named[name] for name in options.attributes]
        left = [shown(column.name) for column in free if column not in wanted]
        notes += [f"columns not named in kit.attributes, not used: {', '.join(left)}"] if left else []
    declared: list[AttributeColumn] = []
    problems: list[str] = []
    for column in wanted:
        name = _attribute_name(column.name)
        if name != column.name:
            notes.append(f"column {shown(column.name)} is called {shown(name)}: the results have its own name already")
        try:
            declared.append(AttributeColumn(column, _declared(name, column.name, options, known.get(name))))
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(problems)
    return ChosenAttributes(tuple(declared), tuple(notes))


def _named(table: Table, free: Sequence[Column], options: KitOptions) -> dict[str, Column]:
    """Return the columns that the user names anywhere, by these names."""
    found, problems = {}, []
    told = {
        "attributes": list(options.attributes or ()),
        "kinds": list(options.kinds),
        "provenance": list(options.provenance),
        "bins": list(options.bins),
    }
    for option, name in ((option, name) for option, names in told.items() for name in names):
        column = table.column(name)
        if column in free and column is not None:
            found[name] = column
        else:
            what = "has another meaning" if column is not None else "is not in the spreadsheet"
            columns = ", ".join(shown(each.name) for each in free)
            problems.append(f"kit.{option} names the column {shown(name)}, which {what}; expected one of {columns}.")
    if problems:
        raise UsageError("\n".join(problems))
    return found


def _unfit(table: Table, column: Column, speaker: Column | None, options: KitOptions) -> str | None:
    """Say why a column is not to be sliced on; None where it is."""
    cells = table.cells(column)
    filled = [cell for cell in cells if cell]
    if not filled:
        return None
    if not column.is_named:
        return "it has no header; give it one"
    ask = f"add kit.attributes with {shown(column.name)} in its list to use it all the same"
    personal = personal_kind(column.name, cells)
    if personal is not None:
        return f"it looks like personal data ({personal}); {ask}"
    if column.name in options.bins:
        return None
    n_values = len(set(filled))
    n_numbers = sum(1 for cell in filled if NUMBER.fullmatch(cell.replace(",", ".")))
    if n_values > MOST_NUMBERS and n_numbers > SCATTERED_SHARE * len(filled):
        return f"it has {n_values} different numbers; make ranges of them with their edges: kit.bins={{age: [30, 60]}}"
    is_known = folded(column.name) in KINDS
    if speaker is not None and not is_known and _is_of_one_person(cells, table.cells(speaker)):
        return f"each of its values is one person's, and each person's the same; {ask}"
    if n_values >= FEWEST_SCATTERED and n_values >= SCATTERED_SHARE * len(filled):
        return f"it has {n_values} different values in {len(filled)} rows, too many to compare; {ask}"
    return None


def _is_of_one_person(cells: Sequence[str], speakers: Sequence[str]) -> bool:
    """Say whether values and speakers are one to one."""
    pairs = {(cell, speaker) for cell, speaker in zip(cells, speakers, strict=True) if cell and speaker}
    n_values, n_people = (len({pair[side] for pair in pairs}) for side in (0, 1))
    return n_people >= FEWEST_PEOPLE and len(pairs) == n_values == n_people


def _attribute_name(header: str) -> str:
    """Return a header that no other stage has a use for."""
    name = header.replace(INTERSECTION_SEPARATOR, " and ")
    return f"{name} (spreadsheet)" if name.casefold() in {*OUTPUT_COLUMNS, *CONTRACT_COLUMNS} else name


def _declared(name: str, header: str, options: KitOptions, before: Attribute | None) -> Attribute:
    """Declare an attribute: as the user says now, else as the datasheet said before, else by its name."""
    base = before or Attribute(name, KINDS.get(folded(header), AttributeKind.content), Provenance.annotated)
    bins = tuple(options.bins[header]) if header in options.bins else base.bins
    return replace(
        base,
        kind=AttributeKind[options.kinds[header]] if header in options.kinds else base.kind,
        provenance=Provenance[options.provenance[header]] if header in options.provenance else base.provenance,
        bins=bins,
        order=() if bins else base.order,
    )
