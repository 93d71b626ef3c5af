"""Whatever is said and heard, counts of terms, numbers and negations agree with a naive search and each other."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring.terms import COUNTS, SPAN_COLUMNS
from tests.scoring.term_builders import counted, list_of, naive_recall, pairs_of, totals

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "not", "5", "mg", "two"]), max_size=7).map(" ".join)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)
RENDERINGS = ("a", "b c", "a b", "c d a", "d", "c c")


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.sets(st.sampled_from(RENDERINGS)))
def test_recall_is_that_of_a_naive_search_along_jiwers_alignment(pairs, renderings):
    sums = totals(counted(pairs_of(*pairs), list_of(*sorted(renderings))))
    assert (sums["term_spans"], sums["term_hits"]) == naive_recall(pairs, sorted(renderings))


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.permutations(RENDERINGS))
def test_the_order_of_the_list_changes_nothing_and_the_counts_agree(pairs, shuffled):
    scores = pairs_of(*pairs)
    first, second = counted(scores, list_of(*RENDERINGS)), counted(scores, list_of(*shuffled))
    pd.testing.assert_frame_equal(first.scores, second.scores)
    pd.testing.assert_frame_equal(first.spans.drop(columns="position"), second.spans.drop(columns="position"))
    counts = first.scores
    assert (counts[list(COUNTS)].dtypes == "int64").all()
    assert (counts["term_spurious"] <= counts["term_hypothesis_spans"]).all()
    assert (counts["term_hits"] <= counts["term_spans"]).all()
    parts = counts[["keyword_hits", "keyword_substitutions", "keyword_deletions"]].sum(axis="columns")
    assert (parts == counts["keyword_words"]).all()
    assert (counts["number_hits"] + counts["number_spurious"] == counts["number_hypothesis_spans"]).all()
    assert (counts["negations_lost"] <= counts["negations"]).all()
    for name in ("hits", "substitutions", "deletions", "insertions"):
        assert (counts[f"weighted_{name}"] == scores[name]).all()
        assert (counts[f"keyword_{name}"] <= scores[name]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_of_a_perfect_transcript_everything_is_right(texts):
    sums = totals(counted(pairs_of(*((text, text) for text in texts)), list_of(*RENDERINGS)))
    assert sums["term_hits"] == sums["term_spans"] == sums["term_hypothesis_spans"]
    assert sums["keyword_hits"] == sums["keyword_words"]
    assert sums["number_hits"] == sums["number_spans"] == sums["number_hypothesis_spans"]
    assert sums["dose_hits"] == sums["dose_spans"]
    wrong = ("term_spurious", "keyword_insertions", "number_spurious", "negations_lost", "negations_added")
    assert [sums[name] for name in wrong] == [0] * 5


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_negations_said_and_lost_and_added_are_those_heard(pairs):
    sums = totals(counted(pairs_of(*pairs), list_of()))
    assert sums["negations"] == sum(said.split().count("not") for said, _ in pairs)
    heard = sum(hypothesis.split().count("not") for _, hypothesis in pairs)
    assert sums["negations"] - sums["negations_lost"] + sums["negations_added"] == heard


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.integers(0, 8))
def test_counts_of_parts_add_up(pairs, cut):
    scores = pairs_of(*pairs)
    whole = counted(scores, list_of(*RENDERINGS)).scores
    parts = [counted(each, list_of(*RENDERINGS)).scores for each in (scores[:cut], scores[cut:])]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_every_count_is_a_number_of_spans(pairs):
    found = counted(pairs_of(*pairs), list_of(*RENDERINGS))
    sums, spans = totals(found), found.spans
    assert tuple(spans.columns) == SPAN_COLUMNS
    per = spans.groupby(["what", "outcome"]).size()

    def n(what, outcome):
        return per.get((what, outcome), 0)

    assert (n("term", "hit"), n("term", "spurious")) == (sums["term_hits"], sums["term_spurious"])
    assert n("term", "hit") + n("term", "missed") == sums["term_spans"]
    assert (n("number", "hit"), n("number", "spurious")) == (sums["number_hits"], sums["number_spurious"])
    assert (n("negation", "missed"), n("negation", "spurious")) == (sums["negations_lost"], sums["negations_added"])
