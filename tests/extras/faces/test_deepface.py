"""DeepFace's Dlib on its real weights, and small checkpoints made on the spot for the rest."""

import importlib
import inspect
import os
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from deepface.commons import folder_utils, weight_utils
from deepface.models.facial_recognition.pytorch import OpenFace
from deepface.modules import modeling

from service.descriptors import deepface, opening
from service.descriptors.testing import SpaceModelContract
from service.domain.errors import WeightsError


@pytest.fixture(scope="module")
def dlib(plain):
    model = deepface.opened("deepface:Dlib", plain)
    yield model
    model.close()


def test_a_face_has_a_vector_and_its_box(dlib, astronaut):
    """The box lies on the face, as shares of the picture."""
    ((face,),) = dlib.describe([astronaut])
    left, top, right, bottom = face.box
    assert (left, top, right, bottom) == pytest.approx((0.35, 0.12, 0.55, 0.38), abs=0.08)
    assert face.vector.shape == (dlib.dimension,) == (128,)


def test_every_face_is_described(dlib, two_faces):
    """Two of them, left and right."""
    (faces,) = dlib.describe([two_faces])
    assert sorted(face.box[0] > 0.5 for face in faces) == [False, True]


def test_no_picture_is_seen_larger_than_the_long_side(dlib, astronaut, monkeypatch):
    """Its border and its doubling would take gigabytes; the box is still a share of the picture."""
    seen = []
    representation = importlib.import_module("deepface.modules.representation")
    represent = representation.represent

    def watched(picture, **options):
        seen.append(picture.shape)
        return represent(picture, **options)

    monkeypatch.setattr(representation, "represent", watched)
    large = np.kron(astronaut, np.ones((4, 4, 1), np.uint8))
    ((face,), (same,)) = dlib.describe([large, astronaut])
    assert seen == [(1024, 1024, 3), astronaut.shape]
    assert face.box == pytest.approx(same.box, abs=0.05)


def test_where_nobody_is_there_is_nothing(dlib, pictures):
    """Not the whole picture taken for a face."""
    assert dlib.describe(pictures[:3]) == [(), (), ()]


def test_the_distance_of_a_face_to_itself_is_below_the_makers_threshold(dlib, astronaut):
    """Smaller and darker, by every metric that DeepFace names a threshold for."""
    ((face,), (other,)) = dlib.describe([astronaut, (astronaut[::2, ::2] * 0.8).astype(np.uint8)])
    one, two = face.vector, other.vector
    cosine = 1 - one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert set(dlib.thresholds) == {"cosine", "euclidean", "euclidean_l2"}
    assert cosine < dlib.thresholds["cosine"]
    assert np.linalg.norm(one - two) < dlib.thresholds["euclidean"]
    assert np.linalg.norm(one / np.linalg.norm(one) - two / np.linalg.norm(two)) < dlib.thresholds["euclidean_l2"]


def test_fifty_at_once_answer_as_one_after_the_other(dlib, astronaut):
    """Dlib's objects may not be asked by two threads at once: they are not."""
    asked = [astronaut[:300, 60 + number : 360 + number] for number in range(50)]
    alone = [dlib.describe([picture])[0] for picture in asked]
    with ThreadPoolExecutor(50) as pool:
        together = list(pool.map(lambda picture: dlib.describe([picture])[0], asked))
    assert any(alone)
    for one, other in zip(alone, together, strict=True):
        assert [face.box for face in one] == [face.box for face in other]
        assert all(np.array_equal(a.vector, b.vector) for a, b in zip(one, other, strict=True))


