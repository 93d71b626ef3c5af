"""What `report.html` is asked to hold or to leave out, as a configuration says it."""

from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.report.explorer import SPEAKERS, TRANSCRIPTS


@dataclass(kw_only=True)
class ReportOptions:
    """Says what `report.html` holds.

    Attributes:
        html: Whether it is written at all.
        redact: What is left out of the file altogether: transcripts, speakers (their ids and the dot of each), or both.
        beside: Run directories of other systems on the same utterances, shown beside this one.
    """

    html: bool = True
    redact: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant: a word that redacts nothing would publish what it names."""
        unknown = [name for name in self.redact if name not in (TRANSCRIPTS, SPEAKERS)]
        if unknown:
            raise UsageError(f"report.redact has {unknown}; expected {TRANSCRIPTS}, {SPEAKERS} or both.")
