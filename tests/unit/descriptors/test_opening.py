"""Further models are opened by the names that are set, and by no others."""

import subprocess
import sys

import pytest

from service.descriptors import opening
from service.descriptors.opening import generation_of, is_name, opened
from service.descriptors.testing import ColourTwin
from service.domain.errors import SettingsError


def test_a_name_is_a_kind_and_what_it_is_called_there():
    """Whether there is such a model its library says."""
    assert all(
        map(is_name, ("clip:ViT-B-32/laion2b_s34b_b79k", "clip:ViT-B-32//models/x.safetensors", "deepface:Dlib"))
    )
    assert not any(map(is_name, ("builtin", "clip", "clip:", "other:x", "deepface: x", "clip:a\nb", ":x")))


@pytest.mark.usefixtures("twins")
def test_the_kind_says_who_opens_it():
    """By the module's `opened`, which is handed the name."""
    assert (opened("clip:x", None).of_faces, opened("deepface:x", None).of_faces) == (False, True)
    assert opened("clip:x", None).name == "clip:x"


def test_a_library_that_is_not_installed_is_named_with_what_to_install(monkeypatch):
    """Before anything is loaded."""
    monkeypatch.setitem(opening.KINDS, "deepface", "no_such_library")
    with pytest.raises(SettingsError, match=r"deepface:Dlib.*no_such_library.*keepone\[faces\]"):
        opened("deepface:Dlib", None)


def test_a_generation_is_all_that_changes_the_numbers():
    """Other weights of the same dimension, and pixels that are normalised otherwise, make another one."""
    one, same, other = ColourTwin("clip:x"), ColourTwin("clip:x"), ColourTwin("clip:x", weights="2")
    assert generation_of(one, 1) == generation_of(same, 1)
    assert len({generation_of(one, 1), generation_of(other, 1), generation_of(one, 2)}) == 3


def test_importing_the_service_loads_no_large_library():
    """They cost seconds and gigabytes, and most users have none of them."""
    code = (
        "import sys, service, service.wiring, service.api.app, service.cli.main;"
        "sys.exit(bool({'torch', 'tensorflow', 'open_clip', 'deepface', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
