"""A whole service on the built-in descriptor, a real CLIP and real Dlib: what it answers, fifty at once as one by one."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from fastapi.testclient import TestClient
from PIL import Image

from service.api.app import create_app
from service.settings import Settings

NAMES = "builtin,clip:small/one,deepface:Dlib"
HERE = ("127.0.0.1", 50_000)


def a_file(pixels):
    written = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, "PNG")
    return {"file": written.getvalue()}


def resident():
    """Bytes of this process in memory."""
    return 4096 * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


@pytest.fixture
def service(saved, given, tmp_path):
    saved("one")
    settings = Settings(
        _env_file=None,
        data=tmp_path / "data",
        models=str(given.models_folder),
        descriptors=NAMES,
        queue_seconds=300,
        uploads=64,
        device="cpu",
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1", client=HERE) as client:
        yield client


@pytest.fixture
def asked():
    """Crops of the astronaut, each a file of its own."""
    astronaut = skimage.data.astronaut()
    return [a_file(astronaut[:260, 80 + number : 340 + number]) for number in range(50)]


def differ(one, other):
    """Whether two answers name other images in any of the three lists, or put them at another similarity.

    Vectors of pictures that were asked about in other company differ in their last digits.
    """
    for name in ("matches", "similar", "persons"):
        left, right = ({match["image_id"]: match["similarity"] for match in told.json()[name]} for told in (one, other))
        if list(left) != list(right) or any(abs(left[image] - right[image]) > 1e-3 for image in left):
            return True
    return False


def test_fifty_at_once_are_answered_by_all_three_lists_as_one_after_the_other(service, asked):
    """No error, the same answers, and memory that does not grow by a fifth."""
    astronaut = skimage.data.astronaut()
    stored = service.post("/images", files=a_file(astronaut), data={"person_id": "PERSON-1"})
    assert stored.status_code == 201
    service.post("/images", files=a_file(skimage.data.coffee()))
    alone = [service.post("/check-duplicate", files=file) for file in asked]
    before = resident()
    with ThreadPoolExecutor(50) as pool:
        together = list(pool.map(lambda file: service.post("/check-duplicate", files=file), asked))
    assert resident() < 1.2 * before
    assert {answer.status_code for answer in (*alone, *together)} == {200}
    assert not any(differ(one, other) for one, other in zip(alone, together, strict=True))
    assert any(differ(one, other) for one, other in zip(alone, together[::-1], strict=True))
    first = alone[0].json()
    assert first["similar"]
    assert stored.json()["image_id"] in {one["image_id"] for one in first["persons"]}
