"""A pipeline and what stands beside `--help` in, its help out: main options, examples, choices; 100 columns at most."""

import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.help.declared import Declared, Group, Option, declared
from harness.help.guides import GUIDES, Guide
from harness.help.names import as_said

HELP = ("--help", "-h")  # the flags
_WIDTH = 100  # columns; less on a narrower terminal
_LEAST_WIDTH = 60
_NAMES = 34  # columns at most of a name and its default; longer ones have a line of their own
_BRIEF = 110  # characters of a meaning, unless it has no semicolon
_TOP = "top level"
_FLAGS = (
    "--help WORD shows what is not here, such as --help policy or --help backend=whisper. --cfg job shows what would "
    "run, -m sweeps over values set apart by commas, --config-dir FOLDER adds choices of your own. Flags come first."
)


def page(pipeline: str, about: str, words: Sequence[str] = ("--help",)) -> str:
    """Return the help of a pipeline; or of the parts that are named after `--help`, such as `policy`.

    Args:
        pipeline: Its name.
        about: What it does, in a line.
        words: The rest of its command line.
    """
    told = declared(pipeline, words)
    width = max(_LEAST_WIDTH, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns))
    after = words[min(words.index(flag) for flag in HELP if flag in words) :]
    asked = [node for word in after if (node := word.partition("=")[0]) in _nodes(told)]
    parts = _details(told, asked, width) if asked else _overview(pipeline, told, width)
    title = textwrap.wrap(f"harness {as_said(pipeline)}: {about}", width)
    return "\n\n".join(["\n".join(title), *parts]) + "\n"


def main_options(told: Declared, guide: Guide | None) -> list[Option]:
    """Return the options that a pipeline's help shows: those it cannot do without, then its guide's.

    A pipeline without a guide shows what it does not share with others: its options at the top.
    """
    needed = [option for option in told.options if option.needed]
    if guide is None:
        return needed + [option for option in told.options if not option.node and not option.needed]
    by_name = {option.name: option for option in told.options}
    return needed + [by_name[name] for name in guide.options if name in by_name and not by_name[name].needed]


def _overview(pipeline: str, told: Declared, width: int) -> Iterator[str]:
    guide = GUIDES.get(pipeline)
    shown = main_options(told, guide)
    if guide is not None:
        yield "\n".join(["Examples:", *(f"  {_command(pipeline, example)}" for example in guide.examples)])
    yield "\n".join(
        ["Main options, with their defaults:", *_columns({_named(each): _in_brief(each) for each in shown}, width)]
    )
    if told.groups:
        rows = {f"{group.name}={group.chosen or 'null'}": _choices(group) for group in told.groups}
        yield "\n".join(["Choices, with their defaults:", *_columns(rows, width)])
    if rest := _rest(told, shown):
        yield "\n".join(["Further options:", *_columns(rest, width)])
    yield textwrap.fill(_FLAGS, width)


def _details(told: Declared, asked: Sequence[str], width: int) -> Iterator[str]:
    """Yield every option of the parts that are asked for."""
    for node in dict.fromkeys(asked):
        group = next((group for group in told.groups if group.name == node), None)
        if group is not None:
            rows = {f"{group.name}={group.chosen or 'null'}": _choices(group)}
            yield "\n".join(["Choices:", *_columns(rows, width)])
        own = [option for option in told.options if node in (option.node, option.name)]
        if own:
            yield "\n".join(
                [
                    f"Options of {node}, with their defaults:",
                    *_columns({_named(each): _in_full(each) for each in own}, width),
                ]
            )
        else:
            yield f"{node} has no options."


def _nodes(told: Declared) -> set[str]:
    return {
        *(group.name for group in told.groups),
        *(option.node for option in told.options if option.node),
        *(option.name for option in told.options),
    }


def _command(pipeline: str, example: str) -> str:
    return f"harness {as_said(pipeline)} {shlex.join(example.split())}".strip()


def _named(option: Option) -> str:
    return f"{option.name}={'…' if option.default is None else option.default}"


def _in_full(option: Option) -> str:
    """Return what is said of an option: whether it is needed, its meaning, and all that it may be."""
    values = f"One of {', '.join(option.values)}." if option.values not in ((), ("true", "false")) else ""
    return " ".join(part for part in ("Needed." if option.needed else "", option.meaning, values) if part)


def _in_brief(option: Option) -> str:
    """Return the first sentence, as far as two lines hold it."""
    sentence = re.split(r"(?<!e\.g)(?<=\.) (?=[A-Z])", option.meaning, maxsplit=1)[0]
    first, *more = sentence.split("; ")
    while more and len(first) + len(more[0]) < _BRIEF:
        first = f"{first}; {more.pop(0)}"
    return _in_full(replace(option, meaning=f"{first}." if more else first))


def _choices(group: Group) -> str:
    return ", ".join(group.choices)


def _rest(told: Declared, shown: Sequence[Option]) -> dict[str, str]:
    """Return the names of the options that are not shown, by the part they belong to."""
    names: dict[str, list[str]] = {}
    for option in sorted(told.options, key=lambda option: bool(option.node)):
        if option not in shown:
            names.setdefault(f"{option.node}." if option.node else _TOP, []).append(option.name.rpartition(".")[2])
    return {node: ", ".join(part) for node, part in names.items()}


def _columns(rows: Mapping[str, str], width: int) -> list[str]:
    """Return names with their texts beside them, broken where they are too long."""
    indent = 2 + min(_NAMES, max(map(len, rows), default=0)) + 2
    lines = []
    for name, text in rows.items():
        broken = textwrap.wrap(text, width - indent, break_long_words=False, break_on_hyphens=False) or [""]
        head = f"  {name}"
        if len(head) + 2 > indent:
            lines.append(head)
        else:
            lines.append(f"{head:<{indent}}{broken.pop(0)}")
        lines += [" " * indent + part for part in broken]
    return [line.rstrip() for line in lines]
