"""What a proof says is shared: also where the copy was cut before it was pasted, and where it was not."""

import cv2
import pytest

from service.compare.proof import Sample, prove
from service.descriptors.keypoints import MOST_ASKED, extract


def sample(picture):
    return Sample(picture, *extract(picture, MOST_ASKED))


def test_a_part_pasted_upon_another_picture_shows_no_more_than_it_does(photographs):
    """The map runs on beneath what is around; the proof does not."""
    astronaut, ground = photographs["astronaut"], photographs["coffee"].copy()
    ground[40:290, 60:310] = cv2.resize(astronaut[:300, 150:450], (250, 250), interpolation=cv2.INTER_AREA)
    proof = prove(sample(ground), sample(astronaut))
    assert proof.region == pytest.approx((150 / 512, 0, 450 / 512, 300 / 512), abs=0.06)
    assert proof.reference_overlap == pytest.approx((300 / 512) ** 2, abs=0.06)
    assert proof.query_overlap == pytest.approx(250 * 250 / (512 * 341), abs=0.06)
    assert proof.agreement > 0.85
    assert proof.in_place > 0.85


def test_a_picture_changed_inside_is_not_cut_to_what_agrees(astronaut, photographs):
    """Both lie upon each other as wholes: another picture in the same frame is no smaller copy."""
    other = astronaut.copy()
    other[200:, :] = cv2.resize(photographs["chelsea"], (512, 312))
    proof = prove(sample(other), sample(astronaut))
    assert proof.reference_overlap > 0.95
    assert proof.agreement < 0.6
