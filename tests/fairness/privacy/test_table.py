"""The table: a naive recount, cost and proofs, rows that are declared, and nothing exact anywhere else."""

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError, UsageError
from harness.fairness import Failures, Policy
from harness.fairness.privacy import (
    OTHER,
    PRIVATE_COLUMNS,
    Caps,
    PrivacyOptions,
    ReleaseMethod,
    Statistic,
    private_table,
)
from harness.fairness.privacy.mechanisms import UNIT
from tests.fairness.builders import scores_of

DIMENSIONS = {"accent": ("us", "indian", "nobody"), "overall": ()}
ALL = {
    "A": {"statistic": Statistic.ratio_of_sums},
    "B": {"statistic": Statistic.mean_of_speakers},
    "C": {"words_are_public": True},
}
METHODS = (ReleaseMethod.laplace, ReleaseMethod.gaussian)


def corpus(n_speakers: int, *, seed: int = 0, high: float = 0.3) -> pd.DataFrame:
    """Return three utterances of every speaker, of whom some have values that nobody declared."""
    rng = np.random.default_rng(seed)
    accents = rng.choice(["us", "indian", "undeclared", "declined", "welsh"], n_speakers, p=[0.4, 0.4, 0.1, 0.05, 0.05])
    speakers = np.repeat(np.arange(n_speakers), 3)
    words = rng.integers(20, 300, len(speakers))
    errors = rng.binomial(words, rng.uniform(0, high, n_speakers)[speakers])
    return scores_of(errors, words, [f"s{i}" for i in speakers], accent=accents[speakers])


