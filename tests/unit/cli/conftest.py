"""The command line, run inside the test's process: what it printed, and its exit code."""

from dataclasses import dataclass

import pytest

from service.cli.main import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder of the test; the data folder lies in it, and nothing else is read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEEPONE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KEEPONE_DECODE_CHILDREN", "1")
    return tmp_path


@pytest.fixture
def keepone(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr("sys.argv", ["keepone", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return Ran(left.value.code or 0, said.out, said.err)

    return run


@pytest.fixture
def pictures(folder, astronaut, coffee, written):
    """A folder with two photographs, a copy of one, and a broken file further down."""
    place = folder / "pictures"
    (place / "deep").mkdir(parents=True)
    (place / "astronaut.jpg").write_bytes(written(astronaut, quality=92))
    (place / "copy.jpg").write_bytes(written(astronaut, quality=60))
    (place / "deep" / "coffee.png").write_bytes(written(coffee, "PNG"))
    (place / "deep" / "broken.jpg").write_bytes(written(coffee)[:3000])
    return place
