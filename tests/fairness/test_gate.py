"""What a night fails on: tests by hand and by scipy, nights that only differ by noise, losses put into real scores."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness import Failures, Policy
from harness.fairness.gate import CHANGE_COLUMNS, GateOptions, changes
from harness.fairness.gate_verdicts import judged
from harness.fairness.paired import comparison_table
from harness.fairness.systems.pairing import Pair, paired_scores
from harness.scoring import WhisperEnglish, read_hypotheses, score
from tests.fairness.builders import policy_of, scores_of, simulated
from tests.shared import DATA, needs_data

N_NIGHTS = 30


def corpus(accents=(("north", 6), ("south", 6)), *, n_utterances=20, words=10, errors=2):
    """Return scores of speakers an accent, every utterance of so many words with so many errors."""
    who = [(name, f"{name}{s}") for name, n in accents for s in range(n) for _ in range(n_utterances)]
    return scores_of(
        [errors] * len(who), [words] * len(who), [speaker for _, speaker in who], accent=[name for name, _ in who]
    )


def worse(scores, rows, by=1):
    """Return the scores with so many more words wrong in some utterances; less where it is below 0."""
    more = np.where(rows, by, 0)
    return scores.assign(hits=scores["hits"] - more, substitutions=scores["substitutions"] + more)


def night(baseline, tonight, by=("accent",), policy=None, *, comparators=None, **options):
    """Return what one cell's night is judged to be."""
    policy, options = policy or policy_of(), GateOptions(**options)
    pair = paired_scores(baseline, tonight, by, policy)
    return judged(changes(pair, by, policy, options, comparators=comparators), options)


def row_of(table, measure, name=None):
    found = table[(table["measure"] == measure) & ((table["slice"] == name) | (name is None))]
    assert len(found) == 1, table
    return found.iloc[0]


def every(scores, n, *, accent=None):
    """Say which utterances are each n-th, of an accent if given."""
    here = np.ones(len(scores), dtype=bool) if accent is None else (scores["accent"] == accent).to_numpy()
    return here & (np.cumsum(here) % n == 0)


def test_a_night_like_the_baseline_has_nothing_to_say():
    scores = corpus()
    table = night(scores, scores)
    assert tuple(table.columns)[: len(CHANGE_COLUMNS)] == CHANGE_COLUMNS
    assert table["measure"].tolist() == ["wer", "slice_wer", "slice_wer", "gap", "gap"]
    assert set(table["verdict"]) == {"not_detected"}
    assert table["difference"].tolist() == [0] * 5
    assert table["p_worse"].tolist() == pytest.approx([1] * 5)


def test_a_slice_that_got_worse_is_named_with_where_from_and_where_to():
    scores = corpus()
    table = night(scores, worse(scores, every(scores, 3, accent="south")))
    row = row_of(table, "slice_wer", "south")
    assert (row["verdict"], row["unit"], row["n_speakers"], row["n_utterances"]) == ("regression", "clips", 6, 120)
    assert (row["baseline"], row["tonight"], row["difference"]) == pytest.approx((0.2, 280 / 1200, 40 / 1200))
    assert row["reason"].startswith("worse by at least 1 point: +3.3 points, adjusted p ")
    assert row_of(table, "slice_wer", "north")["verdict"] == "not_detected"


def test_the_chance_of_a_few_speakers_is_that_of_their_clips_by_a_sign_test():
    """Of 120 clips 12 got a word worse and 4 better: 12 or more of 16 fair coins."""
    scores = corpus()
    south = np.flatnonzero(scores["accent"] == "south")
    tonight = worse(worse(scores, np.isin(np.arange(240), south[:12])), np.isin(np.arange(240), south[50:54]), -1)
    row = row_of(night(scores, tonight), "slice_wer", "south")
    assert row["p_worse"] == pytest.approx(stats.binomtest(12, 16, alternative="greater").pvalue)
    assert row["p_better"] == pytest.approx(stats.binomtest(12, 16, alternative="less").pvalue)


def test_enough_speakers_are_the_units_and_one_of_them_is_no_evidence():
    """All clips of one speaker of twenty got worse: surely of him, not of the accent."""
    scores = corpus([("north", 20), ("south", 20)])
    alone = (scores["speaker_id"] == "south3").to_numpy()
    row = row_of(night(scores, worse(scores, alone, by=8)), "slice_wer", "south")
    assert (row["unit"], row["n_units"], row["p_worse"], row["verdict"]) == (
        "speakers",
        20,
        pytest.approx(0.5),
        "not_detected",
    )
    row = row_of(night(scores, worse(scores, alone, by=8), min_speakers=21), "slice_wer", "south")
    assert (row["unit"], row["n_units"], row["verdict"]) == ("clips", 400, "regression")


