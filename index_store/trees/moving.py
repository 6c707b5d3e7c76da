"""A file set aside because another one stays, and brought back.

Both are hashed again through open descriptors right before anything moves. Then, each step on disk before the next:

1. the loser gets a second name in the folder for what was set aside: a hard link, or a copy that is synced and read
   back where there can be no link (another disk, or the file has more names already);
2. its own name is changed to a hidden one, in one step that takes whatever lies there: if somebody saved over it in the
   meantime, that is seen now, and the name is given back;
3. the keeper is looked at once more, and the hidden name goes.

So at every instant the keeper lies where it lay, and the loser lies somewhere. Whoever is killed on the way calls the
same function with the same token again. Nothing is ever written over: where a name is taken when a file comes back, it
gets a new one.
"""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.syncing import make_folder, refuse_after_failure, sync
from index_store.trees.opening import (
    ChangedFileError,
    Placed,
    State,
    checked,
    hash_of,
    opened_file,
    opened_folder,
    state_at,
)

HIDDEN = ".keepone-"
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class SetAsideError(StoreError):
    """A file could not be set aside or brought back; it lies where it lay."""


def set_aside(loser: Placed, keeper: Placed, to: Path, token: str) -> None:
    """Move the loser out of its folder to the new path `to`. Doing it again changes nothing.

    Raises ChangedFileError (either is not what it was, or both are one file) or SetAsideError; then the loser lies
    where it lay.

    Args:
        loser: the file that goes.
        keeper: the file that stays in its place.
        to: in a folder of ours, made if it is missing; no other file's place.
        token: told apart from every other move's, and the same when a move is taken up again.
    """
    refuse_after_failure()
    try:
        with opened_folder(loser.root, loser.parts[:-1]) as folder:
            name, hidden = loser.parts[-1], HIDDEN + token
            if state_at(folder, hidden) is not None:
                _give_back(folder, hidden, name)  # killed on the way: begin anew
            if state_at(folder, name) is None and _is_there(to, loser.sha256):
                return
            with opened_file(folder, name) as file:
                is_what = checked(file, loser)
                _check_keeper(keeper, is_what)
                reached("tree.checked")
                _keep(file, folder, name, is_what, loser, to)
                reached("tree.set-aside")
                os.rename(name, hidden, src_dir_fd=folder, dst_dir_fd=folder)
                reached("tree.hidden")
                try:
                    _check_taken(folder, hidden, is_what, loser)
                    _check_keeper(keeper, is_what)
                except BaseException:
                    _give_back(folder, hidden, name)
                    raise
                os.unlink(hidden, dir_fd=folder)
                reached("tree.removed")
                sync(folder)
    except OSError as error:
        raise SetAsideError(f"{loser.path}: {error.strerror}") from error


def bring_back(aside: Path, to: Placed) -> str:
    """Give a file that was set aside its place again, or a new name beside it if that is taken; says which.

    Folders that are gone are made again. Doing it again changes nothing. Raises ChangedFileError if what was set aside
    is not there or holds other bytes, or SetAsideError; then it still lies there.
    """
    refuse_after_failure()
    try:
        with opened_folder(to.root, to.parts[:-1], make=True) as folder:
            name = _placed(aside, folder, to)
            reached("tree.brought-back")
            with suppress(FileNotFoundError):
                aside.unlink()
            return "/".join((*to.parts[:-1], name))
    except OSError as error:
        raise SetAsideError(f"{to.path}: {error.strerror}") from error


def _check_keeper(keeper: Placed, loser: State) -> None:
    """It lies there, holds its bytes, and is another file. Raises ChangedFileError."""
    with opened_folder(keeper.root, keeper.parts[:-1]) as folder, opened_file(folder, keeper.parts[-1]) as file:
        if checked(file, keeper).is_same_file(loser):
            raise ChangedFileError(f"{keeper.path} is the very same file")


