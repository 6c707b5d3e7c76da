"""Import roots: the only folders whose files a client may name.

A path is taken apart into components, and each is opened from the folder before it (`openat`), never following a link.
So no spelling, no link and no folder swapped while we look leads out of a root: there is nothing that would resolve
`..`, and a component that holds one is refused. Percent signs and backslashes are letters like others here.

What is found is read again the same way later, by its `locator`: a job that was listed yesterday opens its files under
today's roots and today's guard.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from service.domain.errors import PathNotAllowedError, PathNotFoundError, SettingsError
from service.inputs.guarded import Parts, look_at, open_folder, read_file, split
from service.inputs.names import is_noise, locator_of, readable, readable_text
from service.inputs.values import Item, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Identity = tuple[int, int]
"""Device and inode: what a folder is, by whatever name."""

DEEPEST = 128
"""Folders below a root. More is a mistake or a trap, and every one of them costs an opening."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a root."""

    item: Item
    locator: str
    """Where it lies, in ASCII, to be kept with a job and handed to `read`. Not for clients: it names the root."""


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """A root and the components below it."""

    root: Parts
    below: Parts

    @property
    def whole(self) -> Parts:
        return self.root + self.below


class ImportRoots:
    """The configured folders. Nothing is opened before it is asked for; a root may be mounted later."""

    def __init__(self, folders: Iterable[Path]) -> None:
        """Links in a root's own path are the operator's, and are resolved here, once."""
        self._spellings: list[tuple[Parts, Parts]] = []
        for folder in folders:
            given = split(os.fsencode(os.path.abspath(folder)))  # noqa: PTH100 - links in it are left as they are
            real = split(os.fsencode(os.path.realpath(folder)))
            self._spellings.append((given, real))
            self._spellings.append((real, real))
        self._roots = list(dict.fromkeys(real for _, real in self._spellings))

    def check(self, paths: Iterable[str]) -> None:
        """Raise what `walk` would raise for these paths, without walking: for the moment a request comes in."""
        self._resolve(paths)

    def roots_of(self, paths: Iterable[str]) -> list[str]:
        """The roots that these paths lie in, as locators. Raises what `walk` raises."""
        roots = {place.root for place in self._resolve(paths)}
        return sorted(quote_from_bytes(b"/" + b"/".join(root)) for root in roots)

    def walk(
        self, paths: Iterable[str], skipped: Skipped | None = None, *, own: frozenset[Identity] = frozenset()
    ) -> Iterator[Found]:
        """The files at and below these paths, each file once, in the order of their names' bytes.

        A path is absolute, below a root, or relative to the roots: then it means what is there in each of them. `.` is
        all there is. Links are not followed; they, special files, hidden files and what systems leave lying about are
        counted in `skipped`, and so are the service's `own` folders, which are not gone into. The order is the same on
        every run as long as the folders are.

        Raises PathNotAllowedError or PathNotFoundError before the first item.
        """
        places = self._resolve(paths)
        return self._numbered(places, _Walker(skipped if skipped is not None else Skipped(), own))

    def read(self, locator: str, max_bytes: int) -> bytes:
        """A file's bytes, opened as carefully as when it was found. A file over the limit is not read to its end.

        Raises PathNotAllowedError, PathNotFoundError, PictureTooLargeError, or OSError where the disk fails.
        """
        return self._read(locator, max_bytes, None)

    def head(self, locator: str, count: int) -> bytes:
        """The first bytes of a file of any size. Raises what `read` raises."""
        return self._read(locator, count, count)

    def _read(self, locator: str, max_bytes: int, head: int | None) -> bytes:
        place = self._place(unquote_to_bytes(locator))
        if not place.below:
            raise PathNotFoundError
        with open_folder(place.root + place.below[:-1], len(place.root)) as folder:
            return read_file(folder, place.below[-1], max_bytes, head=head)

    def _place(self, path: bytes) -> _Place:
        """The root that an absolute path lies below, by its letters alone: nothing is looked up."""
        whole = split(path)
        below = [(real, whole[len(given) :]) for given, real in self._spellings if whole[: len(given)] == given]
        if not path.startswith(b"/") or b".." in whole or b"\0" in path or not below:
            raise PathNotAllowedError
        root, rest = max(below, key=lambda found: len(found[0]))
        return _Place(root, rest)

    def _resolve(self, paths: Iterable[str]) -> list[_Place]:
        """What these paths name, in order, none of them below another."""
        if not self._roots:
            raise PathNotAllowedError("No import root is configured here, so no path can be read.")
        places: set[_Place] = set()
        for path in paths:
            places |= self._resolve_one(path)
        kept: list[_Place] = []
        for place in sorted(places, key=lambda place: (place.whole, place.root)):
            if not kept or place.whole[: len(kept[-1].whole)] != kept[-1].whole:
                kept.append(place)
        return kept

    def _resolve_one(self, path: str) -> set[_Place]:
        shown = readable_text(path[:200])
        try:
            raw = os.fsencode(path)
        except UnicodeEncodeError as error:
            raise PathNotAllowedError(f"{shown!r} is no path.") from error
        if not raw or b"\0" in raw or b".." in raw.split(b"/"):
            raise PathNotAllowedError(f"{shown!r} may not be read.")
        if raw.startswith(b"/"):
            try:
                candidates = [self._place(raw)]
            except PathNotAllowedError as error:
                raise PathNotAllowedError(f"{shown!r} does not lie below an import root.") from error
        else:
            candidates = [_Place(root, split(raw)) for root in self._roots]
        there = {place for place in candidates if _exists(place, shown)}
        if not there:
            raise PathNotFoundError(f"There is nothing to read at {shown!r}.")
        return there

    def _numbered(self, places: list[_Place], walker: _Walker) -> Iterator[Found]:
        ordinal = 0
        for place in places:
            for below, size in walker.files(place):
                name = readable(b"/".join(below))
                locator = quote_from_bytes(b"/" + b"/".join(place.root + below))
                yield Found(Item(ordinal, name, size), locator)
                ordinal += 1