def test_two_spaces_that_share_a_detector_do_not_disturb_each_other(home, given, astronaut):
    """Each has an owner of its own; the detector is one, and no two threads may be in it."""
    placed(home, "openface_weights.pth", lambda path: torch.save(openface().state_dict(), path))
    models = [deepface.opened(f"deepface:{name}", given) for name in ("Dlib", "OpenFace")]
    asked = [astronaut[:300, 60 + 5 * number : 360 + 5 * number] for number in range(10)]
    alone = [[model.describe([picture])[0] for picture in asked] for model in models]
    inside, crowded = threading.Lock(), []
    detector = modeling.cached_models["face_detector"]["dlib"]
    detect = detector.detect_faces

    def watched(picture):
        crowded.append(not inside.acquire(blocking=False))
        try:
            return detect(picture)
        finally:
            inside.release()

    detector.detect_faces = watched
    try:
        with ThreadPoolExecutor(20) as pool:
            together = [[pool.submit(model.describe, [picture]) for picture in asked] for model in models]
            answers = [[one.result()[0] for one in of_model] for of_model in together]
    finally:
        del detector.detect_faces
    assert len(crowded) == 20
    assert not any(crowded)
    for one, other in zip(alone, answers, strict=True):
        for faces, again in zip(one, other, strict=True):
            assert [face.box for face in faces] == [face.box for face in again]
            assert all(np.allclose(a.vector, b.vector, atol=1e-5) for a, b in zip(faces, again, strict=True))
    for model in models:
        model.close()


def test_a_picture_taken_for_a_face_needs_no_detector(given, astronaut):
    """Faces that were cut out already: one vector each, the whole picture its box, and another state."""
    found = deepface.opened("deepface:Dlib", given)
    skipping = deepface.opened("deepface:Dlib", replace(given, face_detector="skip"))
    assert [face.box for face in skipping.describe([astronaut])[0]] == [(0.0, 0.0, 1.0, 1.0)]
    assert skipping.state != found.state
    skipping.close(), found.close()


def test_a_model_nobody_asks_is_let_go_and_comes_back(given, astronaut):
    """With the numbers it had."""
    model = deepface.opened("deepface:Dlib", replace(given, model_idle_seconds=0.2))
    ((before,),) = model.describe([astronaut])
    deadline = time.monotonic() + 60
    while model.loaded and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not model.loaded
    ((after,),) = model.describe([astronaut])
    assert np.array_equal(before.vector, after.vector)
    model.close()


def test_dlibs_files_are_laid_where_deepface_looks(home, given):
    """The package that ships them is enough."""
    deepface.opened("deepface:Dlib", given).close()
    laid = sorted(path.name for path in (home / ".deepface" / "weights").iterdir())
    assert laid == ["dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"]


@pytest.mark.parametrize("name", ["VGG-Face", "Facenet", "Facenet512", "ArcFace", "OpenFace", "SFace", "GhostFaceNet"])
def test_missing_weights_say_where_they_belong_and_are_not_fetched(home, given, monkeypatch, name):
    """The file by its whole path; no name is looked up and no connection opened."""

    def refuse(*_args, **_kwargs):
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(WeightsError, match="Put them at") as caught:
        deepface.opened(f"deepface:{name}", given)
    assert str(home / ".deepface" / "weights") in str(caught.value)


@pytest.mark.usefixtures("home")
def test_a_detector_without_its_file_is_named(given):
    """It is not fetched either."""
    with pytest.raises(WeightsError, match="yunet"):
        deepface.opened("deepface:Dlib", replace(given, face_detector="yunet"))


