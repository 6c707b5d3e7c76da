"""Heavy libraries are nobody's business who did not ask for them."""

import importlib.util
import subprocess
import sys

import pytest

from service.descriptors import clip, deepface
from service.domain.errors import WeightsError
from service.settings import Settings

HEAVY = ("torch", "tensorflow", "open_clip", "deepface", "dlib", "transformers", "timm", "keras")


@pytest.mark.parametrize(
    "imported",
    [
        "service",
        "service.api.app",
        "service.cli.main",
        "service.wiring",
        "service.descriptors.clip, service.descriptors.deepface",
    ],
)
def test_importing_the_service_loads_no_heavy_library(imported):
    """Neither PyTorch nor TensorFlow, nor what stands on them: not even the rooms that use them."""
    told = f"import {imported}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("back_end", "name"), [(clip, "clip:ViT-B-32/openai"), (deepface, "deepface:Dlib")])
def test_without_its_extra_or_its_weights_a_back_end_says_what_is_missing(tmp_path, monkeypatch, back_end, name):
    """By a WeightsError that a person can act on."""
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"keepone\[|Put them at|extra `faces`"):
        back_end.opened(name, Settings(_env_file=None, data=tmp_path))


def test_what_is_not_installed_is_not_listed(tmp_path, monkeypatch):
    """An empty folder of models holds none, and without DeepFace there is no face model."""
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert clip.installed(Settings(_env_file=None, data=tmp_path)) == []
    assert deepface.installed() == []
