"""A datasheet in, the text of its `datasheet.yaml` out; attributes in, what the files of a run say of them out."""

from collections.abc import Sequence

import yaml

from harness.corpus.attributes import Attribute
from harness.corpus.datasheet import Datasheet


def datasheet_text(sheet: Datasheet) -> str:
    """Returns the datasheet as YAML that reads back as the same datasheet; what it does not state is left out."""
    content: dict[str, object] = {
        "name": sheet.name,
        "version": sheet.version,
        "license": sheet.license,
        "language": sheet.language,
        "homepage": sheet.homepage,
        "description": sheet.description,
        "citation": sheet.citation,
        "caveats": list(sheet.caveats),
    }
    content = {key: value for key, value in content.items() if value}
    content["undeclared"] = list(sheet.undeclared)
    content["declined"] = list(sheet.declined)
    content["attributes"] = {attribute.name: declaration(attribute) for attribute in sheet.attributes}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def declaration(attribute: Attribute) -> dict[str, object]:
    """Returns what a datasheet says of an attribute."""
    keys: dict[str, object] = {
        "kind": attribute.kind.value,
        "provenance": attribute.provenance.value,
        "description": attribute.description,
        "order": list(() if attribute.bins else attribute.order),
        "bins": [int(edge) if edge == int(edge) else edge for edge in attribute.bins],
        "multivalued": attribute.multivalued,
    }
    return {key: value for key, value in keys.items() if value}


def told_attributes(attributes: Sequence[Attribute]) -> dict[str, dict[str, object]]:
    """Returns what run.json says of attributes, by name: what they describe, who says so, the order of their values."""
    return {
        each.name: {"kind": each.kind.value, "provenance": each.provenance.value, "order": list(each.order)}
        for each in attributes
    }
