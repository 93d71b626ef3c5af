"""What `harness describe` is asked, as a configuration says it."""

from dataclasses import dataclass
from enum import Enum

from harness.errors import UsageError


class SameAudio(Enum):
    """Says what makes two recordings the same."""

    paths = "paths"  # the same file, and the same part of it
    contents = "contents"  # the same bytes, whatever the file is called; files of one size are read


class Redact(Enum):
    """Says of which slices the page gives no numbers where few people are in them; the tables always do."""

    nothing = "nothing"
    intersections = "intersections"  # bands of people instead of numbers; a value that few have is crossed with nothing
    slices = "slices"  # the same, and of slices below the floor, and those that give them away, no number either


@dataclass(kw_only=True)
class DescribeOptions:
    """Says what is described, and what the page shows of it.

    Attributes:
        intersections: Largest number of attributes that are crossed; 1 crosses none.
        audio: What makes two recordings the same. `contents` reads all files that have the size of another one.
        redact: Of which slices below the policy's floor of speakers the page gives no numbers.
    """

    intersections: int = 2
    audio: SameAudio = SameAudio.paths
    redact: Redact = Redact.intersections

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.intersections < 1:
            raise UsageError(f"describe.intersections={self.intersections}; expected 1 (none) or more.")