def test_speakers_who_all_got_worse_are_the_smallest_chance_there_is():
    scores = corpus([("north", 20), ("south", 20)])
    row = row_of(night(scores, worse(scores, every(scores, 5, accent="south"))), "slice_wer", "south")
    assert (row["unit"], row["p_worse"]) == ("speakers", pytest.approx(2.0**-20, rel=1e-6))
    assert row["verdict"] == "regression"


def test_who_has_no_id_is_no_speaker_and_is_compared_clip_by_clip():
    scores = corpus().assign(speaker_id="")
    row = row_of(night(scores, worse(scores, every(scores, 3, accent="south"))), "slice_wer", "south")
    assert (row["unit"], row["n_speakers"], row["verdict"]) == ("clips", 0, "regression")


def test_what_got_better_is_told_and_fails_nothing():
    scores = corpus()
    table = night(scores, worse(scores, every(scores, 1), by=-1))
    assert row_of(table, "wer")["verdict"] == "better"
    assert row_of(table, "wer")["reason"].startswith("better: -10.0 points")
    assert "regression" not in set(table["verdict"])


def test_a_loss_below_the_margin_is_shown_and_fails_nothing():
    scores = corpus([("north", 30), ("south", 30)], n_utterances=40)
    table = night(scores, worse(scores, every(scores, 15)))
    assert row_of(table, "wer")["verdict"] == "slightly_worse"
    assert "worse by less than 1 point: +0.7 points" in row_of(table, "wer")["reason"]
    table = night(scores, worse(scores, every(scores, 15)), margin=0)
    assert row_of(table, "wer")["verdict"] == "regression"


def test_a_gap_that_grows_because_others_got_better_is_a_regression():
    """Nobody got worse; the south is now four points behind, where three are promised."""
    scores = corpus()
    table = night(scores, worse(scores, every(scores, 2, accent="north"), by=-1))
    gap = row_of(table, "gap", "south")
    assert (gap["baseline"], gap["tonight"], gap["verdict"]) == (0, pytest.approx(0.05), "regression")
    assert "now beyond the policy" in gap["reason"]
    assert row_of(table, "gap", "north")["verdict"] == "better"
    assert row_of(table, "slice_wer", "south")["verdict"] == "not_detected"


def test_a_gap_that_the_policy_still_allows_fails_nothing():
    scores = corpus()
    tonight = worse(scores, every(scores, 2, accent="north"), by=-1)
    allowed = row_of(night(scores, tonight, policy=policy_of(margin=0.1)), "gap", "south")
    assert (allowed["verdict"], bool(allowed["beyond"])) == ("slightly_worse", False)
    assert "still a gap that the policy allows" in allowed["reason"]


def test_everybody_who_got_worse_alike_widens_no_gap():
    scores = corpus()
    table = night(scores, worse(scores, every(scores, 2)))
    assert set(table.loc[table["measure"] != "gap", "verdict"]) == {"regression"}
    assert set(table.loc[table["measure"] == "gap", "verdict"]) == {"not_detected"}


def test_a_gap_is_measured_to_the_comparator_that_the_policy_names():
    scores = corpus([("north", 6), ("south", 6), ("west", 6)])
    tonight = worse(scores, every(scores, 2, accent="west"))
    to_rest = night(scores, tonight)
    named = {("accent", "south"): "north", ("accent", "west"): "north", ("accent", "east"): "nowhere"}
    to_north = night(scores, tonight, comparators=named)
    assert row_of(to_rest, "gap", "south")["tonight"] == pytest.approx(-0.025)
    assert row_of(to_north, "gap", "south")["tonight"] == 0
    assert row_of(to_north, "gap", "west")["tonight"] == pytest.approx(0.05)


def test_a_speaker_on_both_sides_of_a_gap_makes_clips_the_units():
    scores = corpus([("north", 25), ("south", 25)])
    shared = scores.assign(speaker_id=scores["speaker_id"].str.replace("north", "south"))
    tonight = worse(shared, every(scores, 3, accent="south"))
    assert row_of(night(scores, worse(scores, every(scores, 3, accent="south"))), "gap", "south")["unit"] == "speakers"
    row = row_of(night(shared, tonight), "gap", "south")
    assert (row["unit"], row["verdict"]) == ("clips", "regression")