def test_an_empty_home_is_the_home_folder(given, tmp_path, monkeypatch):
    """DeepFace by itself would look in the working folder, and fetch into it."""
    monkeypatch.setenv("DEEPFACE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    deepface.opened("deepface:Dlib", given).close()
    assert folder_utils.get_deepface_home() == str(tmp_path)


def test_every_file_named_here_is_one_that_deepface_asks_for(monkeypatch):
    """A name of ours that DeepFace does not know would let it fetch its own."""
    asked = []

    def note(file_name, *_args, **_kwargs):
        asked.append(file_name)
        raise ValueError("not fetched")

    monkeypatch.setattr(weight_utils, "download_weights_if_necessary", note)
    for task, rows in (("facial_recognition", deepface.MODELS), ("face_detector", deepface.DETECTORS)):
        for name, row in rows.items():
            if row.package == "insightface" or not row.weights:
                continue
            asked.clear()
            with pytest.raises(ValueError, match="not fetched"):
                modeling.get_model_class(task=task, model_name=name)()
            assert asked == [row.weights if "." in row.weights else f"{row.weights}.pth"]


def placed(home, name, write):
    path = home / ".deepface" / "weights" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    return path


def openface(seed=1):
    torch.manual_seed(seed)
    makers = [
        value for value in vars(OpenFace).values() if isinstance(value, type) and issubclass(value, torch.nn.Module)
    ]
    return max((maker() for maker in makers if _has_no_arguments(maker)), key=lambda made: len(made.state_dict()))


def _has_no_arguments(maker):
    return all(one.default is not one.empty for one in inspect.signature(maker).parameters.values())


def test_a_network_of_pytorch_answers_from_a_checkpoint_made_here(home, given, astronaut):
    """OpenFace with weights by chance: the whole way from file to vector."""
    placed(home, "openface_weights.pth", lambda path: torch.save(openface().state_dict(), path))
    model = deepface.opened("deepface:OpenFace", given)
    ((face,),) = model.describe([astronaut])
    assert face.vector.shape == (model.dimension,) == (128,)
    model.close()


def test_other_weights_of_one_model_are_another_state(home, given):
    """Of the same dimension, so nothing but the state tells them apart (T40, T41)."""
    states = []
    for seed in (1, 2):
        placed(home, "openface_weights.pth", lambda path, seed=seed: torch.save(openface(seed).state_dict(), path))
        model = deepface.opened("deepface:OpenFace", given)
        states.append(model.state)
        model.close()
    assert states[0] != states[1]
    assert states[0]["dimension"] == states[1]["dimension"]


class Program:
    """Unpickled, it makes a folder."""

    def __init__(self, where):
        self.where = where

    def __reduce__(self):
        return (os.mkdir, (str(self.where),))


@pytest.mark.parametrize("packed", [True, False])
def test_a_pickled_program_is_refused_and_never_run(home, given, tmp_path, packed):
    """Under the name of a model's weights, bare and in an archive of `torch.save` (T43)."""
    program = {"weights": Program(tmp_path / "run")}
    placed(
        home,
        "facenet_weights.pth",
        lambda path: torch.save(program, path) if packed else path.write_bytes(pickle.dumps(program)),
    )
    with pytest.raises(WeightsError, match="facenet_weights"):
        deepface.opened("deepface:Facenet", given)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["openface_weights.pth", "dlib_face_recognition_resnet_model_v1.dat"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"x" * 5000])
def test_a_damaged_file_is_refused_by_name(home, given, name, content):
    """Whatever engine reads it."""
    placed(home, name, lambda path: path.write_bytes(content))
    model = "OpenFace" if name.startswith("openface") else "Dlib"
    with pytest.raises(WeightsError, match=name):
        deepface.opened(f"deepface:{model}", given)


def test_weights_of_another_model_are_refused_by_name(home, given):
    """OpenFace's under the name of Facenet's."""
    placed(home, "facenet_weights.pth", lambda path: torch.save(openface().state_dict(), path))
    with pytest.raises(WeightsError, match="facenet_weights"):
        deepface.opened("deepface:Facenet", given)


@pytest.mark.parametrize("name", ["deepface:", "deepface:Nobody", "deepface:../Dlib", "deepface:DeepID"])
def test_a_name_that_is_no_model_is_refused(given, name):
    """There are nine of them."""
    with pytest.raises(WeightsError, match="no such model"):
        deepface.opened(name, given)


def test_what_is_installed_is_listed_by_name(home):
    """Dlib alone, as its package ships its weights; another joins when its file does."""
    assert deepface.installed() == ["deepface:Dlib"]
    placed(home, "arcface_weights.pth", lambda path: path.write_bytes(b"PK\x03\x04"))
    assert deepface.installed() == ["deepface:ArcFace", "deepface:Dlib"]


class TestContract(SpaceModelContract):
    """What every descriptor model promises."""

    @pytest.fixture(autouse=True)
    def _seen(self, given, astronaut, two_faces):
        self._given, self._pictures = given, [two_faces, np.ascontiguousarray(astronaut[20:260, 120:360])]

    def make_model(self):
        return opening.opened("deepface:Dlib", self._given)

    def pictures(self):
        return self._pictures
