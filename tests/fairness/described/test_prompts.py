"""Texts that slices share are counted as a loop would; what is expected of texts dealt out at random is so."""

import random

import numpy as np
import pytest
from hypothesis import given, settings

from harness.fairness.described import OVERLAP_COLUMNS, PAIR_COLUMNS, coded, overlaps
from tests.fairness.described.builders import ROWS, fold, frame_of, row, values

BY = ["accent", "gender", "device", "accent & gender"]
SILENT = {"undeclared", "declined"}


def said_by_slice(rows, dimension):
    """Return for every declared slice the texts and speakers of its utterances that have a text."""
    found = {}
    for cells in rows:
        for name in values(cells, dimension):
            if not SILENT & set(name.split(" & ")):
                texts = found.setdefault(name, [])
                if fold(cells["text"]):
                    texts.append((fold(cells["text"]), cells["speaker_id"]))
    return found


@settings(deadline=None)
@given(ROWS)
def test_shared_texts_are_those_that_a_loop_finds(rows):
    frame = frame_of(rows)
    found = overlaps(frame, coded(frame), BY)
    assert tuple(found.table.columns) == OVERLAP_COLUMNS
    assert tuple(found.pairs.columns) == PAIR_COLUMNS
    for dimension in BY:
        said = said_by_slice(rows, dimension)
        table = found.table[found.table["dimension"] == dimension].set_index("slice")
        if len(said) < 2 or not any(said.values()):
            assert table.empty
            continue
        assert set(table.index) == set(said)
        for name, mine in said.items():
            others = {text for other, texts in said.items() if other != name for text, _ in texts}
            assert table.loc[name, "n_utterances"] == len(mine)
            assert table.loc[name, "n_utterances_shared"] == sum(text in others for text, _ in mine)
            assert table.loc[name, "n_texts"] == len({text for text, _ in mine})
            assert table.loc[name, "n_texts_shared"] == len({text for text, _ in mine} & others)
            assert table.loc[name, "n_texts_several_read_only_here"] == len(
                [
                    text
                    for text in {text for text, _ in mine} - others
                    if len({s for t, s in mine if t == text and s}) > 1
                ]
            )
            shares = found.pairs[(found.pairs["dimension"] == dimension) & (found.pairs["slice"] == name)]
            for cells in shares.to_dict("records"):
                theirs = {text for text, _ in said[cells["other"]]}
                assert cells["n_utterances_shared"] == sum(text in theirs for text, _ in mine)
                assert cells["n_texts_shared"] == len({text for text, _ in mine} & theirs)
            assert len(shares) == len(said) - 1


def test_what_is_expected_at_random_is_what_dealing_out_gives():
    """The oracle deals texts to slices ten thousand times and counts."""
    rng = random.Random(3)
    texts = [f"text {number}" for number in [0] * 6 + [1] * 3 + [2, 2] + list(range(3, 12))]
    slices = ["north"] * 4 + ["south"] * 16
    frame = frame_of([row(text=text, accent=name) for text, name in zip(texts, slices, strict=True)])
    expected = overlaps(frame, coded(frame), ["accent"]).table.set_index("slice")["share_expected"]
    shares = {"north": [], "south": []}
    for _ in range(10_000):
        rng.shuffle(texts)
        for name, mine, others in (("north", texts[:4], set(texts[4:])), ("south", texts[4:], set(texts[:4]))):
            shares[name].append(np.mean([text in others for text in mine]))
    for name, drawn in shares.items():
        assert expected[name] == pytest.approx(np.mean(drawn), abs=0.03)


def test_groups_that_read_lists_of_their_own_share_nothing_although_each_list_is_read_by_many():
    rows = [
        row(text=f"{accent} prompt {number}", accent=accent, speaker_id=f"{accent}{speaker}")
        for accent in ("north", "south")
        for speaker in range(3)
        for number in range(4)
    ]
    table = overlaps(frame_of(rows), coded(frame_of(rows)), ["accent"]).table
    assert table["share"].tolist() == [0, 0]
    assert (table["share_expected"] > 0.7).all()
    assert table["n_texts_several_read_only_here"].tolist() == [4, 4]


def test_of_many_slices_the_largest_are_compared_one_by_one(monkeypatch):
    monkeypatch.setattr("harness.fairness.described.prompts.MOST_PAIRED", 3)
    rows = [row(accent=f"a{number}") for number in range(6) for _ in range(number + 1)]
    found = overlaps(frame_of(rows), coded(frame_of(rows)), ["accent"])
    assert len(found.table) == 6
    assert set(found.pairs["slice"]) == {"a3", "a4", "a5"}
