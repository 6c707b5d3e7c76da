"""Which neighbours are the nearest, and from where on others are too far away."""

from index_store.vectors import Neighbour
from service.workflows.nearest import Nearest


def met(*similarities, most=20):
    made = Nearest(most)
    made.meet(Neighbour(f"{number}", number, similarity, 0) for number, similarity in enumerate(similarities))
    return made


def test_while_there_is_room_nothing_is_too_far_away():
    assert met(*[0.9] * 19).reach == -1.0


def test_what_is_farther_than_the_last_of_them_is_too_far_away():
    """Whoever they are and in whatever order they came."""
    nearest = met(0.3, 0.8, 0.5, most=3)
    assert nearest.reach == 0.3
    nearest.meet([Neighbour("new", 9, 0.6, 0)])
    assert nearest.reach == 0.5
    assert dict(nearest.contents) == {"1": 0.8, "new": 0.6, "2": 0.5}


def test_more_neighbours_never_lower_it():
    """Or a picture that was passed over once would have to be looked at again."""
    nearest, before = Nearest(20), -1.0
    for number in range(200):
        nearest.meet([Neighbour(f"{number}", number, (number * 37 % 100) / 100, 0)])
        assert nearest.reach >= before
        before = nearest.reach
    assert before == 0.9


def test_forgotten_neighbours_count_no_more():
    nearest = met(*[0.9] * 20)
    nearest.clear()
    assert (nearest.reach, dict(nearest.contents)) == (-1.0, {})
