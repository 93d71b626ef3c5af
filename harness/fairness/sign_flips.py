"""Who is on both sides of a comparison in, the p-value of its gap out: each speaker's share of it changes its sign.

The null-imposed cluster wild bootstrap (Cameron, Gelbach and Miller 2008) of attributes that vary within a speaker:
were the two rates equal, what a speaker adds to the gap could as well have had the other sign.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.fairness.pairs import Pairs
from harness.fairness.sparse_sums import Columns, Floats, Indices, columns_of, per_column, product
from harness.fairness.threads import computed

_CHUNK_CELLS = 1_250_000  # signs held at once: 10 MB
_TIE = 1e-9  # a sum of flipped shares this close to the gap counts as at least as large
_NOTHING = 1e-12  # word errors; a smaller share is rounding


@dataclass(frozen=True, slots=True)
class Flips:
    """Holds every speaker's share of some gaps were both rates the pooled one; a gap is the sum of its shares.

    Who has no cell in a comparison is in its comparator alone, with a share of -(errors - rate x words) / scale.
    """

    gap: Floats  # (n_comparisons,)
    norm: Floats  # (n_comparisons,) root of the summed squares: the spread of the gap under random signs
    cells: Columns  # one quantity: a speaker's share less the one that `common` would give
    common: Floats  # (2, n_speakers) errors and words of the common comparator
    rate: Floats  # (n_comparisons,) pooled
    scale: Floats  # (n_comparisons,) words of the comparator

    def under(self, signs: Floats) -> Floats:
        """Return the sums of shares with the signs of each row, (n_block, n_speakers) to (n_block, n_comparisons)."""
        errors, words = product(self.common, signs.T)[:, :, None]
        sums: Floats = self.cells.under(signs)[0] - (errors - self.rate * words) / self.scale
        return sums

    def shares(self, k: int) -> Floats:
        """Return the shares of one comparison that are more than rounding, (n_contributing,)."""
        here = slice(self.cells.starts[k], self.cells.starts[k + 1])
        shares: Floats = -(self.common[0] - self.rate[k] * self.common[1]) / self.scale[k]
        shares[self.cells.speakers[here]] += self.cells.values[0, here]
        some: Floats = shares[np.abs(shares) * self.scale[k] > _NOTHING]
        return some


def flips_of(pairs: Pairs) -> Flips:
    """Return the shares of every comparison."""
    (errors_a, words_a, _), (errors_b, words_b, _) = pairs.totals()
    pooled, sizes = (errors_a + errors_b) / (words_a + words_b), np.diff(pairs.starts)
    rate, own_words, other_words = (np.repeat(each, sizes) for each in (pooled, words_a, words_b))

    def shares(sums: Floats, words: Floats) -> Floats:
        found: Floats = (sums[0] - rate * sums[1]) / words
        return found

    of_common = -shares(pairs.common[:, pairs.speakers], other_words)
    here = shares(pairs.own, own_words) - shares(pairs.other, other_words)
    products = (pairs.common[0] ** 2).sum(), pairs.common[0] @ pairs.common[1], (pairs.common[1] ** 2).sum()
    squares = (products[0] - 2 * pooled * products[1] + pooled**2 * products[2]) / words_b**2
    squares = squares + per_column(pairs.starts, (here**2 - of_common**2)[None])[0]
    return Flips(
        gap=errors_a / words_a - errors_b / words_b,
        norm=np.sqrt(np.maximum(squares, 0)),
        cells=columns_of(pairs.common.shape[1], pairs.starts, pairs.speakers, (here - of_common)[None]),
        common=pairs.common[:2],
        rate=pooled,
        scale=words_b,
    )


def sign_flip_p_values(contributions: Floats, *, n_permutations: int, seed: int) -> Floats:
    """Return two-sided p-values of sums of per-speaker contributions whose signs are arbitrary under the null.

    Args:
        contributions: Each speaker's share of the gap when both sides have the pooled rate, (n_speakers,
            n_comparisons); 0 for a speaker who is on neither side.
        n_permutations: Random sign vectors; all 2^n are used when there are no more than this.
        seed: Of the signs.

    Returns:
        (n_comparisons,) 1 where nobody contributes anything.
    """
    n_speakers, n_comparisons = contributions.shape
    ones = np.ones(n_comparisons)
    flips = Flips(
        gap=contributions.sum(axis=0),
        norm=np.sqrt((contributions**2).sum(axis=0)),
        cells=columns_of(
            n_speakers,
            np.arange(n_comparisons + 1) * n_speakers,
            np.tile(np.arange(n_speakers), n_comparisons),
            contributions.T.reshape(1, -1),
        ),
        common=np.zeros((2, n_speakers)),
        rate=ones,
        scale=ones,
    )
    return flip_p_values([flips], n_permutations=n_permutations, seed=seed)[0]


def flip_p_values(parts: Sequence[Flips], *, n_permutations: int, seed: int) -> list[Floats]:
    """Return the p-values of the gaps of several parts, with the same speakers, under the same signs."""
    p_values = [_exact_p_values(flips, n_permutations) for flips in parts]
    left = [np.flatnonzero(np.isnan(found)) for found in p_values]
    n_extreme = [np.zeros(len(found)) for found in p_values]

    def reached(signs: Floats) -> list[Indices]:
        return [(np.abs(flips.under(signs)) >= _reached(flips)).sum(axis=0) for flips in parts]

    if any(map(len, left)):
        for of_block in computed(reached, random_signs(parts[0].common.shape[1], n_permutations, seed)):
            n_extreme = [count + more for count, more in zip(n_extreme, of_block, strict=True)]
    for found, columns, count in zip(p_values, left, n_extreme, strict=True):
        found[columns] = (1 + count[columns]) / (n_permutations + 1)
    return p_values


def smallest_sign_flip_p_value(n_contributing: int, n_permutations: int) -> float:
    """Return the smallest p-value that `sign_flip_p_values` can give for so many speakers."""
    return 2.0 ** (1 - n_contributing) if _few(n_contributing, n_permutations) else 1 / (n_permutations + 1)


def random_signs(n_speakers: int, n_permutations: int, seed: int) -> Iterator[Floats]:
    """Yield blocks of rows of random +-1, (n_block, n_speakers), laid out speaker by speaker."""
    rng = np.random.default_rng([seed, n_speakers])
    block = max(1, _CHUNK_CELLS // max(1, n_speakers))
    for start in range(0, n_permutations, block):
        coins = rng.integers(2, size=(n_speakers, min(block, n_permutations - start)), dtype=np.int8)
        yield (1 - 2 * coins).astype(np.float64).T


def _exact_p_values(flips: Flips, n_permutations: int) -> Floats:
    """Return p-values over all signs where few speakers contribute; NaN elsewhere."""
    p_values, reached = np.full(len(flips.gap), np.nan), _reached(flips)
    for k in range(len(p_values)):
        shares = flips.shares(k)
        if _few(len(shares), n_permutations):
            patterns = np.arange(2 ** len(shares))[:, None] >> np.arange(len(shares)) & 1
            p_values[k] = (np.abs((1 - 2 * patterns) @ shares) >= reached[k]).mean()
    return p_values


def _reached(flips: Flips) -> Floats:
    return np.abs(flips.gap) * (1 - _TIE) - _NOTHING / flips.scale


def _few(n_contributing: int, n_permutations: int) -> bool:
    return n_contributing < n_permutations.bit_length()  # 2^n <= n_permutations, without the power
