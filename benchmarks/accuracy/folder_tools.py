"""Tools that are given a folder and name the copies in it, each with its usual settings.

Their libraries clash with ours, so each gets an environment of its own below the cache, made when first asked for.
findimagedupes is a program of the system (Debian: findimagedupes); dupeGuru's package is fetched and unpacked, not
installed, for its windows are not needed. A tool that cannot be had is reported with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.judge import judged_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.accuracy.collection import Collection

DRIVERS = Path(__file__).parent / "tools"
HOURS = 3
"""A tool that takes longer is stopped and reported as such."""
IMAGEDEDUP = ("imagededup==0.3.3.post2", "matplotlib", "numpy", "pillow", "PyWavelets", "scikit-learn", "scipy", "tqdm")
DUPEGURU = ("distro", "mutagen", "pillow", "semantic_version", "send2trash", "xxhash")


class UnavailableError(Exception):
    """This machine cannot have the tool."""


@dataclass(frozen=True, slots=True)
class Found:
    version: str
    pairs: list[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tool:
    """`find` is given the cache and the folder."""

    name: str
    find: Callable[[Path, Path], Found]


def told(named: Collection, cache: Path) -> dict[str, Any]:
    """Every tool on the gallery and the queries together."""
    folder = together(named)
    return {tool.name: _told(tool, named, cache, folder) for tool in TOOLS}


def together(named: Collection) -> Path:
    """One folder with the whole set, as links."""
    folder = named.folder / "together"
    folder.mkdir(exist_ok=True)
    for below in ("pictures", "queries"):
        for path in (named.folder / below).iterdir():
            if not (folder / path.name).exists():
                os.link(path, folder / path.name)
    return folder


def groups(lines: str) -> list[Sequence[str]]:
    """Pairs from lines that each list one group of files."""
    return [pair for line in lines.splitlines() for pair in combinations([Path(name).name for name in line.split()], 2)]


def _told(tool: Tool, named: Collection, cache: Path, folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        found = tool.find(cache, folder)
    except (UnavailableError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return {"absent": str(error)}
    spent = round(time.perf_counter() - began, 1)
    return {"version": found.version, "seconds": spent, **judged_pairs(named, found.pairs)}


def _findimagedupes(cache: Path, folder: Path) -> Found:
    del cache
    program = _program("findimagedupes")
    told = _output(program, "--version").split()[-1]
    return Found(told, groups(_output(program, "-R", str(folder))))


def _imagededup(method: str, distance: int) -> Callable[[Path, Path], Found]:
    def find(cache: Path, folder: Path) -> Found:
        python = _environment(cache, "imagededup", "--no-deps", *IMAGEDEDUP)
        _installed(python, *IMAGEDEDUP[1:])
        return _driven(python, "imagededup_pairs.py", method, str(distance), str(folder))

    return find


def _difpy(cache: Path, folder: Path) -> Found:
    return _driven(_environment(cache, "difpy", "difPy==4.2.1"), "difpy_pairs.py", str(folder))


def _dupeguru(cache: Path, folder: Path) -> Found:
    unpacked = cache / "tools" / "dupeguru-unpacked"
    if not unpacked.exists():
        beside = cache / "tools" / "dupeguru-package"
        beside.mkdir(parents=True, exist_ok=True)
        _output(_program("apt-get"), "download", "dupeguru", cwd=beside)
        package = next(beside.glob("dupeguru_*.deb"))
        _output(_program("dpkg-deb"), "-x", str(package), str(unpacked))
    python = _environment(cache, "dupeguru", *DUPEGURU)
    return _driven(python, "dupeguru_pairs.py", str(unpacked), str(folder))


def _environment(cache: Path, name: str, *asked: str) -> Path:
    """The interpreter of an environment with these packages."""
    home = cache / "tools" / name
    python = home / "bin" / "python"
    if not (home / "whole").exists():
        venv.create(home, with_pip=True)
        _installed(python, *asked)
        (home / "whole").touch()
    return python


def _installed(python: Path, *asked: str) -> None:
    _output(str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *asked)


def _driven(python: Path, driver: str, *arguments: str) -> Found:
    told = json.loads(_output(str(python), str(DRIVERS / driver), *arguments))
    return Found(told["version"], told["pairs"])


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"{name} is not on this {sys.platform} machine")
    return found


def _output(*command: str, cwd: Path | None = None) -> str:
    asked = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=cwd, timeout=HOURS * 3600, stdin=subprocess.DEVNULL
    )
    return asked.stdout


TOOLS = (
    Tool("findimagedupes", _findimagedupes),
    Tool("imagededup PHash, distance 10", _imagededup("PHash", 10)),
    Tool("imagededup DHash, distance 10", _imagededup("DHash", 10)),
    Tool("difPy similar, rotate, any size", _difpy),
    Tool("dupeGuru pictures, hardness 95, any size", _dupeguru),
)
