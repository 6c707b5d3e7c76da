"""What the detector's numbers become: sure faces, each once."""

import numpy as np
import pytest

from service.faces.rfb import apart

FACE = (0.1, 0.1, 0.3, 0.4)
NEARLY = (0.11, 0.1, 0.31, 0.4)
OTHER = (0.6, 0.1, 0.8, 0.4)


def found(*rows):
    scores, boxes = zip(*rows, strict=True)
    return apart(np.array(scores, np.float32), np.array(boxes, np.float32))


def test_one_face_is_told_once_by_its_surest_box():
    """The network has several boxes for each face."""
    (face,) = found((0.8, NEARLY), (0.9, FACE))
    assert face.box == pytest.approx(FACE)
    assert face.confidence == pytest.approx(0.9)


def test_the_surest_comes_first_and_the_unsure_not_at_all():
    """Below 0.7 it is no face."""
    told = found((0.75, FACE), (0.99, OTHER), (0.69, (0.4, 0.6, 0.5, 0.9)))
    assert [round(face.box[0], 1) for face in told] == [0.6, 0.1]


def test_neighbours_that_touch_are_two():
    """A third of the other's box is not yet the same face."""
    assert len(found((0.9, FACE), (0.9, (0.25, 0.1, 0.45, 0.4)))) == 2
