"""A link to the keeper where a file was set aside, for whoever still asks for it by its name.

It is made under a hidden name while the loser still lies there, so where no link can be made nothing goes; and it is
shown when the loser's own name is free. Nothing is written over: if somebody takes the name meanwhile, theirs stays. What
is taken away when a file comes back is a link to the keeper and nothing else, never the keeper's last name.
"""

import os
from contextlib import suppress
from typing import Literal

from index_store.syncing import sync
from index_store.trees.opening import ChangedFileError, Placed, opened_file, opened_folder, state_at, state_of
from index_store.trees.placing import HIDDEN, SetAsideError

Link = Literal["hard", "symbolic"]


def lay(folder: int, loser: Placed, keeper: Placed, token: str, kind: Link) -> None:
    """Make the link under a hidden name in the loser's folder. Raises SetAsideError or ChangedFileError."""
    hidden = drop(folder, token)
    try:
        if kind == "symbolic":
            os.symlink(_way(loser, keeper), hidden, dir_fd=folder)
            return
        with opened_folder(keeper.root, keeper.parts[:-1]) as there:
            os.link(keeper.parts[-1], hidden, src_dir_fd=there, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        raise SetAsideError(f"{loser.path}: no {kind} link can be left: {error.strerror}") from error


def show(folder: int, loser: Placed, keeper: Placed, token: str, kind: Link) -> None:
    """Give the link the loser's name, if that is free. It is left out if the disk fails: the loser is aside by now."""
    with suppress(OSError):
        if kind == "symbolic":
            os.symlink(_way(loser, keeper), loser.parts[-1], dir_fd=folder)
        else:
            os.link(
                HIDDEN + token + ".link", loser.parts[-1], src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False
            )
    drop(folder, token)


def drop(folder: int, token: str) -> str:
    """Remove the hidden link, if there is one, and say what it is called."""
    hidden = f"{HIDDEN}{token}.link"
    with suppress(FileNotFoundError):
        os.unlink(hidden, dir_fd=folder)
    return hidden


def is_laid(folder: int, loser: Placed, keeper: Placed) -> bool:
    """Whether a link to the keeper, which lies in its place, has the loser's name."""
    name = loser.parts[-1]
    lies = state_at(folder, name)
    if lies is None:
        return False
    with suppress(OSError):
        return os.readlink(name, dir_fd=folder) == _way(loser, keeper)
    try:
        with opened_folder(keeper.root, keeper.parts[:-1]) as there, opened_file(there, keeper.parts[-1]) as file:
            return keeper.parts != loser.parts and state_of(file).is_same_file(lies)
    except ChangedFileError:
        return False


def take_away(folder: int, loser: Placed, keeper: Placed) -> None:
    """Remove the link, so that the loser may have its name again; anything else that has it stays."""
    if is_laid(folder, loser, keeper):
        os.unlink(loser.parts[-1], dir_fd=folder)
        sync(folder)


def _way(loser: Placed, keeper: Placed) -> str:
    """From the loser's folder to the keeper, so that it holds wherever the whole tree is moved."""
    return os.path.relpath(keeper.name, os.path.dirname(loser.name) or ".")  # noqa: PTH120 - names below a root, no paths
