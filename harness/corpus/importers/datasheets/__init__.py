"""A format's name in, the datasheet that comes with the harness out: licence, attributes and who says so, caveats."""

from functools import cache
from pathlib import Path

from harness.corpus.attributes import Attribute, AttributeKind, Provenance
from harness.corpus.datasheet import DEFAULT_DECLINED, DEFAULT_UNDECLARED, Datasheet, absent_datasheet, read_datasheet
from harness.corpus.selection import KINDS_BY_NAME

FOLDER = Path(__file__).parent


@cache
def datasheet(name: str) -> Datasheet:
    """Returns the datasheet of a corpus.

    Raises:
        ManifestError: There is none of that name, or it is wrong.
    """
    return read_datasheet(FOLDER / f"{name}.yaml")


def open_datasheet(name: str) -> Datasheet:
    """Returns a datasheet without attributes, for formats whose files do not say what their columns are."""
    return absent_datasheet(name)


def annotated(name: str, *, multivalued: bool) -> Attribute:
    """Returns the declaration of an attribute that only its column's name says anything of.

    Raises:
        ManifestError: No attribute can have that name.
    """
    kind = KINDS_BY_NAME.get(name.casefold(), AttributeKind.content)
    described = "As the source has it; who said so is not known."
    return Attribute(name, kind, Provenance.annotated, described, multivalued=multivalued)


__all__ = ["DEFAULT_DECLINED", "DEFAULT_UNDECLARED", "annotated", "datasheet", "open_datasheet"]
