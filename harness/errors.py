"""What can go wrong, as a tree; each error knows the exit status it ends the command with.

HarnessError
├── UsageError            the command, the configuration or a path given in it is wrong (exit status 2)
│   └── RunDirectoryError the run directory belongs to another configuration or is in use
├── DataError             what was read cannot be measured as it stands (exit status 1)
│   ├── ManifestError     rows of a manifest or a datasheet, every one of them named
│   ├── HypothesesError   transcripts that do not match the manifest, every one of them named
│   ├── TextFileError     a text file that is cut off, packed or written so that it cannot be read, with the line
│   ├── AudioError        a recording that cannot be decoded
│   └── ConditionError    a clip that a condition cannot be applied to, or a recording that cannot serve as one
├── StorageError          what was measured cannot be written: disk full, folder not writable (exit status 1)
└── BackendError          a recogniser that cannot be started or breaks its contract (exit status 1)
"""

from collections.abc import Sequence


class HarnessError(Exception):
    """Is the root of every error a user can cause or mend."""

    exit_status = 1


class UsageError(HarnessError):
    """Says that the command, the configuration or a path given in it is wrong."""

    exit_status = 2


class RunDirectoryError(UsageError):
    """Says that a run directory belongs to another configuration or is in use."""


class DataError(HarnessError):
    """Says that what was read cannot be measured as it stands."""


class AudioError(DataError):
    """Says that a recording cannot be decoded, and what would make it decodable."""


class ConditionError(DataError):
    """Says why a clip cannot be put under a condition, or why a recording cannot serve as noise or as a room."""


class _ListedError(DataError):
    """Carries one line per problem, so that one run shows a curator all there is to mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ManifestError(_ListedError):
    """Names every bad row of a manifest or entry of a datasheet."""


class HypothesesError(_ListedError):
    """Names every transcript that does not match the manifest."""


class TextFileError(_ListedError):
    """Names the line at which a text file is cut off, or is none."""


class StorageError(HarnessError):
    """Says that what was measured cannot be written."""


class BackendError(HarnessError):
    """Says that a recogniser cannot be started or broke its contract."""