def test_clips_of_several_values_count_once_on_either_side():
    scores = corpus()
    both = np.arange(len(scores)) % 40 == 0
    several = [("north", "south") if here else (name,) for name, here in zip(scores["accent"], both, strict=True)]
    scores = scores.assign(accent=several)
    row = row_of(night(scores, worse(scores, both, by=3)), "gap", "south")
    north_alone = sum(value == ("north",) for value in several)
    assert row["tonight"] - row["baseline"] == pytest.approx(18 / (10 * (240 - north_alone)))


def test_undeclared_people_count_for_everybody_and_are_no_slice():
    scores = corpus([("north", 6), ("undeclared", 6), ("south", 6)])
    table = night(scores, worse(scores, (scores["accent"] == "undeclared").to_numpy()))
    assert set(table.loc[table["dimension"] == "accent", "slice"]) == {"north", "south"}
    assert row_of(table, "wer")["verdict"] == "regression"


def test_below_the_policy_s_floors_nothing_is_tested():
    scores = corpus([("north", 6), ("south", 1), ("west", 4)])
    policy = policy_of(min_speakers=5, min_utterances=30, min_words=100)
    table = night(scores, worse(scores, every(scores, 2, accent="west")), policy=policy)
    small = row_of(table, "slice_wer", "south")
    assert small["verdict"] == "insufficient"
    assert small["reason"] == "too few to say: 20 utterances where the policy asks for 30"
    assert np.isnan(small["p_worse"])
    assert row_of(table, "slice_wer", "west")["verdict"] == "regression", "of its clips, however few people they are of"
    assert row_of(table, "gap", "west")["reason"].startswith("too few to say: 4 speakers with an id")


def test_p_values_are_corrected_over_all_cells_of_a_night():
    scores = corpus()
    tonight = worse(scores, np.isin(np.arange(240), range(100, 112)), by=2)
    policy, options = policy_of(), GateOptions()
    cell = changes(paired_scores(scores, tonight, ["accent"], policy), ["accent"], policy, options)
    still = changes(paired_scores(scores, scores, ["accent"], policy), ["accent"], policy, options)
    alone = judged(cell, options).iloc[0]
    among = judged(pd.concat([cell, *[still] * 20], ignore_index=True), options).iloc[0]
    assert alone["p_worse"] == among["p_worse"] == pytest.approx(2.0**-12)
    assert (alone["p_worse_adjusted"], among["p_worse_adjusted"]) == (
        pytest.approx(5 * 2.0**-12),
        pytest.approx(105 * 2.0**-12),
    )
    assert (alone["verdict"], among["verdict"]) == ("regression", "not_detected")


def test_differences_are_those_of_harness_compare():
    rng = np.random.default_rng(3)
    baseline = simulated(rng, [0.2, 0.3], n_speakers=12)
    wrong = baseline["substitutions"].to_numpy()
    tonight = baseline.assign(substitutions=rng.poisson(wrong * 1.1)).assign(
        substitutions=lambda rows: np.minimum(rows["substitutions"], wrong + baseline["hits"]),
        hits=lambda rows: baseline["hits"] + wrong - rows["substitutions"],
    )
    ours = night(baseline, tonight, min_speakers=10)
    theirs = comparison_table(baseline, tonight, "accent", policy_of())
    for measure, name in (("wer", "all"), ("slice_wer", "a0"), ("slice_wer", "a1")):
        one, other = row_of(ours, measure, name), row_of(theirs, measure, name)
        assert (one["baseline"], one["tonight"]) == pytest.approx((other["baseline"], other["candidate"]))
        assert one["unit"] == "speakers"
        bounds = (one["difference_low"], one["difference_high"])
        assert bounds == pytest.approx((other["difference_low"], other["difference_high"]))


def test_the_interval_of_a_gap_is_welch_s():
    rng = np.random.default_rng(4)
    scores = corpus([("north", 20), ("south", 30)], n_utterances=1, words=100, errors=20)
    change = rng.integers(-5, 9, 50)
    row = row_of(night(scores, worse(scores, np.ones(50, dtype=bool), by=change)), "gap", "south")
    welch = stats.ttest_ind(change[20:] / 100, change[:20] / 100, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))


