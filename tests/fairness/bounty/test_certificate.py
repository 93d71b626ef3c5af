import numpy as np
import pytest
import scipy.stats

from harness.fairness.bounty import Assumed, BountyRules, Reason, judge
from harness.fairness.bounty.sign_tails import sign_flip_tail

RULES = BountyRules()


def judged(gains, *, words=20, level=1e-3, rules=RULES, others=0):
    """Judge a group in which every speaker has one utterance beside others with 20 words each."""
    gains = np.asarray(gains)
    own = np.r_[np.full(len(gains), words // 2), np.zeros(others, np.int64)]
    change = np.r_[gains, np.zeros(others, np.int64)]
    everybody = np.full(len(own), words)
    everybody[len(gains) :] = 20
    return judge(
        own,
        own - change,
        words=everybody,
        speakers=np.arange(len(own)),
        in_group=np.arange(len(own)) < len(gains),
        rules=rules,
        level=level,
    )


def test_a_gain_is_the_share_of_the_group_times_the_difference_of_its_rates():
    found = judged([4, 2, 0, -1, 3, 2, 1, 4, 2, 3, 1, 3], others=28)
    assert (found.n_speakers, found.share, found.difference) == (12, 0.3, 0.1)
    assert found.gain == pytest.approx(0.03)
    assert found.share * found.difference == pytest.approx(found.gain)


def test_the_bound_takes_its_spread_from_all_speakers_and_its_quantile_from_those_who_gain_or_lose():
    gains = np.array([4, 2, 0, 0, 0, 2, 1, 4, 2, 3, 1, 3])
    found = judged(gains, level=0.01)
    spread = np.sqrt(12) * gains.std(ddof=1) / 240
    assert found.standard_error == pytest.approx(spread)
    assert found.gain_low == pytest.approx(gains.sum() / 240 - scipy.stats.t.isf(0.01, 8) * spread)
    assert found.p_value == sign_flip_tail(gains) == 2**-9
    assert found.accepted


def test_utterances_of_a_speaker_are_one_speaker():
    rng = np.random.default_rng(0)
    gains = rng.integers(-2, 6, 15)
    whole = judged(gains, level=0.01)
    speakers = np.repeat(np.arange(15), 3)[rng.permutation(45)]
    change = np.zeros(45, np.int64)
    for speaker, gain in enumerate(gains):
        change[np.flatnonzero(speakers == speaker)] = [gain, 4, -4]
    own, words = np.full(45, 7), np.full(45, 20)
    parts = judge(own, own - change, words=words, speakers=speakers, in_group=words > 0, rules=RULES, level=0.01)
    assert (parts.n_speakers, parts.p_value) == (15, whole.p_value)
    assert parts.gain == pytest.approx(whole.gain / 3)
    assert parts.standard_error == pytest.approx(whole.standard_error / 3)


@pytest.mark.parametrize(
    ("gains", "options", "reason"),
    [
        pytest.param([5] * 9, {}, Reason.few_speakers, id="nine-speakers"),
        pytest.param([], {}, Reason.few_speakers, id="nobody"),
        pytest.param([0] * 12, {}, Reason.small_gain, id="no-gain"),
        pytest.param([0] * 12, {"words": 0}, Reason.small_gain, id="nothing-said"),
        pytest.param([-5] * 30, {}, Reason.small_gain, id="worse"),
        pytest.param([1] * 12, {"others": 1000}, Reason.small_gain, id="sure-and-small"),
        pytest.param([9, -8] * 8 + [9] * 4, {}, Reason.uncertain_gain, id="uncertain"),
        pytest.param([0] * 11 + [9], {}, Reason.uncertain_gain, id="one-speaker-gains-all"),
        pytest.param([3] * 8 + [0] * 2, {"level": 0.003}, Reason.likely_signs, id="eight-who-gain-alike"),
        pytest.param([3] * 12, {"level": 1e-4}, Reason.likely_signs, id="twelve-who-gain-alike"),
        pytest.param([3] * 14, {"level": 1e-4}, Reason.accepted, id="fourteen-who-gain-alike"),
        pytest.param([3, 4, 2, 5] * 6, {"level": 1e-6}, Reason.accepted, id="large-and-sure"),
        pytest.param(np.ones(60, int), {"level": 1e-4}, Reason.accepted, id="all-gain-a-little"),
        pytest.param(
            np.ones(60, int),
            {"level": 1e-4, "rules": BountyRules(assumed=Assumed.nothing)},
            Reason.rare_losses,
            id="all-gain-a-little-and-nothing-is-assumed",
        ),
        pytest.param(
            np.full(60, 8),
            {"level": 1e-4, "rules": BountyRules(assumed=Assumed.nothing)},
            Reason.accepted,
            id="all-gain-a-lot-and-nothing-is-assumed",
        ),
    ],
)
def test_a_question_is_answered_for_a_reason(gains, options, reason):
    found = judged(gains, **options)
    assert found.reason is reason
    assert found.accepted == (reason is Reason.accepted)


def test_a_gain_far_out_in_the_tail_is_judged_far_out():
    gains = np.random.default_rng(1).normal(3, 5, 300).round().astype(np.int64)
    found = judged(gains, words=40, level=1e-14)
    assert found.accepted
    assert found.p_value < 1e-14
    assert found.gain_low == pytest.approx(
        found.gain - scipy.stats.t.isf(1e-14, np.count_nonzero(gains) - 1) * found.standard_error, rel=1e-9
    )


@pytest.mark.parametrize("assumed", list(Assumed))
@pytest.mark.parametrize(("n", "spread"), [(12, 0.5), (40, 0.5), (40, 1.5)])
def test_noise_is_accepted_no_more_often_than_the_level(n, spread, assumed):
    """How much more rarely: benchmarks/bounty_questions.py, at levels down to 1e-4."""
    rng, rules = np.random.default_rng(n), BountyRules(min_gain=1e-6, gain_steps=(1e-6,), assumed=assumed)
    words = rng.integers(20, 90, n)
    n_accepted, n_judged, level = 0, 1500, 0.02
    for _ in range(n_judged):
        rate = np.minimum(0.15 * np.exp(rng.normal(0, spread, n)), 0.9)
        own, other = rng.binomial(words, rate), rng.binomial(words, rate)
        n_accepted += judge(
            own, other, words=words, speakers=np.arange(n), in_group=words > 0, rules=rules, level=level
        ).accepted
    assert n_accepted <= scipy.stats.binom.ppf(0.999, n_judged, level)
