"""The blocks of an earlier JPEG, moved by whoever cropped, padded or mirrored the picture since."""

import numpy as np
import pytest

from service.assess.moved_grid import FOUND_FROM, moved_grid, strength

MOVES = {
    "mirrored": lambda p: p[:, ::-1],
    "upside down": lambda p: p[::-1],
    "cropped": lambda p: p[3:, 5:],
    "padded": lambda p: np.pad(p, ((1, 0), (6, 0), (0, 0)), constant_values=90),
}


@pytest.fixture(scope="module")
def once_saved(photographs, saved_as_jpeg):
    """Photographs that were JPEGs of quality 80, and no side of which is a multiple of four."""
    names = ("coffee", "immunohistochemistry")
    sides = {name: (side // 8 * 8 - 3 for side in photographs[name].shape[:2]) for name in names}
    cut = {name: photographs[name][:height, :width] for name, (height, width) in sides.items()}
    return {name: saved_as_jpeg(picture, 80) for name, picture in cut.items()}


@pytest.mark.parametrize("move", MOVES)
def test_a_grid_that_was_moved_is_found(once_saved, saved_as_jpeg, grey, move):
    """Saved as a good JPEG since, or losslessly."""
    for picture in once_saved.values():
        moved = np.ascontiguousarray(MOVES[move](picture))
        assert moved_grid(grey(moved))
        assert moved_grid(grey(saved_as_jpeg(moved, 95)))


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_the_file_s_own_grid_is_not_called_moved(detailed, saved_as_jpeg, grey, quality):
    """Of pictures that were saved once."""
    for picture in detailed.values():
        assert strength(grey(saved_as_jpeg(picture, quality))) < FOUND_FROM


def test_what_never_was_a_jpeg_has_no_grid(detailed, noisy, enlarged, grey):
    """Sharp, noisy or enlarged."""
    for picture in detailed.values():
        for made in (picture, noisy(picture, 4), enlarged(picture, 2, "bicubic")):
            assert not moved_grid(grey(made))


def test_a_mirror_image_of_whole_blocks_puts_them_back(photographs, saved_as_jpeg, grey):
    """So it cannot be told from a picture that was never mirrored; the documentation says so."""
    picture = saved_as_jpeg(photographs["astronaut"][:384, :504], 90)
    assert not moved_grid(grey(np.ascontiguousarray(picture[:, ::-1])))


def test_a_picture_of_less_than_two_blocks_shows_nothing():
    """And neither does a flat one."""
    assert strength([np.zeros((15, 99), np.float32)]) == 0
    assert strength([np.zeros((99, 99), np.float32)]) == 0
