"""Where two pictures differ, shown on the reference: grey where they agree, red where not, dark where nothing is known."""

import cv2
import numpy as np
import pytest

from service.compare.changes import SIDE, as_png, change_map
from service.domain.dihedral import POSES

WHOLE = np.eye(3)


def redness(shown):
    """(h, w): how much redder than green a pixel is."""
    return shown[..., 0].astype(int) - shown[..., 1]


@pytest.fixture
def small(astronaut):
    return np.ascontiguousarray(astronaut[:400, :480])


def test_of_the_same_picture_nothing_is_red(small):
    """And it is shown as it is, in grey."""
    shown = change_map(small, small, WHOLE)
    assert shown.shape == small.shape
    assert redness(shown).max() == 0
    assert np.abs(shown[..., 0].astype(int) - cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)).max() <= 1


def test_darker_and_flatter_is_no_change(small):
    """Light as a whole is allowed for."""
    paler = (small * 0.6 + 40).astype(np.uint8)
    assert redness(change_map(paler, small, WHOLE)).max() == 0


def test_a_sticker_is_red_and_nothing_else(small):
    """Where it lies, and only there."""
    covered = small.copy()
    covered[100:160, 200:280] = (0, 255, 0)
    red = redness(change_map(covered, small, WHOLE)) > 60
    assert red[105:155, 205:275].mean() > 0.9
    red[90:170, 190:290] = False
    assert red.mean() < 0.01


def test_what_a_crop_does_not_show_is_dark(small):
    """The crop lies where it was cut."""
    height, width = small.shape[:2]
    crop = np.ascontiguousarray(small[100:300, 120:360])
    there = np.array([[240 / width, 0, 120 / width], [0, 200 / height, 100 / height], [0, 0, 1]])
    shown = change_map(crop, small, there)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(float)
    assert redness(shown).max() == 0
    assert np.abs(shown[110:290, 130:350, 0] - grey[110:290, 130:350]).max() <= 1
    assert np.allclose(shown[:90, :, 0], grey[:90] * 0.35, atol=1)


@pytest.mark.parametrize("pose", POSES)
def test_a_turned_or_mirrored_query_is_laid_back(small, pose):
    """No pixel off, so no edge is red."""
    ways = (np.ascontiguousarray(way.lay(small)) for way in POSES)
    query = next(one for one in ways if np.array_equal(pose.lay(one), small))
    assert redness(change_map(query, small, pose.transform)).max() == 0


def test_a_large_reference_is_shown_smaller():
    """The map is for looking at, not for printing."""
    large = np.full((1200, 900, 3), 90, np.uint8)
    assert change_map(large, large, WHOLE).shape == (SIDE, 384, 3)


def test_as_png_it_is_the_same_picture(small):
    """Red stays red."""
    covered = small.copy()
    covered[:50] = (0, 0, 255)
    shown = change_map(covered, small, WHOLE)
    read = cv2.imdecode(np.frombuffer(as_png(shown), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(read, shown)
