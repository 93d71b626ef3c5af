"""The author's YAML in, what was stated and what was not out: nothing is invented for a field that is missing.

```yaml
service: Amazon Transcribe
version: batch, en-US
intended_uses:
  - Captions that a person checks.
configurations:
  - {run: artie_amazon_en-US, name: en-US, description: Language code en-US.}
```

A field holds one text, whose paragraphs are separated by empty lines, or a list of texts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from harness.corpus.cells import CellError, scalar_text, shown
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError
from harness.report.wording import plain

IDENTITY: Mapping[str, str] = {  # at the top of the card, a line each
    "service": "Service",
    "provider": "Provider",
    "version": "Version",
    "date": "As of",
    "author": "Card written by",
    "contact": "Contact",
}
FIELDS: Mapping[str, str] = {  # each a part of the card, under this name
    "overview": "Overview",
    "intended_uses": "Intended use cases",
    "out_of_scope_uses": "Out of scope",
    "limitations": "Limitations",
    "machine_learning": "Machine learning",
    "performance_expectations": "Performance expectations",
    "fairness_and_bias": "Fairness and bias",
    "explainability": "Explainability",
    "robustness": "Robustness",
    "privacy_and_security": "Privacy and security",
    "transparency": "Transparency",
    "governance": "Governance",
    "deployment_advice": "Deployment and performance optimization best practices",
    "further_information": "Further information",
}
CONFIGURATIONS = "configurations"
CONFIGURATION_KEYS = ("run", "name", "description")
KNOWN = (*IDENTITY, *FIELDS, CONFIGURATIONS)


@dataclass(frozen=True, slots=True)
class Statement:
    """Is what a field says.

    Attributes:
        texts: Its paragraphs, or its items.
        is_list: Whether they are items.
    """

    texts: tuple[str, ...]
    is_list: bool


@dataclass(frozen=True, slots=True)
class Configuration:
    """Is one of the ways in which the service was measured.

    Attributes:
        run: Name of the run's folder; empty where there is one run only.
        name: What the card calls it.
        description: Empty when not stated.
    """

    run: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Authored:
    """Is the part of a card that somebody wrote.

    Attributes:
        stated: By field; a field that says nothing is absent.
        configurations: In the order written.
    """

    stated: Mapping[str, Statement]
    configurations: tuple[Configuration, ...]

    @property
    def not_stated(self) -> tuple[str, ...]:
        """Name the fields that say nothing, as the card calls them."""
        return tuple(title for field, title in {**IDENTITY, **FIELDS}.items() if field not in self.stated)

    def line(self, field: str) -> str:
        """Return a field on one line; empty when not stated."""
        return " ".join(self.stated[field].texts) if field in self.stated else ""

    def as_json(self) -> dict[str, object]:
        """Return what a YAML file would have to hold to say the same."""
        fields: dict[str, object] = {
            field: list(statement.texts) if statement.is_list else "\n\n".join(statement.texts)
            for field, statement in self.stated.items()
        }
        if self.configurations:
            fields[CONFIGURATIONS] = [
                {"run": each.run, "name": each.name, "description": each.description} for each in self.configurations
            ]
        return fields


NOTHING_STATED = Authored({}, ())


def read_authored(path: Path) -> Authored:
    """Read the author's file.

    Raises:
        UsageError: It cannot be read, is not YAML, or says something that a card has no place for; all is listed.
    """
    try:
        content = yaml_mapping(path.read_bytes(), path.name)
    except OSError as error:
        raise UsageError(
            f"service={path}: cannot be read ({error.strerror}). Copy examples/service_card.yaml."
        ) from error
    except ManifestError as error:
        raise UsageError(str(error)) from error
    return parse_authored(content, path.name)


def parse_authored(content: Mapping[object, object], file: str) -> Authored:
    """Check what an author states.

    Raises:
        UsageError: It holds unknown keys or something that is no text; every problem is listed.
    """
    reader = _Reader()
    reader.check_keys(content, KNOWN, where="")
    order = {field: place for place, field in enumerate((*IDENTITY, *FIELDS))}
    stated = {
        str(field): statement
        for field, found in sorted(content.items(), key=lambda item: order.get(str(item[0]), len(order)))
        if field in order and (statement := reader.statement(found, str(field))).texts
    }
    authored = Authored(stated, reader.configurations(content.get(CONFIGURATIONS)))
    if reader.problems:
        raise UsageError("\n".join(f"{file}: {problem}" for problem in reader.problems))
    return authored


class _Reader:
    """Reads the author's mapping and collects every problem on the way."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def check_keys(self, content: Mapping[object, object], known: Sequence[str], *, where: str) -> None:
        for key in content:
            if key not in known:
                close = get_close_matches(key[:60], known, n=1) if isinstance(key, str) else []
                advice = f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(known)}."
                self.problems.append(f"{where}has the unknown key {shown(key)}. {advice}")

    def statement(self, found: object, field: str) -> Statement:
        items = found if isinstance(found, list) else re.split(r"\n\s*\n", self._raw(found, field))
        texts = [self._text(item, field) if isinstance(found, list) else plain(item) for item in items]
        kept = tuple(text for text in texts if text)
        return Statement((" ".join(kept),) if field in IDENTITY and kept else kept, isinstance(found, list))

    def configurations(self, found: object) -> tuple[Configuration, ...]:
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.problems.append(f"has {CONFIGURATIONS}={shown(found)}; expected a list, each with run and name.")
            return ()
        read = []
        for position, each in enumerate(found):
            where = f"{CONFIGURATIONS}[{position}]"
            self.check_keys(each, CONFIGURATION_KEYS, where=f"{where} ")
            read.append(Configuration(*(self._text(each.get(key), f"{where}.{key}") for key in CONFIGURATION_KEYS)))
            if not read[-1].name:
                self.problems.append(f"{where} has no name; expected what the card calls the run.")
        names = [each.name for each in read]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self.problems.append(f"{CONFIGURATIONS} has the name {shown(name)} more than once; expected one each.")
        return tuple(read)

    def _text(self, found: object, field: str) -> str:
        return plain(self._raw(found, field))

    def _raw(self, found: object, field: str) -> str:
        if isinstance(found, bool):
            self.problems.append(f"has {field}={found}: YAML reads yes, no, on and off so. Put it in quotes.")
            return ""
        if isinstance(found, float):
            self.problems.append(
                f"has {field}={found}: YAML drops the last zeros of numbers, as in 2.10. Put it in quotes."
            )
            return ""
        try:
            return scalar_text(found) or ""
        except CellError:
            self.problems.append(f"has {field}={shown(found)}; expected a text, or a list of texts.")
            return ""
