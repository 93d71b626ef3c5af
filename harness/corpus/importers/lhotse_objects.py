"""Plain data of a manifest in, the objects that lhotse makes of it out, one at a time: the door to lhotse's classes.

lhotse's own reading makes objects of any class that a manifest names: arrays, images, transforms, recordings inside
custom fields. None of these is needed to know who said what, so they never reach it: it is given plain fields alone.
"""

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from harness.corpus.cells import CellError, shown
from harness.errors import UsageError

if TYPE_CHECKING:
    from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment

Made = TypeVar("Made")

MIXED = "it is a mix of several recordings (MixedCut), which no one file holds"
_CUTS = ("MonoCut", "MultiCut", "Cut")  # Cut: what MonoCut was called before lhotse 0.8
_WRONG = (TypeError, ValueError, KeyError, AttributeError, AssertionError, IndexError, RecursionError)


def lhotse() -> ModuleType:
    """Returns the package.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import lhotse
    except ImportError as error:
        raise UsageError(
            f"manifests of lhotse need the package lhotse: pip install 'asr-fairness-harness[lhotse]' ({error})"
        ) from error
    module: ModuleType = lhotse
    return module


def recording_of(item: object) -> "Recording":
    """Returns a recording; its transforms stay plain.

    Raises:
        CellError: It is none that lhotse can make.
    """
    plain = _mapping(item, "recording")
    recording: Recording = _made(lhotse().Recording.from_dict, _without(plain, "transforms"))
    recording.transforms = plain.get("transforms")
    return recording


def supervision_of(item: object) -> "SupervisionSegment":
    """Returns a supervision without alignments; its custom fields stay plain.

    Raises:
        CellError: It is none that lhotse can make.
    """
    plain = _mapping(item, "supervision")
    segment: SupervisionSegment = _made(lhotse().SupervisionSegment.from_dict, _without(plain, "custom", "alignment"))
    segment.custom = plain.get("custom")
    return segment


def cut_of(item: Mapping[str, object]) -> "MonoCut | MultiCut | None":
    """Returns a cut with its recording and its supervisions; None for a mix. Padding around one cut is taken off.

    Raises:
        CellError: It is none that lhotse can make.
    """
    if item.get("type") == "MixedCut":
        only = _only_track(item)
        return None if only is None else cut_of(only)
    kind = item.get("type")
    if kind not in _CUTS:
        raise CellError(f"has type={shown(kind)}; expected one of {', '.join(_CUTS)} or MixedCut.")
    plain = _without(item, "type", "custom", "features", "recording", "supervisions")
    made = lhotse().MultiCut if kind == "MultiCut" else lhotse().MonoCut
    cut: MonoCut = _made(made.from_dict, plain)
    if item.get("recording") is not None:
        cut.recording = recording_of(item["recording"])
    cut.supervisions = [supervision_of(each) for each in _list(item, "supervisions")]
    cut.custom = item.get("custom")
    return cut


def sources_of(item: Mapping[str, object]) -> Iterator[str]:
    """Yields the paths of a recording or of a cut's, as far as they can be read; nothing is made of them."""
    recording = item.get("recording", item)
    sources = recording.get("sources") if isinstance(recording, Mapping) else None
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, Mapping) and source.get("type") == "file" and isinstance(source.get("source"), str):
            yield str(source["source"])


def _only_track(item: Mapping[str, object]) -> Mapping[str, object] | None:
    """Returns the one cut of a mix that is nothing but padding otherwise."""
    tracks = [_mapping(track, "track") for track in _list(item, "tracks")]
    audible = [track for track in tracks if track.get("type") != "PaddingCut"]
    if len(audible) != 1 or item.get("transforms") or audible[0].get("snr") is not None:
        return None
    cut = {**_mapping(audible[0].get("cut"), "track"), "type": audible[0].get("type")}
    return None if cut["type"] == "MixedCut" else cut


def _made(make: Callable[[dict[str, object]], Made], plain: dict[str, object]) -> Made:
    try:
        return make(plain)
    except _WRONG as error:
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise CellError(f"is nothing that lhotse can read ({problem}). Make the manifest anew with lhotse.") from error


def _mapping(item: object, what: str) -> Mapping[str, object]:
    if not isinstance(item, Mapping):
        raise CellError(f"has a {what} that is {shown(item)}; expected its fields. Make the manifest anew.")
    return item


def _list(item: Mapping[str, object], name: str) -> list[object]:
    found = item.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise CellError(f"has {name}={shown(found)}; expected a list. Make the manifest anew.")
    return found


def _without(item: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in item.items() if name not in names}
