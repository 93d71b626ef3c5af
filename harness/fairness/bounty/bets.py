"""What each speaker gains and could lose in, a chance that holds whatever alternatives do out.

Who bets a share of what they own on every speaker's gain cannot expect to grow richer where nothing is gained on the
whole: with stakes 1 + bet x gain that are never negative, the mean of their product is at most 1 (the product of means
is at most the power of their mean). Having grown 1 / level times as rich is therefore no likelier than the level
(Ville 1939; Waudby-Smith and Ramdas 2024), with few speakers too and however rarely an alternative fails.
"""

import numpy as np

from harness.fairness.bounty.losses import Ints

_BETS = np.geomspace(0.01, 1, 16)  # shares of what the most talkative speaker could lose; wealth is split evenly


def betting_p_value(gains: Ints, words: Ints) -> float:
    """Return a bound of the chance of as much evidence, where speakers gain nothing on the whole.

    Nothing is assumed but that speakers are independent and none loses more than they say, which is taken as given. It
    has its price: where B is the most words of a speaker, gains must reach about B (ln(1 / level) + 1) together.

    Args:
        gains: Words gained by each speaker, negative where lost, (n_speakers,).
        words: Reference words of each, (n_speakers,).

    >>> round(betting_p_value(np.full(100, 10), np.full(100, 60)), 7)
    3.2e-06
    """
    if gains.sum() <= 0:
        return 1.0
    stakes = _BETS[:, None] * gains / max(int(words.max()), 1)
    with np.errstate(divide="ignore"):  # who bets everything on somebody who loses everything has nothing left
        growth = np.log1p(stakes).sum(axis=1)
    log_wealth = np.logaddexp.reduce(growth) - np.log(len(_BETS))
    return float(np.exp(min(-log_wealth, 0.0)))
