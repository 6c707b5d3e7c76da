"""Edited pictures: the same words make the same picture, and the numbers fit the picture."""

import pytest
from PIL import Image
from skimage import data

from benchmarks.accuracy.ranges import NAMES
from benchmarks.accuracy.transforms import HIDING, PLACING, Others, chain, fitted, generator

ASTRONAUT = Image.fromarray(data.astronaut()).resize((240, 160))
COFFEE = Image.fromarray(data.coffee()).resize((150, 100))
OTHERS = Others(["a", "b"], lambda _: COFFEE)


def test_a_chain_has_two_to_four_distinct_edits():
    """And each picture has its own."""
    chains = [chain(f"sha{n}", 0, 1) for n in range(200)]
    assert {len(names) for names in chains} == {2, 3, 4}
    assert all(len(set(names)) == len(names) for names in chains)
    assert {name for names in chains for name in names} == set(NAMES)


def test_nothing_that_hides_comes_after_a_picture_is_pasted():
    """A crop of the page could leave the pasted picture out altogether."""
    for number in range(300):
        names = chain("sha", number, 1)
        placed = [at for at, name in enumerate(names) if name in PLACING]
        hiding = [at for at, name in enumerate(names) if name in HIDING]
        assert not placed or not hiding or max(hiding) < min(placed)


def test_pixels_in_the_table_grow_with_what_is_seen_of_the_picture():
    """A blur of 6 pixels at 321 is one of 3 where the picture takes half of that, on a page or by itself."""
    rng = generator(1, "x")
    assert fitted("blur", {"radius": 6.0}, (1200, 800), 160.5, rng)["radius"] == 3.0


@pytest.mark.parametrize(("name", "key"), [("scale", "factor"), ("pixelization", "ratio")])
def test_a_small_picture_is_not_made_unrecognisable(name, key):
    """Of 136 pixels 48 are left, and of 40 all."""
    rng = generator(1, "x")
    assert fitted(name, {key: 0.2}, (200, 136), 136, rng)[key] == pytest.approx(48 / 136, abs=1e-4)
    assert fitted(name, {key: 0.2}, (60, 40), 40, rng)[key] == 1


def test_a_crop_keeps_the_share_of_the_area_that_was_drawn():
    """Wherever it lies and whatever its shape."""
    rng = generator(1, "x")
    for stretch in (0.75, 1.0, 1.33):
        numbers = {"area": 0.3, "stretch": stretch, "x": 0.2, "y": 0.9}
        window = fitted("crop", numbers, (481, 321), 321, rng)
        area = (window["x2"] - window["x1"]) * (window["y2"] - window["y1"])
        assert area == pytest.approx(0.3, abs=0.001)
        assert window["x2"] <= 1
        assert window["y2"] <= 1
