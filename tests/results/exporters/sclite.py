"""An export in, what NIST's sclite counts on it out; tests skip where no sclite is installed."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
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
    return counts_in(report([*command[1:-3], "-o", "pralign", "stdout"], folder))


def report(arguments: list[str], folder: Path) -> str:
    """Return what sclite prints."""
    ended = subprocess.run([*SCLITE, *arguments, "-f", "0"], cwd=folder, capture_output=True, check=True, timeout=120)
    assert not ended.stderr, ended.stderr[:500]
    return ended.stdout.decode("utf-8", "replace")


def counts_in(alignments: str) -> list[dict[str, Counts]]:
    """Return the counts of each system by id."""
    systems: list[dict[str, Counts]] = []
    for line in alignments.split("\n"):
        if line.startswith("System name:"):
            systems.append({})
        elif line.startswith("id: ("):
            utterance = line[5:].strip().removesuffix(")")
        elif line.startswith("Scores:"):
            assert utterance not in systems[-1]
            systems[-1][utterance] = tuple(map(int, line.split()[-4:]))
    return systems


def least_cost(reference: Sequence[str], hypothesis: Sequence[str], *, substitution: int, gap: int) -> int:
    """Return the cost of the cheapest alignment, from the whole table (Wagner and Fischer, 1974)."""
    row = [gap * n for n in range(len(hypothesis) + 1)]
    for word in reference:
        diagonal, row[0] = row[0], row[0] + gap
        for place, heard in enumerate(hypothesis, start=1):
            diagonal, row[place] = (
                row[place],
                min(diagonal + (0 if word == heard else substitution), row[place] + gap, row[place - 1] + gap),
            )
    return row[-1]


def check_claim(reference: str, hypothesis: str, ours: Counts, theirs: Counts) -> None:
    """Check what is claimed of two counts of one pair: the same words, and each the least by its own costs."""
    said, heard = reference.split(), hypothesis.split()
    for hits, substitutions, deletions, insertions in (ours, theirs):
        assert hits + substitutions + deletions == len(said)
        assert hits + substitutions + insertions == len(heard)
    assert errors(ours) == least_cost(said, heard, substitution=1, gap=1)
    assert 4 * theirs[1] + 3 * (theirs[2] + theirs[3]) == least_cost(said, heard, substitution=4, gap=3)
    assert errors(theirs) >= errors(ours)
    assert theirs[0] >= ours[0]


def errors(counts: Counts) -> int:
    """Return substitutions, deletions and insertions together."""
    return sum(counts[1:])
