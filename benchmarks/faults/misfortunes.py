"""What may befall a removal of files: steps cut short, calls that fail, another disk; and how its traces are read.

A kill is an exception that nobody handles, raised where the code passes a fail point: it leaves what a kill leaves.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from index_store.failpoints import FailPointError
from index_store.trees import moving, placing
from index_store.trees.marking import MARK
from service.workflows.folder_scan import ASIDE_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Run:
    """What was seen."""

    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


@contextmanager
def without_syncs() -> Iterator[None]:
    """A process is killed here, not a machine: what was written is there for the next one."""
    with mock.patch("os.fsync", return_value=None):
        yield


@contextmanager
def cut_short(step: str, times: int) -> Iterator[None]:
    """The act ends where it passes the step for that time."""
    left = [times]

    def reached(point: str) -> None:
        left[0] -= point == step
        if point == step and not left[0]:
            raise FailPointError(point)

    with mock.patch.object(moving, "reached", reached), mock.patch.object(placing, "reached", reached):
        yield


@contextmanager
def failing(call: str, times: int) -> Iterator[None]:
    """That call of the system fails from that time on, three times."""
    real, made = getattr(os, call), [0]

    def called(*args: Any, **named: Any) -> Any:
        made[0] += 1
        if times <= made[0] < times + 3:
            raise OSError(5, "Input/output error")
        return real(*args, **named)

    with mock.patch(f"os.{call}", called):
        yield


@contextmanager
def another_disk() -> Iterator[None]:
    """No file has a name in two folders."""
    real = os.link

    def link(source: str, target: str, **folders: Any) -> None:
        if folders.get("src_dir_fd") != folders.get("dst_dir_fd"):
            raise OSError(18, "Invalid cross-device link")
        real(source, target, **folders)

    with mock.patch("os.link", link):
        yield


def files(*folders: Path) -> dict[str, bytes]:
    """Everything that lies there but Keepone's marks, by path."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {ASIDE_MARK, MARK}
    }


def told(root: Path, name: str) -> dict[str, Any]:
    return {"name": name, "at": name, "sha256": hashlib.sha256((root / name).read_bytes()).hexdigest()}
