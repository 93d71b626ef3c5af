import numpy as np
import pytest

from harness.fairness.sparse_sums import columns_of, moments, product, side_by_side, sparse_sums_of


def tables(n_speakers=30, n_columns=7, density=0.3, seed=0):
    """Return errors, words and presence where some columns are full, one is empty, and some speak no word."""
    rng = np.random.default_rng(seed)
    present = rng.random((n_speakers, n_columns)) < density
    present[:, 0], present[:, 1] = True, False
    words = rng.integers(0, 60, present.shape) * present
    return rng.binomial(words, 0.3).astype(float), words.astype(float), present


def test_sparse_sums_hold_what_the_tables_hold():
    errors, words, present = tables()
    sums = sparse_sums_of(errors, words, present)
    np.testing.assert_array_equal(sums.dense(), np.stack([errors, words, present]))
    np.testing.assert_array_equal(sums.totals(), np.stack([table.sum(axis=0) for table in (errors, words, present)]))
    assert len(sums.speakers) == present.sum()


@pytest.mark.parametrize("columns", [[], [3], [5, 0, 1, 5]], ids=["none", "one", "some-twice"])
def test_picked_columns_are_those_of_the_tables(columns):
    errors, words, present = tables()
    picked = sparse_sums_of(errors, words, present).pick(columns)
    np.testing.assert_array_equal(picked.dense(), np.stack([errors, words, present])[:, :, columns])


def test_columns_side_by_side_are_those_of_the_parts():
    parts = [sparse_sums_of(*tables(seed=seed)) for seed in range(3)]
    expected = np.concatenate([part.dense() for part in parts], axis=2)
    np.testing.assert_array_equal(side_by_side(parts).dense(), expected)


@pytest.mark.parametrize("n_speakers", [4, 30, 500])
def test_weighted_sums_are_products_of_the_full_tables(n_speakers):
    errors, words, present = tables(n_speakers, density=0.08)
    block = np.random.default_rng(1).integers(0, 4, (90, n_speakers)).astype(float)
    sums = sparse_sums_of(errors, words, present)
    found = columns_of(n_speakers, sums.starts, sums.speakers, moments(sums.sums)).under(block)
    quantities = [errors, words, errors**2, errors * words, words**2, present.astype(float)]
    np.testing.assert_array_equal(found, np.stack([block @ each for each in quantities]))


@pytest.mark.parametrize(("scale", "kind"), [(1, "float32"), (3_000, "float64"), (0.1, "float64")])
def test_full_columns_of_many_speakers_are_summed_in_single_precision_where_that_is_exact(scale, kind):
    errors, words, present = tables(1_500, density=0.5)
    sums = sparse_sums_of(errors * scale, words * scale, present)
    values = moments(sums.sums) if scale >= 1 else sums.sums
    columns = columns_of(1_500, sums.starts, sums.speakers, values)
    assert {str(each.values.dtype) for each in columns.whole} == {kind}
    block = np.random.default_rng(1).multinomial(1_500, np.full(1_500, 1 / 1_500), 40).astype(float)
    full = sums.dense() if scale < 1 else moments(sums.dense())
    np.testing.assert_allclose(columns.under(block), np.stack([block @ each for each in full]), rtol=1e-12)


@pytest.mark.parametrize(
    "shape", [(6, 400, 62), (6, 20_000, 62), (70, 900, 300), (1, 3, 1), (2, 5_000, 1), (40, 0, 8)], ids=str
)
def test_a_product_in_pieces_is_the_product(shape):
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 100, shape[:2]).astype(float), rng.integers(0, 5, shape[1:]).astype(float)
    np.testing.assert_array_equal(product(left, right), left @ right)
    np.testing.assert_array_equal(product(left, np.asfortranarray(right)), left @ right)
