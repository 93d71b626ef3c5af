"""The words of an unfinished command line in, what its last word may become out; and the script of a shell."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from harness.help.declared import Declared, declared

SHELLS = ("bash", "zsh", "fish")
_COMMAND_FLAGS = ("--help", "--version", "--completion")
_PIPELINE_FLAGS = ("--help", "--cfg", "--multirun", "--config-dir", "--hydra-help", "--info")
_SHOWN_BY_CFG = ("job", "hydra", "all")


def script(shell: str) -> str:
    """Return what a shell reads to complete commands of the harness."""
    return (Path(__file__).parent / f"completion.{shell}").read_text(encoding="utf-8")


def candidates(words: Sequence[str], pipelines: Mapping[str, str], of_a_path: Collection[str] = ()) -> list[str]:
    """Return what the last word may become; a candidate that ends in `=`, `.` or `/` is not finished.

    Args:
        words: Of the command line, without the command's name; the last may be empty.
        pipelines: What each does, by name.
        of_a_path: Those that take a path as it stands for their first word.
    """
    *before, last = words or [""]
    last = last.replace("\\", "")  # as shells quote
    if not before:
        return [word for word in (*pipelines, *_COMMAND_FLAGS) if word.startswith(last)]
    if before == ["--completion"]:
        return [word for word in SHELLS if word.startswith(last)]
    if before[0] not in pipelines:
        return []
    if before[-1] == "--cfg":
        return [word for word in _SHOWN_BY_CFG if word.startswith(last)]
    if before[-1] == "--config-dir":
        return list(_paths(last))
    if last.startswith("-"):
        return [word for word in _PIPELINE_FLAGS if word.startswith(last)]
    told = declared(before[0], before[1:])
    name, is_value, value = last.partition("=")
    found = dict.fromkeys(_values(told, name, value) if is_value else _names(told, name))
    is_path = before[0] in of_a_path and len(before) == 1 and not is_value
    return [*found, *(_paths(last) if is_path else ())]


def _values(told: Declared, name: str, value: str) -> Iterator[str]:
    for group in told.groups:
        if group.name == name:
            yield from (f"{name}={choice}" for choice in group.choices if choice.startswith(value))
    for option in told.options:
        if option.name == name:
            yield from (f"{name}={choice}" for choice in option.values if choice.startswith(value))
            if option.is_text and not option.values:
                yield from (f"{name}={path}" for path in _paths(value))


def _names(told: Declared, prefix: str) -> Iterator[str]:
    """Yield names as far as the next dot: there are more options than one reads."""
    names = [*(group.name for group in told.groups), *(option.name for option in told.options)]
    for name in names:
        if name.startswith(prefix):
            head, dot, _ = name[len(prefix) :].partition(".")
            yield f"{prefix}{head}{dot or '='}"


def _paths(value: str) -> Iterator[str]:
    """Yield the files and folders that a path may become."""
    folder, slash, start = value.rpartition("/")
    try:
        inside = sorted(Path(f"{folder}{slash}" or ".").expanduser().iterdir())
    except OSError:
        return
    for path in inside:
        if path.name.startswith(start) and path.name.startswith(".") == start.startswith("."):
            yield f"{folder}{slash}{path.name}" + ("/" if path.is_dir() else "")
