"""Convolution block by block against scipy's, for every relation of lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve, firwin

from harness.audio.convolution import Kernel, convolved, response_of


def drawn(n, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(n).astype(dtype)


LENGTHS = [
    pytest.param(1, 1, id="one-sample-one-tap"),
    pytest.param(1, 5_000, id="kernel-much-longer"),
    pytest.param(1_920, 129, id="one-block"),
    pytest.param(1_921, 129, id="one-sample-more-than-a-block"),
    pytest.param(70_000, 257, id="more-blocks-than-go-at-once"),
    pytest.param(70_000, 514, id="longer-blocks"),
    pytest.param(30_000, 9_000, id="long-kernel"),
    pytest.param(9_000, 30_000, id="kernel-longer-than-the-signal"),
]


@pytest.mark.parametrize(("num_samples", "n_taps"), LENGTHS)
@pytest.mark.parametrize("where", [0.0, 0.3, 1.0])
def test_a_convolution_is_scipys(num_samples, n_taps, where):
    signal, taps = drawn(num_samples), drawn(n_taps, 1)
    start = round(where * (n_taps - 1))
    expected = fftconvolve(signal, taps)[start : start + num_samples]
    np.testing.assert_allclose(convolved(signal, Kernel(taps, start)), expected, atol=1e-9)


@given(num_samples=st.integers(1, 5_000), n_taps=st.integers(1, 3_000), data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_convolution_is_scipys(num_samples, n_taps, data):
    start = data.draw(st.integers(0, n_taps - 1))
    signal, taps = drawn(num_samples), drawn(n_taps, 1)
    expected = fftconvolve(signal, taps)[start : start + num_samples]
    np.testing.assert_allclose(convolved(signal, Kernel(taps, start)), expected, atol=1e-9)


def test_the_precision_is_that_of_the_taps():
    signal = drawn(3_000, dtype=np.float32)
    assert convolved(signal, Kernel(drawn(100, dtype=np.float32), 0)).dtype == np.float32
    assert convolved(signal, Kernel(drawn(100), 0)).dtype == np.float64


@pytest.mark.parametrize("num_samples", [1, 2, 1_791, 1_792, 1_793, 30_001])
def test_every_second_sample_is_that_of_the_whole_where_the_kernel_passes_the_lower_half(num_samples):
    taps = firwin(257, 0.4, window=("kaiser", 7.0))
    signal = drawn(num_samples)
    whole = convolved(signal, Kernel(taps, 128))
    np.testing.assert_allclose(convolved(signal, Kernel(taps, 128), every=2), whole[::2], atol=2e-4)


def test_a_kernel_is_transformed_once():
    kernel = Kernel(drawn(100), 0)
    assert response_of(kernel, 2048, 1) is response_of(kernel, 2048, 1)