@pytest.mark.parametrize(("failures", "expected"), [(Failures.deletions, "regression"), (Failures.left_out, "better")])
def test_clips_that_failed_tonight_count_as_the_policy_says(failures, expected):
    scores = corpus().assign(failed=False)
    lost = every(scores, 5, accent="south")
    tonight = worse(scores, every(scores, 3), by=-1)
    tonight = tonight.assign(
        failed=lost,
        **{name: np.where(lost, count, tonight[name]) for name, count in (("hits", 0), ("substitutions", 0))},
        deletions=np.where(lost, 10, 0),
    )
    row = row_of(night(scores, tonight, policy=policy_of(failures=failures)), "slice_wer", "south")
    assert row["verdict"] == expected


@pytest.mark.parametrize(
    ("option", "value"),
    [("alpha", 0), ("alpha", 0.5), ("margin", -0.01), ("margin", 1), ("min_speakers", 1), ("min_shared", 0)],
)
def test_an_option_out_of_range_is_named(option, value):
    with pytest.raises(UsageError, match=rf"gate\.{option}={value}"):
        GateOptions(**{option: value})


def test_slices_by_random_tags_raise_alarms_no_more_often_than_alpha_says():
    """100 nights of 12 tests, both nights noise: at .2 some 20 may alarm; the chance of 32 is .003."""
    rng, alarms = np.random.default_rng(5), 0
    policy, options = policy_of(), GateOptions(alpha=0.2, margin=0)
    scores = corpus([(f"a{k}", 2) for k in range(8)], n_utterances=8, errors=3)
    scores = paired_scores(scores, scores, ["accent"], policy).baseline
    for _ in range(100):
        nights = [worse(scores, np.ones(len(scores), dtype=bool), by=rng.integers(-2, 3, len(scores))) for _ in "ab"]
        found = changes(Pair(*nights), ["accent"], policy, options)
        alarms += (judged(found, options)["verdict"] == "regression").any()
    assert 5 <= alarms < 32


def noisy(scores, share, rng):
    """Return the scores as a night makes them: a share of the words heard is not, and as many errors are put right."""
    hits, wrong = scores["hits"].to_numpy(), scores["substitutions"].to_numpy()
    lost, found = rng.binomial(hits, share), rng.binomial(wrong, min(1.0, share * hits.sum() / wrong.sum()))
    return scores.assign(hits=hits - lost + found, substitutions=wrong + lost - found)


def with_loss(scores, accent, loss, rng):
    """Return the scores with a loss in WER in one accent, its words drawn from those that were heard."""
    here = (scores["accent"] == accent).to_numpy()
    words = scores.loc[here, ["hits", "substitutions", "deletions"]].to_numpy().sum()
    lost = rng.binomial(scores["hits"], loss * words / scores.loc[here, "hits"].sum()) * here
    return worse(scores, here, by=lost)


@pytest.fixture(scope="module")
def edacc():
    """Return scores of 9,177 utterances of conversation, 60 people, 24 accents of 1 to 9 of them."""
    path = DATA / "edacc" / "whisper-large-v3-turbo.jsonl"
    columns = {"utterance_id": "utt_id", "text": "ref_raw", "speaker_id": "speaker"}
    manifest = Manifest.load(path, name="edacc", columns=columns, require_audio=False)
    hypotheses = read_hypotheses(path, columns={"utterance_id": "utt_id", "text": "hyp_raw"})
    return score(manifest, hypotheses, WhisperEnglish(), reference_pattern="<[^<>]*>")


@needs_data("edacc")
@pytest.mark.slow
def test_edacc_thirty_unchanged_nights_raise_at_most_two_alarms_and_three_points_are_caught_and_named(edacc):
    rng, policy, options = np.random.default_rng(30), Policy(), GateOptions()
    scores = paired_scores(edacc, edacc, ["accent"], policy).baseline
    baseline = noisy(scores, 0.01, rng)

    def regressions(tonight):
        table = judged(changes(Pair(baseline, tonight), ["accent"], policy, options), options)
        return table[table["verdict"] == "regression"]

    alarms = sum(not regressions(noisy(scores, 0.01, rng)).empty for _ in range(N_NIGHTS))
    assert alarms <= 2
    for accent in ("Vietnamese", "Nigerian English", "Indian English", "Scottish English"):
        found = regressions(with_loss(noisy(scores, 0.01, rng), accent, 0.03, rng))
        assert set(found["slice"]) == {accent}
        assert row_of(found, "slice_wer")["difference"] == pytest.approx(0.03, abs=0.015)


def test_the_columns_of_a_judged_night_are_plain_data():
    scores = corpus()
    table = night(scores, worse(scores, every(scores, 3, accent="south")))
    assert json.loads(table.to_json(orient="records"))[0]["measure"] == "wer"
    assert table["beyond"].dtype == bool
