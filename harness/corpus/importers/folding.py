"""A folding table in, spellings of an attribute's values brought together in a further attribute out.

A corpus's own words stay as they are. On request, a table says which of them mean the same, and where that is from;
it is a mapping with `name`, `source` and `attributes`, as in `foldings/`: for each new attribute, what it is
made `from`, a `description`, and `values`, from the corpus's words to those that are comparable.

Where several values stand in one cell, as Common Voice writes accents, the table says what may stand `between` them. A
value is looked up whole first, then in the longest parts that are named, since names have commas of their own.

A value that the table does not name stays as it is, so nobody is lost; how many did is a remark of the import.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.corpus.attributes import Attribute
from harness.corpus.cells import CellError, shown, value_text
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.corpus import Value
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError

FOLDER = Path(__file__).parent / "foldings"
_KEYS = {"name", "source", "attributes"}
_ATTRIBUTE_KEYS = {"from", "description", "values", "between"}
MOST_PARTS, LONGEST_PARTED = 50, 1_000  # parts and characters of one cell; with more it is prose and stays whole
MOST_REMEMBERED = 100_000  # different cells of an attribute that are looked up once, and values that are counted


@dataclass(frozen=True, slots=True)
class FoldedAttribute:
    """Is a new attribute and what it is made of.

    Attributes:
        name: Of the new attribute.
        source: The corpus's own.
        description: What a reader of the report should know.
        values: The new value by the old one, case-folded.
        between: Characters that part several values in one cell; empty where a cell is one value.
        said_by: Where the table is from.
    """

    name: str
    source: str
    description: str
    values: Mapping[str, str]
    between: str = ""
    said_by: str = ""

    def declared(self, sheet: Datasheet) -> Attribute | None:
        """Returns its declaration: kind and provenance are those of what it is made of, None where that is absent."""
        for attribute in sheet.attributes:
            if attribute.name == self.source:
                described = f"{self.description} Folded from {self.source}: {self.said_by}".strip()
                kind, provenance = attribute.kind, attribute.provenance
                return Attribute(
                    self.name, kind, provenance, described, multivalued=attribute.multivalued or bool(self.between)
                )
        return None

    def named(self, value: str) -> str | None:
        """Returns what the table makes of a value; None where it does not name it."""
        return self.values.get(value_text(value).casefold())

    def parts(self, cell: str) -> list[tuple[str, str | None]]:
        """Returns the values of a cell, each with what the table makes of it: the longest parts that are named."""
        whole = self.named(cell)
        pieces = _pieces(cell, self.between) if whole is None else []
        if len(pieces) < 2:
            return [(cell, whole)]
        parts, start = [], 0
        while start < len(pieces):
            found, end = None, len(pieces)
            while found is None and end > start:
                part = cell[pieces[start][0] : pieces[end - 1][1]].strip()
                found = self.named(part)
                end -= 1
            parts.append((part, found))
            start = end + 1
        return [(part, found) for part, found in parts if part]


class Folding:
    """Adds folded attributes to those of records, and counts the values that its table does not name."""

    def __init__(self, source: str, attributes: Sequence[FoldedAttribute]) -> None:
        self.source = source
        self.attributes = tuple(attributes)
        self.n_unnamed: dict[str, Counter[str]] = {each.name: Counter() for each in attributes}
        self._known: dict[str, dict[str, list[tuple[str, str | None]]]] = {each.name: {} for each in attributes}

    def folded(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        """Returns the attributes of a record with those that are folded; nothing said stays nothing said.

        Raises:
            CellError: The record has an attribute of the new one's name, or a value that is none.
        """
        added = dict(attributes)
        for each in self.attributes:
            if each.name in attributes:
                raise CellError(f"no attribute {each.name}, which the folding table makes. Rename it in the table.")
            if each.source in attributes:
                added[each.name] = self._value(each, attributes[each.source])
        return added

    def _value(self, attribute: FoldedAttribute, value: Value) -> Value:
        if isinstance(value, str):
            values = self._values(attribute, value)
            return values if attribute.between and value else values[0]
        if isinstance(value, Sequence):
            parts = [part for each in value for part in self._values(attribute, each)]
            return list(dict.fromkeys(parts))
        return value

    def _values(self, attribute: FoldedAttribute, cell: str) -> list[str]:
        """Returns the different values of a cell, at least one."""
        known = self._known[attribute.name]
        parts = known.get(cell)
        if parts is None:
            parts = attribute.parts(cell)
            if len(known) < MOST_REMEMBERED:
                known[cell] = parts
        unnamed = self.n_unnamed[attribute.name]
        for part, found in parts:
            if found is None and part and (part in unnamed or len(unnamed) < MOST_REMEMBERED):
                unnamed[part] += 1
        return list(dict.fromkeys(part if found is None else found for part, found in parts)) or [cell]


def read_foldings(names: Sequence[str]) -> Folding | None:
    """Reads several tables as one; None where none is named.

    Raises:
        UsageError: There is no such table, or two make an attribute of one name.
        ManifestError: One says something unusable.
    """
    tables = [read_folding(name) for name in names]
    attributes = [each for table in tables for each in table.attributes]
    twice = [name for name, n in Counter(each.name for each in attributes).items() if n > 1]
    if twice:
        raise UsageError(f"fold={list(names)}: {shown(twice[0])} is made by two of these tables. Leave one out.")
    return Folding("; ".join(table.source for table in tables), attributes) if tables else None


def read_folding(name: str) -> Folding:
    """Reads a table: one that comes with the harness, by name, or a YAML file.

    Raises:
        UsageError: There is no such table.
        ManifestError: It says something unusable; every problem is listed.
    """
    path = FOLDER / f"{name}.yaml" if name.isidentifier() else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise UsageError(f"fold={name}: no such table; expected a YAML file or one of {known}.")
    content = yaml_mapping(path.read_bytes(), path.name)
    problems = [f"{path.name}: has the unknown key {shown(key)}." for key in content if key not in _KEYS]
    attributes = content.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise ManifestError([*problems, f"{path.name}: has no attributes; expected a mapping from new to old values."])
    source = content.get("source")
    if not isinstance(source, str) or not source.strip():
        problems.append(f"{path.name}: has no source. Say where it is from, so that readers can judge it.")
    read = [_attribute(str(new), body, path.name, problems) for new, body in attributes.items()]
    folded = [replace(each, said_by=str(source)) for each in read]
    if problems:
        raise ManifestError(problems)
    return Folding(str(source), folded)


def _attribute(name: str, body: object, file: str, problems: list[str]) -> FoldedAttribute:
    about = body if isinstance(body, dict) else {}
    values, source = about.get("values"), about.get("from")
    if not isinstance(source, str) or not isinstance(values, dict) or not set(about) <= _ATTRIBUTE_KEYS:
        problems.append(f"{file}: attribute {shown(name)}: expected from, values and perhaps description and between.")
        return FoldedAttribute(name, "", "", {})
    if source == name:
        problems.append(f"{file}: attribute {shown(name)} is made from itself. Give it a name of its own.")
    if not all(isinstance(each, str) for pair in values.items() for each in pair):
        problems.append(
            f"{file}: attribute {shown(name)} has values that YAML does not read as text. Put them in quotes."
        )
    between = about.get("between", "")
    if not isinstance(between, str) or any(sign.isalnum() or sign.isspace() for sign in between):
        problems.append(f"{file}: attribute {shown(name)} has between={shown(between)}; expected signs such as ','.")
        between = ""
    pairs = [(value_text(str(old)).casefold(), value_text(str(new))) for old, new in values.items()]
    twice = [old for old, n_times in Counter(old for old, _ in pairs).items() if n_times > 1]
    problems += [f"{file}: attribute {shown(name)} names {shown(old)} twice, in other capitals." for old in twice]
    return FoldedAttribute(name, source, str(about.get("description", "")), dict(pairs), between)


def _pieces(cell: str, between: str) -> list[tuple[int, int]]:
    """Returns start and end of the shortest pieces of a cell; none where it cannot be parted."""
    cuts = [place for place, sign in enumerate(cell) if sign in between]
    if not cuts or len(cuts) >= MOST_PARTS or len(cell) > LONGEST_PARTED:
        return []
    return list(zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(cell)], strict=True))
