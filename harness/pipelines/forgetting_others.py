"""A place that is no run and keeps people in; the same without them, or gone, out, and what is to be said of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.pipelines.forgetting_bounties import forget_bounty
from harness.pipelines.forgetting_runs import hides_of
from harness.report.comparison import write_comparison_report
from harness.report.discoveries import write_discoveries
from harness.report.plan import write_plan
from harness.results import Run
from harness.results.forgetting.answer import Row
from harness.results.forgetting.folders import clear, clear_cached_lines, clear_export, export_record
from harness.results.forgetting.kinds import Kind
from harness.results.forgetting.marker import alone_in
from harness.results.forgetting.people import Sought, Theirs
from harness.results.forgetting.rows import write_text
from harness.results.forgetting.runs import facts_of
from harness.results.forgetting.survey import Survey
from harness.results.run import REPORT, SUMMARY
from harness.transcription.caching.forgetting import Clips

_WRITERS: Mapping[str, Callable[[Run], None]] = {
    "compare": write_comparison_report,
    "discover": write_discoveries,
    "plan": write_plan,
}


def forget_other(row: Row, found: Survey, clips: Clips, *, sought: Sought) -> str:
    """Clear a place that is no run; return what became of it.

    Raises:
        RunDirectoryError: Somebody works in it, or it is damaged.
        UsageError: It is a bounty that is open yet.
        StorageError: It cannot be written.
    """
    if row.kind is Kind.export:
        clear_export(row.path)
        told = export_record(row.path).get("format", "NAME")
        return f"its files are gone; harness export format={told} out={row.path} writes it again"
    if row.kind is Kind.bundle:
        row.path.unlink(missing_ok=True)
        return "gone; harness bundle makes another of the run as it is now. What was sent is not here"
    if row.kind is Kind.cache_export:
        clear_cached_lines(row.path, clips)
        return f"{row.n_utterances} lines removed"
    if row.kind is Kind.log:
        return _hidden(row.path, hides_of(sought, found.theirs))
    if row.kind is Kind.bounty:
        return forget_bounty(row.path)
    if row.kind is Kind.derived:
        return _derived(row.path, found.theirs, hides_of(sought, found.theirs))
    raise RunDirectoryError(f"{row.path}: cannot be cleared. Look into it.")


def _hidden(path: Path, hide: Callable[[str], str]) -> str:
    """Take their ids out of a text."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    write_text(path, hide(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return "their ids are hidden"


def _derived(folder: Path, theirs: Theirs, hide: Callable[[str], str]) -> str:
    """Remove the rows that are theirs from a comparison, a search or a plan, and write its report anew."""
    facts = facts_of(folder) or {}
    with alone_in(folder):
        had_report = (folder / REPORT).is_file()
        (folder / REPORT).unlink(missing_ok=True)
        _hidden(folder / SUMMARY, hide)
        clear(folder, Kind.derived, Theirs(theirs.speaker_ids))
        write = _WRITERS.get(str(facts.get("pipeline")))
        if had_report and write is not None:
            write(Run(folder))
    return "rows that name them are gone; its counts have them yet: make it anew"
