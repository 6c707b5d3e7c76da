"""Work is done by a few threads, in order, and only a little of it is asked for ahead."""

import pytest

from service.workflows.side_by_side import side_by_side


def test_every_item_comes_in_order_with_what_was_made_of_it():
    """However long each one takes."""
    assert list(side_by_side(lambda item: item * item, range(1000))) == [(item, item * item) for item in range(1000)]
    assert list(side_by_side(str, [])) == []


def test_items_are_asked_for_as_they_are_needed():
    """A million of them, waiting, would take more memory than all the rest."""
    asked = []

    def items():
        for item in range(100_000):
            asked.append(item)
            yield item

    done = side_by_side(str, items())
    assert next(done) == (0, "0")
    assert len(asked) < 100
    done.close()
    assert len(asked) < 100


def test_an_error_ends_it():
    """It is raised where the item it is about would have come."""
    made = []
    with pytest.raises(ZeroDivisionError):
        made.extend(side_by_side(lambda item: 1 / (3 - item), range(100_000)))
    assert len(made) == 3
