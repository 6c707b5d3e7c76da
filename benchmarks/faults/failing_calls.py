"""Make the N-th call by which our own code writes a file fail, in this process."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALLS = ("open", "write", "fsync", "link", "rename", "mkdir")


@dataclass
class Calls:
    """What was called below the folder, in order; `failed` is the name of the call that failed, and what it was of."""

    made: list[str] = field(default_factory=list)
    failed: str = ""
    was_folder: bool = False


@contextmanager
def failing_call(root: Path, nth: int, number: int) -> Iterator[Calls]:
    """The `nth` call (from 1; 0: none) that writes below `root` raises an OSError with this `errno`."""
    calls = Calls()
    honest: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            path = _path(given[1] if name in {"link", "rename"} else given[0])
            writes = name != "open" or given[1] & os.O_CREAT
            if not writes or not path.startswith(f"{root}/"):
                return honest[name](*given, **more)
            calls.made.append(name)
            if len(calls.made) == nth:
                calls.failed, calls.was_folder = name, os.path.isdir(path)  # noqa: PTH112 - text, as it was told
                raise OSError(number, os.strerror(number))
            return honest[name](*given, **more)

        return call

    for name in CALLS:
        setattr(os, name, wrapped(name))
    try:
        yield calls
    finally:
        for name, call in honest.items():
            setattr(os, name, call)


def _path(what: Any) -> str:
    if isinstance(what, int):
        with suppress(OSError):
            return os.readlink(f"/proc/self/fd/{what}")  # noqa: PTH115 - text, as it is
        return ""
    return str(os.path.abspath(os.fspath(what)))  # noqa: PTH100