def naive(scores: pd.DataFrame, letter: str, caps: Caps) -> dict[str, float]:
    """Return the statistic of every accent without noise, a speaker at a time."""
    people: dict[str, list] = {}
    for row in scores.to_dict("records"):
        wrong = row["substitutions"] + row["deletions"] + row["insertions"]
        said = row["hits"] + row["substitutions"] + row["deletions"]
        name, errors, words = people.get(row["speaker_id"], (row["accent"], 0, 0))
        people[row["speaker_id"]] = (name, errors + wrong, words + said)
    sums: dict[str, list[tuple[float, float]]] = {}
    for name, errors, words in people.values():
        counts_as = min(1, caps.words / words)
        of_sums = (min(errors * counts_as, caps.errors), words * counts_as)
        sums.setdefault(name, []).append((min(errors / words, caps.rate), 1) if letter == "B" else of_sums)
    return {name: sum(above for above, _ in each) / sum(below for _, below in each) for name, each in sums.items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("letter", ALL)
def test_with_hardly_any_noise_the_table_is_a_naive_recount(letter, method):
    scores, caps = corpus(4_000), Caps(words=400, errors=90, rate=0.25)
    options = PrivacyOptions(epsilon=20, caps=caps, method=method, **ALL[letter])
    found = private_table(scores, dimensions=DIMENSIONS, options=options).frame.set_index("slice")
    for name, expected in naive(scores, letter, caps).items():
        row = found.loc[OTHER if name == "welsh" else name]
        assert abs(row["wer"] - expected) < 12 * row["expected_error"]  # standard deviations of Laplace: e^-17
        assert row["expected_error"] < 0.0045
        assert row["wer_low"] < row["wer"] < row["wer_high"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("letter", ALL)
def test_with_hardly_any_noise_the_interval_is_that_of_the_speakers_who_differ(letter, method):
    scores, caps = corpus(5_000), Caps(words=900, errors=450, rate=0.5)
    people = scores.groupby("speaker_id")[["hits", "substitutions"]].sum()
    errors, words = people["substitutions"], people.sum(axis=1)
    rate = errors / words if letter == "B" else errors
    below = words * 0 + 1 if letter == "B" else words
    deviation = np.sqrt(np.sum((rate - rate.sum() / below.sum() * below) ** 2)) / below.sum()
    options = PrivacyOptions(epsilon=20, caps=caps, method=method, spread_share=0.3, **ALL[letter])
    row = private_table(scores, dimensions={"overall": ()}, options=options).frame.iloc[0]
    expected = 1.96 * np.hypot(deviation, row["expected_error"])
    assert (row["wer_high"] - row["wer_low"]) / 2 == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("letter", ALL)
def test_the_cost_is_what_opendp_proves_and_no_more_than_was_asked(letter, method):
    options = PrivacyOptions(epsilon=0.8, delta=1e-7, method=method, **ALL[letter])
    table = private_table(corpus(30), dimensions=DIMENSIONS, options=options)
    losses = [proof.loss for proof in table.proofs]
    n_quantities = 2 if letter == "C" else 3
    assert len(losses) == n_quantities * len(DIMENSIONS)
    assert all(proof.sensitivity == UNIT for proof in table.proofs)
    assert table.cost.epsilon <= 0.8
    assert table.cost.epsilon == pytest.approx(0.8, rel=1e-6)
    if method is ReleaseMethod.laplace:
        assert sum(losses) == pytest.approx(table.cost.epsilon)
        assert (table.cost.delta, table.cost.rho) == (0, None)
    else:
        assert sum(losses) == pytest.approx(table.cost.rho)
        assert table.cost.delta == 1e-7


def test_rows_are_what_was_declared_whoever_is_there():
    frame = private_table(corpus(50), dimensions=DIMENSIONS).frame
    assert tuple(frame.columns) == PRIVATE_COLUMNS
    assert frame["slice"].tolist() == ["us", "indian", "nobody", "undeclared", "declined", OTHER, "all"]
    assert frame["dimension"].tolist() == ["accent"] * 6 + ["overall"]


@pytest.mark.parametrize("letter", ALL)
def test_nothing_but_noisy_numbers_differs_between_corpora_of_one_design(letter):
    options = PrivacyOptions(largest_error=1e-6, **ALL[letter])  # all withheld: what is left is noise
    first, second = (
        private_table(scores, dimensions=DIMENSIONS, options=options)
        for scores in (corpus(400), scores_of([9], [1], accent=["indian"]))
    )
    assert first.cost == second.cost
    assert first.proofs == second.proofs
    assert first.statement == second.statement
    assert first.frame.dtypes.tolist() == second.frame.dtypes.tolist()
    public = ["dimension", "slice", "wer", "wer_low", "wer_high", "worth", "reason"]
    pd.testing.assert_frame_equal(first.frame[public], second.frame[public])


def test_a_corpus_of_nobody_has_the_rows_of_any_other():
    nobody = corpus(2).iloc[:0]
    frame = private_table(nobody, dimensions=DIMENSIONS, options=PrivacyOptions(epsilon=4)).frame
    assert len(frame) == 7
    assert not frame["worth"].all()


def test_intersections_have_a_row_for_who_did_not_say_a_part_of_it():
    scores = scores_of([1] * 4, [10] * 4, accent=["us", "us", "undeclared", "us"], gender=["f", "declined", "f", "x"])
    dimensions = {"accent & gender": ("us & f", "us & m")}
    options = PrivacyOptions(words_are_public=True)
    frame = private_table(scores, dimensions=dimensions, options=options).frame.set_index("slice")
    assert frame["n_speakers"].to_dict() == {"us & f": 1, "us & m": 0, "undeclared": 1, "declined": 1, OTHER: 1}


def test_a_rate_is_withheld_where_its_expected_error_is_too_large_and_the_row_says_why():
    frame = private_table(corpus(600), dimensions=DIMENSIONS).frame
    withheld = frame[frame["expected_error"] > 0.02]
    assert {"nobody"} <= set(withheld["slice"])
    assert withheld[["wer", "wer_low", "wer_high"]].isna().all(axis=None)
    assert set(withheld["reason"]) == {"expected error above 0.02: too few speakers to be worth releasing"}
    assert frame.loc[frame["worth"], "reason"].eq("").all()
    assert frame.loc[frame["worth"], "wer"].notna().all()
    assert frame["worth"].eq(frame["expected_error"] <= 0.02).all()


def test_the_number_of_speakers_has_noise_or_is_public_or_is_not_told():
    scores = corpus(200)

    def told(letter: str) -> float:
        options = PrivacyOptions(epsilon=0.01, **ALL[letter])
        return float(private_table(scores, dimensions={"overall": ()}, options=options).frame["n_speakers"][0])

    assert np.isnan(told("A"))
    assert {told("B") for _ in range(4)} != {200}  # noise of a scale of hundreds meets it once in a thousand draws
    assert told("C") == 200


def draws(scores: pd.DataFrame, n_copies: int, options: PrivacyOptions) -> pd.DataFrame:
    """Return as many tables of one corpus as there are copies, each a slice: the noise of slices is independent."""
    copies = np.repeat(np.arange(n_copies), len(scores))
    many = pd.concat([scores] * n_copies, ignore_index=True)
    many = many.assign(speaker_id=many["speaker_id"] + "/" + copies.astype(str), accent=copies.astype(str))
    names = [str(i) for i in range(n_copies)]
    return private_table(many, dimensions={"accent": names}, options=options).frame.iloc[:n_copies]


@pytest.mark.parametrize("statistic", [Statistic.ratio_of_sums, Statistic.mean_of_speakers])
def test_no_event_is_more_likely_with_a_speaker_more_than_the_cost_allows(statistic):
    epsilon, n_copies = 1.5, 2_000
    options = PrivacyOptions(statistic=statistic, epsilon=epsilon, largest_error=1, spread_share=0.3)
    few, more = scores_of([5, 0], [100, 40]), scores_of([5, 0, 10**6], [100, 40, 10**6])
    first, second = (draws(each, n_copies, options) for each in (few, more))
    excess = []
    for column in ("wer", "wer_high", "expected_error", "n_speakers"):
        both = pd.concat([first[column], second[column]]).fillna(-1)
        for edge in np.unique(both.quantile(np.linspace(0.02, 0.98, 25))):
            for event in (both <= edge, both > edge):
                counts = np.array([event.iloc[:n_copies].sum(), event.iloc[n_copies:].sum()], dtype=float)
                if counts.min() >= 50:
                    above = abs(np.log(counts[0] / counts[1])) - epsilon
                    excess.append(above / np.sqrt((1 / counts).sum()))
    assert len(excess) > 20
    assert max(excess) < 5


def test_the_noise_of_a_released_number_has_the_scale_that_was_proved():
    n_copies, scores = 2_000, scores_of([5] * 200, [100] * 200)
    options = PrivacyOptions(epsilon=2, largest_error=1)
    drawn = draws(scores, n_copies, options)["n_speakers"] - 200
    proof = private_table(scores, dimensions={"overall": ()}, options=options).proofs
    (scale,) = [each.scale * each.unit for each in proof if each.quantity == "speakers"]
    variance = 2 * scale**2 + 1 / 12  # and rounding
    assert np.mean(drawn**2) / variance == pytest.approx(1, abs=5.5 * np.sqrt(5 / n_copies))


def test_messages_and_logs_hold_no_counts(caplog):
    caplog.set_level(logging.DEBUG)
    scores = scores_of([4321] * 3, [98765] * 3, accent=["us"] * 3)
    broken = {
        "no speaker": (DataError, scores.assign(speaker_id=None)),
        "no counts": (UsageError, scores.assign(hits=0.5)),
    }
    for kind, each in broken.values():
        with pytest.raises(kind) as refused:
            private_table(each, dimensions=DIMENSIONS)
        assert not any(number in str(refused.value) for number in ("4321", "98765", "3 "))
    table = private_table(scores, dimensions=DIMENSIONS)
    for text in (caplog.text, repr(table.statement), repr(table.proofs), repr(table.cost)):
        assert not any(number in text for number in ("4321", "98765", "94444"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({}, "above 0.5 counts as 0.5", id="cap-on-a-rate"),
        pytest.param({"cells": {"accent": 2}}, "in full in one slice of a dimension, or 2 of accent", id="cells"),
        pytest.param({**ALL["A"], "cells": {"accent": 2}}, "together; 2 times as much for accent", id="caps-times"),
        pytest.param(ALL["A"], "more than 500 reference words", id="cap-on-words"),
        pytest.param(ALL["C"], "taken to be published and are not protected", id="what-is-public"),
        pytest.param({"method": ReleaseMethod.gaussian}, "at delta 1e-06 (rho", id="gaussian"),
        pytest.param({}, "delta is 0", id="laplace"),
    ],
)
def test_a_table_says_in_words_whom_it_protects_and_what_was_clipped(options, said):
    table = private_table(corpus(3), dimensions=DIMENSIONS, options=PrivacyOptions(**options))
    assert said in " ".join(table.statement.sentences)


def test_tables_can_be_made_in_several_threads():
    scores = corpus(100)
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: private_table(scores, dimensions=DIMENSIONS), range(8)))
    assert {table.cost for table in tables} == {tables[0].cost}
    assert len({table.frame["expected_error"].sum() for table in tables}) > 1


