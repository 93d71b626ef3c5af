import doctest
import importlib
import random
import re

import pytest

from harness.scoring.alignment import errors_by_place, word_counts
from harness.scoring.segments import segments
from tests.shared import DATA, needs_data


def random_texts(n_texts, seed):
    """Return references and two hypotheses each, which differ from them now and then."""
    rng = random.Random(seed)
    vocabulary = ["a", "b", "scan", "can", "the", "of"]

    def heard(words):
        kept = [word if rng.random() < 0.8 else rng.choice(vocabulary) for word in words if rng.random() < 0.9]
        return " ".join(
            word for each in kept for word in ([each, rng.choice(vocabulary)] if rng.random() < 0.1 else [each])
        )

    references = [rng.choices(vocabulary, k=rng.randrange(25)) for _ in range(n_texts)]
    return [" ".join(each) for each in references], *([heard(each) for each in references] for _ in range(2))


def states(reference, first, second, min_good):
    """Return (errors, errors) of each segment of one utterance, walked word by word as a state machine."""
    places = [errors_by_place([reference], [hypothesis]).tolist() for hypothesis in (first, second)]
    found, state, n_good = [], "before", 0
    for place, wrong in enumerate(zip(*places, strict=True)):
        if any(wrong):
            if state == "before":
                found.append([0, 0])
            state, n_good = "inside", 0
            found[-1] = [found[-1][0] + wrong[0], found[-1][1] + wrong[1]]
        elif place % 2 and state == "inside":
            n_good += 1
            state = "before" if n_good >= min_good else "inside"
    return found


def pairs_of(found):
    return list(zip(found.baseline_errors.tolist(), found.candidate_errors.tolist(), strict=True))


def trn(name):
    """Return the sentences of an SCTK transcript by utterance id."""
    lines = (DATA / "vectors" / "sctk" / f"{name}.trn").read_text().splitlines()
    return {match[2]: match[1].strip() for line in lines if (match := re.fullmatch(r"(.*)\((\S+)\)\s*", line))}


@needs_data("vectors")
def test_v3_3_the_segments_are_those_of_nist_sctk():
    references, system_a, system_b = trn("ref"), trn("sysA"), trn("sysB")
    assert list(references) == list(system_a) == list(system_b)
    found = segments(*(list(each.values()) for each in (references, system_b, system_a)))
    differences = (found.candidate_errors - found.baseline_errors).tolist()
    assert sorted(differences) == [-2] * 2 + [-1] * 11 + [0] * 3
    assert (found.candidate_errors.sum(), found.baseline_errors.sum()) == (5, 20)


@pytest.mark.parametrize("module", ["segments", "alignment"])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(importlib.import_module(f"harness.scoring.{module}")).failed == 0


@pytest.mark.parametrize("min_good", [1, 2, 3, 5])
def test_two_thousand_random_utterances_are_cut_as_a_word_by_word_walk_cuts_them(min_good):
    references, first, second = random_texts(2_000, min_good)
    walked = [
        tuple(errors) for texts in zip(references, first, second, strict=True) for errors in states(*texts, min_good)
    ]
    assert len(walked) > 2_000
    assert pairs_of(segments(references, first, second, min_good=min_good)) == walked


def test_every_error_of_either_system_is_in_one_segment_and_no_segment_is_without():
    references, first, second = random_texts(2_000, 7)
    found = segments(references, first, second)
    for errors, hypotheses in ((found.baseline_errors, first), (found.candidate_errors, second)):
        assert errors.sum() == word_counts(references, hypotheses).total().errors
    assert (found.baseline_errors + found.candidate_errors).min() > 0


def test_swapping_the_systems_swaps_their_errors():
    references, first, second = random_texts(300, 8)
    there, back = segments(references, first, second), segments(references, second, first)
    assert pairs_of(there) == [pair[::-1] for pair in pairs_of(back)]


@pytest.mark.parametrize(
    ("reference", "first", "second", "expected"),
    [
        pytest.param("a b c", "a b c", "a b c", [], id="all-right"),
        pytest.param("", "", "", [], id="nothing-said-nothing-heard"),
        pytest.param("", "x y", "", [(2, 0)], id="heard-in-silence"),
        pytest.param("a b c", "", "a b c", [(3, 0)], id="nothing-heard"),
        pytest.param("a b c", "x b y", "a b c", [(2, 0)], id="one-right-word-parts-nothing"),
        pytest.param("a b c d", "x b c y", "a b c d", [(1, 0), (1, 0)], id="two-right-words-part"),
        pytest.param("a b c d", "x b c d", "a b c y", [(1, 0), (0, 1)], id="right-in-both"),
        pytest.param("a b c d", "x b c d", "a x c y", [(1, 2)], id="right-in-one-only-parts-nothing"),
        pytest.param("a b c d", "x b z c y", "a b c d", [(3, 0)], id="an-insertion-between-right-words"),
        pytest.param("a b c", "x a b c y", "a b c", [(1, 0), (1, 0)], id="insertions-at-the-ends"),
    ],
)
def test_segments_by_hand(reference, first, second, expected):
    assert pairs_of(segments([reference], [first], [second])) == expected


def test_a_segment_ends_with_its_utterance():
    assert pairs_of(segments(["a", "b"], ["x", "b"], ["a", "y"])) == [(1, 0), (0, 1)]


def test_no_utterance_has_no_segment():
    assert pairs_of(segments([], [], [])) == []


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="min_good=0; expected at least 1 word"):
        segments(["a"], ["a"], ["a"], min_good=0)
    with pytest.raises(ValueError, match="1 references and 2 hypotheses"):
        segments(["a"], ["a", "b"], ["a"])


def test_the_errors_by_place_are_those_of_the_counts():
    references, hypotheses, _ = random_texts(1_000, 9)
    counts, places = word_counts(references, hypotheses), errors_by_place(references, hypotheses)
    start = 0
    for i, reference in enumerate(references):
        here = places[start : start + 2 * len(reference.split()) + 1]
        assert here[0::2].sum() == counts.insertions[i]
        assert here[1::2].sum() == counts.substitutions[i] + counts.deletions[i]
        assert set(here[1::2].tolist()) <= {0, 1}
        start += len(here)
    assert start == len(places)
