"""Speaker WERs of a dimension in, its distance to demographic parity and its FAAS out, with a test of the whole."""

from collections.abc import Iterator

import numpy as np

from harness.fairness.bootstrap import divide
from harness.fairness.distances import barycentre_distances
from harness.fairness.kinds.faas import DEFECTS, adjusted_score, category_score, faas
from harness.fairness.kinds.gap_rows import UNCORRECTED
from harness.fairness.kinds.metric_rows import MetricRow, joined
from harness.fairness.kinds.rate_cells import WER, Cells, SpeakerRates, slice_totals, speaker_rates
from harness.fairness.kinds.rate_rows import Draws
from harness.fairness.kinds.relabelling import affordable, share_as_large
from harness.fairness.sparse_sums import Floats, Indices

_PIECES = 512  # of a quantile function, at most
_BLOCK_CELLS = 2**22  # quantiles held at once: 32 MB
_CHZHEN = "Chzhen et al. 2020"
RAI = "Rai et al. 2025"


def barycentre_row(cells: Cells, kept: Indices, draws: Draws) -> MetricRow:
    """Return the mean Wasserstein-1 distance of slices to their barycentre, each weighing its speakers.

    How far speaker WERs would have to move until all slices had one distribution. Its p-value permutes labels over the
    speakers; those of a speaker in several slices among his own WERs.

    Args:
        cells: Of the dimension.
        kept: The slices, at least two.
        draws: Permutations.
    """
    speakers = _of_slices(speaker_rates(cells), kept)
    sizes = np.bincount(speakers.codes)[kept]
    shares = sizes / sizes.sum()
    cuts = np.cumsum(sizes)[:-1]
    distances = np.concatenate(
        [
            barycentre_distances(np.split(block, cuts, axis=1), shares, most_pieces=_PIECES) @ shares
            for block in _labellings(speakers, len(kept), draws)
        ]
    )
    note = joined("speaker WERs to the barycentre of the slices, each weighing its speakers", UNCORRECTED)
    return MetricRow(
        dimension=cells.part.dimension,
        slice_name="",
        comparator="",
        metric="wasserstein_barycentre",
        value=float(distances[0]),
        p_value=share_as_large(distances),
        n_speakers=len(np.unique(speakers.speakers)),
        source=_CHZHEN,
        note=note,
    )


def faas_row(cells: Cells, kept: Indices, n_scored: Floats, p_value: float) -> tuple[MetricRow, float]:
    """Return the FAAS of a dimension as its only category, and the category's adjusted score.

    Args:
        cells: Of the dimension.
        kept: The slices, at least two, with reference words.
        n_scored: Utterances of every slice, (n_slices,): the slices' shares.
        p_value: Of the whole dimension.
    """
    wers = divide(*slice_totals(cells, WER))[kept]
    category = category_score(wers, n_scored[kept])
    adjusted = adjusted_score(category, p_value)
    pooled = cells.told_events[WER].sum() / cells.told_chances[WER].sum()
    detail = "all slices have one WER: no score" if np.isnan(category) else f"category {category:.4g}, p {p_value:.2g}"
    row = MetricRow(
        dimension=cells.part.dimension,
        slice_name="",
        comparator="",
        metric="faas",
        value=faas(adjusted, float(pooled)),
        n_speakers=len(np.unique(_of_slices(speaker_rates(cells), kept).speakers)),
        source=RAI,
        note=joined(detail, DEFECTS),
    )
    return row, adjusted


def _of_slices(speakers: SpeakerRates, kept: Indices) -> SpeakerRates:
    there = np.isin(speakers.codes, kept)
    return SpeakerRates(speakers.wer[there], speakers.words[there], speakers.speakers[there], speakers.codes[there])


def _labellings(speakers: SpeakerRates, n_slices: int, draws: Draws) -> Iterator[Floats]:
    """Yield the WERs in order of their slices, as observed and under permuted labels, blocks of (n, n_cells).

    Labels move among all speakers who are in one slice, and among the WERs of each other speaker.
    """
    yield speakers.wer[None]
    _, person, n_slices_of = np.unique(speakers.speakers, return_inverse=True, return_counts=True)
    stratum = np.where(n_slices_of[person] > 1, person + 1, 0)
    ranked = np.argsort(stratum, kind="stable")
    rng = np.random.default_rng(draws.seed)
    size = max(1, _BLOCK_CELLS // max(len(stratum), n_slices * _PIECES))
    n_permutations = affordable(draws.n_permutations, n_slices)
    for start in range(0, n_permutations, size):
        n_rows = min(size, n_permutations - start)
        order = np.argsort(stratum[ranked] + rng.random((n_rows, len(stratum))), axis=1)
        block = np.empty((n_rows, len(stratum)))
        block[:, ranked] = speakers.wer[ranked[order]]
        yield block
