"""AugLy's edits themselves: the same words make the same picture. They need the `heavy` extra and libmagic."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks.accuracy import transforms
from benchmarks.accuracy.ranges import NAMES
from benchmarks.accuracy.transforms import Others, edited

pytestmark = [
    # AugLy leaves the screenshots' list of boxes open, and takes perspective from a numpy matrix.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
ASTRONAUT = Image.fromarray(data.astronaut()).resize((240, 160))
COFFEE = Image.fromarray(data.coffee()).resize((150, 100))
OTHERS = Others(["a", "b"], lambda _: COFFEE)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_picture_edit_and_seed_make_the_same_pixels(name):
    """Though AugLy draws some numbers itself."""
    picture, steps = edited(ASTRONAUT, "sha", [name], 1, OTHERS)
    again, told = edited(ASTRONAUT, "sha", [name], 1, OTHERS)
    assert steps == told
    assert picture.tobytes() == again.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_edit_changes_the_picture(name):
    """At least its size or a hundredth of its values."""
    picture, _ = edited(ASTRONAUT, "sha", [name], 2, OTHERS)
    if picture.size == ASTRONAUT.size:
        assert np.mean(np.asarray(picture) != np.asarray(ASTRONAUT)) > 0.01


def test_another_seed_makes_another_picture():
    """Here, another crop."""
    pictures = [edited(ASTRONAUT, "sha", ["crop"], seed, OTHERS)[0] for seed in range(5)]
    assert len({picture.tobytes() for picture in pictures}) == 5


def test_a_picture_is_not_laid_over_itself():
    """The other one is taken, whichever was drawn."""
    others = [edited(ASTRONAUT, "a", ["overlay_image"], seed, OTHERS)[1][0].arguments["other"] for seed in range(6)]
    assert set(others) == {"b"}


def test_a_picture_that_grows_is_kept_within_bounds(monkeypatch):
    """Its shape stays."""
    monkeypatch.setattr(transforms, "LONGEST", 200)
    picture, steps = edited(ASTRONAUT, "sha", ["hflip"], 1, OTHERS)
    assert picture.size == steps[0].after == (200, 133)
