"""A run's attributes and what the owner declares in, the dimensions and slices of a release out, and who said them.

What slices a private table has must not come from the data: that there is a slice at all would tell of those in it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
        UsageError: There is no such attribute, it was inferred, or nobody declared its values; all of them are named.
    """
    about = _about(attributes)
    names = _names(about, by)
    parts = _parts(names)
    told = [name for name in sorted(parts) if name in about and not _refusal(name, about)]
    values = {name: _values(name, about, slices) for name in told}
    _refuse([*_wrong_names(names, about), *_undeclared(names, values, slices), *_wrong_values(values)])
    declared = values | {OVERALL: (EVERYBODY,)}
    complete = tuple(
        replace(_dimension(name, about), values=tuple(declared[part] for part in name.split(AND))) for name in names
    )
    n_slices = sum(_product(each.values) for each in complete)
    if n_slices > MOST_SLICES:
        raise UsageError(f"release.by={names}: {n_slices:,} slices; at most {MOST_SLICES:,}.")
    return complete


def chosen_dimensions(attributes: Mapping[str, object], *, by: Sequence[str] | None) -> tuple[Dimension, ...]:
    """Return the dimensions of a release, of which nobody inferred a value.

    Raises:
        UsageError: There is no such attribute, it names people, or it was inferred; all of them are named.
    """
    about = _about(attributes)
    names = _names(about, by)
    _refuse(_wrong_names(names, about))
    return tuple(_dimension(name, about) for name in names)


def slices_of(dimensions: Sequence[Dimension]) -> dict[str, tuple[str, ...]]:
    """Return the declared slices by dimension; those of a crossing are all combinations, as tables name them."""
    return {each.name: _crossed(each.values) for each in dimensions}


def _about(attributes: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    return {str(name): _mapping(told) for name, told in attributes.items()}


def _names(about: Mapping[str, Mapping[str, object]], by: Sequence[str] | None) -> list[str]:
    names = [name for name, told in about.items() if told.get("kind") in _PEOPLE] if by is None else list(by)
    if not names:
        raise UsageError(
            f"release.by=: names nothing to tell people apart by; the run's attributes are {sorted(about)}. A release "
            "is by attributes, crossings, and overall, which is everybody: release.by='[accent,\"accent & gender\"]'."
        )
    return list(dict.fromkeys(names))


def _parts(names: Sequence[str]) -> list[str]:
    """Return the attributes that dimensions are made of."""
    return list(dict.fromkeys(part for name in names if name != OVERALL for part in name.split(AND)))


def _dimension(name: str, about: Mapping[str, Mapping[str, object]]) -> Dimension:
    said = [about[part] for part in _parts([name])]
    return Dimension(
        name, tuple(str(told.get("provenance")) for told in said), tuple(str(told.get("kind")) for told in said)
    )


def _wrong_names(names: Sequence[str], about: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Say what a release cannot be by: people, what there is not, guesses, and an attribute crossed with itself."""
    parts, found = _parts(names), []
    if _SPEAKER in parts:
        found.append(f"release.by names {_SPEAKER}: a release says nothing of one person.")
    if unknown := [part for part in parts if part not in about and part != _SPEAKER]:
        found.append(f"release.by names {_listed(unknown)}, which the run has no attribute of; it has {sorted(about)}.")
    found += [f"release.by names {part!r}, which {reason}" for part in parts if (reason := _refusal(part, about))]
    if doubled := [name for name in names if len(set(name.split(AND))) < len(name.split(AND))]:
        found.append(f"release.by names {_listed(doubled)}, which crosses an attribute with itself.")
    return found


def _refusal(part: str, about: Mapping[str, Mapping[str, object]]) -> str:
    """Return why an attribute is refused, after its name; empty where it is not, or there is none."""
    told = about.get(part)
    return "" if told is None else refusal(part, told.get("kind"), told.get("provenance"))


def _values(
    name: str, about: Mapping[str, Mapping[str, object]], slices: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    order = about[name].get("order")
    given = slices.get(name) if name in slices else order if isinstance(order, list) else []
    return tuple(str(value) for value in given or [])


def _undeclared(
    names: Sequence[str], values: Mapping[str, Sequence[str]], slices: Mapping[str, Sequence[str]]
) -> list[str]:
    """Say which values are of nothing that is released, and which attributes have none."""
    found, parts = [], _parts(names)
    if unknown := [name for name in slices if name not in parts]:
        found.append(
            f"release.slices has values of {_listed(unknown)}, which the release is not by; it is by {list(names)}. "
            "Correct the name, or add it to release.by."
        )
    if silent := [name for name, declared in values.items() if not declared]:
        wanted = ", ".join(f"{name}: [VALUE, VALUE]" for name in silent)
        found.append(
            f"release: nobody declared the values of {_listed(silent)}. A private table must not read them off the "
            "data, for that a slice is there at all would tell of somebody. Write them down: "
            f"release.slices='{{{wanted}}}' (every attribute that is released needs it), or as the attribute's order "
            "in the datasheet before the run is made. release.by=[…] leaves attributes out."
        )
    return found


def _wrong_values(values: Mapping[str, Sequence[str]]) -> list[str]:
    found = []
    for name, declared in values.items():
        wrong = [value for value in declared if not value.strip() or len(value) > _LONGEST or _UNSEEN.search(value)]
        if wrong or len(set(map(defused, declared))) < len(declared):  # as they are written: two alike are none
            found.append(
                f"release.slices: values of {name!r} must be texts on one line of 1 to {_LONGEST} characters, each "
                f"named once; found {wrong[0][:_LONGEST] if wrong else 'one twice'!r}."
            )
    return found


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise UsageError("\n".join(problems))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


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
