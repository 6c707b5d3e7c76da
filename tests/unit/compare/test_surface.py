"""Light, detail and grain where both pictures show the same, seen equally finely and in one light."""

import cv2
import numpy as np
import pytest

from service.compare.even import evenly_laid
from service.compare.proof import Sample, prove
from service.compare.surface import surface_of
from service.descriptors.keypoints import MOST_ASKED, extract


def sample(picture):
    return Sample(picture, *extract(picture, MOST_ASKED))


def laid(query, reference):
    query = np.ascontiguousarray(query)
    return prove(sample(query), sample(reference)), query, reference


def noisy(picture):
    grain = np.random.default_rng(1).normal(0, 25, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def sharpened(picture):
    return np.clip(5.0 * picture - 4.0 * cv2.GaussianBlur(picture, (0, 0), 1.5), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("factor", [0.35, 0.5, 0.8, 1.4])
def test_a_copy_of_another_size_is_as_detailed_as_its_size_lets_it(coffee, factor):
    """Neither softer nor sharper for that alone."""
    copy = cv2.resize(coffee, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    assert surface_of(*laid(copy, coffee)).detail == pytest.approx(1, abs=0.15)


def test_a_picture_pasted_small_is_as_detailed_as_its_size_lets_it(coffee):
    """On a page three times as wide."""
    small = cv2.resize(coffee, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    page = np.full((*coffee.shape[:2], 3), 90, np.uint8)
    page[50 : 50 + small.shape[0], 90 : 90 + small.shape[1]] = small
    assert surface_of(*laid(page, coffee)).detail == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("gain", "lift"), [(2.2, 0), (0.3, 10), (0.5, 120)])
def test_detail_and_grain_are_told_in_the_copy_s_own_light(coffee, gain, lift):
    """What was cut off is no blur, and what was drawn apart no grain."""
    surface = surface_of(*laid(np.clip(coffee * gain + lift, 0, 255).astype(np.uint8), coffee))
    assert surface.detail == pytest.approx(1, abs=0.15)
    assert surface.grain < 3
    assert surface.tone_distance > 20


def test_noise_lies_everywhere_and_sharpening_along_edges(coffee):
    """Both leave fine detail that the reference does not have."""
    noise, edges = (surface_of(*laid(edit(coffee), coffee)) for edit in (noisy, sharpened))
    assert min(noise.grain, edges.grain) > 5
    assert noise.evenness > 0.85
    assert edges.evenness < 0.7
    assert edges.detail > 1.3 > noise.detail


def test_what_averaging_takes_away_is_no_grain_of_a_copy_made_small_without(coffee):
    """The reference has it too, only finer."""
    small = coffee[::3, ::3]
    assert evenly_laid(*laid(small, coffee)).averaged_out > 5
    assert surface_of(*laid(small, coffee)).grain < 3
    assert evenly_laid(*laid(coffee, coffee)).averaged_out == 0


def test_a_map_of_tones_explains_light_and_not_what_lies_upon_the_picture(coffee):
    """Of a lift of light it leaves nothing, of stripes nearly all."""
    striped = coffee.copy()
    for column in range(0, coffee.shape[1], 60):
        striped[:, column : column + 12] = striped[:, column : column + 12] // 2 + 20
    lifted, covered = (surface_of(*laid(query, coffee)) for query in ((coffee * 0.6 + 70).astype(np.uint8), striped))
    assert lifted.tone_residual < 0.2 * lifted.tone_distance
    assert covered.tone_residual > 0.75 * covered.tone_distance
    assert lifted.laid_upon < 0.006
