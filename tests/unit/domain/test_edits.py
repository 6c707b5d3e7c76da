"""Names for softness that no small frame shows."""

from dataclasses import replace

import pytest

from service.domain.edits import blurred_in_full
from service.domain.values import Edit


@pytest.fixture
def judged(a_picture):
    def judge(enlargement, width=1000, quality=90):
        made = a_picture(width)
        return replace(made, quality=replace(made.quality, enlargement=enlargement, jpeg_quality=quality))

    return judge


@pytest.mark.parametrize(
    ("here", "there", "edits", "named"),
    [
        (2.0, 1.0, (), (Edit.BLURRED,)),
        (2.0, 1.0, (Edit.RECOLOURED,), (Edit.RECOLOURED, Edit.BLURRED)),
        (2.0, 1.0, (Edit.BLURRED,), (Edit.BLURRED,)),
        (2.0, 1.0, (Edit.STRETCHED,), (Edit.STRETCHED,)),
        (2.0, 1.0, (Edit.PIXELATED,), (Edit.PIXELATED,)),
        (2.0, 1.2, (), ()),
        (1.0, 2.0, (), ()),
        (None, 1.0, (), ()),
    ],
)
def test_much_less_detail_in_as_many_pixels_is_a_blur(judged, here, there, edits, named):
    """Unless another name says so already, or nobody looked."""
    assert blurred_in_full(judged(here), judged(there), edits) == named


def test_a_coarse_jpeg_is_soft_by_itself(judged):
    """So nobody need have blurred it."""
    assert blurred_in_full(judged(2.0, quality=75), judged(1.0), ()) == ()


def test_a_copy_that_was_enlarged_is_not_blurred(judged):
    """It has more pixels for the same detail."""
    assert blurred_in_full(judged(2.0, width=2000), judged(1.0), ()) == ()
