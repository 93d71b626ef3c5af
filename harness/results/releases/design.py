"""A run's attributes and what the owner declares in, the dimensions and slices of a release out, and who said them.

What slices a private table has must not come from the data: that there is a slice at all would tell of those in it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.corpus.attributes import KINDS_OF_PEOPLE
from harness.corpus.cells import CONTROL_CHARACTERS, SURROGATES
from harness.corpus.inferred import refusal
from harness.errors import UsageError
from harness.fairness.membership import AND, EVERYBODY, OVERALL
from harness.results.sharing.tables import defused

MOST_SLICES = 10_000
_PEOPLE = frozenset(kind.value for kind in KINDS_OF_PEOPLE)
_SPEAKER = "speaker_id"
_LONGEST = 200  # characters of a slice's name
_UNSEEN = re.compile(f"{CONTROL_CHARACTERS.pattern}|{SURROGATES.pattern}")


@dataclass(frozen=True, slots=True)
class Dimension:
    """Is what a release tells people apart by.

    Attributes:
        name: An attribute, or several joined by ` & `.
        provenance: Where the values of each attribute come from, in its order.
        kinds: What each describes.
        values: Declared of each attribute; none where slices are read off the data.
    """

    name: str
    provenance: tuple[str, ...]
    kinds: tuple[str, ...]
    values: tuple[tuple[str, ...], ...] = ()


def private_dimensions(
    attributes: Mapping[str, object], *, by: Sequence[str] | None, slices: Mapping[str, Sequence[str]]
) -> tuple[Dimension, ...]:
    """Return the dimensions of a private release, with declared slices.

    Args:
        attributes: Of the run's manifest, as run.json has them.
        by: Attributes and crossings; None: every attribute of people.
        slices: Values of an attribute that the owner declares; else those of its `order` or `bins` in the datasheet.

    Raises:
        UsageError: There is no such attribute, it was inferred, or nobody declared its values.
    """
    found = chosen_dimensions(attributes, by=by)
    parts = {name for each in found for name in each.name.split(AND)} - {OVERALL}
    unknown = [name for name in slices if name not in parts]
    if unknown:
        raise UsageError(
            f"release.slices has values of {unknown[0]!r}, which the release is not by; it is by "
            f"{[each.name for each in found]}. Correct the name, or add it to release.by."
        )
    declared = {name: _values(name, attributes, slices) for name in sorted(parts)} | {OVERALL: (EVERYBODY,)}
    complete = tuple(
        Dimension(each.name, each.provenance, each.kinds, tuple(declared[name] for name in each.name.split(AND)))
        for each in found
    )
    n_slices = sum(_product(each.values) for each in complete)
    if n_slices > MOST_SLICES:
        raise UsageError(
            f"release.by={[each.name for each in complete]}: {n_slices:,} slices; at most {MOST_SLICES:,}."
        )
    return complete


def chosen_dimensions(attributes: Mapping[str, object], *, by: Sequence[str] | None) -> tuple[Dimension, ...]:
    """Return the dimensions of a release, of which nobody inferred a value.

    Raises:
        UsageError: There is no such attribute, it names people, or it was inferred.
    """
    about = {str(name): _mapping(told) for name, told in attributes.items()}
    names = [name for name, told in about.items() if told.get("kind") in _PEOPLE] if by is None else list(by)
    if not names:
        raise UsageError(
            f"release.by=: names nothing to tell people apart by; the run's attributes are {sorted(about)}. A release "
            "is by attributes such as accent, crossings such as 'accent & gender', and overall, which is everybody."
        )
    return tuple(_dimension(name, about) for name in dict.fromkeys(names))


def slices_of(dimensions: Sequence[Dimension]) -> dict[str, tuple[str, ...]]:
    """Return the declared slices by dimension; those of a crossing are all combinations, as tables name them."""
    return {each.name: _crossed(each.values) for each in dimensions}


def _dimension(name: str, about: Mapping[str, Mapping[str, object]]) -> Dimension:
    if name == OVERALL:
        return Dimension(OVERALL, (), ())
    parts = name.split(AND)
    for part in parts:
        if part == _SPEAKER:
            raise UsageError(f"release.by names {_SPEAKER}: a release says nothing of one person.")
        if part not in about:
            raise UsageError(f"release.by names {part!r}, which the run has no attribute of; it has {sorted(about)}.")
        if reason := refusal(part, about[part].get("kind"), about[part].get("provenance")):
            raise UsageError(f"release.by names {part!r}, which {reason}")
    if len(set(parts)) < len(parts):
        raise UsageError(f"release.by names {name!r}, which crosses an attribute with itself.")
    said = [about[part] for part in parts]
    return Dimension(
        name, tuple(str(told.get("provenance")) for told in said), tuple(str(told.get("kind")) for told in said)
    )


def _values(name: str, attributes: Mapping[str, object], slices: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    order = _mapping(attributes.get(name)).get("order")
    given = slices.get(name) if name in slices else order if isinstance(order, list) else []
    values = [str(value) for value in given or []]
    if not values:
        raise UsageError(
            f"release: nobody declared the values of {name!r}. A private table must not read them off the data, for "
            "that a slice is there at all would tell of somebody. Write them down: "
            f"release.slices='{{{name}: [VALUE, VALUE]}}' (every attribute that is released needs it), or as the "
            "attribute's order in the datasheet before the run is made. release.by=[…] leaves attributes out."
        )
    wrong = [value for value in values if not value.strip() or len(value) > _LONGEST or _UNSEEN.search(value)]
    if wrong or len(set(map(defused, values))) < len(values):  # as they are written: a release with two alike is none
        raise UsageError(
            f"release.slices: values of {name!r} must be texts on one line of 1 to {_LONGEST} characters, each named "
            f"once; found {wrong[0][:_LONGEST] if wrong else 'one twice'!r}."
        )
    return tuple(values)


def _crossed(values: Sequence[Sequence[str]]) -> tuple[str, ...]:
    if len(values) == 1:
        return tuple(values[0])
    found = [""]
    for place, each in enumerate(values):
        joint = AND if place else ""
        found = [f"{before}{joint}{value.replace(AND, ' and ')}" for before in found for value in each]
    return tuple(found)


def _product(values: Sequence[Sequence[str]]) -> int:
    n = 1
    for each in values:
        n *= len(each)
    return n


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
