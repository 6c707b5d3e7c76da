"""Fail points: off unless asked for, and never misspelt."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import index_store
import service
from index_store import failpoints
from index_store.failpoints import POINTS, FailPointError, armed

POINT = "snapshot.body-synced"


def test_without_the_variable_a_point_is_an_empty_function():
    """What production runs."""
    assert failpoints.reached is failpoints._nothing
    assert failpoints.reached("whatever") is None


def test_raise_and_kill_happen_at_the_named_time():
    """The second time, and never again."""
    reached = armed(f"{POINT}=raise:2")
    reached(POINT)
    reached("snapshot.pruned")
    with pytest.raises(FailPointError, match=POINT):
        reached(POINT)
    reached(POINT)


@pytest.mark.parametrize(
    "text", ["", "nobody=kill", f"{POINT}", f"{POINT}=explode", f"{POINT}=kill:x", f"{POINT}=kill,"]
)
def test_what_cannot_be_read_is_refused(text):
    """A typing error must not look like a test that passed."""
    with pytest.raises(ValueError, match="KEEPONE_FAILPOINTS"):
        armed(text)


def test_the_environment_arms_a_process():
    """Killed as by kill -9, at the first import's word."""
    code = f"from index_store.failpoints import reached; reached('snapshot.pruned'); reached({POINT!r}); print('alive')"
    environment = os.environ | {"KEEPONE_FAILPOINTS": f"{POINT}=kill"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (-9, "")


def test_every_point_in_the_code_is_in_the_table_and_every_one_there_is_reached():
    """A point that nobody reaches proves nothing, and one in two places would not say which was meant."""
    files = [path for package in (index_store, service) for path in Path(package.__file__).parent.rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files if path.name != "failpoints.py"]
    calls = [name for source in sources for name in re.findall(r"\breached\(([^)]*)\)", source)]
    assert sorted(calls) == sorted(f'"{name}"' for name in POINTS)
