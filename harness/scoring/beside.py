"""A function in, its result out, computed in other processes beside this one: where that pays.

The other processes are forks: they have all that the function needs without a copy. What goes wrong there is done again
here, so that an error is raised where it can be told, and a process that the system ends costs time alone.
"""

import itertools
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

import numpy.typing as npt

Result = TypeVar("Result")

SMALLEST_SHARE = 50_000  # rows, about; a fork takes as long as some thousands
WORTH_IT = 200_000  # rows; below, the function takes a few seconds at most


@contextmanager
def beside(
    function: Callable[[], Result], *, n_rows: int, worth_it: int | None = None
) -> Iterator[Callable[[], Result]]:
    """Begin to compute a function's result; yield what waits for it and returns it.

    Args:
        function: Without arguments or side effects; its result can be pickled.
        n_rows: Of what it computes with.
        worth_it: Rows from which another process pays; WORTH_IT when None.
    """
    if n_rows < (WORTH_IT if worth_it is None else worth_it) or _n_processes() < 2:
        yield function
        return
    forking = multiprocessing.get_context("fork")
    ours, theirs = forking.Pipe(duplex=False)
    process = forking.Process(target=_compute, args=(function, theirs), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: numpy's are idle here
        process.start()
    theirs.close()
    try:
        yield partial(_received, ours, function)
    finally:
        process.kill()
        process.join()
        ours.close()


def in_shares(function: Callable[..., Result], *columns: Sequence[Any] | npt.NDArray[Any]) -> list[Result]:
    """Call a function with consecutive shares of columns, each in a process of its own where there are many rows.

    Args:
        function: Of as many sequences as there are columns, without side effects; its result can be pickled.
        columns: Of one length.

    Returns:
        A result a share, in order.

    >>> in_shares(sum, [1, 2, 3])
    [6]
    """
    n_rows = len(columns[0])
    n_shares = min(_n_processes(), 1 + n_rows // SMALLEST_SHARE) if n_rows >= WORTH_IT else 1
    bounds = [n_rows * share // n_shares for share in range(n_shares + 1)]
    *others, last = [[column[begin:end] for column in columns] for begin, end in itertools.pairwise(bounds)]
    with ExitStack() as running:
        begun = [running.enter_context(beside(partial(function, *share), n_rows=n_rows)) for share in others]
        here = function(*last)
        return [*(result() for result in begun), here]


def _n_processes() -> int:
    """Count what can compute at once; one where processes cannot be forked, or from within one that was."""
    if sys.platform != "linux" or multiprocessing.current_process().daemon:
        return 1
    return len(os.sched_getaffinity(0))


def _compute(function: Callable[[], Result], theirs: Connection) -> None:
    try:
        theirs.send(function())
    except (Exception, KeyboardInterrupt):  # done again there, where it can be told
        return


def _received(ours: Connection, function: Callable[[], Result]) -> Result:
    try:
        return cast("Result", ours.recv())
    except EOFError:
        return function()
