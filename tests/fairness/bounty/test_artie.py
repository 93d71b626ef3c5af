"""A bounty on real people: 30 questions about the Artie corpus, 25 of them noise, on a holdout of half its speakers."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from benchmarks.bounty import artie_hunt, artie_scores, half_of, hunted
from harness.fairness.bounty import (
    Answered,
    BountyRules,
    Holdout,
    Question,
    Reason,
    State,
    answer,
    judge,
    level,
    rounds_table,
)
from harness.predicates import Column, ColumnKind, parse
from tests.shared import DATA, needs_data

pytestmark = needs_data("artie")

NAMES = {"deepspeech_0.7.3": "deepspeech", "amazon_en-US": "en-US", "amazon_en-GB": "en-GB", "google_en-US": "google"}
ATTRIBUTES = ("accent", "age", "gender")
RULES = BountyRules(n_submissions=30)
FOUND = {  # by number of the question: what the development half shows to a hunter
    2: ('accent == "england"', "en-GB"),
    8: ('accent == "indian"', "en-US"),
    14: ("true", "en-US"),
    20: ('accent == "indian"', "google"),
    26: ('accent == "indian"', "en-GB"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    development: Holdout
    holdout: Holdout


@pytest.fixture(scope="module")
def scores():
    return artie_scores(DATA / "artie")


@pytest.fixture(scope="module")
def halves(scores):
    """Return both halves, the speakers of each drawn once; each attribute also dealt to others at random."""
    rng, rows = np.random.default_rng(8), scores["amazon_en-US"]
    codes = pd.factorize(rows["speaker_id"])[0]
    errors = {NAMES[name]: each["errors"].to_numpy() for name, each in scores.items()}
    held = rng.permutation(codes.max() + 1)[codes] < (codes.max() + 1) // 2
    return Halves(*(dealt(half_of(rows, errors, side), rng) for side in (~held, held)))


def dealt(half, rng):
    people = half.frame.groupby(half.speakers).first()
    shuffled = {f"{name}_dealt": rng.permutation(people[name].to_numpy(object))[half.speakers] for name in ATTRIBUTES}
    return replace(half, frame=half.frame.assign(**shuffled))


def group(text, half):
    return parse(text, {name: Column(name, ColumnKind.text, tuple(half.frame[name].unique())) for name in half.frame})


def noise(half, own, rng):
    """Return errors that are as many more as fewer than the list's: each speaker is helped or harmed at random.

    By how much an utterance changes is what two real recognisers differ by.
    """
    differ = np.abs(half.errors["en-GB"] - half.errors["deepspeech"])
    change = np.minimum(differ, np.minimum(own, half.words - own))
    return own + rng.choice([-1, 1], half.speakers.max() + 1)[half.speakers] * change


def noisy_groups(half):
    names = [*ATTRIBUTES, *(f"{name}_dealt" for name in ATTRIBUTES)]
    return ["true", *(f'{name} == "{value}"' for name in names for value in half.frame[name].value_counts().index[:4])]


def submissions(halves):
    texts = iter(noisy_groups(halves.development))
    return [FOUND[number] if number in FOUND else (next(texts), f"noise_{number}") for number in range(30)]


@pytest.fixture(scope="module")
def bounty(halves):
    """Return the answers to 30 questions, in order, and the holdout with everything asked about."""
    half, state, answers = halves.holdout, State.opened("deepspeech"), []
    rng = np.random.default_rng(30)
    for number, (text, system) in enumerate(submissions(halves)):
        if number not in FOUND:
            half = replace(half, errors={**half.errors, system: noise(half, state.decisions.errors(half), rng)})
        answers.append(answer(state, Question(group(text, half), system), half, RULES))
        state = answers[-1].state
    return answers, half


def accepted(answers: list[Answered]):
    return [number for number, each in enumerate(answers) if each.answer.accepted]


def test_three_of_five_real_gains_are_accepted_and_none_of_25_noises(bounty):
    answers, _ = bounty
    assert accepted(answers) == [2, 8, 14]
    assert [answers[number].answer.gain for number in (2, 8, 14)] == [0.01, 0.02, 0.05]
    assert [answers[number].judgement.n_speakers for number in FOUND] == [35, 81, 484, 81, 81]


def test_every_accepted_group_is_served_no_worse_ever_after_and_everybody_better_every_time(bounty):
    answers, half = bounty
    table = rounds_table(answers[-1].state.decisions, half)
    everybody = table.query("group == 'everybody'")
    assert everybody["wer_after"].round(3).tolist() == [0.389, 0.355, 0.238]
    assert (everybody["wer_after"] < everybody["wer_before"]).all()
    after = table.query("group != 'everybody'").groupby("group")["wer_after"]
    assert after.apply(lambda each: each.is_monotonic_decreasing).all()
    final = after.last().round(3).to_dict()
    assert final == {'accent == "england"': 0.168, 'accent == "indian"': 0.359, "true": 0.238}


def test_sending_everybody_on_would_have_cost_english_accents_and_was_repaired(bounty):
    answers, half = bounty
    assert [(each.group, each.version) for each in answers[14].repairs] == [(1, 2)]
    decisions, england = answers[14].state.decisions, (half.frame["accent"] == "england").to_numpy()
    without, repaired = (decisions.errors(half, version=version)[england].sum() for version in (3, 4))
    assert repaired < without
    assert set(decisions.system_of(half.frame)[england]) == {"en-GB"}


def test_what_indian_accents_gain_from_other_systems_is_too_uncertain_for_so_few_people(bounty, halves):
    """Z is 2.1 and 0.8 for 81 speakers; a fresh bounty would need hundreds, this one at its end about a thousand."""
    answers, _ = bounty
    assert [answers[number].judgement.reason for number in (20, 26)] == [Reason.uncertain_gain, Reason.small_gain]
    to_google = answers[20].judgement
    z = to_google.gain / to_google.standard_error
    assert (round(to_google.difference, 3), round(z, 2)) == (0.047, 2.12)
    levels = (level(RULES, []), to_google.level)
    needed = [round(81 * ((0.84 - ndtri(each)) / z) ** 2) for each in levels]  # for 80 %, were this what they gain
    assert needed == [324, 973]
    for half, both in ((halves.development, (0.066, 0.030)), (halves.holdout, (0.047, 0.009))):
        indian = (half.frame["accent"] == "indian").to_numpy()
        for system, difference in zip(("google", "en-GB"), both, strict=True):
            found = judge(
                half.errors["en-US"],
                half.errors[system],
                words=half.words,
                speakers=half.speakers,
                in_group=indian,
                rules=RULES,
                level=RULES.alpha,
            )
            assert found.difference == pytest.approx(difference, abs=0.006)


def test_answered_again_everything_is_the_same(bounty, halves):
    answers, half = bounty
    state, again = State.opened("deepspeech"), []
    for text, system in submissions(halves):
        again.append(answer(state, Question(group(text, half), system), half, RULES))
        state = again[-1].state
    assert [each.answer for each in again] == [each.answer for each in answers]
    assert [each.judgement.p_value for each in again] == [each.judgement.p_value for each in answers]
    assert state == answers[-1].state


def test_bounties_in_which_real_systems_are_dealt_to_speakers_at_random_accept_nothing(scores):
    """400 of them are in benchmarks/README.md."""
    found = [hunted(artie_hunt(scores, np.random.default_rng([3, number])), BountyRules()) for number in range(4)]
    assert sum(bool(state.repairs) for state in found) == 0
