"""Traces to names: what counts as what."""

from dataclasses import replace

import pytest

from service.domain.edits import blurred_in_full, edits_of, is_only_saved_anew, was_filtered
from service.domain.traces import Grid, Shape, Surface, Surroundings
from service.domain.values import Edit

LAID = Shape(mirrored=False, angle=0.0, stretch=1.0, shear=0.0, aslant=0.0)
ALONE = Surroundings(share=0.0, flat=1.0, blank=1.0, sides=0, seam=0.0)
ALIKE = dict.fromkeys(Surface.__dataclass_fields__, 0.0) | {
    "detail": 1.0,
    "query_chroma": 40.0,
    "reference_chroma": 40.0,
}
PLAIN = Grid(blocks=0.02, steps=0.0)


def named(around=ALONE, grid=PLAIN, **surface):
    """The names for these traces, all others being those of a picture that nothing was done to."""
    return set(edits_of(LAID, around, Surface(**ALIKE | surface), (grid, PLAIN), 1.0))


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ({}, set()),
        ({"grain": 8.0, "evenness": 0.95}, {Edit.NOISY}),
        ({"grain": 8.0, "evenness": 0.6}, set()),
        ({"grain": 20.0, "evenness": 0.95, "detail": 1.6}, {Edit.SHARPENED}),
        ({"grain": 7.0, "evenness": 0.95, "detail": 0.5}, {Edit.BLURRED}),
        ({"grain": 12.0, "evenness": 0.95, "detail": 0.5}, {Edit.NOISY}),
        ({"tone_distance": 30.0, "tone_residual": 5.0}, {Edit.RECOLOURED}),
        ({"tone_distance": 30.0, "tone_residual": 26.0}, set()),
        ({"tone_distance": 24.0, "tone_residual": 3.0, "grain": 16.0, "evenness": 0.95}, {Edit.NOISY}),
        ({"tone_distance": 40.0, "tone_residual": 3.0, "grain": 16.0, "evenness": 0.95}, {Edit.NOISY, Edit.RECOLOURED}),
        ({"laid_upon": 0.02}, {Edit.OVERLAID}),
        ({"laid_upon": 0.02, "tone_distance": 40.0}, {Edit.RECOLOURED}),
        ({"covered": 0.02, "worst": 90.0}, set()),
    ],
)
def test_a_surface_has_its_names(surface, expected):
    """Grain along edges is no noise, and what no map of the colours explains is no other light."""
    assert named(**surface) == expected


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (Grid(blocks=0.5, steps=0.0), {Edit.COMPRESSED}),
        (Grid(blocks=0.0, steps=0.35), {Edit.PIXELATED}),
        (Grid(blocks=2.7, steps=0.35), {Edit.COMPRESSED}),
        (Grid(blocks=2.7, steps=0.6), {Edit.PIXELATED}),
    ],
)
def test_the_coarsest_jpegs_are_told_from_coarse_pixels(grid, expected):
    """Within their blocks next to nothing changes either."""
    assert named(grid=grid) == expected


@pytest.mark.parametrize(
    ("flat", "blank", "sides", "expected"),
    [
        (0.98, 0.9, 4, Edit.PADDED),
        (0.5, 0.5, 1, Edit.PADDED),
        (0.6, 0.5, 4, Edit.SCREENSHOT),
        (0.6, 0.2, 4, Edit.COMPOSITED),
    ],
)
def test_what_lies_around_has_its_name(flat, blank, sides, expected):
    """A border, a line of words on one side, a page, another picture: by how much of it shows nothing."""
    assert named(Surroundings(share=0.5, flat=flat, blank=blank, sides=sides, seam=9.0)) == {expected}


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


def test_each_name_is_told_once():
    """Also where either picture shows what the other does not."""
    beyond = Surroundings(share=0.3, flat=0.2, blank=0.0, sides=1, seam=0.9)
    assert edits_of(LAID, beyond, Surface(**ALIKE), (PLAIN, PLAIN), 0.7) == (Edit.CROPPED,)


@pytest.mark.parametrize(
    ("surface", "only"),
    [
        ({}, True),
        ({"spot": 14.0, "usual": 2.0}, True),
        ({"spot": 14.0, "usual": 1.0}, False),  # where next to nothing differs elsewhere
        ({"spot": 40.0, "usual": 12.0}, True),  # small and coarsely saved: all of it differs
        ({"spot": 40.0, "usual": 2.0}, False),  # a note of a few letters
        ({"covered": 0.01}, False),
        ({"tone_distance": 4.0, "tone_residual": 3.8}, True),  # what JPEG does
        ({"tone_distance": 0.9, "tone_residual": 0.1}, True),
        ({"tone_distance": 2.2, "tone_residual": 0.4}, False),  # a twentieth more contrast
    ],
)
def test_what_was_only_saved_anew_differs_as_saves_do(surface, only):
    """Everywhere a little; neither in one spot nor in its light."""
    assert is_only_saved_anew(Surface(**ALIKE | surface)) is only


@pytest.mark.parametrize(
    ("detail", "query", "reference", "filtered"),
    [
        (1.02, {}, {}, False),
        (0.8, {}, {}, True),
        (1.2, {}, {}, True),
        (0.8, {"compression": 0.5}, {}, False),  # a coarse save takes as much
        (0.8, {}, {"compression": None}, False),  # and nobody knows what a WebP has lost
        (0.8, {"width": 500, "height": 400}, {}, False),
    ],
)
def test_fine_detail_that_no_save_took_was_filtered(a_picture, detail, query, reference, filtered):
    """Of two of one size that both keep theirs."""
    one, other = (a_picture(**{"compression": 0.95} | differing) for differing in (query, reference))
    assert was_filtered(Surface(**ALIKE | {"detail": detail}), one, other) is filtered
