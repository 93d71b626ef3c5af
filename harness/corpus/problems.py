"""Everything wrong with one file in, one `ManifestError` out that names every place in the order of the file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.corpus.cells import shown
from harness.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Problem:
    """Says what is wrong at one place.

    Attributes:
        line: Line of a text file, row of a Parquet file, both counted from 1; 0 when it concerns the whole file.
        row: Position among the rows that could be read, or None when this one could not.
        message: What was found, what was expected, what to do.
    """

    line: int
    row: int | None
    message: str


@dataclass(slots=True)
class Problems:
    """Collects the problems of one file.

    Attributes:
        file: The file's name as messages show it.
        counts_rows: Whether places are rows (Parquet) and not lines.
    """

    file: str
    counts_rows: bool
    _found: list[Problem] = field(default_factory=list)

    def add_file(self, message: str) -> None:
        """Notes a problem of the whole file."""
        self._found.append(Problem(0, None, message))

    def add_line(self, line: int, message: str) -> None:
        """Notes a line that could not be read as a row."""
        self._found.append(Problem(line, None, f"row {message}"))

    def add_row(self, line: int, row: int, message: str) -> None:
        """Notes a problem of a row that could be read; the message starts with a verb."""
        self._found.append(Problem(line, row, message))

    def raise_if_any(self, utterance_ids: Sequence[str | None] = ()) -> None:
        """Raises every problem found so far; rows are called by their ids where these are known."""
        if self._found:
            in_order = sorted(self._found, key=lambda problem: problem.line)
            raise ManifestError([self._line(problem, utterance_ids) for problem in in_order])

    def _line(self, problem: Problem, utterance_ids: Sequence[str | None]) -> str:
        if problem.line == 0:
            return f"{self.file}: {problem.message}"
        place = f"{self.file}:{'row ' if self.counts_rows else ''}{problem.line}"
        if problem.row is None:
            return f"{place}: {problem.message}"
        utterance_id = utterance_ids[problem.row] if problem.row < len(utterance_ids) else None
        subject = "row" if utterance_id is None else f"utterance {shown(utterance_id)}"
        return f"{place}: {subject} {problem.message}"
