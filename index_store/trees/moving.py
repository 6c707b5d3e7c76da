"""A file set aside because another one stays, and brought back.

Both are hashed again through open descriptors right before anything moves. Then, each step on disk before the next:

1. the loser gets a second name in the folder for what was set aside: a hard link, or a copy that is synced and read
   back where there can be no link (another disk, or the file has more names already);
2. its own name is changed to a hidden one, in one step that takes whatever lies there: if somebody saved over it in the
   meantime, that is seen now, and the name is given back;
3. the keeper is looked at once more, and the hidden name goes.

So at every instant the keeper lies where it lay, and the loser lies somewhere. Whoever is killed on the way calls the
same function with the same token again, or `bring_back` with it. Nothing is ever written over: where a name is taken
when a file comes back, it gets a new one.
"""

import os
from contextlib import suppress
from pathlib import Path

from index_store.errors import StoreError, StoreUnavailableError
from index_store.failpoints import reached
from index_store.hashing import sha256_of
from index_store.syncing import make_folder, refuse_after_failure, sync
from index_store.trees import linking
from index_store.trees.linking import Link
from index_store.trees.opening import (
    ChangedFileError,
    Placed,
    State,
    checked,
    is_read_only,
    opened_file,
    opened_folder,
    state_at,
)
from index_store.trees.placing import HIDDEN, SetAsideError, copied, drop_copy, linked, named, names


class HiddenFileError(StoreError):
    """A file could not be given its name back; it lies hidden in its folder, and the same call gives it back later."""


def set_aside(loser: Placed, keeper: Placed, to: Path, token: str, link: Link | None = None) -> None:
    """Move the loser out of its folder to the new path `to`. Doing it again changes nothing.

    Raises ChangedFileError (either is not what it was, or both are one file) or SetAsideError (also of a file or folder
    that its owner made read-only), and then the loser lies where it lay; or HiddenFileError or StoreUnavailableError, and
    then it is to be called again.

    Args:
        loser: the file that goes.
        keeper: the file that stays in its place.
        to: in a folder of ours, made if it is missing; no other file's place.
        token: told apart from every other move's, and the same when a move is taken up again.
        link: to the keeper, to be left where the loser lay.
    """
    refuse_after_failure()
    try:
        with opened_folder(loser.root, loser.parts[:-1]) as folder:
            if _is_finished(folder, loser, keeper, to, token):
                if link:
                    _leave_link(folder, loser, keeper, token, link)
                return
            with opened_file(folder, loser.parts[-1]) as file:
                is_what = checked(file, loser)
                _check_writable(file, folder, loser)
                _check_keeper(keeper, is_what)
                reached("tree.checked")
                is_new = _keep(file, folder, is_what, loser, to, token)
                reached("tree.set-aside")
                try:
                    if link:
                        linking.lay(folder, loser, keeper, token, link)
                    _take(folder, is_what, loser, keeper, token)
                except (ChangedFileError, SetAsideError, OSError):
                    linking.drop(folder, token)
                    if is_new:  # the loser lies where it lay: nobody will ask for what lies here
                        to.unlink(missing_ok=True)
                    raise
                if link:
                    linking.show(folder, loser, keeper, token, link)
            _settle(folder)
    except OSError as error:
        raise SetAsideError(f"{loser.path}: {error.strerror}") from error


def bring_back(aside: Path, to: Placed, token: str, keeper: Placed | None = None) -> str:
    """Give a file that was set aside its place again, or a new name beside it if that is taken; says which.

    A link to the `keeper` that was left there makes way. Folders that are gone are made again. Doing it again changes
    nothing. Raises ChangedFileError if what was set aside is not there or holds other bytes, or SetAsideError; then it
    still lies there. HiddenFileError as `set_aside`.
    """
    refuse_after_failure()
    try:
        with opened_folder(to.root, to.parts[:-1], make=True) as folder:
            if keeper is not None and is_under_way(aside, to, token):
                linking.drop(folder, token)
                linking.take_away(folder, to, keeper)
                reached("tree.link-taken-away")
            name = _given_back(folder, to, token) or _placed(aside, folder, to, token)
            drop_copy(folder, token)  # of a call that was killed, where this one needed none
            _settle(folder)
            reached("tree.brought-back")
            with suppress(FileNotFoundError):
                aside.unlink()
            return "/".join((*to.parts[:-1], name))
    except OSError as error:
        raise SetAsideError(f"{to.path}: {error.strerror}") from error


