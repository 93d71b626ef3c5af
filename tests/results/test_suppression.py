"""What is hidden stays hidden from someone with every table: the tables are attacked by another solver than ours.

The attacker here knows the names of all slices and how they add up, takes every published count as exact, and bounds
each hidden count in whole numbers: mixed-integer programmes over slices, where ours are linear ones over atoms.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from harness.errors import UsageError
from harness.results.sharing.attack import known_exactly, range_of
from harness.results.sharing.cells import REST, SLICE, WORDS, Key, cells_of
from harness.results.sharing.suppression import small_cells, suppressed
from harness.results.sharing.tables import shared_table

FLOOR = 5


def scores_of(people, *, n_utterances=3, words=10):
    """Return scores of people given as their attributes, every one with different errors."""
    rows = []
    for number, person in enumerate(people):
        for utterance in range(n_utterances):
            wrong = (number * 7 + utterance * 3) % 5
            rows.append(
                {"utterance_id": f"{number}-{utterance}", "speaker_id": f"s{number:03d}", "condition": "clean"}
                | person
                | {
                    "hits": words - wrong,
                    "substitutions": wrong,
                    "deletions": 0,
                    "insertions": utterance % 2,
                    "failed": False,
                }
            )
    return pd.DataFrame(rows)


def people(**counts):
    """Return people by accent: `people(north=6, south=2)`."""
    return [{"accent": name} for name, n in counts.items() for _ in range(n)]


def shown(scores, by, *, floor=FLOOR):
    return suppressed(cells_of(scores, by), min_speakers=floor)


def slices(found):
    return {(key.dimension, key.slice_name) for key in found.published if key.side == SLICE}


@dataclass
class Attacker:
    """Bounds the counts of slices from published ones; `known` by (dimension, slice, side)."""

    scores: pd.DataFrame
    by: list[str]

    def __post_init__(self):
        self.counts = self._counts()
        self.variables = {key: place for place, key in enumerate(k for k in self.counts if k[2] == SLICE)}
        self.identities = self._identities()

    def bounds(self, published, target):
        """Return the least and largest count of a slice, whole numbers, speakers."""
        rows, totals = list(self.identities[0]), list(self.identities[1])
        for key in published:
            rows.append(self._row(key))
            totals.append(self.counts[key])
        matrix, wanted = np.array(rows), self._row(target)
        ends = []
        for sign in (1, -1):
            solved = milp(
                sign * wanted,
                constraints=LinearConstraint(matrix, totals, totals),
                integrality=np.ones(len(self.variables)),
                bounds=Bounds(0, self.counts["overall", "all", SLICE]),
            )
            assert solved.success
            ends.append(sign * solved.fun)
        return round(ends[0]), round(ends[1])

    def _counts(self):
        """Return speakers by slice and by rest, counted in another way than the harness does."""
        one = self.scores.drop_duplicates("speaker_id")
        counts = {("overall", "all", SLICE): len(one)}
        for dimension in self.by:
            names = dimension.split(" & ")
            values = one[names].agg(" & ".join, axis=1)
            declared = ~one[names].isin(["undeclared", "declined"]).any(axis=1)
            for value in sorted(values.unique()):
                counts[dimension, value, SLICE] = int((values == value).sum())
                rest = int((declared & (values != value)).sum())
                if rest and declared[values == value].all():
                    counts[dimension, value, REST] = rest
        return counts

    def _row(self, key):
        """Return a count as a sum over the slices of its dimension."""
        dimension, value, side = key
        row = np.zeros(len(self.variables))
        for other, place in self.variables.items():
            declared = not {"undeclared", "declined"} & set(other[1].split(" & "))
            if side == SLICE:
                row[place] = other == key
            else:
                row[place] = other[0] == dimension and other[1] != value and declared
        return row

    def _identities(self):
        """Return that the slices of a dimension make everybody, and intersections their parts."""
        rows, totals = [], []
        for dimension in self.by:
            row = np.array([key[0] == dimension for key in self.variables], dtype=float)
            row[self.variables["overall", "all", SLICE]] = -1
            rows.append(row)
            totals.append(0)
            for position, part in enumerate(dimension.split(" & ") if " & " in dimension else ()):
                for key in self.variables:
                    if key[0] == part:
                        row = np.array(
                            [k[0] == dimension and k[1].split(" & ")[position] == key[1] for k in self.variables], float
                        )
                        row[self.variables[key]] = -1
                        rows.append(row)
                        totals.append(0)
        return rows, totals


def attacked(scores, by, published):
    """Return the bounds of every small slice."""
    attacker = Attacker(scores, by)
    small = [key for key, n in attacker.counts.items() if n < FLOOR and key[2] == SLICE]
    return {key: attacker.bounds([k for k in attacker.counts if Key(*k) in published], key) for key in small}


def everything_but_small(scores, by):
    return {Key(*key) for key, n in Attacker(scores, by).counts.items() if n >= FLOOR}


def test_hiding_small_slices_alone_hides_nothing():
    scores = scores_of(people(north=9, south=8, west=2))
    bounds = attacked(scores, ["accent"], everything_but_small(scores, ["accent"]))
    assert bounds == {("accent", "west", SLICE): (2, 2)}  # the attacker is worth its name


def test_a_second_slice_is_hidden_with_a_small_one_and_the_largest_stays():
    found = shown(scores_of(people(north=9, south=8, west=2)), ["accent"])
    assert slices(found) == {("overall", "all"), ("accent", "north")}
    assert Key("accent", "north", REST) in found.published  # south and west together: ten people
    assert Key("accent", "south", REST) not in found.published  # everybody less this is south, and so west


def test_two_small_slices_that_are_small_together_take_a_third():
    found = shown(scores_of(people(north=9, south=8, west=2, east=1)), ["accent"])
    assert slices(found) == {("overall", "all"), ("accent", "north")}


def test_small_slices_that_hide_one_another_cost_nothing_more():
    found = shown(scores_of(people(north=9, south=8, west=4, east=4)), ["accent"])
    assert slices(found) == {("overall", "all"), ("accent", "north"), ("accent", "south")}


def test_the_rest_beside_a_slice_does_not_tell_how_many_declared_nothing():
    scores = scores_of(people(north=9, south=8, west=7, undeclared=2))
    found = shown(scores, ["accent"])
    assert slices(found) == {("overall", "all"), ("accent", "north"), ("accent", "south")}
    assert not any(key.side == REST for key in found.published)  # north and its rest are all who declared
    assert attacked(scores, ["accent"], found.published) == {("accent", "undeclared", SLICE): (0, 9)}
    leaking = found.published | {Key("accent", "north", REST)}
    assert attacked(scores, ["accent"], leaking) == {("accent", "undeclared", SLICE): (2, 2)}


def test_a_dimension_inside_another_gives_nothing_away():
    cities = [{"region": "north", "city": city} for city, n in {"a": 6, "b": 7, "c": 2}.items() for _ in range(n)]
    cities += [{"region": "south", "city": city} for city, n in {"d": 9, "e": 4}.items() for _ in range(n)]
    cells = cells_of(scores_of(cities), ["region", "city"])
    found = suppressed(cells, min_speakers=FLOOR)
    names = slices(found)
    assert {("city", "d"), ("region", "south")} - names, "south less d is e, of four people"
    assert ("city", "c") not in names
    published = np.array([place for place, key in enumerate(cells.keys) if key in found.published])
    for cell in np.flatnonzero(small_cells(cells, FLOOR)):
        bounds = range_of(cells, cells.support[0], int(cell), published)
        assert bounds.high - bounds.low >= cells.n_speakers[cell]


PERSON = st.fixed_dictionaries(
    {
        "accent": st.sampled_from(["north", "south", "west", "undeclared"]),
        "gender": st.sampled_from(["female", "male", "other", "declined"]),
    }
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PERSON, min_size=12, max_size=30))
def test_no_small_slice_of_any_population_can_be_worked_out(population):
    by = ["accent", "gender", "accent & gender"]
    scores = scores_of(population)
    found = shown(scores, by)
    counts = Attacker(scores, by).counts
    for key, (low, high) in attacked(scores, by, found.published).items():
        n = counts[key]
        assert high >= FLOOR, f"{key}: at most {high} speakers"
        assert high - low >= n, f"{key}: {low} to {high}, is {n}"


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PERSON, min_size=12, max_size=30), st.integers(0, 2**32 - 1))
def test_no_error_count_of_a_small_slice_follows_exactly_but_that_there_are_none(population, seed):
    rng = np.random.default_rng(seed)
    scores = scores_of(population)
    scores["deletions"] = (rng.random(len(scores)) < 0.05).astype(int)  # rare, so that many cells have none
    cells = cells_of(scores, ["accent", "gender", "accent & gender"])
    found = suppressed(cells, min_speakers=FLOOR)
    published = np.array([place for place, key in enumerate(cells.keys) if key in found.published])
    small = np.flatnonzero(small_cells(cells, FLOOR)).tolist()
    kinds = [measure for kind in found.kinds for measure in cells.kinds[kind]]
    for measure in (*cells.errors, *kinds):
        values = cells.values(measure)
        told = known_exactly(cells.incidence(measure), values[published], small, published)
        assert all(values[cell] == 0 for cell in told)


def wards():
    """Return people of north in both wards, of south in ward a, of west (two) in ward b."""
    homes = {("north", "a"): 6, ("north", "b"): 6, ("south", "a"): 8, ("west", "b"): 2}
    return [{"accent": accent, "ward": ward} for (accent, ward), n in homes.items() for _ in range(n)]


def with_deletions(scores, lost):
    """Return the scores with deletions by (accent, ward) and no other error."""
    places = list(zip(scores["accent"], scores["ward"], strict=True))
    return scores.assign(deletions=[lost.get(place, 0) for place in places], substitutions=0, insertions=0, hits=10)


def test_a_zero_elsewhere_does_not_tell_a_small_slice_s_errors():
    """Ward a has no deletion, so all of north's are in ward b, and what is left there is west's."""
    telling = {("accent", "north"), ("ward", "a"), ("ward", "b")}
    told = with_deletions(scores_of(wards()), {("north", "b"): 1, ("west", "b"): 1})
    assert not telling <= slices(shown(told, ["accent", "ward"]))
    evenly = scores_of(wards()).assign(substitutions=1, deletions=1, insertions=1)
    assert telling <= slices(shown(evenly, ["accent", "ward"]))


def test_kinds_of_errors_that_would_tell_are_left_out_and_cost_no_slice():
    """Everybody has errors, but only of west and of north in ward b is anything an insertion."""
    scores = scores_of(wards()).assign(substitutions=2)
    places = list(zip(scores["accent"], scores["ward"], strict=True))
    scores["insertions"] = [int(place in (("north", "b"), ("west", "b"))) for place in places]
    scores["substitutions"] -= scores["insertions"]
    cells = cells_of(scores, ["accent", "ward"])
    found = suppressed(cells, min_speakers=FLOOR)
    assert {("accent", "north"), ("ward", "a"), ("ward", "b")} <= slices(found)
    assert WORDS in cells.kinds
    assert WORDS not in found.kinds
    assert "kinds of errors are left out" in found.notes[0]


def test_a_rarer_count_that_would_give_a_small_slice_away_is_left_out():
    """The same for terms, of which the scores know nothing: the words of what is shown tell nothing, its terms do."""
    cells = cells_of(scores_of(wards()).assign(substitutions=1, deletions=1, insertions=1), ["accent", "ward"])
    found = suppressed(cells, min_speakers=FLOOR)
    counts = {"all": 8, "north": 6, "south": 0, "west": 2, "a": 0, "b": 8}
    dimensions = {"all": "overall", "a": "ward", "b": "ward"}
    rows = [
        {"measure": measure, "dimension": dimensions.get(name, "accent"), "slice": name, "deletions": n}
        for measure, by_slice in (("rare", counts), ("none", dict.fromkeys(counts, 0)))
        for name, n in by_slice.items()
    ]
    shared = shared_table("terms.csv", pd.DataFrame(rows), cells, found)
    assert "none" in shared.text
    assert "rare" not in shared.text


def test_a_slice_that_one_person_nearly_is_counts_as_small():
    scores = scores_of(people(north=9, south=8, west=6, east=7))
    talker = scores["speaker_id"] == "s017"  # of west
    scores.loc[talker, "hits"] = 200
    found = shown(scores, ["accent"])
    assert ("accent", "west") not in slices(found)


def test_people_who_are_nobody_s_do_not_count_as_people():
    scores = scores_of(people(north=9, south=8, west=6))
    scores.loc[scores["accent"] == "west", "speaker_id"] = None
    assert ("accent", "west") not in slices(shown(scores, ["accent"]))


def test_too_few_people_in_all_is_refused():
    with pytest.raises(UsageError, match="4 speakers in all"):
        shown(scores_of(people(north=2, south=2)), ["accent"])


def test_several_values_at_once_are_counted_once_each():
    people_of_devices = (
        [{"device": ("phone", "headset")}] * 6 + [{"device": ("phone",)}] * 8 + [{"device": ("tablet",)}] * 7
    )
    cells = cells_of(scores_of(people_of_devices), ["device"])
    counts = dict(zip(cells.keys, cells.n_speakers, strict=True))
    assert counts[Key("device", "phone")] == 14
    assert counts[Key("device", "phone", REST)] == 7
    found = suppressed(cells, min_speakers=FLOOR)
    assert ("device", "headset") in slices(found)


def test_a_higher_floor_hides_more():
    scores = scores_of(people(north=30, south=20, west=12, east=8))
    assert slices(shown(scores, ["accent"])) > slices(shown(scores, ["accent"], floor=10))


def test_conditions_are_one_more_dimension():
    scores = scores_of(people(north=9, south=8))
    noisy = scores.assign(condition="noisy", substitutions=scores["substitutions"] + 1)
    cells = cells_of(pd.concat([scores, noisy]), ["condition", "accent"])
    assert dict(zip(cells.keys, cells.n_speakers, strict=True))[Key("condition", "noisy")] == 17
    assert {measure.name for measure in cells.errors} >= {"errors under clean", "errors under noisy"}
