"""What was said, by whom and how tagged: manifests and datasheets in, one validated table of utterances out."""

from harness.corpus.attributes import DECLINED, UNDECLARED, Attribute, AttributeKind, Provenance
from harness.corpus.datasheet import Datasheet
from harness.corpus.manifest import Manifest, Utterance

__all__ = [
    "DECLINED",
    "UNDECLARED",
    "Attribute",
    "AttributeKind",
    "Datasheet",
    "Manifest",
    "Provenance",
    "Utterance",
]
