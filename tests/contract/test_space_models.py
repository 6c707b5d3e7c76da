"""Every descriptor model beside the built-in one keeps the same contract; here its twins."""

import numpy as np

from service.descriptors.testing import ColourTwin, SpaceModelContract, SquareTwin


def a_picture(*squares):
    """Grey noise with patches of (255, 0, n)."""
    picture = np.random.default_rng(len(squares)).integers(0, 200, (64, 96, 3), np.uint8)
    for number, whose in enumerate(squares):
        picture[8:24, 8 + 24 * number : 24 + 24 * number] = (255, 0, whose)
    return picture


class TestColourTwin(SpaceModelContract):
    def make_model(self):
        return ColourTwin("clip:colours")

    def pictures(self):
        return [a_picture(), a_picture(200) // 2]


class TestSquareTwin(SpaceModelContract):
    def make_model(self):
        return SquareTwin("deepface:squares")

    def pictures(self):
        return [a_picture(10), a_picture(200, 90)]


def test_no_square_is_no_face():
    """And each has its box, as shares of the picture."""
    twin = SquareTwin("deepface:squares")
    [none, one] = twin.describe([a_picture(), a_picture(10)])
    assert none == ()
    assert one[0].box == (8 / 96, 8 / 64, 24 / 96, 24 / 64)
