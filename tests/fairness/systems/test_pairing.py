"""Two systems are compared on the same utterances, or not at all: whatever differs is named."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError, UsageError
from harness.fairness import Failures
from harness.fairness.membership import everybody, membership
from harness.fairness.speaker_sums import speaker_codes
from harness.fairness.systems.pairing import paired_scores, paired_sums
from tests.fairness.builders import policy_of, scores_of


def scores(n_utterances=6, errors=None, **columns):
    accents = ["north", "south"] * (n_utterances // 2)
    return scores_of(errors or [1] * n_utterances, [10] * n_utterances, **({"accent": accents} | columns))


def paired(first, second, by=("accent",), **options):
    return paired_scores(first, second, list(by), policy_of(**options))


def refusal(first, second, by=("accent",)):
    with pytest.raises(DataError) as refused:
        paired(first, second, by)
    return str(refused.value)


def test_rows_are_matched_whatever_their_order():
    first, second = scores(), scores(errors=[0, 1, 2, 3, 4, 5])
    pair = paired(first, second.iloc[::-1])
    assert pair.candidate["utterance_id"].tolist() == first["utterance_id"].tolist()
    assert pair.candidate["substitutions"].tolist() == [0, 1, 2, 3, 4, 5]


def test_the_same_utterance_under_two_conditions_is_two_rows():
    clean, noisy = (scores(condition=[name] * 6) for name in ("clean", "noisy"))
    pair = paired(pd.concat([clean, noisy]), pd.concat([noisy, clean]))
    assert pair.candidate["condition"].tolist() == ["clean"] * 6 + ["noisy"] * 6
    assert "6 utterances only in the baseline: 'u0' (noisy), 'u1' (noisy), 'u2' (noisy) and 3 more" in refusal(
        pd.concat([clean, noisy]), clean
    )


def test_scores_without_conditions_are_clean():
    assert len(paired(scores(), scores(condition=["clean"] * 6)).baseline) == 6


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda s: s.iloc[:5], "1 utterance only in the baseline: 'u5' (clean)", id="missing"),
        pytest.param(
            lambda s: s.assign(utterance_id=[*s["utterance_id"][:5], "new"]),
            "1 utterance only in the candidate: 'new' (clean)",
            id="unknown",
        ),
        pytest.param(
            lambda s: pd.concat([s, s.iloc[:4]]),
            "4 utterances more than once in the candidate: 'u0' (clean), 'u1' (clean), 'u2' (clean) and 1 more",
            id="twice",
        ),
        pytest.param(
            lambda s: s.assign(reference=["one", "two", "three", "four", "five", "6"]),
            "1 utterance with another reference: 'u5' (clean)",
            id="reference",
        ),
        pytest.param(
            lambda s: s.assign(hits=s["hits"] + [0, 0, 0, 0, 0, 1]),
            "1 utterance with another reference: 'u5' (clean)",
            id="words",
        ),
        pytest.param(
            lambda s: s.assign(speaker_id=[*s["speaker_id"][:5], None]),
            "1 utterance with another speaker_id: 'u5' (clean)",
            id="speaker",
        ),
        pytest.param(
            lambda s: s.assign(accent=[*s["accent"][:4], None, "east"]),
            "2 utterances with another accent: 'u4' (clean), 'u5' (clean)",
            id="attribute",
        ),
    ],
)
def test_what_differs_is_named(change, named):
    first = scores(reference=["one", "two", "three", "four", "five", "six"])
    told = refusal(first, change(first))
    assert named in told
    assert told.startswith("The two systems cannot be compared utterance by utterance.\n")
    assert told.splitlines()[-1].startswith("Score both ")


def test_every_kind_of_missing_utterance_is_named_at_once():
    told = refusal(scores(6).iloc[1:], scores(6).iloc[:-1])
    assert "only in the baseline: 'u5'" in told
    assert "only in the candidate: 'u0'" in told


def test_an_attribute_that_is_not_compared_may_differ():
    assert len(paired(scores(), scores(accent=["east"] * 6), by=()).baseline) == 6


def test_what_was_not_told_is_the_same_however_it_is_written():
    first = scores(accent=[None, "", np.nan, ("a", "b"), "1", ("a",)], speaker_id=["", None, "x", "x", "x", "x"])
    second = scores(accent=["", None, "", np.array(["b", "a"]), 1, "a"], speaker_id=[None, np.nan, "x", "x", "x", "x"])
    assert len(paired(first, second).baseline) == 6


@pytest.mark.parametrize("by", ["dialect", "accent & dialect"])
def test_an_attribute_of_one_system_only_is_refused_by_name(by):
    both = scores(dialect=["x"] * 6)
    for first, second, name in ((scores(), both, "baseline"), (both, scores(), "candidate")):
        with pytest.raises(UsageError, match=f"the {name} has no attribute 'dialect' to slice by"):
            paired(first, second, by=[by])


def test_failures_that_are_left_out_are_left_out_of_both():
    first, second = scores(failed=[True, *[False] * 5]), scores(failed=[*[False] * 5, True])
    kept = paired(first, second)
    assert [each["failed"].sum() for each in (kept.baseline, kept.candidate)] == [1, 1]
    assert kept.baseline["substitutions"].sum() == 6
    left_out = paired(first, second, failures=Failures.left_out)
    for each in (left_out.baseline, left_out.candidate):
        assert each["failed"].tolist() == [True, *[False] * 4, True]
        assert each["substitutions"].tolist() == [0, 1, 1, 1, 1, 0]


def naive_sums(pair, dimension, name):
    """Return {speaker: (candidate's errors, baseline's, words)} of a slice."""
    sums = {}
    for (_, a), (_, b) in zip(pair.baseline.iterrows(), pair.candidate.iterrows(), strict=True):
        if dimension is None or a[dimension] == name:
            told = sums.setdefault(a["speaker_id"], [0, 0, 0])
            told[0] += b["substitutions"] + b["deletions"] + b["insertions"]
            told[1] += a["substitutions"] + a["deletions"] + a["insertions"]
            told[2] += a["hits"] + a["substitutions"] + a["deletions"]
    return {speaker: tuple(told) for speaker, told in sums.items() if sum(told)}


def test_sums_are_those_of_a_loop_over_the_rows():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 5, 60)
    columns = {"speakers": rng.choice(list("abcdefg"), 60), "accent": rng.choice(["north", "south", "undeclared"], 60)}
    first, second = (scores_of(rng.integers(0, 3, 60), words, **columns) for _ in range(2))
    pair = paired(first, second)
    for part in (everybody(pair.baseline), membership(pair.baseline, "accent")):
        sums = paired_sums(pair, part, speaker_codes(pair.baseline), policy_of())
        for k, name in enumerate(sums.slices):
            dimension = None if part.dimension == "overall" else "accent"
            expected = naive_sums(pair, dimension, name)
            candidate, baseline = sums.pairs.one(k)
            found = {
                "abcdefg"[s]: (candidate[0, s], baseline[0, s], candidate[1, s]) for s in range(7) if candidate[2, s]
            }
            assert found == expected
            assert sums.support[k, 0] == len(expected)
            assert sums.support[k, 2] == sum(told[2] for told in expected.values())
    assert sums.slices == ("north", "south")
    assert sums.n_failed[:, 2].tolist() == [(columns["accent"] == name).sum() for name in sums.slices]


def test_the_unnamed_are_one_person_and_support_nobody():
    first = scores(speaker_id=["a", "a", "b", "b", None, ""])
    pair = paired(first, first)
    sums = paired_sums(pair, everybody(pair.baseline), speaker_codes(pair.baseline), policy_of())
    assert sums.n_named == 2
    assert sums.pairs.common.shape == (3, 3)
    assert sums.support.tolist() == [[2, 6, 60]]
