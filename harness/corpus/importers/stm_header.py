"""The comments of an STM file in; what each place of its labels means, and which segments share a recording, out.

```
;; CATEGORY "1" "Sex" ""
;; LABEL "F" "Female" "Female callers"
```

say that the second place of every label is of the category `Sex`, and what one of its values means.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.corpus.attributes import Attribute
from harness.corpus.datasheet import Datasheet
from harness.corpus.importers.datasheets import annotated
from harness.corpus.textfiles import text_lines
from harness.corpus.tokens import token
from harness.errors import ManifestError

COMMENT = ";;"
OVERALL = "o"  # by NIST's usage the first label of every segment: all of them
MOST_PLACES = 100  # of a label
NOT_IN_LABELS = ',<>"'
CHANNEL = "channel"
_CATEGORY = re.compile(r';;\s*CATEGORY\s+"([0-9]{1,3})"\s+"([^"]*)"(?:\s+"([^"]*)")?.*', re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r';;\s*LABEL\s+"([^"]*)"\s+"([^"]*)"(?:\s+"([^"]*)")?.*', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Header:
    """Says what is known of a file, or of several, before their segments are read.

    Attributes:
        names: The attribute of each place of a label.
        sheet: The datasheet, with these attributes.
        channels: Channels by recording.
    """

    names: Sequence[str]
    sheet: Datasheet
    channels: Mapping[str, frozenset[str]]


@dataclass(slots=True)
class _Found:
    categories: dict[int, str] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)  # of labels, in the order declared
    labels_of: dict[int, list[str]] = field(default_factory=dict)
    channels: dict[str, frozenset[str]] = field(default_factory=dict)
    sets: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)  # of channels, each once in memory

    def add_channel(self, recording: str, channel: str) -> None:
        known = self.channels.get(recording, frozenset())
        if channel not in known:
            several = known | {channel}
            self.channels[recording] = self.sets.setdefault(several, several)


def read_header(files: Iterable[Path], sheet: Datasheet) -> Header:
    """Looks through files.

    Args:
        files: STM files.
        sheet: The datasheet that is known; it stands for itself where an export has written it.
    """
    found = _Found()
    for path in files:
        _look(path, found)
    declared = {token(each.name, never='"'): each.name for each in sheet.attributes}
    names: list[str] = []
    attributes = list(sheet.attributes)
    for place in range(MOST_PLACES):
        name = declared.pop(found.categories.get(place, ""), "")
        if not name:
            attribute = _attribute(place, found, {CHANNEL, *names, *(each.name for each in attributes)})
            name = attribute.name
            attributes += [attribute] if place in found.categories else []
        names.append(name)
    return Header(names, replace(sheet, attributes=tuple(attributes)), found.channels)


def _look(path: Path, found: _Found) -> None:
    place = 0
    for _, line in text_lines(path):
        if not line.startswith(COMMENT):
            recording, channel, *_ = (*line.split(None, 2), "", "")
            if recording:
                found.add_channel(recording, channel)
        elif category := _CATEGORY.fullmatch(line):
            place = int(category[1])
            if category[2].strip():
                found.categories.setdefault(place, category[2].strip())
        elif label := _LABEL.fullmatch(line):
            meaning = (label[2].replace("//", " ").strip(), (label[3] or "").strip())
            described = ": ".join(dict.fromkeys(each for each in meaning if each))
            found.labels_of.setdefault(place, []).append(f"{label[1]} ({described})" if described else label[1])


def _attribute(place: int, found: _Found, taken: set[str]) -> Attribute:
    """Returns the attribute of a place: the category's name where an attribute can have it."""
    name = found.categories.get(place, "")
    known = {each.casefold() for each in taken}
    try:
        attribute = annotated(name if name.casefold() not in known else f"label_{place}", multivalued=False)
    except ManifestError:
        attribute = annotated(f"label_{place}", multivalued=False)
    meanings = "; ".join(found.labels_of.get(place, ()))
    return replace(attribute, description=f"{attribute.description} {meanings}".strip())