def is_under_way(aside: Path, loser: Placed, token: str) -> bool:
    """Whether anything was done to the loser that `set_aside` would finish or `bring_back` undo."""
    if aside.exists():
        return True
    try:
        with opened_folder(loser.root, loser.parts[:-1]) as folder:
            return state_at(folder, HIDDEN + token) is not None
    except ChangedFileError:
        return False


def is_there(placed: Placed) -> bool:
    """Whether the file lies in its place and holds its bytes."""
    try:
        with opened_folder(placed.root, placed.parts[:-1]) as folder:
            return _holds(folder, placed.parts[-1], placed.sha256)
    except (ChangedFileError, OSError):
        return False


def _is_finished(folder: int, loser: Placed, keeper: Placed, to: Path, token: str) -> bool:
    """What an earlier call left, brought to its end; False if it is to be begun, or begun anew."""
    name, hidden = loser.parts[-1], HIDDEN + token
    is_aside = is_there(Placed(to.parent, to.name, loser.sha256))
    lies_hidden = state_at(folder, hidden)
    if lies_hidden is None:
        # A hard link to a keeper of the same bytes holds them too.
        return is_aside and (not _holds(folder, name, loser.sha256) or linking.is_laid(folder, loser, keeper))
    if not is_aside or not _holds(folder, hidden, loser.sha256):
        _give_back(folder, hidden, name)
        return False
    _let_go(folder, lies_hidden, loser, keeper, token)
    _settle(folder)
    return True


def _leave_link(folder: int, loser: Placed, keeper: Placed, token: str, link: Link) -> None:
    """Of a call that was killed before it did; if none can be made by now, the loser is aside all the same."""
    with suppress(ChangedFileError, SetAsideError):
        if state_at(folder, loser.parts[-1]) is None:
            linking.lay(folder, loser, keeper, token, link)
            linking.show(folder, loser, keeper, token, link)
    linking.drop(folder, token)
    _settle(folder)


def _take(folder: int, is_what: State, loser: Placed, keeper: Placed, token: str) -> None:
    """Hide the loser, look once more, and let its name go. If anything speaks against it, it has its name again."""
    os.rename(loser.parts[-1], HIDDEN + token, src_dir_fd=folder, dst_dir_fd=folder)
    reached("tree.hidden")
    _let_go(folder, is_what, loser, keeper, token)
    reached("tree.removed")


def _let_go(folder: int, is_what: State, loser: Placed, keeper: Placed, token: str) -> None:
    """Remove the hidden loser's last name here, or give it its own again where anything speaks against it."""
    hidden = HIDDEN + token
    try:
        _check_taken(state_at(folder, hidden), is_what, loser)
        _check_keeper(keeper, is_what)
        os.unlink(hidden, dir_fd=folder)
    except (ChangedFileError, OSError):
        _give_back(folder, hidden, loser.parts[-1])
        raise


def _check_taken(taken: State | None, is_what: State, loser: Placed) -> None:
    """It is the file that was hashed. Raises ChangedFileError."""
    # A second name changes the number of links, and no more.
    if taken is None or taken._replace(links=is_what.links) != is_what:
        raise ChangedFileError(f"{loser.path} was saved anew meanwhile")


def _check_writable(file: int, folder: int, loser: Placed) -> None:
    """Its owner may change both. To move a file only its folder must allow it, and nothing stops the superuser at all;
    but who made it read-only meant it to stay. Raises SetAsideError.
    """
    if is_read_only(os.fstat(file)) or is_read_only(os.fstat(folder)):
        raise SetAsideError(f"{loser.path} is read-only")


