"""Photographs of faces: an astronaut who ships with scikit-image, and patterns without anybody."""

import numpy as np
import pytest
import skimage.data


@pytest.fixture(scope="session")
def astronaut():
    """One face, 512 pixels square."""
    return skimage.data.astronaut()


@pytest.fixture
def two_faces(astronaut):
    """The astronaut beside her mirror image."""
    top = astronaut[:256, 80:400]
    return np.ascontiguousarray(np.hstack([top, top[:, ::-1]]))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home of DeepFace."""
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    return tmp_path
