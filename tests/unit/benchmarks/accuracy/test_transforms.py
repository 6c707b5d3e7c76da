"""Edited pictures: the same words make the same picture, and the numbers fit the picture."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks.accuracy import transforms
from benchmarks.accuracy.ranges import NAMES
from benchmarks.accuracy.transforms import HIDING, PLACING, Others, chain, edited, fitted, generator

pytestmark = [
    # AugLy leaves the screenshots' list of boxes open, and takes perspective from a numpy matrix.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
ASTRONAUT = Image.fromarray(data.astronaut()).resize((240, 160))
COFFEE = Image.fromarray(data.coffee()).resize((150, 100))
OTHERS = Others(["a", "b"], lambda _: COFFEE)


@pytest.fixture
def augly():
    """AugLy is in the `heavy` extra."""
    return pytest.importorskip("augly")


@pytest.mark.usefixtures("augly")
@pytest.mark.parametrize("name", NAMES)
def test_the_same_picture_edit_and_seed_make_the_same_pixels(name):
    """Though AugLy draws some numbers itself."""
    picture, steps = edited(ASTRONAUT, "sha", [name], 1, OTHERS)
    again, told = edited(ASTRONAUT, "sha", [name], 1, OTHERS)
    assert steps == told
    assert picture.tobytes() == again.tobytes()


@pytest.mark.usefixtures("augly")
@pytest.mark.parametrize("name", NAMES)
def test_every_edit_changes_the_picture(name):
    """At least its size or a hundredth of its values."""
    picture, _ = edited(ASTRONAUT, "sha", [name], 2, OTHERS)
    if picture.size == ASTRONAUT.size:
        assert np.mean(np.asarray(picture) != np.asarray(ASTRONAUT)) > 0.01


@pytest.mark.usefixtures("augly")
def test_another_seed_makes_another_picture():
    """Here, another crop."""
    pictures = [edited(ASTRONAUT, "sha", ["crop"], seed, OTHERS)[0] for seed in range(5)]
    assert len({picture.tobytes() for picture in pictures}) == 5


@pytest.mark.usefixtures("augly")
def test_a_picture_is_not_laid_over_itself():
    """The other one is taken, whichever was drawn."""
    others = [edited(ASTRONAUT, "a", ["overlay_image"], seed, OTHERS)[1][0].arguments["other"] for seed in range(6)]
    assert set(others) == {"b"}


@pytest.mark.usefixtures("augly")
def test_a_picture_that_grows_is_kept_within_bounds(monkeypatch):
    """Its shape stays."""
    monkeypatch.setattr(transforms, "LONGEST", 200)
    picture, steps = edited(ASTRONAUT, "sha", ["hflip"], 1, OTHERS)
    assert picture.size == steps[0].after == (200, 133)


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
