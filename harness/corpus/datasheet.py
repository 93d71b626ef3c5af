"""A `datasheet.yaml` in, a checked `Datasheet` out: licence, language and what each attribute is.

```yaml
name: toy
version: "1"
license: CC0-1.0
language: en
homepage: https://example.org
description: Read sentences.
undeclared: ["", NA]            # values that mean "not recorded", in any capitals
declined: [prefer not to say]   # values that mean "asked and not answered"
citation: Doe et al. (2024), A toy corpus.
caveats: [Sentences were read; nobody speaks so.]   # what a reader of any number should know
attributes:
  accent: {kind: accent, provenance: self_reported, description: own words, order: [us, scottish]}
  age: {kind: demographic, provenance: self_reported, bins: [30, 60]}   # <30, 30-60 (30 in, 60 not), >=60
  device: {kind: acoustic, provenance: annotated, multivalued: true}
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TypeVar

from harness.corpus.attributes import Attribute, AttributeKind, Provenance, bin_labels, clashes
from harness.corpus.cells import CellError, language_tag, number, scalar_text, shown, value_text
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError

DATASHEET_FILE = "datasheet.yaml"
DEFAULT_UNDECLARED = ("", "NA")  # without a datasheet
DEFAULT_DECLINED = ("prefer not to say",)

Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True, slots=True)
class Datasheet:
    """Says what a corpus is and what its attributes mean.

    Attributes:
        name: What reports call the corpus.
        version: As its makers number it; empty when not stated.
        license: The licence's name; empty when not stated.
        language: BCP 47 tag of utterances that state none, or None when they are of several.
        homepage: Where the corpus is described; empty when not stated.
        description: What it is; empty when not stated.
        undeclared: Texts that mean "not recorded", matched without regard to capitals or spaces around them.
        declined: Texts that mean "asked and not answered", matched likewise.
        attributes: What can be sliced on, in the order declared.
        declared: False when there was no datasheet; attributes are then taken as annotated, and outputs say so.
        citation: How its makers want to be cited; empty when not stated.
        caveats: What a reader of any number about it should know, a sentence each.
    """

    name: str
    version: str
    license: str
    language: str | None
    homepage: str
    description: str
    undeclared: tuple[str, ...]
    declined: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    declared: bool
    citation: str = ""
    caveats: tuple[str, ...] = ()


DATASHEET_KEYS = tuple(field.name for field in fields(Datasheet) if field.name != "declared")
ATTRIBUTE_KEYS = tuple(field.name for field in fields(Attribute) if field.name != "name")


def read_datasheet(path: Path) -> Datasheet:
    """Reads and checks a datasheet.

    Raises:
        ManifestError: It is not YAML or says something unusable; every problem is listed.
    """
    return parse_datasheet(datasheet_bytes(path), path)


def datasheet_bytes(path: Path) -> bytes:
    """Returns what the file holds, or raises a `ManifestError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ManifestError([f"{path.name}: cannot be read: {error.strerror}."]) from error


def parse_datasheet(data: bytes, path: Path) -> Datasheet:
    """Checks the bytes of the datasheet at `path`, as `read_datasheet` does."""
    return _Reader(path.name).datasheet(yaml_mapping(data, path.name), default_name=path.absolute().parent.name)


def absent_datasheet(name: str) -> Datasheet:
    """Returns what stands in for a datasheet that is not there."""
    return Datasheet(name, "", "", None, "", "", DEFAULT_UNDECLARED, DEFAULT_DECLINED, (), declared=False)


class _Reader:
    """Reads a datasheet's mapping and collects every problem on the way."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[str] = []

    def datasheet(self, content: Mapping[object, object], *, default_name: str) -> Datasheet:
        """Returns the datasheet, or raises with every problem found."""
        self._check_keys(content, DATASHEET_KEYS, where="")
        datasheet = Datasheet(
            name=self._text(content, "name") or default_name,
            version=self._text(content, "version"),
            license=self._text(content, "license"),
            language=self._language(content),
            homepage=self._text(content, "homepage"),
            description=self._text(content, "description"),
            undeclared=self._texts(content, "undeclared"),
            declined=self._texts(content, "declined"),
            attributes=self._attributes(content.get("attributes")),
            declared=True,
            citation=self._text(content, "citation"),
            caveats=self._texts(content, "caveats"),
        )
        self._check_lists_apart(datasheet)
        if self._problems:
            raise ManifestError([f"{self._file}: {problem}" for problem in self._problems])
        return datasheet

    def _attributes(self, content: object) -> tuple[Attribute, ...]:
        if content is None:
            return ()
        if not isinstance(content, dict):
            self._problems.append(
                f"attributes holds {shown(content)}; expected a mapping from each column to its kind and provenance."
            )
            return ()
        read = [self._attribute(name, body) for name, body in content.items()]
        attributes = tuple(attribute for attribute in read if attribute is not None)
        self._problems += clashes(attribute.name for attribute in attributes)
        return attributes

    def _attribute(self, name: object, body: object) -> Attribute | None:
        where = f"attribute {shown(name)}"
        if not isinstance(name, str):
            self._problems.append(f"{where} has a name that YAML does not read as text. Put it in quotes.")
            return None
        if not isinstance(body, dict):
            self._problems.append(f"{where} holds {shown(body)}; expected at least kind and provenance.")
            return None
        self._check_keys(body, ATTRIBUTE_KEYS, where=f"{where} ")
        kind = self._choice(body, "kind", AttributeKind, where)
        provenance = self._choice(body, "provenance", Provenance, where)
        bins = self._numbers(body, "bins", where)
        order = self._texts(body, "order", where=f"{where} ")
        multivalued = self._flag(body, "multivalued", where)
        description = self._text(body, "description", where=f"{where} ")
        if kind is None or provenance is None or bins is None:
            return None
        try:
            attribute = Attribute(name, kind, provenance, description, order, bins, multivalued)
        except ManifestError as error:
            self._problems += error.problems
            return None
        return _ordered_by_bins(attribute)

    def _check_keys(self, content: Mapping[object, object], known: Sequence[str], *, where: str) -> None:
        for key in content:
            if key not in known:
                close = _close_match(key, known)
                advice = f"Did you mean {close}?" if close else f"Known keys: {', '.join(known)}."
                self._problems.append(f"{where}has the unknown key {shown(key)}. {advice}")

    def _text(self, content: Mapping[object, object], key: str, *, where: str = "") -> str:
        found = content.get(key)
        if isinstance(found, bool):
            self._problems.append(f"{where}has {key}={found}: YAML reads yes, no, on and off so. Put it in quotes.")
            return ""
        try:
            return (scalar_text(found) or "").strip()
        except CellError as error:
            self._problems.append(f"{where}has {key}={shown(found)}; expected {error}")
            return ""

    def _texts(self, content: Mapping[object, object], key: str, *, where: str = "") -> tuple[str, ...]:
        found = content.get(key)
        if found is None:
            return ()
        if not isinstance(found, list):
            self._problems.append(f"{where}has {key}={shown(found)}; expected a list of values in [brackets].")
            return ()
        texts = []
        for element in found:
            if isinstance(element, bool):
                self._problems.append(
                    f"{where}has {element} in {key}: YAML reads yes, no, on and off so. Put it in quotes."
                )
                continue
            try:
                texts.append(value_text(element))
            except CellError as error:
                self._problems.append(f"{where}has {shown(element)} in {key}; expected {error}")
        return tuple(texts)

    def _numbers(self, content: Mapping[object, object], key: str, where: str) -> tuple[float, ...] | None:
        found = content.get(key)
        if found is None:
            return ()
        try:
            edges = [number(edge) for edge in found] if isinstance(found, list) else []
        except CellError:
            edges = []
        if not edges or None in edges:
            self._problems.append(f"{where} has {key}={shown(found)}; expected a list of numbers like [30, 60].")
            return None
        return tuple(edge for edge in edges if edge is not None)

    def _flag(self, content: Mapping[object, object], key: str, where: str) -> bool:
        found = content.get(key, False)
        if not isinstance(found, bool):
            self._problems.append(f"{where} has {key}={shown(found)}; expected true or false.")
            return False
        return found

    def _choice(self, content: Mapping[object, object], key: str, choices: type[Choice], where: str) -> Choice | None:
        found = content.get(key)
        known = [choice.name for choice in choices]
        if isinstance(found, str) and found in known:
            return choices[found]
        close = _close_match(found, known)
        advice = f" Did you mean {close}?" if close else ""
        what = f"{key}={shown(found)}" if key in content else f"no {key}"
        self._problems.append(f"{where} has {what}; expected one of {', '.join(known)}.{advice}")
        return None

    def _language(self, content: Mapping[object, object]) -> str | None:
        text = self._text(content, "language")
        try:
            return language_tag(text)
        except CellError as error:
            self._problems.append(f"has language={shown(text)}; expected {error}")
            return None

    def _check_lists_apart(self, datasheet: Datasheet) -> None:
        declined = {text.casefold() for text in datasheet.declined}
        for text in datasheet.undeclared:
            if text.casefold() in declined:
                self._problems.append(f"has {shown(text)} both in undeclared and in declined. Keep it in one of them.")
        if "" in declined:
            self._problems.append("has '' in declined; an empty cell is always undeclared. Remove it there.")


def _close_match(found: object, known: Sequence[str]) -> str | None:
    close = get_close_matches(found[:60], known, n=1) if isinstance(found, str) else []
    return close[0] if close else None


def _ordered_by_bins(attribute: Attribute) -> Attribute:
    if not attribute.bins:
        return attribute
    return Attribute(
        attribute.name,
        attribute.kind,
        attribute.provenance,
        attribute.description,
        bin_labels(attribute.bins),
        attribute.bins,
        attribute.multivalued,
    )