def test_failed_clips_count_as_the_policy_says_and_never_decide_what_is_public():
    scores = scores_of([10, 0], [10, 10], ["s", "s"]).assign(failed=[True, False])
    options = PrivacyOptions(epsilon=20, largest_error=1, caps=Caps(rate=1.0), spread_share=0)
    copies = pd.concat([scores.assign(speaker_id=str(i), utterance_id=[f"{i}a", f"{i}b"]) for i in range(300)])
    wers = [
        private_table(copies, dimensions={"overall": ()}, options=options, policy=Policy(failures=each)).frame["wer"][0]
        for each in (Failures.deletions, Failures.left_out)
    ]
    assert wers == pytest.approx([0.5, 0.0], abs=0.01)
    with pytest.raises(UsageError, match="not public"):
        private_table(
            copies,
            dimensions={"overall": ()},
            options=PrivacyOptions(words_are_public=True),
            policy=Policy(failures=Failures.left_out),
        )


@pytest.mark.parametrize(
    ("dimensions", "options", "said"),
    [
        pytest.param({}, {}, "needs declared slices", id="nothing"),
        pytest.param({"accent": ()}, {}, "no declared slices", id="no-slices"),
        pytest.param({"accent": "us"}, {}, "expected a list", id="a-text"),
        pytest.param({"accent": ("us", "us")}, {}, "twice", id="twice"),
        pytest.param({"age": ("old",)}, {}, "no attribute 'age'", id="no-such-attribute"),
        pytest.param({"accent": ("us",)}, {"method": ReleaseMethod.suppression}, "adds no noise", id="suppression"),
        pytest.param({"accent": ("us",)}, {"shares": {"age": 2.0}}, "names 'age'", id="share-of-what-is-not-released"),
        pytest.param({"accent": ("us",)}, {"cells": {"age": 2}}, "names 'age'", id="cells-of-what-is-not-released"),
    ],
)
def test_what_cannot_be_meant_is_refused(dimensions, options, said):
    with pytest.raises(UsageError, match=said):
        private_table(corpus(5), dimensions=dimensions, options=PrivacyOptions(**options))


def test_arguments_are_left_as_they_were():
    scores, before = corpus(20), corpus(20)
    private_table(scores, dimensions=DIMENSIONS)
    pd.testing.assert_frame_equal(scores, before)
