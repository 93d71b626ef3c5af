import threading
import time

import pytest

from harness.fairness.threads import computed


def test_results_come_in_order_whoever_is_done_first():
    def slow_at_first(number):
        time.sleep(0.002 * (10 - number))
        return number**2

    assert list(computed(slow_at_first, range(10))) == [number**2 for number in range(10)]


def test_blocks_are_drawn_as_they_are_needed_and_on_the_calling_thread():
    drawn, done = [], []

    def blocks():
        for number in range(50):
            drawn.append(threading.get_ident())
            assert number - len(done) < 20
            yield number

    for number in computed(lambda block: block, blocks()):
        done.append(number)
    assert done == list(range(50))
    assert set(drawn) == {threading.get_ident()}


def test_an_error_is_that_of_the_block():
    with pytest.raises(ZeroDivisionError):
        list(computed(lambda block: 1 / block, [1, 0, 2]))


def test_no_blocks_are_no_results():
    assert list(computed(lambda block: block, [])) == []
