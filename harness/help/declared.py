"""A pipeline's name and what is chosen on its command line in, its groups and options with their meanings out.

What is told is what is declared: the dataclasses that `harness.config.schemas` nests, and the files of `configs/`,
whose comments say what a choice's values mean.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import yaml

from harness.help.source import COMPUTED, NEEDED, PACKAGE, Field, Place, entries, fields_of, found

_SCHEMAS = ("harness.config.schemas", "SCHEMAS")
_COMMENTED = re.compile(r"^(\w+):.*?[ \t]#[ \t]*(.+)$", re.MULTILINE)  # `key: value # what it means`
_PACKAGE = re.compile(r"# @package ([\w.]+)\n")  # where a file's content goes, if not where its folder is called
_CONDITIONS = "conditions"  # by name, from the files of a group that is called otherwise
_POINTLESS = re.compile(r"^(-?\d+)e")  # 1e-06, which YAML takes for a text
_MANDATORY = "???"  # as OmegaConf writes it


@dataclass(frozen=True, slots=True)
class Option:
    """Is something a command line may set.

    Attributes:
        name: As an override has it, such as `policy.margin`.
        default: As an override would write it; None where there is none, or where it is made of something else.
        needed: Whether it has to be given.
        meaning: In a sentence or more; may be empty.
        values: All that it may be, where that is a short list.
        is_text: Whether any text will do, such as a path.
    """

    name: str
    default: str | None
    needed: bool
    meaning: str
    values: tuple[str, ...]
    is_text: bool

    @property
    def node(self) -> str:
        """Name the part of the configuration it belongs to; empty at the top."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Group:
    """Is a folder of `configs/`, one file of which is chosen, or a list; `chosen` is None where none need be."""

    name: str
    choices: tuple[str, ...]
    chosen: str | None

    @property
    def all_chosen(self) -> tuple[str, ...]:
        """Return the files that are chosen."""
        return tuple(part for part in (self.chosen or "").strip("[]").split(",") if part)


@dataclass(frozen=True, slots=True)
class Declared:
    """Is what the command line of a pipeline may say."""

    groups: tuple[Group, ...]
    options: tuple[Option, ...]


def declared(pipeline: str, words: Sequence[str] = ()) -> Declared:
    """Return the groups and options of a pipeline.

    Args:
        pipeline: Its name.
        words: The rest of a command line; `backend=whisper` makes the options of that backend known, `--config-dir`
            a folder of further choices.
    """
    folders = [*_named_folders(words), configs_folder()]
    primary = _text(folders, f"{pipeline}.yaml")
    groups = tuple(_groups(primary, words, folders))
    written = _Written()
    written.add("", primary)
    for group in groups:
        for choice in group.all_chosen:
            text = _text(folders, f"{group.name}/{choice}.yaml")
            package = _PACKAGE.match(text)
            written.add(f"{package[1] if package else group.name}.", text)
    schema = _schemas().get(pipeline)
    return Declared(groups, tuple(_options(fields_of(schema) if schema else [], written, groups)))


def configs_folder() -> Path:
    """Return `configs/`: inside the package when installed, at the top level in a checkout."""
    inside = PACKAGE / "configs"
    return inside if inside.is_dir() else PACKAGE.parent / "configs"


def as_override(value: object) -> str:
    """Write a value as an override has it; a number as YAML reads one.

    >>> as_override([None, True, 0.5, 1e-6])
    '[null,true,0.5,1.0e-06]'
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_override(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_override, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _POINTLESS.sub(r"\1.0e", str(value))
    return "null" if value is None else str(value) or "''"


def _schemas() -> dict[str, Place]:
    place = found(*_SCHEMAS)
    return entries(place) if place else {}


def _named_folders(words: Sequence[str]) -> Iterator[Path]:
    for word, after in pairwise([*words, ""]):
        if word in ("--config-dir", "-cd") and after:
            yield Path(after)
        elif word.startswith("--config-dir="):
            yield Path(word.partition("=")[2])


def _groups(primary: str, words: Sequence[str], folders: Sequence[Path]) -> Iterator[Group]:
    """Yield the groups of a defaults list."""
    listed = _loaded(primary).get("defaults")
    named = dict(word.split("=", 1) for word in words if "=" in word)
    for entry in listed if isinstance(listed, list) else ():
        for group, default in entry.items() if isinstance(entry, dict) else ():
            if group.startswith("override "):
                continue
            choices = sorted({path.stem for folder in folders for path in (folder / group).glob("*.yaml")})
            chosen = named.get(group, default)
            yield Group(group, tuple(choices), None if chosen is None else as_override(chosen))


@dataclass(slots=True)
class _Written:
    """Collects what files of `configs/` say, by the name of the option: its value, and the comment behind it."""

    values: dict[str, object] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)

    def add(self, node: str, text: str) -> None:
        """Add a file that holds the values of a node."""
        for key, value in _loaded(text).items():
            self.values[f"{node}{key}"] = value
            for inner, part in value.items() if isinstance(value, dict) else ():
                self.values[f"{node}{key}.{inner}"] = part
        self.comments |= {f"{node}{key}": comment.strip() for key, comment in _COMMENTED.findall(text)}


def _options(fields: Sequence[Field], written: _Written, groups: Sequence[Group], node: str = "") -> Iterator[Option]:
    for each in fields:
        name = f"{node}{each.name}"
        if each.nested is not None:
            yield from _options(fields_of(each.nested), written, groups, f"{name}.")
        elif name in (group.name for group in groups):  # a plugin: the file is all that is declared
            yield from _of_file(f"{name}.", written)
        elif name == _CONDITIONS:
            chosen = tuple(_of_file(f"{name}.", written))
            yield from chosen or (_option(name, each.annotation, each.default, each.meaning),)
        else:
            meaning = each.meaning or written.comments.get(name, "")
            yield _option(name, each.annotation, written.values.get(name, each.default), meaning, each.members)


def _of_file(node: str, written: _Written) -> Iterator[Option]:
    for name, value in written.values.items():
        if name.startswith(node) and not name.rpartition(".")[2].startswith("_"):
            kind = "bool" if isinstance(value, bool) else "str" if value is None or isinstance(value, str) else ""
            yield _option(name, kind, value, written.comments.get(name, ""))


def _option(name: str, annotation: str, default: object, meaning: str, members: tuple[str, ...] = ()) -> Option:
    needed = default is NEEDED or default == _MANDATORY
    made = default is COMPUTED or "${" in str(default)
    types = set(re.findall(r"\w+", annotation))
    values = members or (("true", "false") if types == {"bool"} else ())
    return Option(
        name=name,
        default=None if needed or made else as_override(default),
        needed=needed,
        meaning=re.sub(r"\bNone\b", "null", meaning),
        values=() if "list" in types else values,
        is_text=bool(types & {"str", "Any"}) and not types & {"list", "dict"},
    )


def _text(folders: Sequence[Path], name: str) -> str:
    """Return a file of the first folder that has it; empty where none has."""
    paths = (folder / name for folder in folders)
    return next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), "")


def _loaded(text: str) -> dict[str, object]:
    node = yaml.safe_load(text) if text else {}
    return {str(key): value for key, value in node.items()} if isinstance(node, dict) else {}
