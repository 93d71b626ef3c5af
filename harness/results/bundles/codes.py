"""A manifest in; the same with codes in the place of ids, the lines that a bundle holds of it, and their digests, out.

A code is the place of an id among all ids of its kind in sorted order, written so that codes sort as ids do. Speakers
are resampled in the order of their ids: every table stays as it is. Who has the manifest makes the same codes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

import pandas as pd

from harness.corpus import Manifest
from harness.results.exporters.json_lines import Plain, rows

_SAID = ("utterance_id", "text", "speaker_id", "language")


class Ids(Enum):
    """What a bundle calls utterances and speakers."""

    coded = "coded"
    kept = "kept"


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """Is a manifest as a bundle has it.

    Attributes:
        manifest: With the ids that the bundle has, and without paths of recordings.
        utterances: The id in the bundle of every utterance of the manifest.
    """

    manifest: Manifest
    utterances: Mapping[str, str]


def named(manifest: Manifest, ids: Ids) -> Named:
    """Return a manifest with the ids that a bundle has."""
    frame = manifest.frame
    utterances = _codes(frame["utterance_id"], "u", ids)
    speakers = _codes(frame["speaker_id"], "s", ids)
    told = {
        "utterance_id": [utterances[each] for each in frame["utterance_id"]],
        "speaker_id": [None if each is None else speakers[each] for each in frame["speaker_id"]],
        "audio_filepath": [None] * len(frame),
    }
    columns = {name: pd.Series(cells, index=frame.index, dtype=object) for name, cells in told.items()}
    return Named(replace(manifest, frame=frame.assign(**columns)), utterances)


def _codes(ids: Iterable[str | None], prefix: str, chosen: Ids) -> dict[str, str]:
    known = sorted({each for each in ids if each is not None})
    if chosen is Ids.kept:
        return {each: each for each in known}
    width = len(str(len(known)))
    return {each: f"{prefix}{place:0{width}d}" for place, each in enumerate(known, start=1)}


def records(manifest: Manifest) -> Iterator[Mapping[str, Plain]]:
    """Yield what a bundle holds of each utterance: id, reference, speaker, language and attributes as they are used."""
    yield from rows(manifest.frame, [*_SAID, *(attribute.name for attribute in manifest.attributes)])


@dataclass(frozen=True, slots=True)
class Digests:
    """Names what was measured, in SHA-256, so that somebody's own manifest can be known to be the same.

    Attributes:
        texts: Of the ids and references.
        rows: Of all that `records` yields, and of how the attributes are declared.
    """

    texts: str
    rows: str


def digests_of(manifest: Manifest) -> Digests:
    """Return the digests of a manifest with the ids that the bundle has."""
    texts, everything = hashlib.sha256(), hashlib.sha256()
    for record in records(manifest):
        texts.update(_line({"utterance_id": record["utterance_id"], "text": record["text"]}))
        everything.update(_line(record))
    for each in manifest.attributes:
        declared = [each.name, each.kind.value, each.provenance.value, list(each.order), each.multivalued]
        everything.update(_line(declared))
    return Digests(texts.hexdigest(), everything.hexdigest())


def _line(told: object) -> bytes:
    return f"{json.dumps(told, ensure_ascii=True, allow_nan=False)}\n".encode()
