"""Who is in which half is drawn by person, from the seed alone; what is published has codes in the place of ids."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.results.bounties.halves import counted, holdout_of, published, split, with_values
from harness.results.bounties.rules import DeclaredColumn

COLUMNS = (
    DeclaredColumn("accent", "text", "accent", "self_reported"),
    DeclaredColumn("devices", "text", "acoustic", "annotated"),
    DeclaredColumn("snr_db", "number", "acoustic", "measured"),
)


def frame(people, *, errors_seed=0):
    """Return gathered rows of people with so many utterances each."""
    rng = np.random.default_rng(errors_seed)
    names = [f"person-{number}" for number, n in enumerate(people) for _ in range(n)]
    n = len(names)
    return pd.DataFrame(
        {
            "utterance_id": [f"{name}/clip-{row}" for row, name in enumerate(names)],
            "speaker_id": names,
            "language": [None] * n,
            "accent": [("north", "south")[row % 2] for row in range(n)],
            "devices": [["phone", "laptop"] if row % 3 else None for row in range(n)],
            "snr_db": rng.normal(10, 5, n),
            "reference": ["up down"] * n,
            "words": 2,
            **{
                f"{name}:base": rng.integers(0, 3, n) for name in ("errors", "substitutions", "deletions", "insertions")
            },
            "hypothesis:base": ["up"] * n,
        }
    )


def halves(rows, *, seed=0, share=0.5, min_speakers=2):
    return split(rows, development_share=share, seed=seed, min_speakers=min_speakers)


@given(
    people=st.lists(st.integers(1, 5), min_size=8, max_size=40),
    share=st.floats(0.3, 0.7),
    seed=st.integers(0, 2**128 - 1),
)
@settings(max_examples=40, deadline=None)
def test_nobody_is_in_both_halves_and_no_row_is_lost(people, share, seed):
    rows = frame(people)
    found = halves(rows, share=share, seed=seed)
    ours, theirs = set(found.development["speaker_id"]), set(found.holdout["speaker_id"])
    assert not ours & theirs
    assert len(ours) == round(share * len(people))
    both = pd.concat([found.development, found.holdout])["utterance_id"]
    assert sorted(both) == sorted(rows["utterance_id"])


def test_the_split_is_that_of_the_seed_whatever_the_errors_and_the_order_of_rows():
    people = [2] * 30
    first = halves(frame(people), seed=5)
    other = halves(frame(people, errors_seed=9).sample(frac=1, random_state=1), seed=5)
    assert set(first.holdout["speaker_id"]) == set(other.holdout["speaker_id"])
    assert set(first.holdout["speaker_id"]) != set(halves(frame(people), seed=6).holdout["speaker_id"])


def test_what_is_published_names_nobody_and_has_no_order():
    found = halves(frame([3] * 20))
    told = published(found.development, rules_columns=["accent"], texts=True, ids=False, seed=0)
    cells = {str(cell) for name in told for cell in told[name]}
    assert not [cell for cell in cells if "person" in cell or "clip" in cell]
    assert told["speaker_id"].nunique() == 10
    assert list(found.development["speaker_id"]) != sorted(found.development["speaker_id"])
    codes = dict(zip(found.development["speaker_id"], told["speaker_id"], strict=True))
    assert sorted(codes, key=lambda name: int(name.split("-")[1])) != sorted(codes, key=codes.__getitem__)


def test_what_is_published_has_the_ids_where_transcripts_are_asked_for_and_texts_only_where_they_are():
    found = halves(frame([3] * 20))
    told = published(found.development, rules_columns=["accent"], texts=False, ids=True, seed=0)
    assert list(told["utterance_id"]) == list(found.development["utterance_id"])
    assert not {"reference", "hypothesis:base", "language", "snr_db"} & set(told)


def test_values_are_those_of_the_published_half_and_of_several_each():
    columns = {each.name: each.values for each in with_values(COLUMNS, frame([2] * 4))}
    assert columns == {"accent": ("north", "south"), "devices": ("laptop", "phone"), "snr_db": ()}


def test_a_half_is_counted_and_asked_as_it_is():
    rows = frame([1, 2, 3])
    assert counted(rows) == type(counted(rows))(n_speakers=3, n_utterances=6, n_words=12)
    found = holdout_of(rows, COLUMNS, {"mine": np.zeros(6, np.int64)})
    assert set(found.errors) == {"base", "mine"}
    assert found.speakers.tolist() == [0, 1, 1, 2, 2, 2]
    assert found.frame["devices"].tolist()[:2] == [None, ["phone", "laptop"]]


def test_too_few_people_are_refused_with_how_many_there_are():
    with pytest.raises(DataError, match="6 people make halves of 3 and 3; expected at least 4"):
        halves(frame([1] * 6), min_speakers=4)
