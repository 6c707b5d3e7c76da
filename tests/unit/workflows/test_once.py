"""Attributes that are made when they are asked for."""

import threading

from service.workflows.once import once


class Made:
    """Notes how often it was made; whoever makes it waits for the other."""

    def __init__(self, meet=lambda: None):
        self.times = 0
        self._meet = meet

    @once
    def value(self):
        """What is costly."""
        self.times += 1
        self._meet()
        return object()


def test_it_is_made_once_for_each_instance():
    """And not before it is asked for."""
    first, second = Made(), Made()
    assert first.times == 0
    assert first.value is first.value
    assert first.value is not second.value
    assert (first.times, second.times) == (1, 1)
    assert type(first).__dict__["value"].__doc__ == "What is costly."


def test_two_instances_are_made_side_by_side():
    """One lock for all of them would let this wait for ever."""
    both = threading.Barrier(2, timeout=30)
    made = [Made(both.wait) for _ in range(2)]
    threads = [threading.Thread(target=lambda one=one: one.value) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.times for one in made] == [1, 1]
    assert not both.broken