class _Walker:
    """One walk over several places, which remembers what it has seen."""

    def __init__(self, skipped: Skipped, own: frozenset[Identity]) -> None:
        self._skipped = skipped
        self._own = own
        self._folders: set[Identity] = set()
        self._linked: set[Identity] = set()

    def files(self, place: _Place) -> Iterator[tuple[Parts, int]]:
        """(components below the root, size) of each file at and below the place."""
        if place.below:
            parent = _Place(place.root, place.below[:-1])
            waiting = self._sort_out(parent, [place.below[-1]], named=True)
        else:
            waiting = [(place.below, None)]
        waiting.reverse()
        while waiting:
            below, size = waiting.pop()
            if size is not None:
                yield below, size
                continue
            inside = self._inside(_Place(place.root, below))
            waiting.extend(reversed(inside))

    def _inside(self, place: _Place) -> list[tuple[Parts, int | None]]:
        """What is in a folder, sorted; empty where it cannot be opened any more."""
        if len(place.below) > DEEPEST:
            self._skipped.unreadable += 1
            return []
        try:
            with open_folder(place.whole, len(place.root)) as folder:
                state = os.fstat(folder)
                if (state.st_dev, state.st_ino) in self._own:
                    self._skipped.own += 1
                    return []
                if (state.st_dev, state.st_ino) in self._folders:  # mounted twice
                    self._skipped.repeats += 1
                    return []
                self._folders.add((state.st_dev, state.st_ino))
                names = sorted(os.fsencode(name) for name in os.listdir(folder))  # noqa: PTH208 - a descriptor has no path
        except (PathNotAllowedError, PathNotFoundError, OSError):
            self._skipped.unreadable += 1
            return []
        return self._sort_out(place, names, named=False)

    def _sort_out(self, folder: _Place, names: list[bytes], *, named: bool) -> list[tuple[Parts, int | None]]:
        """Files with their size, folders with None; all else is counted."""
        found: list[tuple[Parts, int | None]] = []
        try:
            with open_folder(folder.whole, len(folder.root)) as opened:
                for name in names:
                    if not named and (name.startswith(b".") or is_noise(readable(name))):
                        self._skipped.noise += 1
                        continue
                    size = self._look_at(opened, name)
                    if size != _NOTHING:
                        found.append(((*folder.below, name), size))
        except (PathNotAllowedError, PathNotFoundError, OSError):
            self._skipped.unreadable += 1
        return found

    def _look_at(self, folder: int, name: bytes) -> int | None:
        """A file's size, None for a folder, _NOTHING for what is passed over."""
        try:
            state = look_at(folder, name)
        except (PathNotFoundError, OSError):
            self._skipped.unreadable += 1
            return _NOTHING
        if stat.S_ISDIR(state.st_mode):
            return None
        if stat.S_ISLNK(state.st_mode):
            self._skipped.links += 1
        elif not stat.S_ISREG(state.st_mode):
            self._skipped.specials += 1
        elif state.st_nlink > 1 and (state.st_dev, state.st_ino) in self._linked:
            self._skipped.repeats += 1
        else:
            if state.st_nlink > 1:  # only then can it have another name; the rest need not be remembered
                self._linked.add((state.st_dev, state.st_ino))
            return state.st_size
        return _NOTHING


_NOTHING = -1


def identity(locator: str) -> Identity | None:
    """What lies at a root's locator; None where nothing does, or nothing answers."""
    try:
        state = os.stat(unquote_to_bytes(locator))  # noqa: PTH116 - bytes, as every path here
    except OSError:
        return None
    return state.st_dev, state.st_ino


def identities(folders: Iterable[Path]) -> frozenset[Identity]:
    """What lies at those of the folders that are there."""
    return frozenset(found for folder in folders if (found := identity(locator_of(folder))))


def check_apart(data: Path, roots: Iterable[Path]) -> None:
    """Raise SettingsError where the service's own data lie below an import root, or the other way round.

    The service would import its own blobs, or write between the user's pictures. Links are resolved first.
    """
    own = split(os.fsencode(os.path.realpath(data)))
    for root in roots:
        other = split(os.fsencode(os.path.realpath(root)))
        shorter = min(len(own), len(other))
        if own[:shorter] == other[:shorter]:
            raise SettingsError(f"KEEPONE_IMPORT_ROOTS: {root} and Keepone's own folder {data} lie in one another.")


def _exists(place: _Place, shown: str) -> bool:
    """Whether something is there. Raises PathNotAllowedError where a link is on the way."""
    if len(place.below) > DEEPEST:
        return False
    try:
        with open_folder(place.root + place.below[:-1], len(place.root)) as folder:
            if place.below:
                look_at(folder, place.below[-1])
    except PathNotAllowedError as error:
        raise PathNotAllowedError(f"{shown!r} leads through a link; links are not followed.") from error
    except PathNotFoundError:
        return False
    return True
