"""Real stores on disk, one for each test, and one pool of decoders for all of them."""

import io

import pytest
from PIL import Image as Pillow

from service import wiring
from service.descriptors.testing import a_picture
from service.domain.values import OperatingPoint
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from service.settings import Settings
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.check import check
from service.workflows.ingest import ingest


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    budget = MachineBudget(2**31, tmp_path_factory.mktemp("budget") / "lock")
    with DecodePool(2, budget=budget) as made:
        yield made


@pytest.fixture
def opened(tmp_path, pool, monkeypatch):
    """Opens the store of this test, as often as asked: as if the process had been started again."""
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    made = []

    def run():
        made.append(wiring.build(Settings(_env_file=None, data=tmp_path / "data")))
        return made[-1]

    yield run
    for parts in made:
        parts.catalogue.close()


@pytest.fixture
def parts(opened):
    return opened()


@pytest.fixture
def asked(parts):
    """The answer of `check` about a file."""

    def run(data, *, parts=parts, top_k=5, point=OperatingPoint.BALANCED):
        return check(data, parts, top_k=top_k, point=point)

    return run


@pytest.fixture
def taken(parts):
    """What came of handing a file in."""

    def run(data, on_duplicate=OnDuplicate.STORE, *, parts=parts, external_id=None):
        wish = Wish(on_duplicate, external_id=external_id)
        return ingest(data, wish, parts)

    return run


@pytest.fixture
def originals(tmp_path):
    """The names of the originals on disk, read behind the store's back."""

    def run():
        files = (path for path in (tmp_path / "data" / "blobs").rglob("*") if path.is_file())
        return sorted(path.name for path in files if "derived" not in path.parts)

    return run


@pytest.fixture
def thumbnail_files(tmp_path):
    def run():
        return sorted((tmp_path / "data" / "blobs" / "derived").rglob("*.jpg"))

    return run


@pytest.fixture(scope="session")
def face_file():
    """A PNG of coloured blocks, told apart by a seed, with a patch of (255, 0, n) for each face of the twin, perhaps
    smaller ones for the last.
    """

    def run(seed, *faces, smaller=0):
        file = io.BytesIO()
        Pillow.fromarray(a_picture(seed, *faces, smaller=smaller)).save(file, "PNG")
        return file.getvalue()

    return run