def _check_keeper(keeper: Placed, loser: State) -> None:
    """It lies there, holds its bytes, and is another file. Raises ChangedFileError."""
    with opened_folder(keeper.root, keeper.parts[:-1]) as folder, opened_file(folder, keeper.parts[-1]) as file:
        if checked(file, keeper).is_same_file(loser):
            raise ChangedFileError(f"{keeper.path} is the very same file")


def _give_back(folder: int, hidden: str, name: str) -> str:
    """The hidden file its name again, or a free one beside it if somebody has taken that."""
    try:
        given = named(folder, hidden, name)
        _settle(folder)
    except OSError as error:
        raise HiddenFileError(f"{name} lies hidden as {hidden}: {error.strerror}") from error
    return given


def _given_back(folder: int, to: Placed, token: str) -> str | None:
    """The name of a loser that lay hidden; None if none did."""
    hidden = HIDDEN + token
    if not _holds(folder, hidden, to.sha256):
        return None
    return _give_back(folder, hidden, to.parts[-1])


def _keep(file: int, folder: int, is_what: State, loser: Placed, to: Path, token: str) -> bool:
    """A second name, or a copy, under `to`; on disk when this returns. False if it was there before."""
    make_folder(to.parent)
    with opened_folder(to.parent, ()) as kept:
        if state_at(kept, to.name) is not None:
            if not _holds(kept, to.name, loser.sha256):
                raise SetAsideError(f"there is another file at {to}")
            return False
        if is_what.links > 1 or not linked(folder, loser.parts[-1], kept, to.name):
            named(kept, copied(file, kept, loser.sha256, token), to.name)
        sync(file)  # somebody may have saved it a moment ago
        sync(kept)
    return True


def _placed(aside: Path, folder: int, to: Placed, token: str) -> str:
    """The name that the file has now in its folder."""
    if not aside.exists():
        for name in names(to.parts[-1]):
            if _holds(folder, name, to.sha256):  # brought back before, and killed then
                return name
            if state_at(folder, name) is None:
                break
        raise ChangedFileError(f"{aside} is not there any more")
    with opened_folder(aside.parent, ()) as kept, opened_file(kept, aside.name) as file:
        is_what = checked(file, Placed(aside.parent, aside.name, to.sha256))
        for name in names(to.parts[-1]):
            lies = state_at(folder, name)
            if lies is not None and _is_ours(folder, name, lies, is_what, to.sha256):
                return name
            if lies is not None:
                continue
            try:
                if linked(kept, aside.name, folder, name):
                    return name
            except FileExistsError:
                continue
            return named(folder, copied(file, folder, to.sha256, token), name)
    raise SetAsideError(f"{to.path}: every name beside it is taken")


def _is_ours(folder: int, name: str, lies: State, aside: State, sha256: str) -> bool:
    """Whether what lies there was put there by a call that was killed: the same file, or its copy to the nanosecond."""
    if lies.is_same_file(aside):
        return True
    like = (lies.size, lies.modified) == (aside.size, aside.modified)
    return like and _holds(folder, name, sha256)


def _holds(folder: int, name: str, sha256: str) -> bool:
    try:
        with opened_file(folder, name) as file:
            return sha256_of(file) == sha256
    except ChangedFileError:
        return False


def _settle(folder: int) -> None:
    """The names in the folder are on disk. After a failure nobody can tell, so it is told as one of the store."""
    try:
        sync(folder)
    except OSError as error:
        raise StoreUnavailableError(f"a folder could not be synced: {error.strerror}") from error


__all__ = [
    "ChangedFileError",
    "HiddenFileError",
    "Link",
    "Placed",
    "SetAsideError",
    "bring_back",
    "is_there",
    "is_under_way",
    "set_aside",
]
