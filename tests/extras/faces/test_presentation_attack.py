"""MiniFASNet through DeepFace, on its real weights: the same numbers as a reference of our own, and three faces apart."""

import io
import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from deepface.models.spoofing.pytorch import FasNetBackbone

sys.path.insert(0, str(Path(__file__).parent))
from minifasnet_reference import living

from service.assess.presentation_attack import FIRST, SECOND, MiniFasNet, opened
from service.domain.errors import WeightsError

SHARED = Path(os.environ["KEEPONE_SHARED"]) if "KEEPONE_SHARED" in os.environ else None
MODELS, SAMPLES = (SHARED / "models", SHARED / "data" / "liveness") if SHARED else (None, None)
BOXES = {"image_F1": (142, 118, 366, 342), "image_F2": (111, 260, 380, 529), "image_T1": (117, 118, 341, 342)}
"""Left, top, right and bottom in pixels, as Dlib's detector finds the three faces."""


@pytest.fixture(scope="module")
def files():
    assert MODELS, "the weights lie in KEEPONE_SHARED, which is not set"
    return MODELS / FIRST[0], MODELS / SECOND[0]


@pytest.fixture(scope="module")
def network(files):
    return MiniFasNet(*(file.read_bytes() for file in files))


def sample(name):
    return np.ascontiguousarray(cv2.imread(str(SAMPLES / f"{name}.jpg"))[..., ::-1])


def shares(box, picture):
    height, width = picture.shape[:2]
    left, top, right, bottom = box
    return left / width, top / height, right / width, bottom / height


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("moved", [(0, 0), (40, -60), (-200, 200)])
def test_a_risk_is_what_a_reference_forward_pass_says(network, files, name, moved):
    """Within a thousandth, wherever the box is; also where what surrounds it reaches beyond the picture."""
    picture = sample(name)
    height, width = picture.shape[:2]
    left, right = (min(max(edge + moved[0], 0), width) for edge in BOXES[name][::2])
    top, bottom = (min(max(edge + moved[1], 0), height) for edge in BOXES[name][1::2])
    box = (left, top, right - left, bottom - top)
    expected = 1 - np.mean([living(file, picture, box, times) for file, times in zip(files, (2.7, 4.0), strict=True)])
    assert network.risk(picture, shares((left, top, right, bottom), picture)) == pytest.approx(expected, abs=1e-3)


def test_the_spoofed_faces_are_told_from_the_living_one(network):
    """Two held up to the camera and one before it. Three faces prove that all is joined rightly, not how often it errs."""
    risks = {name: network.risk(picture := sample(name), shares(box, picture)) for name, box in BOXES.items()}
    assert risks["image_T1"] < 0.1
    assert min(risks["image_F1"], risks["image_F2"]) > 0.5


def test_many_threads_get_the_same_numbers(network):
    """The networks keep nothing of a picture."""
    pictures = {name: sample(name) for name in BOXES}
    alone = {name: network.risk(pictures[name], shares(BOXES[name], pictures[name])) for name in BOXES}
    with ThreadPoolExecutor(8) as threads:
        asked = list(BOXES) * 17
        together = threads.map(lambda name: network.risk(pictures[name], shares(BOXES[name], pictures[name])), asked)
        assert list(together) == pytest.approx([alone[name] for name in asked], abs=1e-6)


def test_a_face_outside_the_picture_has_no_risk(network):
    """Rather than a number about something else."""
    assert network.risk(sample("image_T1"), (1.1, 0.0, 1.3, 0.2)) is None


class Touch:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def as_file(held, **options):
    out = io.BytesIO()
    torch.save(held, out, **options)
    return out.getvalue()


def make():
    return FasNetBackbone.MiniFASNetV2(conv6_kernel=(5, 5))


def test_weights_that_would_run_something_are_refused_and_run_nothing(tmp_path):
    """Whether they are a bare pickle or one in torch's own container."""
    left = tmp_path / "left"
    for data in (pickle.dumps(Touch(left)), as_file({"conv1": Touch(left)})):
        with pytest.raises(WeightsError, match="and nothing else"):
            opened(torch, make(), data, "w.pth")
    assert not left.exists()


def test_weights_of_another_network_or_cut_short_are_refused():
    """Their names or their shapes do not fit."""
    other = FasNetBackbone.MiniFASNetV1SE(conv6_kernel=(5, 5))
    for data in (as_file(other.state_dict()), as_file(make().state_dict())[:-1000], b""):
        with pytest.raises(WeightsError, match=r"w\.pth"):
            opened(torch, make(), data, "w.pth")


def test_right_weights_are_taken_and_the_network_only_asked():
    """Dropping out, as in training, would answer otherwise each time."""
    assert not opened(torch, make(), as_file(make().state_dict()), "w.pth").training
