"""The words of a harness command in, the command run in a process of its own and how it ended out."""

import fcntl
import logging
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.pipelines.evaluation import EXIT_TOO_MANY_FAILED, EXIT_VIOLATED, EXIT_WITHIN_POLICY

log = logging.getLogger(__name__)

EXIT_USAGE = 2
MEASURED = (EXIT_WITHIN_POLICY, EXIT_VIOLATED, EXIT_TOO_MANY_FAILED)  # what a run with results ends with
_TAIL = 64_000  # bytes of a log that the last words are looked for in
_LONGEST_REASON = 600  # characters
_LOOKS_EVERY_S = 2.0
_HYDRA_S_LAST, _N_LINES_OF_HYDRA = "Set the environment variable HYDRA_FULL_ERROR", 4  # what a wrong override says
_INSTALLED = re.compile("(site|dist)-packages$")
_BEFORE_A_QUOTE = re.compile(r"(\\*)('|$)")
_REFERENCE = re.compile(r"(\\*)\$\{")


@dataclass(frozen=True, slots=True)
class Ended:
    """Says how a command ended.

    Attributes:
        exit_status: Of the process; None where it was not started or did not end in time.
        reason: Its last words, or why there is no exit status.
        timed_out: Whether it was ended because it took too long.
    """

    exit_status: int | None
    reason: str
    timed_out: bool = False


def run_apart(words: Sequence[str], *, run_dir: Path, log_file: Path, timeout_s: float | None) -> Ended:
    """Run a command that writes a run directory; one that an earlier command left in it is waited for.

    Args:
        words: What follows `harness`, without `run_dir=`.
        run_dir: The run directory.
        log_file: What the command says is added to it.
        timeout_s: After which it is ended; None: never.
    """
    _let_go(run_dir, timeout_s)
    command = [sys.executable, "-m", "harness", *words, f"run_dir={quoted(str(run_dir))}"]
    with log_file.open("ab") as file:
        began = file.tell()
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=timeout_s,
                check=False,
                env=_environment(),
            ).returncode
        except subprocess.TimeoutExpired:
            return Ended(None, f"ended after {timeout_s:g} s", timed_out=True)
        except OSError as error:
            return Ended(None, f"could not be started ({error.strerror})")
    return Ended(ended, _last_words(log_file, began, ended))


def quoted(text: str) -> str:
    r"""Return a text as an override takes it: in quotes, and nothing in it is looked up.

    >>> print(quoted("it's ${here}"))
    'it\'s \${here}'
    """
    plain = _REFERENCE.sub(lambda mark: mark[1] * 2 + r"\${", text)
    escaped = _BEFORE_A_QUOTE.sub(lambda mark: mark[1] * 2 + ("\\'" if mark[2] else ""), plain)
    return f"'{escaped}'"


def locked(handle: int) -> bool:
    """Take a folder's lock if nobody has it; say whether that is so."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go(path: Path, timeout_s: float | None) -> None:
    """Wait for a run that a killed command left behind: it still works in the folder, and what it does is kept."""
    if not path.is_dir():
        return
    handle, until = os.open(path, os.O_RDONLY), math.inf if timeout_s is None else time.monotonic() + timeout_s
    try:
        while not locked(handle) and time.monotonic() < until:
            log.info("a run of an earlier command still works in %s; waiting for it", path)
            time.sleep(_LOOKS_EVERY_S)
    finally:
        os.close(handle)


def _environment() -> dict[str, str]:
    """Return the environment of the process, which finds this harness also where it is not installed."""
    home = str(Path(__file__).resolve().parents[2])
    found = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return dict(os.environ) if _INSTALLED.search(home) else os.environ | {"PYTHONPATH": os.pathsep.join(found)}


def _last_words(written: Path, began: int, ended: int) -> str:
    """Return what a command said last: its error, or the signal that ended it."""
    with written.open("rb") as file:
        file.seek(max(began, written.stat().st_size - _TAIL))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(_HYDRA_S_LAST)]
    spoken = [number for number, line in enumerate(lines) if line.startswith("harness:")]
    first = spoken[-1] if spoken else -_N_LINES_OF_HYDRA if ended == EXIT_USAGE else -1
    said = " ".join(lines[first:])
    how = f"ended by signal {-ended}" if ended < 0 else f"exit status {ended}"
    return f"{how}: {said.removeprefix('harness: ')[:_LONGEST_REASON] or 'it said nothing'}"
