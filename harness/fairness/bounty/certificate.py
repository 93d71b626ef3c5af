"""The errors of two systems for one group of a holdout in, whether the one is surely better out.

The unit is the speaker. What a speaker gains is the clipped errors of the list less those of the alternative, summed
over the speaker's utterances in the group; the gain of a question is the sum over speakers as a share of all words of
the holdout, which is the share of the group times the difference of its rates (mu x Delta of Globus-Harris, Kearns and
Roth 2022). A question is accepted where the group has enough speakers, the gain is large enough, its lower bound at
the level is above 0, and so is the exact test of random signs at the level.

Both are asked for, as they fail differently (`benchmarks/bounty_questions.py`). The test of signs holds its level
wherever the two systems are exchangeable within speakers, to the last digit, however skewed and clustered errors are.
The bound takes its spread from all speakers of the group and its t quantile from those who gain or lose anything; the
normal quantile would accept up to 3 times too often with 15 speakers. The bound alone accepts few people who gain
alike, whose spread is 0; the signs of 8 people never have a chance below 1/256.

What both assume: speakers are independent, and gain about as they lose where nothing is gained on average. An
alternative that is usually a little better and rarely terrible may have shown nothing terrible yet; hunters who ask
often enough then find a group whose few unlucky people are not in the holdout, and how often is measured in
`benchmarks/bounty.py`. To exclude it, n speakers must gain about B ln(1 / level) words together, where B is what one
speaker can lose: rules that assume nothing ask for that too (`bets`), and nobody can ask for less.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import stdtrit

from harness.fairness.bounty.bets import betting_p_value
from harness.fairness.bounty.losses import Bools, Ints
from harness.fairness.bounty.rules import Assumed, BountyRules
from harness.fairness.bounty.sign_tails import sign_flip_tail


class Reason(Enum):
    """Says why a question was answered as it was; it is sealed, as each tells of the holdout."""

    accepted = "accepted"
    few_speakers = "fewer speakers in the group than the rules ask for"
    small_gain = "the gain is below the least that the rules accept"
    uncertain_gain = "the lower bound of the gain is not above 0"
    likely_signs = "random signs reach the gain too often"
    rare_losses = "an alternative that rarely fails somebody altogether could look as good"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Says what the holdout shows about one question: all of it is sealed but whether it was accepted."""

    accepted: bool
    reason: Reason
    share: float  # of all reference words, of the group; NaN without words
    difference: float  # of the group's clipped error rate; NaN without words
    gain: float  # share x difference; NaN without words
    gain_low: float  # one-sided at `level`; NaN below two speakers who gain or lose
    standard_error: float  # of the gain, speakers as clusters; NaN below two speakers
    p_value: float  # of random signs, one-sided
    betting_p_value: float  # assuming nothing of alternatives; asked for where the rules do
    n_speakers: int  # of the group
    level: float


def judge(
    own_errors: Ints,
    other_errors: Ints,
    *,
    words: Ints,
    speakers: Ints,
    in_group: Bools,
    rules: BountyRules,
    level: float,
) -> Judgement:
    """Judge whether the group errs less with the other system.

    Args:
        own_errors: Clipped errors with what the list gives now, (n_utterances,).
        other_errors: Clipped errors with the alternative, (n_utterances,).
        words: Reference words, (n_utterances,).
        speakers: Codes of speakers, (n_utterances,).
        in_group: Who is asked about, (n_utterances,).
        rules: Floors of speakers and of the gain.
        level: One-sided, of this question: see `levels`.
    """
    total = int(words.sum())
    here = speakers[in_group]
    present = np.bincount(here) > 0
    gains, said = (_by_speaker(here, each[in_group])[present] for each in (own_errors - other_errors, words))
    gain, standard_error, gain_low = _bounded(gains, total, level)
    p_value, betting = sign_flip_tail(gains), betting_p_value(gains, said)
    reasons = {
        Reason.few_speakers: len(gains) < rules.min_speakers,
        Reason.small_gain: not gain >= rules.min_gain,
        Reason.uncertain_gain: not gain_low > 0,
        Reason.likely_signs: p_value > level,
        Reason.rare_losses: rules.assumed is Assumed.nothing and betting > level,
    }
    reason = next((each for each, holds in reasons.items() if holds), Reason.accepted)
    return Judgement(
        accepted=reason is Reason.accepted,
        reason=reason,
        share=_quotient(int(said.sum()), total),
        difference=_quotient(int(gains.sum()), int(said.sum())),
        gain=gain,
        gain_low=gain_low,
        standard_error=standard_error,
        p_value=p_value,
        betting_p_value=betting,
        n_speakers=len(gains),
        level=level,
    )


def _by_speaker(speakers: Ints, counts: Ints) -> Ints:
    """Return the sums of counts by code of a speaker, 0 for codes that are not there."""
    return np.bincount(speakers, weights=counts).astype(np.int64)  # exact: sums of words are far below 2^53


def _bounded(gains: Ints, total: int, level: float) -> tuple[float, float, float]:
    """Return the gain as a share of all words, its standard error and its lower bound, NaN where there is none."""
    gain, n_speakers = _quotient(int(gains.sum()), total), len(gains)
    if n_speakers < 2 or not total:
        return gain, np.nan, np.nan
    standard_error = float(gains.std(ddof=1)) * n_speakers**0.5 / total
    freedom = int(np.count_nonzero(gains)) - 1
    return gain, standard_error, gain + float(stdtrit(freedom, level)) * standard_error if freedom > 0 else np.nan


def _quotient(above: int, below: int) -> float:
    return above / below if below else np.nan
