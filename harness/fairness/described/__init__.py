"""A manifest's table in; who is in it, what repeats, what is shared, what it could show, what to record next, out."""

from harness.fairness.described.coded import Coded, coded
from harness.fairness.described.leakage import LEAKAGE_COLUMNS, leakage
from harness.fairness.described.lengths import (
    LENGTH_COLUMNS,
    SPEAKER_COLUMNS,
    effective_number,
    lengths_table,
    speakers_table,
)
from harness.fairness.described.next_steps import NEXT_COLUMNS, Findings, StepKind, next_steps
from harness.fairness.described.options import DescribeOptions, Redact, SameAudio
from harness.fairness.described.prompts import OVERLAP_COLUMNS, PAIR_COLUMNS, Overlaps, overlaps
from harness.fairness.described.recordings import Contents, Sizes, contents, sizes_of
from harness.fairness.described.repeats import DUPLICATE_COLUMNS, duplicates, duplicates_by_kind
from harness.fairness.described.support import SUPPORT_COLUMNS, people_table, support_table
from harness.fairness.described.told import CONFLICT_COLUMNS, TOLD_COLUMNS, Told, told

__all__ = [
    "CONFLICT_COLUMNS",
    "DUPLICATE_COLUMNS",
    "LEAKAGE_COLUMNS",
    "LENGTH_COLUMNS",
    "NEXT_COLUMNS",
    "OVERLAP_COLUMNS",
    "PAIR_COLUMNS",
    "SPEAKER_COLUMNS",
    "SUPPORT_COLUMNS",
    "TOLD_COLUMNS",
    "Coded",
    "Contents",
    "DescribeOptions",
    "Findings",
    "Overlaps",
    "Redact",
    "SameAudio",
    "Sizes",
    "StepKind",
    "Told",
    "coded",
    "contents",
    "duplicates",
    "duplicates_by_kind",
    "effective_number",
    "leakage",
    "lengths_table",
    "next_steps",
    "overlaps",
    "people_table",
    "sizes_of",
    "speakers_table",
    "support_table",
    "told",
]
