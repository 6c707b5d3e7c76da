"""A further space is filled while whoever fills it is killed again and again, and pictures keep coming."""

import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.faults import describing
from index_store.failpoints import POINTS
from service import wiring
from service.pictures import thumbnails
from service.settings import Settings
from service.workflows.arrival import Wish
from service.workflows.fsck import fsck
from service.workflows.ingest import ingest

SPACE = "clip:colours"
FILLING = """
import sys
from service.cli.main import main
from service.descriptors import opening
from service.workflows import filling
opening.KINDS["clip"] = "service.descriptors.testing"
filling.AT_ONCE = 2
sys.argv = ["keepone", "reindex", "--space", "clip:colours"]
sys.exit(main())
"""
STEPS = [point for point in POINTS if point.startswith("describe.") or point == "catalogue.described"]


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data=tmp_path / "data", index_url="exact://", decode_children=1)


@pytest.fixture
def taken(settings):
    """Takes pictures in, by a service without further spaces."""

    def run(*seeds):
        parts = wiring.build(settings)
        for seed in seeds:
            blocks = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
            ingest(thumbnails.encode(np.kron(blocks, np.ones((20, 20, 1), np.uint8))), Wish(), parts)
        parts.close()

    return run


@pytest.fixture
def filled(settings):
    """Fills the space in a process of its own, which dies at a point; how it ended."""

    def run(at=""):
        environment = {"KEEPONE_DATA": str(settings.data), "KEEPONE_DESCRIPTORS": f"builtin,{SPACE}"}
        environment |= {"KEEPONE_INDEX_URL": "exact://", "KEEPONE_DECODE_CHILDREN": "1", "KEEPONE_FAILPOINTS": at}
        command = [sys.executable, "-c", FILLING]
        ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        assert ran.returncode in {0, -9}, ran.stderr
        return ran

    return run


def test_a_space_that_is_filled_by_processes_that_die_is_whole_in_the_end(settings, taken, filled):
    """At every step between asking the model and being told of the commit; nothing is lost, and nothing written twice."""
    taken(*range(6))
    for number, point in enumerate(STEPS):
        assert filled(f"{point}=kill:2").returncode == -9, point
        taken(6 + number)
    assert filled().stdout == f"{SPACE}: 9 pictures described, 0 could not be\n"
    with wiring.open_store(settings.model_copy(update={"descriptors": f"builtin,{SPACE}"})) as store:
        assert fsck(store).is_clean
        told = [one.content_id for one in store.inspection.changes(0, 99) if one.kind == "described"]
        assert len(told) == len(set(told)) == 9
        assert store.catalogue.descriptions.spaces()[-1].state == "active"


@pytest.mark.timeout(600)
def test_other_weights_are_filled_while_the_service_is_killed_and_pictures_come(tmp_path):
    """T41, sampled: `benchmarks/faults/describing.py` does it in full. A control that mixes weights is seen."""
    run = describing.described(tmp_path / "store", 3, seed=2, start=12)
    assert run.wrong == []
    assert (run.clean, sum(run.kills.values())) == (3, 3)
    assert run.told["described_anew_after_going_back"] > 0
    assert any("other weights" in wrong for wrong in describing.control(tmp_path / "control", seed=2).wrong)
