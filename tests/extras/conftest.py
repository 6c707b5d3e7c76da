"""Settings of a back end, and pictures; no weights, which each back end makes or finds for itself."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest


@dataclass(frozen=True)
class Given:
    """As a service is given them, with a folder of models of the test's own."""

    models_folder: Path
    device: str = "cpu"
    precision: str = "fp32"
    model_batch: int = 16
    model_idle_seconds: float = 0.0
    model_downloads: bool = False
    face_detector: str = "dlib"


@pytest.fixture
def given(tmp_path):
    return Given(tmp_path / "models")


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The same for models that a whole module shares."""
    return Given(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def pictures():
    """Fifty coloured patterns, no two of one size."""
    made = []
    for number in range(50):
        y, x = np.indices((90 + number, 160 - number))
        made.append(
            np.stack([(x * (number + 1)) % 256, (y * 3 + number * 5) % 256, (x * y // 40) % 256], axis=2).astype(
                np.uint8
            )
        )
    return made
