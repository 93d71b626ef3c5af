"""The package's own source in, what its dataclasses declare out, read and never run: a tab must not wait for pandas.

Only what options are made of is understood: fields with plain defaults, enumerations, other dataclasses, and the
`Attributes:` of their docstrings. A default that is computed is `COMPUTED`.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Mark:
    """Stands where a field has no default to show."""

    reason: str


NEEDED = Mark("it has to be given")
COMPUTED = Mark("it is computed")
NESTED = Mark("the field holds options of its own")


@dataclass(frozen=True, slots=True)
class Place:
    """Is where a name of the package is defined."""

    module: str
    node: ast.stmt


@dataclass(frozen=True, slots=True)
class Field:
    """Is a field of a dataclass.

    Attributes:
        name: As in the source.
        annotation: Its type, as in the source.
        default: Its default value; or `NEEDED`, `COMPUTED`, `NESTED`.
        meaning: What the class's docstring says of it; empty where it says nothing.
        members: Names of the enumeration that it takes one of, or a list of; else empty.
        nested: Where the dataclass is that it holds; else None.
    """

    name: str
    annotation: str
    default: object
    meaning: str
    members: tuple[str, ...] = ()
    nested: Place | None = None


@cache
def found(module: str, name: str) -> Place | None:
    """Return where a name that a module of the package knows is defined; None for what is not the package's."""
    tree = _tree(module)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE.name:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return found(node.module, alias.name)
        elif name in _defined(node):
            return Place(module, node)
    return None


def fields_of(place: Place) -> list[Field]:
    """Return the fields of a dataclass, those of its bases first."""
    if not isinstance(place.node, ast.ClassDef):
        return []
    collected: dict[str, Field] = {}
    for base in place.node.bases:
        above = found(place.module, base.id) if isinstance(base, ast.Name) else None
        collected |= {field.name: field for field in (fields_of(above) if above else ())}
    meanings = meanings_of(place.node)
    for node in place.node.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            inherited = collected[name].meaning if name in collected else ""
            collected[name] = _field(place.module, node, meanings.get(name, inherited))
    return list(collected.values())


def entries(place: Place) -> dict[str, Place]:
    """Return the classes that a dictionary of the source names, by key."""
    value = place.node.value if isinstance(place.node, ast.Assign | ast.AnnAssign) else None
    pairs = zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ()
    named = {
        str(key.value): found(place.module, each.id)
        for key, each in pairs
        if isinstance(key, ast.Constant) and isinstance(each, ast.Name)
    }
    return {key: each for key, each in named.items() if each}


def meanings_of(node: ast.ClassDef) -> dict[str, str]:
    """Return what the `Attributes:` of a class's docstring say, each on one line."""
    _, _, section = inspect.cleandoc(ast.get_docstring(node) or "").partition("\nAttributes:\n")
    section = re.split(r"\n(?=\S)", section, maxsplit=1)[0]
    told = re.findall(r"^    (\w+): (.*(?:\n(?:        .*|$))*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in told}


@cache
def _tree(module: str) -> ast.Module | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return ast.parse(candidate.read_text(encoding="utf-8"))
    return None


def _defined(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    yield from (target.id for target in targets if isinstance(target, ast.Name))
    if isinstance(node, ast.ClassDef):
        yield node.name


def _field(module: str, node: ast.AnnAssign, meaning: str) -> Field:
    name = node.target.id if isinstance(node.target, ast.Name) else ""
    annotation = ast.unparse(node.annotation)
    known = [found(module, word) for word in re.findall(r"\w+", annotation)]
    members = tuple(member for place in known if place for member in _members(place))
    nested = next((place for place in known if place and _is_dataclass(place)), None)
    if nested is not None and annotation.isidentifier():
        return Field(name, annotation, NESTED, meaning, nested=nested)
    return Field(name, annotation, _value(module, node.value), meaning, members)


def _is_dataclass(place: Place) -> bool:
    decorators = place.node.decorator_list if isinstance(place.node, ast.ClassDef) else ()
    return any("dataclass" in ast.unparse(each) for each in decorators)


def _members(place: Place) -> list[str]:
    if not isinstance(place.node, ast.ClassDef) or not any(ast.unparse(base) == "Enum" for base in place.node.bases):
        return []
    return [name for node in place.node.body if isinstance(node, ast.Assign) for name in _defined(node)]


def _value(module: str, node: ast.expr | None) -> object:
    """Return a default; a member of an enumeration is its name, as configurations write it."""
    if node is None or (isinstance(node, ast.Name) and node.id == "MISSING"):
        return NEEDED
    for kind, read in _READERS.items():
        if isinstance(node, kind):
            return read(module, node)
    return COMPUTED


def _constant(_: str, node: ast.Constant) -> object:
    return node.value


def _named(module: str, node: ast.Name) -> object:
    place = found(module, node.id)
    is_constant = place is not None and isinstance(place.node, ast.Assign | ast.AnnAssign)
    return _value(place.module, place.node.value) if place and is_constant else COMPUTED  # type: ignore[attr-defined]


def _member(module: str, node: ast.Attribute) -> object:
    owner = node.value
    if node.attr == "value" and isinstance(owner, ast.Attribute):
        return _member(module, owner)
    place = found(module, owner.id) if isinstance(owner, ast.Name) else None
    return node.attr if place and node.attr in _members(place) else COMPUTED


def _list(module: str, node: ast.List) -> object:
    values = [_value(module, each) for each in node.elts]
    return COMPUTED if any(isinstance(value, Mark) for value in values) else values


def _call(module: str, node: ast.Call) -> object:
    """Return what `field(default_factory=…)` makes."""
    factory = next((each.value for each in node.keywords if each.arg == "default_factory"), None)
    if isinstance(factory, ast.Lambda):
        return _value(module, factory.body)
    empty: dict[str, object] = {"list": [], "dict": {}}
    return empty.get(factory.id, COMPUTED) if isinstance(factory, ast.Name) else COMPUTED


_READERS: dict[type[ast.expr], Callable[..., object]] = {
    ast.Constant: _constant,
    ast.Name: _named,
    ast.Attribute: _member,
    ast.List: _list,
    ast.Call: _call,
}