def _check_taken(folder: int, hidden: str, is_what: State, loser: Placed) -> None:
    taken = state_at(folder, hidden)
    # A second name changes the number of links, and no more.
    if taken is None or taken._replace(links=is_what.links) != is_what:
        raise ChangedFileError(f"{loser.path} was saved anew meanwhile")


def _give_back(folder: int, hidden: str, name: str) -> None:
    """The hidden file its name again, or a free one beside it if somebody has taken that."""
    for free in _names(name):
        try:
            os.link(hidden, free, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if state_at(folder, free) is not None:
                continue
            os.rename(hidden, free, src_dir_fd=folder, dst_dir_fd=folder)
            break
        os.unlink(hidden, dir_fd=folder)
        break
    sync(folder)


def _keep(file: int, folder: int, name: str, is_what: State, loser: Placed, to: Path) -> None:
    """A second name, or a copy, under `to`; on disk when this returns."""
    make_folder(to.parent)
    with opened_folder(to.parent, ()) as kept:
        if state_at(kept, to.name) is not None:
            if not _is_there(to, loser.sha256):
                raise SetAsideError(f"there is another file at {to}")
        elif is_what.links > 1 or not _linked(folder, name, kept, to.name):
            _copy(file, kept, to.name, loser.sha256)
        sync(kept)


def _linked(folder: int, name: str, target: int, new: str) -> bool:
    """Whether the file could be given a second name there."""
    try:
        os.link(name, new, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _copy(file: int, target: int, new: str, sha256: str) -> None:
    """Bytes, times, mode and extended attributes; synced and read back before it has its name."""
    temporary = f"{HIDDEN}{secrets.token_hex(8)}"
    copy = os.open(temporary, _CREATE, 0o600, dir_fd=target)
    try:
        offset = 0
        while chunk := os.pread(file, _CHUNK, offset):
            offset += os.write(copy, chunk)
        _like(file, copy)
        sync(copy)
        if hash_of(copy) != sha256:
            raise SetAsideError("what was copied does not read back as it was written")
        os.link(temporary, new, src_dir_fd=target, dst_dir_fd=target)
    finally:
        os.close(copy)
        os.unlink(temporary, dir_fd=target)


def _like(file: int, copy: int) -> None:
    """Times and mode as they were; owner and attributes as far as we may."""
    found = os.fstat(file)
    with suppress(OSError):
        for attribute in os.listxattr(file):
            os.setxattr(copy, attribute, os.getxattr(file, attribute))
    with suppress(PermissionError):
        os.fchown(copy, found.st_uid, found.st_gid)
    os.fchmod(copy, found.st_mode & 0o7777)
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))


def _placed(aside: Path, folder: int, to: Placed) -> str:
    """The name that the file has now in its folder."""
    names = _names(to.parts[-1])
    for name in names:
        if state_at(folder, name) is None:
            break
        if _holds(folder, name, to.sha256):  # brought back before, and killed then
            return name
    with opened_folder(aside.parent, ()) as kept, opened_file(kept, aside.name) as file:
        checked(file, Placed(aside.parent, aside.name, to.sha256))
        for name in names:
            try:
                if state_at(folder, name) is None:
                    if not _linked(kept, aside.name, folder, name):
                        _copy(file, folder, name, to.sha256)
                    sync(folder)
                    return name
            except FileExistsError:
                continue
    raise SetAsideError(f"{to.path}: every name beside it is taken")


def _names(name: str) -> list[str]:
    """The name, then others beside it that a person would read rightly."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    return [name, *(f"{stem} (restored {number}){dot}{ending}" for number in range(1, 1000))]


def _is_there(path: Path, sha256: str) -> bool:
    """Whether a file of these bytes lies there."""
    try:
        with opened_folder(path.parent, ()) as folder:
            return _holds(folder, path.name, sha256)
    except ChangedFileError:
        return False


def _holds(folder: int, name: str, sha256: str) -> bool:
    try:
        with opened_file(folder, name) as file:
            return hash_of(file) == sha256
    except ChangedFileError:
        return False


__all__ = ["ChangedFileError", "Placed", "SetAsideError", "bring_back", "set_aside"]
