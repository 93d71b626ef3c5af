"""A function in, its result out, computed in another process while this one computes something else: where that pays.

The other process is a fork: it has all that the function needs without a copy. What goes wrong there is done again
here, so that an error is raised where it can be told, and a process that the system ends costs time alone.
"""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import TypeVar, cast

Result = TypeVar("Result")

WORTH_IT = 200_000  # rows; below, the function takes a few seconds at most


@contextmanager
def beside(function: Callable[[], Result], *, n_rows: int) -> Iterator[Callable[[], Result]]:
    """Begin to compute a function's result; yield what waits for it and returns it.

    Args:
        function: Without arguments or side effects; its result can be pickled.
        n_rows: Of what it computes with.
    """
    if n_rows < WORTH_IT or (os.cpu_count() or 1) < 2 or sys.platform != "linux":
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


def _compute(function: Callable[[], Result], theirs: Connection) -> None:
    theirs.send(function())


def _received(ours: Connection, function: Callable[[], Result]) -> Result:
    try:
        return cast("Result", ours.recv())
    except EOFError:
        return function()
