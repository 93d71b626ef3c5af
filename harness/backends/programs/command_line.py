"""A command line in; the program to run out, and what identifies it: words, and a digest of the files it names."""

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.errors import UsageError

_MOST_FILES = 1_000  # of a folder; a model has dozens


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Is a program that exists, and its arguments.

    Attributes:
        program: The program's file, absolute.
        arguments: What follows it.
        cwd: The folder that it runs in; None: this process's.
    """

    program: Path
    arguments: tuple[str, ...]
    cwd: Path | None

    @classmethod
    def of(cls, command: object, cwd: str | None) -> "CommandLine":
        """Finds the program in the PATH or, where its name has a `/`, from the folder that it runs in.

        Raises:
            UsageError: when the command is no list of texts, or there is no such program or folder.
        """
        if not isinstance(command, Sequence) or isinstance(command, str) or not command:
            raise UsageError(
                f"Command: command={command!r}; expected a list of a program and its arguments, such as "
                "'backend.command=[python, recogniser.py]'; no shell reads it"
            )
        if wrong := [each for each in command if not isinstance(each, str) or "\0" in each]:
            raise UsageError(f"Command: command has {wrong[0]!r}; expected texts. Put a number in quotes: '4'")
        folder = None if cwd is None else Path(cwd).absolute()
        if folder is not None and not folder.is_dir():
            raise UsageError(f"Command: cwd={cwd}: no such folder; expected a path, relative to {Path.cwd()}")
        program, *arguments = command
        return cls(_found(program, folder), tuple(arguments), folder)

    def to_run(self) -> list[str]:
        """Returns the program's absolute path and its arguments."""
        return [str(self.program), *self.arguments]

    def words(self) -> str:
        """Returns the line as a shell would take it, with names in the place of the paths of what it names."""
        return shlex.join([self.program.name, *map(self._by_name, self.arguments)])

    def digest(self) -> str:
        """Returns a SHA-256 over the program's file and the files and folders that its arguments name, in order.

        Raises:
            UsageError: when one cannot be read, or a folder holds more than a thousand files.
        """
        named = [self.program, *(path for each in self.arguments if (path := self._path(each)) is not None)]
        try:
            digests = [_folder_digest(path) if path.is_dir() else _file_digest(path) for path in named]
        except OSError as error:
            raise UsageError(f"Command: {error}; expected a file that can be read: its digest identifies it") from error
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def _path(self, argument: str) -> Path | None:
        """Returns the file or folder that an argument names, as itself or as `--option=path`; None when it does not."""
        folder = self.cwd or Path()
        for name in filter(None, (argument, argument.partition("=")[2])):
            with suppress(OSError, ValueError):  # a name that is too long for a file is none
                if (folder / name).is_file() or (folder / name).is_dir():
                    return folder / name
        return None

    def _by_name(self, argument: str) -> str:
        path = self._path(argument)
        if path is None:
            return argument
        option, _, value = argument.partition("=")
        return f"{option}={path.name}" if value and path == (self.cwd or Path()) / value else path.name


def _found(program: str, cwd: Path | None) -> Path:
    here = cwd or Path.cwd()
    found = shutil.which(str(here / program) if "/" in program else program)
    if found is None:
        where = f"relative to {here}" if "/" in program else "in the PATH"
        raise UsageError(
            f"Command: command={program}: no such program {where}; expected an executable file. Is it installed, and "
            f"may it be executed (chmod +x)? A script without that needs its interpreter first: [python, {program}]"
        )
    return Path(found).absolute()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    files = sorted(islice((path for path in folder.rglob("*") if path.is_file()), _MOST_FILES + 1))
    if len(files) > _MOST_FILES:
        raise UsageError(
            f"Command: the command names {folder}, a folder of more than {_MOST_FILES:,} files: too many to take a "
            "digest of. Name the files that the recogniser reads, or set the folder in a script of your own"
        )
    lines = [f"{path.relative_to(folder)} {_file_digest(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
