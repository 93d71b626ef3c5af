"""An attribute's declaration in, a checked `Attribute` out: what kind it is, who says so, which values it takes."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import isfinite

from harness.corpus.cells import CONTROL_CHARACTERS, SURROGATES, number_text, shown
from harness.corpus.inferred import refusal
from harness.errors import ManifestError

UNDECLARED = "undeclared"  # not recorded
DECLINED = "declined"  # asked and not answered

CONTRACT_COLUMNS = ("utterance_id", "audio_filepath", "text", "speaker_id", "duration", "offset", "language")

# Columns of the files that later stages write; an attribute of the same name would overwrite one of them there.
OUTPUT_COLUMNS = frozenset(  # a line or two per file
    """
    condition error words audio_s processing_s failed reference hypothesis reference_emptied
    hits substitutions deletions insertions
    character_hits character_substitutions character_deletions character_insertions
    hallucination hallucination_non_speech_insertion hallucination_insertion_run hallucination_length_ratio
    hallucination_loop empty_output
    dimension slice n_utterances n_speakers n_failed reference_words
    wer wer_low wer_high cer speaker_mean_wer hallucination_rate rtfx
    comparator comparator_wer gap gap_low gap_high ratio ratio_low ratio_high p_value p_adjusted
    verdict reason minimum_detectable_gap overall note
    measure baseline candidate difference difference_low difference_high
    normaliser_sensitive utterance_length
    latency_s cost_usd cached n_recognised n_cached n_untimed latency_p50_s latency_p95_s latency_per_audio_p50
    """.split()  # noqa: SIM905 (a list would be one name a line)
)

INTERSECTION_SEPARATOR = " & "  # joins attribute names into a dimension, and values into a slice


class AttributeKind(Enum):
    """Says what an attribute describes."""

    accent = "accent"
    dialect = "dialect"
    acoustic = "acoustic"
    demographic = "demographic"
    content = "content"


class Provenance(Enum):
    """Says where the values of an attribute come from."""

    self_reported = "self_reported"
    annotated = "annotated"
    measured = "measured"
    synthetic = "synthetic"
    inferred = "inferred"


KINDS_OF_PEOPLE = frozenset({AttributeKind.accent, AttributeKind.dialect, AttributeKind.demographic})


@dataclass(frozen=True, slots=True)
class Attribute:
    """Declares one column to slice on.

    Attributes:
        name: The column's name and, later, the dimension's.
        kind: What it describes.
        provenance: Where its values come from; people's attributes are never `inferred`.
        description: What a reader of the report should know about it.
        order: Values in the order reports show them; values not listed come after.
        bins: Increasing edges that turn numbers into the half-open ranges of `bin_labels`; empty for values in words.
        multivalued: Whether an utterance can have several values at once.

    Raises:
        ManifestError: The declaration cannot be used; every reason is listed.
    """

    name: str
    kind: AttributeKind
    provenance: Provenance
    description: str = ""
    order: tuple[str, ...] = ()
    bins: tuple[float, ...] = ()
    multivalued: bool = False

    def __post_init__(self) -> None:
        problems = [
            *_name_problems(self.name),
            *_bins_problems(self),
            *_order_problems(self),
            *_provenance_problems(self),
        ]
        if problems:
            raise ManifestError([f"attribute {shown(self.name)} {problem}" for problem in problems])

    def bin_of(self, number: float) -> str:
        """Returns the label of the bin that holds a number; a number on an edge belongs to the bin above it."""
        return bin_labels(self.bins)[bisect_right(self.bins, number)]


def bin_labels(bins: tuple[float, ...]) -> tuple[str, ...]:
    """Returns the labels of half-open ranges: the lower edge is in, the upper edge is not.

    >>> bin_labels((30, 60))
    ('<30', '30-60', '>=60')
    >>> bin_labels((-10, 0))
    ('<-10', '-10 to 0', '>=0')
    """
    edges = [number_text(edge) for edge in bins]
    dash = "-" if min(bins) >= 0 else " to "
    return (f"<{edges[0]}", *(f"{low}{dash}{high}" for low, high in pairwise(edges)), f">={edges[-1]}")


def clashes(names: Iterable[str]) -> list[str]:
    """Returns one problem for every name that differs from an earlier one in capitals only (databases ignore those)."""
    seen: dict[str, str] = {}
    problems = []
    for name in names:
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            problems.append(
                f"attribute {shown(name)} differs from {shown(first)} in capitals only. Rename one of them."
            )
    return problems


def _name_problems(name: str) -> list[str]:
    if not name.strip() or name != name.strip() or CONTROL_CHARACTERS.search(name) or SURROGATES.search(name):
        return ["has an unusable name; expected words without spaces around them and without control characters."]
    if INTERSECTION_SEPARATOR in name:
        return ["has ' & ' in its name, which joins the attributes of an intersection. Rename the column."]
    if name.casefold() in CONTRACT_COLUMNS:
        return ["has the name of a manifest column with a meaning of its own. Rename the column."]
    if name.casefold() in OUTPUT_COLUMNS:
        return ["has the name of a column of the results, which would overwrite it. Rename the column."]
    return []


def _bins_problems(attribute: Attribute) -> list[str]:
    bins = attribute.bins
    if all(isfinite(edge) for edge in bins) and all(low < high for low, high in pairwise(bins)):
        return []
    found = ", ".join(map(number_text, bins))
    return [f"has bins=[{found}]; expected finite edges, each larger than the one before."]


def _order_problems(attribute: Attribute) -> list[str]:
    problems = []
    if len(set(attribute.order)) < len(attribute.order):
        problems.append("names a value twice in its order. Name each value once.")
    if (
        attribute.bins
        and attribute.order
        and not _bins_problems(attribute)
        and attribute.order != bin_labels(attribute.bins)
    ):
        problems.append("has both bins and order; bins are ordered by their edges. Remove order.")
    return problems


def _provenance_problems(attribute: Attribute) -> list[str]:
    refused = refusal(attribute.name, attribute.kind, attribute.provenance)
    return [refused] if refused else []
