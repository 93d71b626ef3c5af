"""What `conditioned` promises of every condition, ours and anybody's: whole, finite, the same again, failures named."""

import concurrent.futures
import multiprocessing
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio.conditions import (
    Chain,
    Condition,
    Conditioned,
    Gain,
    PacketLoss,
    Speed,
    conditioned,
    seed_of,
    stretch_of,
)
from harness.audio.conditions.identity import spawned
from harness.errors import AudioError, ConditionError, UsageError
from tests.audio.conditions.clips import every_kind, like_speech, under

KINDS = (
    *("Clean", "Noise", "Tone", "Reverberation", "Telephone", "Codec", "Clipping", "Gain", "PacketLoss", "LowPass"),
    *("Speed", "Chain"),
)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return every_kind(tmp_path_factory.mktemp("recordings"))


@pytest.mark.parametrize("kind", KINDS)
@given(
    num_samples=st.integers(2, 9_000),
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from([1e-6, 0.01, 0.3, 3.0]),
)
@settings(max_examples=15, deadline=None)
def test_nothing_is_lost_and_everything_is_finite_and_the_same_again(kinds, kind, num_samples, seed, level):
    condition = kinds[kind]
    waveform = (level * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)
    before = waveform.tobytes()
    done = under(condition, waveform)
    assert len(done.waveform) == -(-num_samples * 4 // 5) if kind == "Speed" else num_samples
    assert done.waveform.dtype == np.float32
    assert np.isfinite(done.waveform).all()
    assert np.isfinite(list(done.facts.values())).all()
    assert all(type(value) in (float, int) for value in done.facts.values())
    assert waveform.tobytes() == before  # never changed in place
    assert under(condition, waveform).waveform.tobytes() == done.waveform.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_calling_a_condition_is_the_waveform_alone(kinds, kind):
    condition, speech = kinds[kind], like_speech(0.5)
    assert isinstance(condition, Condition)
    alone = condition(speech, rng=seed_of("u1", condition))
    np.testing.assert_array_equal(alone, under(condition, speech).waveform)


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_pickles_small_and_does_the_same_afterwards(kinds, kind):
    pickled = pickle.dumps(kinds[kind])
    assert len(pickled) < 2_000
    speech = like_speech(0.5)
    assert under(pickle.loads(pickled), speech).waveform.tobytes() == under(kinds[kind], speech).waveform.tobytes()


def test_other_threads_and_another_order_give_the_same_bytes(kinds):
    jobs = [(kinds[kind], f"u{i}") for i in range(3) for kind in KINDS]
    speech = like_speech(0.6)

    def made(job):
        return under(job[0], speech, utterance_id=job[1]).waveform.tobytes()

    expected = [made(job) for job in jobs]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert list(pool.map(made, reversed(jobs))) == expected[::-1]


def bytes_of(condition):
    return under(condition, like_speech(0.6)).waveform.tobytes()


def test_another_process_gives_the_same_bytes(kinds):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map(bytes_of, [kinds[kind] for kind in KINDS])
    assert there == [bytes_of(kinds[kind]) for kind in KINDS]


def test_a_chain_is_its_steps_one_after_the_other_with_draws_of_their_own(kinds):
    steps = [kinds["Noise"], kinds["Telephone"], kinds["PacketLoss"]]
    chain, speech = Chain(steps=steps, name="ward"), like_speech(1.0)
    expected, facts = speech, {}
    for i, (step, rng) in enumerate(zip(steps, spawned(seed_of("u1", chain), 3), strict=True), start=1):
        done = conditioned(step, expected, rng=rng)
        expected, facts = done.waveform, facts | {f"{i}.{fact}": value for fact, value in done.facts.items()}
    done = under(chain, speech)
    np.testing.assert_array_equal(done.waveform, expected)
    assert done.facts == facts
    assert chain.name == "ward"


def test_the_same_step_twice_draws_twice():
    lossy = PacketLoss(loss_share=0.5)
    once, other = [lossy.drawn(200, rng) for rng in spawned(np.random.default_rng(0), 2)]
    assert not np.array_equal(once, other)


def test_a_chain_stretches_as_its_steps_together():
    chain = Chain(steps=[Speed(factor=2), Gain(gain_db=-3), Speed(factor=1.25)])
    assert stretch_of(chain) == pytest.approx(0.4)
    assert len(under(chain, like_speech(1.0)).waveform) == pytest.approx(6_400, abs=1)


@pytest.mark.parametrize("steps", [[], None, "telephone", [3]], ids=["none", "null", "text", "a-number"])
def test_a_chain_needs_conditions(steps):
    with pytest.raises(UsageError, match="expected a list of at least one condition"):
        Chain(steps=steps)


WRONG_CLIPS = [
    pytest.param(np.array([0.1, np.nan, np.inf], np.float32), "2 samples of 3 that are not finite", id="nan"),
    pytest.param(np.zeros((2, 100), np.float32), r"shape \(2, 100\)", id="stereo"),
    pytest.param(np.zeros(100), "float64", id="double"),
    pytest.param(np.zeros(0, np.float32), "no samples", id="empty"),
    pytest.param([0.1], "list, no array", id="list"),
]


@pytest.mark.parametrize(("waveform", "says"), WRONG_CLIPS)
def test_what_is_no_clip_is_refused_with_the_conditions_name(waveform, says):
    with pytest.raises(ConditionError, match=f"'gain_-3db' was given .*{says}"):
        conditioned(Gain(gain_db=-3), waveform, rng=np.random.default_rng(0))


@dataclass
class Theirs:
    """Is a condition that somebody else wrote, and that does what a test tells it to."""

    returns: object = None
    name: str = "theirs"
    stretch: float = 1.0

    def __call__(self, waveform, *, rng):
        if isinstance(self.returns, Exception):
            raise self.returns
        return waveform * np.float32(rng.uniform(0.1, 1)) if self.returns is None else self.returns


def test_anybodys_condition_is_applied_with_the_same_draw_every_time():
    done = under(Theirs(), like_speech(0.5))
    assert done.facts == {}
    np.testing.assert_array_equal(done.waveform, under(Theirs(), like_speech(0.5)).waveform)


def test_a_method_of_theirs_that_is_called_as_one_of_ours_is_left_alone():
    class Applies(Theirs):
        def apply(self, _image):
            raise AssertionError

    assert len(under(Applies(), like_speech(0.5)).waveform) == 8_000


WRONG_RESULTS = [
    pytest.param(ValueError("no such room"), "'theirs' failed: ValueError: no such room", id="an-exception"),
    pytest.param(np.full(8_000, np.nan, np.float32), "'theirs' returned 8,000 samples of 8,000", id="nan"),
    pytest.param(np.zeros(8_000), "float64", id="double"),
    pytest.param(np.zeros(7_000, np.float32), "returned 7,000 samples for 8,000", id="shorter"),
    pytest.param("waveform", "str, no array", id="text"),
]


@pytest.mark.parametrize(("returns", "says"), WRONG_RESULTS)
def test_what_anybodys_condition_does_wrong_is_told_with_its_name(returns, says):
    with pytest.raises(ConditionError, match=says):
        conditioned(Theirs(returns), like_speech(0.5), rng=np.random.default_rng(0))


def test_an_error_of_ours_passes_through_theirs():
    with pytest.raises(AudioError, match="as it is"):
        conditioned(Theirs(AudioError("as it is")), like_speech(0.5), rng=np.random.default_rng(0))


def test_a_condition_that_says_how_much_it_stretches_may():
    theirs = Theirs(np.zeros(16_000, np.float32), stretch=2.0)
    assert len(conditioned(theirs, like_speech(0.5), rng=np.random.default_rng(0)).waveform) == 16_000


@pytest.mark.parametrize("stretch", [0, -1, np.inf, "2"])
def test_a_stretch_is_a_number_above_zero(stretch):
    with pytest.raises(ConditionError, match=r"stretch=.*expected a number above 0"):
        stretch_of(Theirs(stretch=stretch))


def test_facts_are_finite_numbers(monkeypatch):
    monkeypatch.setattr(Gain, "apply", lambda _self, waveform, _rng: Conditioned(waveform, {"gain_db": float("nan")}))
    with pytest.raises(ConditionError, match=r"gave the facts .*gain_db"):
        under(Gain(gain_db=1), like_speech(0.5))
