"""What errors become: a line on standard error and an exit code."""

import subprocess
import sys

import pytest

from index_store.errors import StoreUnavailableError
from service import __version__, wiring
from service.domain.errors import OverloadedError


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing-like-it"],
        ["check"],
        ["check", "no-such-file.jpg"],
        ["check", "--top-k", "0", "."],
        ["check", "--operating-point", "lax", "."],
        ["ingest"],
        ["ingest", "--on-duplicate", "burn", "."],
        ["keys", "create"],
        ["doctor", "--no-such-flag"],
    ],
    ids=" ".join,
)
def test_a_usage_error_exits_2(keepone, words):
    """With the usage on standard error."""
    ran = keepone(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: " in ran.err


def test_bad_settings_exit_2(keepone, monkeypatch):
    """They are usage too, and the variable is named."""
    monkeypatch.setenv("KEEPONE_PORT", "x")
    ran = keepone("doctor")
    assert ran.code == 2
    assert ran.err.startswith("keepone: KEEPONE_PORT: ")


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["check", "--help"], ["keys", "create", "-h"]], ids=" ".join)
def test_help_exits_0(keepone, words):
    """Everywhere."""
    ran = keepone(*words)
    assert ran.code == 0
    assert ran.out.startswith("Usage: ")


def test_the_version_is_told(keepone):
    """For bug reports."""
    assert keepone("--version").out == f"keepone, version {__version__}\n"


@pytest.mark.parametrize("error", [OverloadedError(), StoreUnavailableError("the disk is away"), PermissionError("no")])
def test_what_fails_exits_3_with_one_line(keepone, monkeypatch, error):
    """Not 1: that would say that duplicates were found."""

    def fail(_):
        raise error

    monkeypatch.setattr(wiring, "build", fail)
    ran = keepone("doctor")
    assert (ran.code, ran.err) == (3, f"keepone: {error}\n")


def test_a_defect_of_ours_exits_3_with_its_traceback(keepone, monkeypatch):
    """Python's own exit code for it is 1, which would say that duplicates were found."""

    def fail(_):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(wiring, "build", fail)
    ran = keepone("doctor")
    assert ran.code == 3
    assert ran.err.startswith("Traceback")
    assert ran.err.endswith("ZeroDivisionError: oh\n")


def test_a_data_folder_that_is_a_file_exits_3(keepone, folder, monkeypatch):
    """As any script would notice it: by the code."""
    (folder / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("KEEPONE_DATA", str(folder / "file"))
    assert keepone("check", "file").code == 3


@pytest.mark.parametrize("name", ["a%20b", "a?b", "a#b", "a b", "%2e%2e", "x?mode=memory&uri=true"])
def test_a_data_folder_keeps_everything_whatever_it_is_called(keepone, pictures, folder, name):
    """Signs that mean something in a URL send neither the catalogue nor the blobs elsewhere."""
    there = {path.name for path in folder.iterdir()}
    assert keepone("ingest", "--data", folder / name, pictures / "astronaut.jpg").code == 0
    assert {path.name for path in folder.iterdir()} == there | {name}
    assert {"catalogue.sqlite", "blobs"} <= {path.name for path in (folder / name).iterdir()}
    assert keepone("check", "--data", folder / name, pictures / "astronaut.jpg").code == 1


def test_the_exit_code_reaches_the_shell(pictures):
    """Once through a process of its own."""
    program = [sys.executable, "-c", "from service.cli.main import main; main()"]
    ran = subprocess.run([*program, "check", str(pictures / "deep" / "broken.jpg")], capture_output=True, check=False)
    assert ran.returncode == 3
    assert b"broken.jpg: " in ran.stderr
