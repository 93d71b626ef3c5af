"""Blocks of draws and what to compute of each in, the results in order out: drawn on one thread, computed on others.

numpy leaves the interpreter to other threads while it draws, gathers and multiplies. The results do not depend on the
number of threads: every block is drawn in turn.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")

_MOST_WORKERS = 4  # each holds a few blocks of 10 MB


def computed(function: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """Yield the function of every block, in order, a few blocks ahead."""
    n_workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_workers) as workers:
        for block in blocks:
            waiting.append(workers.submit(function, block))
            if len(waiting) > n_workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
