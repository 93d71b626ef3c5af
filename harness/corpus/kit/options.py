"""What the user says of a kit in, checked; what is not said is found, and asked where it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from harness.corpus.attributes import AttributeKind, Provenance
from harness.corpus.cells import CellError, language_tag
from harness.errors import UsageError


class EmptyText(Enum):
    """What a row without a transcript means."""

    ask = "ask"  # the row is a problem: an empty cell may be work not done
    silence = "silence"  # nothing was said: every recognised word is an insertion


class BadRows(Enum):
    """What happens when rows cannot be used."""

    stop = "stop"  # every problem is listed and nothing is written
    leave_out = "leave_out"  # the other rows are used; each row left out is listed with its problem


@dataclass(kw_only=True)
class KitOptions:
    """Says what a folder of recordings and its spreadsheet are, where that is to be said.

    Attributes:
        spreadsheet: The file, relative to the folder; None for the only one in it.
        sheet: Its sheet; None for the first that fits.
        columns: A column's header by what it means (audio_filepath, text, speaker_id, language, utterance_id, offset,
            duration, end); "" for no column.
        attributes: Headers of the columns to slice on, personal ones too; None for all that are fit for it.
        kinds: What an attribute describes (accent, dialect, acoustic, demographic, content), by its header.
        provenance: Where its values come from (self_reported, annotated, measured, synthetic, inferred), by its
            header. What is not said is `annotated`: somebody wrote it down, and nobody said that people were asked.
        bins: Edges that turn a column of numbers into ranges, by its header.
        name: What reports call the recordings; None for the folder's name.
        language: BCP 47 tag of the recordings that have none in the spreadsheet.
        license: Of the recordings, in words.
        empty_text: What an empty transcript means; a cell with two quotation marks (`""`) always means silence.
        bad_rows: What happens when rows cannot be used.
    """

    spreadsheet: str | None = None
    sheet: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    attributes: list[str] | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)
    bins: dict[str, list[float]] = field(default_factory=dict)
    name: str | None = None
    language: str | None = None
    license: str = ""
    empty_text: EmptyText = EmptyText.ask
    bad_rows: BadRows = BadRows.stop

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is none of its choices; the message names it.
        """
        _check_choices("kinds", self.kinds, [kind.name for kind in AttributeKind])
        _check_choices("provenance", self.provenance, [provenance.name for provenance in Provenance])
        try:
            language_tag(self.language)
        except CellError as error:
            raise UsageError(f"kit.language={self.language!r}; expected {error}") from error


def _check_choices(option: str, told: Mapping[str, str], choices: list[str]) -> None:
    for name, choice in told.items():
        if choice not in choices:
            raise UsageError(f"kit.{option}.{name}={choice}; expected one of {', '.join(choices)}.")
