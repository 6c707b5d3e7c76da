"""Decoders that crash, spin, over-allocate or talk nonsense cost the API one request each."""

import itertools
import os

import pytest

from benchmarks.hostile.attacks import Bystander
from benchmarks.hostile.pictures import FAULTS, encoded, faulty, scene
from benchmarks.hostile.service import OBEY_FAULTS, hostile_service

COUNT = int(os.environ.get("KEEPONE_TEST_INJECTED_FAULTS", "12"))
"""100 in benchmarks/hostile.py."""
GOOD = encoded(scene(3), "JPEG")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    quick = {"KEEPONE_DECODE_SECONDS": "0.5", "KEEPONE_DECODE_CHILDREN": "2", "KEEPONE_QUEUE_SECONDS": "20"}
    with hostile_service(tmp_path_factory.mktemp("decoders"), OBEY_FAULTS, **quick) as made:
        yield made


@pytest.mark.parametrize("fault", list(itertools.islice(itertools.cycle(FAULTS), COUNT)))
def test_a_bad_decoder_costs_its_own_request_only(service, fault):
    """That one is answered 422 or 503, one beside it is served, and the API process is the same."""
    with service.client() as client:
        before = client.get("/stats").json()
        with Bystander(service, GOOD) as other:
            answer = client.post("/images", files={"file": faulty(fault)})
        assert answer.status_code in (422, 503)
        assert answer.json()["type"] in ("/problems/decoder-failed", "/problems/overloaded")
        assert other.is_served()
        assert service.is_alive()
        assert client.get("/stats").json() == before


def test_an_ordinary_service_obeys_no_marker(tmp_path):
    """The same file is a picture like any other there."""
    with hostile_service(tmp_path) as service, service.client() as client:
        assert client.post("/check-duplicate", files={"file": faulty("crash")}).json()["verdict"] == "unique"
