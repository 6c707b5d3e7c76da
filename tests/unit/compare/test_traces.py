"""What edits leave behind, measured where both pictures show the same, and the names it is given."""

import cv2
import numpy as np
import pytest

from service.compare.proof import Sample, prove
from service.compare.surface import surface_of
from service.compare.traces import copy_in, grid_of, shape_of, surroundings_of
from service.descriptors.keypoints import MOST_ASKED, extract
from service.domain.edits import edits_of
from service.domain.values import Edit


def sample(picture):
    return Sample(picture, *extract(picture, MOST_ASKED))


def named(query, reference):
    query = np.ascontiguousarray(query)
    proof = prove(sample(query), sample(reference))
    return set(
        edits_of(
            shape_of(proof, query, reference),
            surroundings_of(proof.matrix, query),
            surface_of(proof, query, reference),
            (grid_of(query), grid_of(reference)),
            proof.reference_overlap,
        )
    )


def turned(picture, degrees):
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.7)
    return cv2.warpAffine(picture, matrix, (width, height), borderValue=(20, 60, 90))


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def grey(picture):
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def coarse(picture):
    small = picture[::6, ::6]
    return np.kron(small, np.ones((6, 6, 1), np.uint8))[: picture.shape[0], : picture.shape[1]]


def noisy(picture):
    grain = np.random.default_rng(1).normal(0, 30, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def sharpened(picture):
    return np.clip(5.0 * picture - 4.0 * cv2.GaussianBlur(picture, (0, 0), 1.5), 0, 255).astype(np.uint8)


def with_a_box(picture):
    out = picture.copy()
    out[60:160, 80:220] = (250, 20, 20)
    return out


def pasted(picture, ground):
    out = np.ascontiguousarray(ground).copy()
    small = cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    out[40 : 40 + small.shape[0], 100 : 100 + small.shape[1]] = small
    return out


EDITS = {
    "turned": (lambda p: turned(p, 25), {Edit.ROTATED, Edit.PADDED}),
    "upside down": (lambda p: p[::-1, ::-1], {Edit.ROTATED}),
    "mirrored": (lambda p: p[:, ::-1], {Edit.FLIPPED}),
    "mirrored below": (lambda p: p[::-1], {Edit.FLIPPED}),
    "stretched": (lambda p: cv2.resize(p, None, fx=1.0, fy=0.7), {Edit.STRETCHED}),
    "cropped": (lambda p: p[40:-60, 90:-20], {Edit.CROPPED}),
    "padded": (lambda p: cv2.copyMakeBorder(p, 30, 60, 80, 10, cv2.BORDER_CONSTANT, value=(9, 9, 9)), {Edit.PADDED}),
    "blurred": (lambda p: cv2.GaussianBlur(p, (0, 0), 3), {Edit.BLURRED}),
    "grey": (grey, {Edit.GREYSCALE}),
    "paler": (lambda p: (p * 0.6 + 70).astype(np.uint8), {Edit.RECOLOURED}),
    "coarse": (coarse, {Edit.PIXELATED}),
    "compressed": (lambda p: jpeg(p, 8), {Edit.COMPRESSED}),
    "noisy": (noisy, {Edit.NOISY}),
    "sharpened": (sharpened, {Edit.SHARPENED}),
    "covered": (with_a_box, {Edit.OVERLAID}),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named(coffee, name):
    """Whatever else is named beside it, this is."""
    edit, expected = EDITS[name]
    assert expected <= named(edit(coffee), coffee)


def test_a_mirror_below_is_no_turn(coffee):
    """Upside down and mirrored is one edit, not two; turned by a right angle and mirrored is two."""
    assert named(coffee[::-1], coffee) == {Edit.FLIPPED}
    assert named(np.rot90(coffee[:, ::-1]), coffee) == {Edit.FLIPPED, Edit.ROTATED}


def test_a_picture_pasted_into_another_is_composited(photographs):
    """Around it lies something everywhere, and the levels jump where it ends."""
    assert Edit.COMPOSITED in named(pasted(photographs["astronaut"], photographs["coffee"]), photographs["astronaut"])


def test_the_whole_of_which_the_reference_is_a_part_is_no_paste(coffee):
    """Nothing jumps where the reference ends: it was cut out of the query."""
    part = np.ascontiguousarray(coffee[60:260, 100:400])
    found = named(coffee, part)
    assert Edit.CROPPED in found
    assert Edit.COMPOSITED not in found


@pytest.mark.parametrize("quality", [30, 45, 60, 75, 90, 95])
def test_a_copy_that_was_only_saved_anew_has_no_edits(photographs, quality):
    """But the trace of saving itself, which is no edit that anybody made."""
    for name in ("coffee", "astronaut", "chelsea"):
        assert named(jpeg(photographs[name], quality), photographs[name]) <= {Edit.COMPRESSED}


@pytest.mark.parametrize("how", [cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_NEAREST])
@pytest.mark.parametrize("factor", [0.3, 0.5, 0.7, 1.2, 1.5])
def test_a_copy_of_another_size_has_no_edits(coffee, factor, how):
    """Made small with averaging or without, and saved as JPEG."""
    copy = jpeg(cv2.resize(coffee, None, fx=factor, fy=factor, interpolation=how), 85)
    assert named(copy, coffee) <= {Edit.COMPRESSED}


def test_the_angle_is_told_as_a_person_would(coffee):
    """Clockwise is positive, as seen on the screen."""
    proof = prove(sample(turned(coffee, -20)), sample(coffee))
    assert shape_of(proof, coffee, coffee).angle == pytest.approx(20, abs=0.3)


def test_what_lies_around_a_copy_is_not_looked_at_for_how_it_was_saved(coffee):
    """A border of one colour changes nowhere, as a picture of coarse pixels does."""
    padded = np.pad(coffee, ((90, 90), (140, 140), (0, 0)), constant_values=70)
    proof = prove(sample(padded), sample(coffee))
    part = copy_in(proof, padded)
    assert part.shape[:2] == pytest.approx(coffee.shape[:2], abs=4)
    assert grid_of(padded).steps > grid_of(coffee).steps + 0.2
    assert grid_of(part).steps == pytest.approx(grid_of(coffee).steps, abs=0.05)
