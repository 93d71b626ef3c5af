"""A folding table in, spellings of an attribute's values brought together in a further attribute out.

A corpus's own words stay as they are. On request, a table says which of them mean the same, and where that is from;
it is a mapping with `name`, `source` and `attributes`, as in `foldings/`: for each new attribute, what it is made `from`,
a `description`, and `values`, from the corpus's words to those that are comparable.

A value that the table does not name stays as it is, so nobody is lost; how many did is a remark of the import.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpus.attributes import Attribute
from harness.corpus.cells import shown, value_text
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.corpus import Value
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError

FOLDER = Path(__file__).parent / "foldings"
_KEYS = {"name", "source", "attributes"}
_ATTRIBUTE_KEYS = {"from", "description", "values"}


@dataclass(frozen=True, slots=True)
class FoldedAttribute:
    """Is a new attribute and what it is made of.

    Attributes:
        name: Of the new attribute.
        source: The corpus's own.
        description: What a reader of the report should know.
        values: The new value by the old one, case-folded.
    """

    name: str
    source: str
    description: str
    values: Mapping[str, str]

    def declared(self, sheet: Datasheet, said_by: str) -> Attribute | None:
        """Returns its declaration: kind and provenance are those of what it is made of, None where that is absent."""
        for attribute in sheet.attributes:
            if attribute.name == self.source:
                described = f"{self.description} Folded from {self.source}: {said_by}".strip()
                kind, provenance = attribute.kind, attribute.provenance
                return Attribute(self.name, kind, provenance, described, multivalued=attribute.multivalued)
        return None


class Folding:
    """Adds folded attributes to those of records, and counts the values that its table does not name."""

    def __init__(self, source: str, attributes: Sequence[FoldedAttribute]) -> None:
        self.source = source
        self.attributes = tuple(attributes)
        self.n_unnamed: dict[str, Counter[str]] = {each.name: Counter() for each in attributes}

    def folded(self, attributes: Mapping[str, Value]) -> dict[str, Value]:
        """Returns the attributes of a record with those that are folded."""
        added = dict(attributes)
        for each in self.attributes:
            if each.source in attributes:
                added[each.name] = self._value(each, attributes[each.source])
        return added

    def _value(self, attribute: FoldedAttribute, value: Value) -> Value:
        if isinstance(value, str):
            found = attribute.values.get(value_text(value).casefold())
            if found is None and value:
                self.n_unnamed[attribute.name][value] += 1
            return value if found is None else found
        if isinstance(value, Sequence):
            parts = (self._value(attribute, part) for part in value)
            return list(dict.fromkeys(part for part in parts if isinstance(part, str)))
        return value


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
    folded = [_attribute(str(new), body, path.name, problems) for new, body in attributes.items()]
    if problems:
        raise ManifestError(problems)
    return Folding(str(source), folded)


def _attribute(name: str, body: object, file: str, problems: list[str]) -> FoldedAttribute:
    about = body if isinstance(body, dict) else {}
    values = about.get("values")
    if not isinstance(about.get("from"), str) or not isinstance(values, dict) or not set(about) <= _ATTRIBUTE_KEYS:
        problems.append(f"{file}: attribute {shown(name)}: expected from, values and perhaps description.")
        return FoldedAttribute(name, "", "", {})
    pairs = [(value_text(str(old)).casefold(), value_text(str(new))) for old, new in values.items()]
    twice = [old for old, n_times in Counter(old for old, _ in pairs).items() if n_times > 1]
    problems += [f"{file}: attribute {shown(name)} names {shown(old)} twice, in other capitals." for old in twice]
    return FoldedAttribute(name, about["from"], str(about.get("description", "")), dict(pairs))
