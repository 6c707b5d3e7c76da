"""Building a snapshot in a process of its own: `python -m index_store.vectors.build_child`.

Training takes every core it is given for a minute or more, and Python's lock for much of the rest. In a process of its
own, with half the cores and the lowest priority, searches hardly notice. It is told where the catalogue lies through a pipe,
because a command line can be read by everybody and a catalogue's URL may hold a password.

It holds the data folder as everybody does who has the store open, for a snapshot of what a repair has mended meanwhile
would be believed. And it ends with the process that started it: then its end of the pipe is closed.
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
from index_store.in_use import share
from index_store.parent import when_parent_ends
from index_store.records import Space
from index_store.vectors.builder import build_snapshot
from index_store.vectors.snapshot import SnapshotFolder

SECRET = "index-snapshots"  # noqa: S105 - the name of one
COMMAND = [sys.executable, "-P", "-m", "index_store.vectors.build_child"]
NICENESS = 19
_PATIENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BuildChild:
    """How to start one. `catalogue_url` is what `open_catalogue` takes, `data` the folder to hold meanwhile."""

    data: Path
    catalogue_url: str
    folder: Path
    space: Space

    def start(self) -> "subprocess.Popen[bytes]":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        threads = str(max(1, cores // 2))
        space = self.space
        told = {
            "data": str(self.data.absolute()),
            "catalogue_url": self.catalogue_url,
            "folder": str(self.folder.absolute()),
            "space": [space.name, space.generation, space.dimension, space.metric],
        }
        child = subprocess.Popen(  # noqa: S603 - our own
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        )
        try:
            assert child.stdin is not None  # noqa: S101 - asked for above
            child.stdin.write(json.dumps(told).encode() + b"\n")
            child.stdin.flush()  # and left open: it closes when this process ends, however it ends
        except BaseException:
            stop(child)
            raise
        return child


def stop(child: "subprocess.Popen[bytes]") -> None:
    """End it and wait for it. It may be killed at any moment: the snapshots stand as they stood."""
    if child.stdin is not None:
        child.stdin.close()
    child.terminate()
    try:
        child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main() -> None:
    told = json.loads(sys.stdin.buffer.readline())
    when_parent_ends(lambda: os._exit(1))  # at any moment, as if killed: the snapshots stand as they stood
    os.nice(NICENESS)
    with share(Path(told["data"])):
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
