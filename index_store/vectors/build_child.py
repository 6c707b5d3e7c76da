"""Building a snapshot in a process of its own: `python -m index_store.vectors.build_child`.

Training takes every core it is given for a minute or more, and Python's lock for much of the rest. In a process of its
own, with half the cores and the lowest priority, searches hardly notice. It is told where the catalogue lies through a pipe,
because a command line can be read by everybody and a catalogue's URL may hold a password.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from index_store.catalogue import open_catalogue
from index_store.errors import IndexBuildingError
from index_store.records import Space
from index_store.vectors.builder import build_snapshot
from index_store.vectors.snapshot import SnapshotFolder

SECRET = "index-snapshots"  # noqa: S105 - the name of one
NICENESS = 19
_PATIENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BuildChild:
    """How to start one. `catalogue_url` is what `open_catalogue` takes."""

    catalogue_url: str
    folder: Path
    space: Space

    def start(self) -> "subprocess.Popen[bytes]":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        threads = str(max(1, cores // 2))
        space = self.space
        told = {
            "catalogue_url": self.catalogue_url,
            "folder": str(self.folder.absolute()),
            "space": [space.name, space.generation, space.dimension, space.metric],
        }
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "index_store.vectors.build_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        )
        try:
            assert child.stdin is not None  # noqa: S101 - asked for above
            with child.stdin as pipe:
                pipe.write(json.dumps(told).encode())
        except BaseException:
            stop(child)
            raise
        return child


def stop(child: "subprocess.Popen[bytes]") -> None:
    """End it and wait for it. It may be killed at any moment: the snapshots stand as they stood."""
    child.terminate()
    try:
        child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main() -> None:
    told = json.load(sys.stdin)
    os.nice(NICENESS)
    catalogue = open_catalogue(told["catalogue_url"])
    try:
        space = catalogue.ensure_space(*told["space"])
        folder = SnapshotFolder(Path(told["folder"]), space, catalogue.keys.secret(SECRET))
        with suppress(IndexBuildingError):  # another process was first, which is as good
            build_snapshot(catalogue, space, folder)
    finally:
        catalogue.close()


if __name__ == "__main__":
    main()
