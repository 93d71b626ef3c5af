"""An export in, what NIST's sclite counts on it out; tests skip where no sclite is installed."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

Counts = tuple[int, int, int, int]  # hits, substitutions, deletions, insertions

SCLITE = ["sclite"] if shutil.which("sclite") else ["sctk", "sclite"] if shutil.which("sctk") else []
needs_sclite = pytest.mark.skipif(not SCLITE, reason="no sclite: install NIST SCTK (Debian: apt install sctk)")


def sclite_counts(folder: Path) -> list[dict[str, Counts]]:
    """Return sclite's counts by id, a mapping for each hypothesis file, from the command that README.txt gives."""
    command = shlex.split((folder / "README.txt").read_text().splitlines()[0])
    assert command[0] == "sclite"
    assert command[-3:] == ["-o", "sum", "stdout"]
    return counts_of([*command[1:-3], "-o", "pralign", "stdout"], folder)


def counts_of(arguments: list[str], folder: Path) -> list[dict[str, Counts]]:
    """Return sclite's counts by id from its report of alignments."""
    ended = subprocess.run([*SCLITE, *arguments, "-f", "0"], cwd=folder, capture_output=True, check=True, timeout=120)
    assert not ended.stderr, ended.stderr[:500]
    systems: list[dict[str, Counts]] = []
    for line in ended.stdout.split(b"\n"):
        if line.startswith(b"System name:"):
            systems.append({})
        elif line.startswith(b"id: ("):
            utterance = line[5:].strip().decode().removesuffix(")")
        elif line.startswith(b"Scores:"):
            assert utterance not in systems[-1]
            systems[-1][utterance] = tuple(map(int, line.split()[-4:]))
    return systems
