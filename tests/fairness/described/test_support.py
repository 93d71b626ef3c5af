"""Slices are counted as a loop over the rows would: people, utterances, hours, words, and who says how much."""

import math
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings

from harness.errors import UsageError
from harness.fairness import Policy
from harness.fairness.described import SUPPORT_COLUMNS, coded, people_table, support_table
from harness.fairness.described.support import PLANNED_COLUMNS
from harness.fairness.planning import EQUAL_GROUPS, PlanOptions, plan_manifest
from tests.fairness.described.builders import BY, ROWS, frame_of, row, values


def naive(rows, dimension):
    """Count every slice with nothing but loops; the slice of everybody is ''."""
    slices = {}
    for cells in rows:
        for name in [""] if dimension is None else values(cells, dimension):
            slices.setdefault(name, []).append(cells)
    return {name: counts(part) for name, part in slices.items()}


def counts(part):
    named = [cells for cells in part if cells["speaker_id"]]
    said = Counter()
    for cells in named:
        said[cells["speaker_id"]] += len(cells["text"].split())
    spoken = [n for n in said.values() if n]
    known = [cells["duration"] for cells in part if not math.isnan(cells["duration"])]
    words = sum(len(cells["text"].split()) for cells in part)
    return {
        "n_speakers": len({cells["speaker_id"] for cells in named}),
        "n_utterances": len(part),
        "n_without_speaker": len(part) - len(named),
        "hours": sum(known) / 3600 if known else math.nan,
        "n_without_duration": len(part) - len(known),
        "words": words,
        "words_per_speaker": sum(spoken) / len(spoken) if spoken else math.nan,
        "largest_share": max(spoken) / words if spoken else math.nan,
        "effective_speakers": sum(spoken) ** 2 / sum(n**2 for n in spoken) if spoken else math.nan,
    }


@settings(deadline=None)
@given(ROWS)
def test_every_number_is_what_a_loop_finds(rows):
    frame = frame_of(rows)
    table = support_table(frame, coded(frame), BY)
    assert tuple(table.columns) == SUPPORT_COLUMNS
    for dimension in [None, *BY]:
        part = table[table["dimension"] == (dimension or "overall")]
        found = {("" if dimension is None else name): cells for name, cells in part.set_index("slice").iterrows()}
        expected = naive(rows, dimension)
        assert set(found) == set(expected)
        for name, numbers in expected.items():
            told = {key: found[name][key] for key in numbers}
            assert told == pytest.approx(numbers, nan_ok=True), (dimension, name)


def test_an_attribute_that_is_not_there_is_refused():
    frame = frame_of([row()])
    with pytest.raises(UsageError, match="no attribute 'age'"):
        support_table(frame, coded(frame), ["age"])


def test_what_a_slice_could_show_stands_beside_who_is_in_it():
    rows = [row(accent=accent, speaker_id=f"{accent}{i}") for accent in ("north", "south") for i in range(12)]
    frame = frame_of([*rows, row(accent="undeclared", speaker_id="x")])
    support = support_table(frame, coded(frame), ["accent"])
    plan = plan_manifest(frame, ["accent"], Policy(), PlanOptions())
    people = people_table(support, plan.table[plan.table["dimension"] != EQUAL_GROUPS])
    assert len(people) == len(support)
    assert set(PLANNED_COLUMNS) <= set(people.columns)
    planned = people.set_index("slice")["gap_asked"]
    assert planned[["north", "south"]].tolist() == [0.03, 0.03]
    assert planned[["all", "undeclared"]].isna().all()
    assert people["note"].map(type).eq(str).all()


def test_a_manifest_without_attributes_has_everybody():
    frame = frame_of([row()])
    support = support_table(frame, coded(frame), [])
    empty = pd.DataFrame(columns=["dimension", "slice", *PLANNED_COLUMNS])
    assert people_table(support, empty)["n_speakers"].tolist() == [1]
