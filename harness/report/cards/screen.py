"""A card that was written or checked in, what the command prints out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from rich.console import Console

from harness.report.cards.verify import Checked
from harness.report.sentences import say
from harness.report.wording import plain

MOST_PROBLEMS = 20  # printed; more are counted


@dataclass(frozen=True, slots=True)
class CardWritten:
    """Says what was written.

    Attributes:
        path: The folder.
        files: Names of the files.
        n_claims: Values that were read from the runs.
        not_stated: What the author left empty.
        notes: What else to know.
    """

    path: Path
    files: tuple[str, ...]
    n_claims: int
    not_stated: tuple[str, ...]
    notes: tuple[str, ...]


CardAnswer: TypeAlias = CardWritten | Checked


def show_card(answer: CardAnswer, out: IO[str]) -> None:
    """Print what was written, or whether a card says what its runs do, and if not what it says otherwise."""
    console = Console(file=out, highlight=False)
    for line in _written(answer) if isinstance(answer, CardWritten) else _checked(answer):
        say(console, plain(line))


def _written(written: CardWritten) -> list[str]:
    missing = f"Not stated by the author: {', '.join(written.not_stated)}." if written.not_stated else ""
    card = f"Card: {written.path} ({', '.join(written.files)})"
    lines = [
        f"{written.n_claims:,} values, each with the file and row it was read from.",
        missing,
        *written.notes,
        card,
    ]
    return [line for line in lines if line]


def _checked(checked: Checked) -> list[str]:
    runs = f"run{'s' if len(checked.runs) > 1 else ''} {' and '.join(checked.runs)}"
    if not checked.problems:
        return [f"All {checked.n_claims:,} values in {_listed(checked.files)} agree with the {runs}."]
    n = len(checked.problems)
    shown = [str(problem) for problem in checked.problems[:MOST_PROBLEMS]]
    more = [f"… and {n - MOST_PROBLEMS} more."] if n > MOST_PROBLEMS else []
    return [*shown, *more, f"{checked.path} does not agree with the {runs}: {n} difference{'' if n == 1 else 's'}."]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
