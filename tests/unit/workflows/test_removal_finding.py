"""What is found among many pictures, and what is left to a person."""

import numpy as np
import pytest

from service.domain.policy import DEFAULT
from service.domain.values import Assessed, Authenticity, PictureFacts, Quality
from service.workflows.findings import silent
from service.workflows.folder_scan import Scanned
from service.workflows.removal_finding import EQUAL_PIXELS, MOST_DOUBTS, Keep, find


class Alike:
    """A matcher to which all pictures agree, and that doubts all of them but those it is told."""

    name = "alike"

    def __init__(self, sure=()):
        self.count, self.compared, self.sure = 0, 0, sure

    def know(self, _):
        self.count += 1

    def add(self, picture, group=""):
        """Nothing is kept of it."""

    def candidates(self, one):
        return np.array([other for other in range(self.count) if other != one])

    def agreement(self, *_):
        self.compared += 1
        return 0.95

    def doubt(self, one, other):
        return None if {one, other} in self.sure else "they are too much alike"


@pytest.fixture
def pictures():
    """So many of equal worth, with their pixels."""

    def make(count, pixels=None):
        return [
            (
                Scanned(
                    f"{number:04d}.jpg",
                    None,
                    Assessed(
                        PictureFacts(
                            f"{number:064x}",
                            "JPEG",
                            100,
                            80,
                            9000,
                            f"{(pixels or {}).get(number, number):064x}",
                            1,
                            False,
                            (),
                        ),
                        Quality(sharpness=0.5, compression=0.9, effective_megapixels=0.008, enlargement=1.0),
                        Authenticity(),
                    ),
                ),
                None,
            )
            for number in range(count)
        ]

    return make


def test_a_row_of_frames_is_not_compared_each_with_each(pictures):
    """Each is left to a person so often and no more: ten times as many frames take ten times as long."""
    compared, doubtful = {}, {}
    for count in (100, 1000):
        matcher = Alike()
        found = find(pictures(count), matcher, Keep.BEST, silent, DEFAULT)
        assert not found.sets
        compared[count], doubtful[count] = matcher.compared, len(found.doubtful)
        assert max(np.bincount([number for pair in found.doubtful for number in (pair.one, pair.other)])) <= MOST_DOUBTS
    assert compared[1000] <= 1000 * MOST_DOUBTS
    assert doubtful[1000] <= 12 * doubtful[100]


def test_equal_pixels_are_found_however_many_are_doubtful(pictures):
    """They need no look."""
    found = find(pictures(100, pixels={99: 0}), Alike(), Keep.BEST, silent, DEFAULT)
    assert [(one.keeper, one.losers) for one in found.sets] == [(0, ((99, EQUAL_PIXELS),))]


def test_nobody_is_asked_about_what_goes_for_another_one_anyway(pictures):
    """Its doubtful pairs went with it."""
    found = find(pictures(3), Alike(sure=({1, 2},)), Keep.BEST, silent, DEFAULT)
    assert [(one.keeper, one.losers) for one in found.sets] == [(1, ((2, 0.95),))]
    assert [(pair.one, pair.other) for pair in found.doubtful] == [(0, 1)]
