"""No slice of few people is a sum and difference of slices that are shown, whatever the attributes are like."""

import numpy as np
import pandas as pd
import pytest

from harness.fairness.membership import dimensions
from harness.results import complements
from harness.results.complements import CLASS, hidden_of
from harness.results.sharing.cells import ALL, SLICE, Key, members_of

FLOOR = 3


def people(seed, n=60):
    """Return scores of people one of whose attributes has several values, and another is often not told."""
    draw = np.random.default_rng(seed)
    ages = [("young", "old")[: int(k)] if k else ("old",) for k in draw.integers(0, 3, n)]
    return pd.DataFrame(
        {
            "accent": draw.choice(["north", "south", "west", None], n, p=[0.5, 0.3, 0.1, 0.1]),
            "gender": draw.choice(["man", "woman", "declined"], n, p=[0.6, 0.3, 0.1]),
            "age": pd.Series(ages, dtype=object),
        }
    )


def split(scores):
    """Return the slices of few, and the others in the order of their dimensions, by the people in each row."""
    keys, incidence = members_of(scores, dimensions(["accent", "gender", "age"], 3))
    sizes = {key: size_of(scores, key) for key in keys if key.side == SLICE and key != ALL}
    few = [key for key, size in sizes.items() if size < FLOOR]
    return few, [key for key in keys if key not in few and key != ALL], dict(zip(keys, incidence, strict=True))


def size_of(scores, key):
    values = dict(zip(key.dimension.split(" & "), key.slice_name.split(" & "), strict=True))
    told = {name: [v if isinstance(v, tuple) else (v or "undeclared",) for v in scores[name]] for name in values}
    return sum(all(values[n] in told[n][i] for n in values) for i in range(len(scores)))


@pytest.mark.parametrize("seed", range(4))
def test_no_slice_of_few_is_a_sum_and_difference_of_what_is_shown(seed):
    scores = people(seed)
    few, asked, matrix = split(scores)
    hidden = hidden_of(scores, few=few, kept=[], asked=asked)
    shown = np.array([matrix[key].astype(float) for key in (ALL, *asked) if key not in hidden])
    rank = np.linalg.matrix_rank(shown)
    assert few
    assert len(shown) > 5
    assert [key for key in few if np.linalg.matrix_rank(np.vstack([shown, matrix[key]])) == rank] == []


def test_what_is_shown_in_any_case_hides_only_what_it_does_not_give_away_itself():
    scores = pd.DataFrame({"accent": ["n"] * 5 + ["s"] * 5, "gender": ["m"] * 4 + ["w"] + ["m"] * 3 + ["w"] * 2})
    few = [Key("accent & gender", "n & w")]
    kept = [Key("accent", "n"), Key("gender", "w")]
    asked = [Key("accent & gender", name) for name in ("n & m", "s & m", "s & w")]
    assert hidden_of(scores, few=few, kept=kept, asked=asked) == set(asked)
    assert hidden_of(scores, few=few, kept=[*kept, asked[0]], asked=asked[1:]) == set()


def test_where_it_is_too_much_work_no_slice_of_several_attributes_is_shown(monkeypatch):
    monkeypatch.setattr(complements, "MOST_STEPS", 0)
    scores = people(0).assign(**{CLASS: "0"})
    few, asked, _ = split(scores)
    asked = [*asked, Key(CLASS, "0")]
    hidden = hidden_of(scores, few=few, kept=[], asked=asked)
    assert {key for key in asked if " & " in key.dimension or key.dimension == CLASS} <= hidden
    assert set(asked) - hidden
