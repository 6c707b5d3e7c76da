"""The pictures of a folder of the user's, each looked at once: what it is, and what a matcher needs of it.

Files are read and decoded several at a time, in threads or, if they are many, by a crew of processes, and handed on in
the order of their names. A file that is broken or no picture is told of with its reason, and passed over. Nothing is
written.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from index_store.trees.opening import is_read_only
from service.domain.errors import KeeponeError
from service.inputs.names import path_at
from service.inputs.roots import ImportRoots, identities
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from service.domain.values import Assessed
    from service.inputs.roots import Found
    from service.inputs.values import Skipped
    from service.pictures.pool import DecodePool
    from service.workflows.findings import Progress
    from service.workflows.folder_crew import Crew
    from service.workflows.matchers import Sight

    Looked: TypeAlias = "tuple[Scanned, Any] | PassedOver"
    """A picture with what is needed of it: its working pixels (h, w, 3), or what a matcher's sight made of them."""

T = TypeVar("T")

CAMERA = r"(?i)(?<![a-z0-9])(?:c|cam|camera)[ _-]?\d+(?![a-z0-9])"
"""How a camera is named in a file's name or its folders' by default: `c10`, `C20`, `cam3`, `Camera 4`."""
ASIDE_MARK = ".keepone-aside"
"""Lies in a folder of what was set aside. Pictures there were removed once; they must not be found again and kept."""
READ_ONLY = "it is read-only, and stays"
_AHEAD = 4
"""Files under way for each decoder: some are read while others are decoded."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A picture of the folder. `name` is below it, as `os.fsdecode` spells it.

    Pictures of two groups never agree, and one without a group only with the same bytes; but if none has a group, all
    are of one camera.
    """

    name: str
    group: str | None
    assessed: Assessed
    stays: str | None = None
    """Why it never goes, whatever it agrees with; None if it may."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that could not be looked at, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pictures are compared with which."""

    root: Path
    camera: re.Pattern[str] | None = None
    """What a camera is called; None: they are not told apart."""

    def group_of(self, name: str) -> str | None:
        """See `group_of`."""
        return group_of(name, self.camera)


def group_of(name: str, camera: re.Pattern[str] | None) -> str | None:
    """What the camera of a file is called; None where cameras are told apart and the name tells of none."""
    if camera is None:
        return ""
    # A folder may be called after a camera, and a file after another: both count.
    return "/".join(found.group(0).casefold() for found in camera.finditer(name)) or None


@dataclass(frozen=True, slots=True)
class Look:
    """How each file of a folder is looked at, here or in another process."""

    scope: Scope
    max_bytes: int
    sight: Sight

    def __call__(self, found: Found, pool: DecodePool) -> Looked:
        """The picture with what the sight made of its working pixels, or why it is passed over."""
        roots, prefix = _opened(self.scope.root)
        name = path_at(found.locator).removeprefix(prefix)
        try:
            data = roots.read(found.locator, self.max_bytes)
            assessed, _, working = looked_at(data, pool, Stopwatch(), wait_s=None)
        except (KeeponeError, OSError) as error:
            return PassedOver(name, str(error))
        return Scanned(name, self.scope.group_of(name), assessed, _read_only(Path(prefix + name))), self.sight(working)


def _read_only(path: Path) -> str | None:
    """For the plan to tell; it is looked at once more before a file moves."""
    try:
        return READ_ONLY if is_read_only(path.lstat()) or is_read_only(path.parent.lstat()) else None
    except OSError:  # it has gone since: the plan will find it changed
        return None


@cache
def _opened(root: Path) -> tuple[ImportRoots, str]:
    """Links in the root's own path are resolved once, not for each file."""
    return ImportRoots([root]), os.path.realpath(root).rstrip("/") + "/"


def scan(
    look: Look,
    pool: DecodePool,
    progress: Progress,
    *,
    skipped: Skipped,
    own: Iterable[Path] = (),
    crew: Crew | None = None,
) -> Iterator[Looked]:
    """Each picture with what is needed of it, or why a file is passed over, in the order of their names.

    Args:
        look: the folder, and what is needed of a picture.
        pool: decodes them, where no crew does.
        progress: told how many are done.
        skipped: counts links, special and hidden files, which are not looked at.
        own: folders of Keepone's own, which are not gone into.
        crew: is called if there is enough to do. Raises LostCrewError.
    """
    roots = ImportRoots([look.scope.root])
    files = list(_without_what_is_aside(roots.walk(["."], skipped, own=identities(own)), skipped))
    if crew and crew.is_worth_it(len(files)):
        all_looked = crew.each(look, files)
    else:
        all_looked = in_order(partial(look, pool=pool), files, pool)
    for done, looked in enumerate(all_looked, 1):
        progress("pictures", done, len(files))
        yield looked


def _without_what_is_aside(found: Iterable[Found], skipped: Skipped) -> Iterator[Found]:
    marked: dict[Path, bool] = {}
    for one in found:
        folder = Path(path_at(one.locator)).parent
        if folder not in marked:
            marked[folder] = os.path.lexists(folder / ASIDE_MARK)
        if marked[folder]:
            skipped.own += 1
        else:
            yield one


def in_order(look: Callable[[T], Looked], several: Sequence[T], pool: DecodePool) -> Iterator[Looked]:
    """What each looks like; as many are under way, ahead of what is asked for, as the pool has use for."""
    ahead = _AHEAD * pool.size
    with ThreadPoolExecutor(max(1, ahead // 2)) as threads:
        waiting: deque[Future[Looked]] = deque()
        for found in several:
            waiting.append(threads.submit(look, found))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
