"""Batches done in, a progress bar on a terminal or a line a minute in a log out, on standard error."""

import logging
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness.transcription.store import Hypothesis

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class TranscriptionProgress:
    """Shows how many utterances are done and failed, the speed, and how long it will still take."""

    def __init__(self, n_total: int) -> None:
        self.n_total, self.n_done, self.n_failed = n_total, 0, 0
        self.audio_s = self.processing_s = 0.0
        self._logged = time.monotonic()
        self._bar = Progress(
            TextColumn("transcribing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[n_failed]} failed · {task.fields[rtfx]} ·"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=n_total, n_failed=0, rtfx="RTFx –")

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def advance(self, hypotheses: Sequence[Hypothesis]) -> None:
        """Count a batch; the speed is of what a recogniser was given."""
        self.n_done += len(hypotheses)
        self.n_failed += sum(hypothesis.error is not None for hypothesis in hypotheses)
        for hypothesis in hypotheses:
            if hypothesis.processing_s is not None:
                self.audio_s += (hypothesis.audio_s or 0.0) if hypothesis.error is None else 0.0
                self.processing_s += hypothesis.processing_s
        rtfx = f"RTFx {self.audio_s / self.processing_s:.1f}" if self.processing_s else "RTFx –"
        self._bar.update(self._task, advance=len(hypotheses), n_failed=self.n_failed, rtfx=rtfx)
        if self._bar.disable and time.monotonic() - self._logged > LOG_EVERY_S:
            self._logged = time.monotonic()
            log.info("%d of %d transcribed, %d failed, %s", self.n_done, self.n_total, self.n_failed, rtfx)
