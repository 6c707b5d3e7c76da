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
from functools import partial
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
IMAGEDEDUP = ("matplotlib", "numpy", "pillow", "PyWavelets", "scikit-learn", "scipy", "tqdm")
DUPEGURU = ("distro", "mutagen", "pillow", "semantic_version", "send2trash", "xxhash")


class UnavailableError(Exception):
    """This machine cannot have the tool."""


@dataclass(frozen=True, slots=True)
class Found:
    version: str
    pairs: list[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Tool:
    """`ready` is given the cache, sees to it that the tool is there, and returns what is given the folder."""

    name: str
    ready: Callable[[Path], Callable[[Path], Found]]


def told(named: Collection, cache: Path) -> dict[str, Any]:
    """Every tool on the gallery and the queries together."""
    folder = together(named)
    return {tool.name: told_by(tool, cache, folder, partial(judged_pairs, named)) for tool in TOOLS}


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


def told_by(
    tool: Tool, cache: Path, folder: Path, judge: Callable[[Sequence[Sequence[str]]], dict[str, Any]]
) -> dict[str, Any]:
    """What `judge` makes of the pairs that it finds, with its version and its time; or why it is not to be had."""
    try:
        find = tool.ready(cache)
        began = time.perf_counter()
        found = find(folder)
    except (UnavailableError, subprocess.TimeoutExpired) as error:
        return {"absent": str(error)}
    except subprocess.CalledProcessError as error:
        return {"absent": f"it ended with status {error.returncode}: {(error.stderr or '').strip()[-200:]}"}
    spent = round(time.perf_counter() - began, 1)
    return {"version": found.version, "seconds": spent, **judge(found.pairs)}


def _findimagedupes(cache: Path) -> Callable[[Path], Found]:
    del cache
    program = _program("findimagedupes")
    told = _output(program, "--version").split()[-1]
    return lambda folder: Found(told, groups(_output(program, "-R", str(folder))))


def _imagededup(method: str, distance: int) -> Callable[[Path], Callable[[Path], Found]]:
    def ready(cache: Path) -> Callable[[Path], Found]:
        # By itself it would bring torch, which its hashes do not need.
        python = _environment(cache, "imagededup", *IMAGEDEDUP, alone=("imagededup==0.3.3.post2",))
        return _driven(python, "imagededup_pairs.py", method, str(distance))

    return ready


def _difpy(cache: Path) -> Callable[[Path], Found]:
    return _driven(_environment(cache, "difpy", "difPy==4.2.1"), "difpy_pairs.py")


def _dupeguru(cache: Path) -> Callable[[Path], Found]:
    unpacked = cache / "tools" / "dupeguru-unpacked"
    if not unpacked.exists():
        beside = cache / "tools" / "dupeguru-package"
        beside.mkdir(parents=True, exist_ok=True)
        _output(_program("apt-get"), "download", "dupeguru", cwd=beside)
        package = next(beside.glob("dupeguru_*.deb"))
        _output(_program("dpkg-deb"), "-x", str(package), str(unpacked))
    return _driven(_environment(cache, "dupeguru", *DUPEGURU), "dupeguru_pairs.py", str(unpacked))


def _environment(cache: Path, name: str, *asked: str, alone: Sequence[str] = ()) -> Path:
    """The interpreter of an environment with these packages, and with those `alone` without what they ask for."""
    home = cache / "tools" / name
    python = home / "bin" / "python"
    if not (home / "whole").exists():
        venv.create(home, with_pip=True)
        install = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        _output(*install, *asked)
        if alone:
            _output(*install, "--no-deps", *alone)
        (home / "whole").touch()
    return python


def _driven(python: Path, driver: str, *arguments: str) -> Callable[[Path], Found]:
    def find(folder: Path) -> Found:
        told = json.loads(_output(str(python), str(DRIVERS / driver), *arguments, str(folder)))
        return Found(told["version"], told["pairs"])

    return find


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
