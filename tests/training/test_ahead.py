import threading
from itertools import count

import pytest

from digitwise.training.streaming import Ahead


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "digitwise-ahead"]


def test_items_come_in_their_order_and_the_thread_ends_with_them():
    ahead = Ahead(iter(range(50)), most=3)
    assert list(ahead) == list(range(50))
    assert next(ahead, "over") == "over"  # and again
    ahead.close()
    assert not threads()


def test_what_the_iterator_raises_is_raised_after_what_came_before():
    def items():
        yield 1
        raise KeyError("gone")

    ahead = Ahead(items(), most=3)
    assert next(ahead) == 1
    for _ in range(2):
        with pytest.raises(KeyError, match="gone"):
            next(ahead)
    ahead.close()
    assert not threads()


def test_no_more_is_fetched_than_may_wait_and_closing_frees_the_iterator():
    fetched, freed = [], threading.Event()

    def items():
        try:
            for number in count():
                fetched.append(number)
                yield number
        finally:
            freed.set()

    ahead = Ahead(items(), most=2)
    assert next(ahead) == 0
    ahead.close()
    assert freed.is_set()
    assert len(fetched) <= 1 + 2 + 1  # given, waiting, in the thread's hands
    assert not threads()
