"""Measured rows in, how many are done and how long the rest will take out, on standard error.

On a terminal it is a bar, in a log a line a minute.
"""

import logging
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.pipelines.measured_rows import MeasuredRow
from harness.transcription.progress import LOG_EVERY_S

log = logging.getLogger(__name__)


class MeasuringProgress:
    """Shows how many utterances are measured, how many could not be heard, and how long it will still take."""

    def __init__(self, n_total: int) -> None:
        self.n_total, self.n_done, self.n_failed = n_total, 0, 0
        self._logged = time.monotonic()
        self._bar = Progress(
            TextColumn("measuring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[n_failed]} failed ·"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=n_total, n_failed=0)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def advance(self, rows: Sequence[MeasuredRow]) -> None:
        """Count rows."""
        self.n_done += len(rows)
        self.n_failed += sum(row.failed for row in rows)
        self._bar.update(self._task, advance=len(rows), n_failed=self.n_failed)
        if self._bar.disable and time.monotonic() - self._logged > LOG_EVERY_S:
            self._logged = time.monotonic()
            log.info("%d of %d measured, %d failed", self.n_done, self.n_total, self.n_failed)
