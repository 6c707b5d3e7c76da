"""What was cut off at black and white, seen from the picture that still has it."""

import numpy as np
import pytest

from service.compare.clipping import crushed


@pytest.fixture
def everywhere(coffee):
    return np.ones(coffee.shape[:2], bool)


def lit(picture, gain, lift=0):
    return np.clip(picture * gain + lift, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [(2.2, 0), (1.0, 90), (1.0, -60)])
def test_what_was_pushed_beyond_the_scale_is_crushed_in_the_copy_alone(coffee, everywhere, change):
    """Brightened or darkened: levels that differed are one."""
    copy = lit(coffee, *change)
    assert crushed(copy, coffee, everywhere) > 1
    assert crushed(coffee, copy, everywhere) < 0.2


def test_a_highlight_that_the_camera_cut_off_tells_nothing(coffee, everywhere):
    """Darkened, it is at one level still."""
    burnt = coffee.copy()
    burnt[40:160, 60:260] = 255
    assert crushed(burnt, lit(burnt, 0.6), everywhere) < 0.1


def test_only_what_both_show_counts(coffee):
    """And nothing is nothing."""
    copy = lit(coffee, 2.2)
    copy[:, coffee.shape[1] // 2 :] = coffee[:, coffee.shape[1] // 2 :]
    right = np.zeros(coffee.shape[:2], bool)
    right[:, coffee.shape[1] // 2 :] = True
    assert crushed(copy, coffee, right) < 0.2 < crushed(copy, coffee, ~right)
    assert crushed(copy, coffee, np.zeros_like(right)) == 0
