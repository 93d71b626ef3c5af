"""What an owner declares before the first question in, checked rules out."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite

from harness.errors import UsageError

MOST_SUBMISSIONS = 10_000  # more would leave no question a level that people can reach


class Assumed(Enum):
    """Says what is taken for granted of an alternative that is no better on average."""

    symmetry = "speakers gain about as they lose: whom it fails rarely, it fails no worse than it helps others"
    nothing = "nothing: it may help nearly everybody a little, and fail few people altogether"


@dataclass(frozen=True, slots=True)
class BountyRules:
    """Says what a bounty pays for, and so what an acceptance has to show.

    Attributes:
        n_submissions: Questions that the holdout answers before it is retired.
        n_acceptances: Acceptances before it is retired.
        alpha: Chance that a bounty accepts any pair that is no better.
        min_gain: Least gain that is accepted, as a share of all reference words of the holdout.
        gain_steps: What an acceptance tells of its gain: the largest of these that is not above it.
        min_speakers: Speakers of a group in the holdout, below which it is not judged.
        assumed: Of alternatives. `nothing` is proven to hold alpha, and shows only large gains of many people.
    """

    n_submissions: int = 100
    n_acceptances: int = 5
    alpha: float = 0.05
    min_gain: float = 0.002
    gain_steps: tuple[float, ...] = (0.002, 0.005, 0.01, 0.02, 0.05)
    min_speakers: int = 10
    assumed: Assumed = Assumed.symmetry

    def __post_init__(self) -> None:
        """Refuse rules that promise nothing, naming each.

        Raises:
            UsageError: A number is outside its range.
        """
        steps = self.gain_steps
        rising = all(isfinite(step) and step > 0 for step in steps) and list(steps) == sorted(set(steps))
        checks = {
            f"n_submissions={self.n_submissions}; expected 1 to {MOST_SUBMISSIONS:,}": (
                1 <= self.n_submissions <= MOST_SUBMISSIONS
            ),
            f"n_acceptances={self.n_acceptances}; expected 1 to n_submissions={self.n_submissions}": (
                1 <= self.n_acceptances <= self.n_submissions
            ),
            f"alpha={self.alpha}; expected a probability between 0 and 0.5": 0 < self.alpha <= 0.5,
            f"min_gain={self.min_gain}; expected a share of words between 0 and 1": 0 < self.min_gain < 1,
            f"gain_steps={list(steps)}; expected rising shares of words, the first at most min_gain={self.min_gain}": (
                bool(steps) and rising and steps[0] <= self.min_gain
            ),
            f"min_speakers={self.min_speakers}; expected at least 5, so that no group is a few people": (
                self.min_speakers >= 5
            ),
        }
        if problems := [told for told, holds in checks.items() if not holds]:
            raise UsageError("the rules of a bounty: " + "; ".join(problems) + ".")

    def told_gain(self, gain: float) -> float:
        """Return what an acceptance publishes of its gain, one of `gain_steps`.

        >>> BountyRules().told_gain(0.0199)
        0.01
        """
        return max(step for step in self.gain_steps if step <= gain)
