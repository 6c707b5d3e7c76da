"""Named places where a test may kill the process, to prove that nothing is lost there.

`reached("snapshot.body-written")` stands in the code between two steps that must survive each other's absence. It does
nothing, unless the environment variable KEEPONE_FAILPOINTS named the point when this module was first imported:

    KEEPONE_FAILPOINTS="snapshot.body-synced=kill"            kill -9 when the point is reached
    KEEPONE_FAILPOINTS="snapshot.body-synced=kill:3"          when it is reached for the third time
    KEEPONE_FAILPOINTS="a.one=raise,b.two=kill"               raise `FailPointError` at one, kill at the other

Every point has a sentence in `POINTS`; a name that is not there is refused, in the variable and in the code. Without
the variable `reached` is an empty function, so a point costs a call and nothing else.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import NoReturn

VARIABLE = "KEEPONE_FAILPOINTS"

POINTS = {
    "snapshot.body-opened": "The temporary file of a snapshot's body exists and is empty.",
    "snapshot.body-written": "Its bytes were handed to the system; none need be on disk.",
    "snapshot.body-synced": "Its bytes are on disk, under the temporary name.",
    "snapshot.body-renamed": "It has its final name; the folder may not know that after a power cut.",
    "snapshot.folder-synced": "The body's name is on disk; no manifest tells of it yet.",
    "snapshot.manifest-written": "The new manifest is on disk, under a temporary name.",
    "snapshot.manifest-renamed": "The new manifest has its name: from here on the new snapshot is the one loaded.",
    "snapshot.pruned": "Manifests and bodies too old to keep are gone.",
}
"""Every point there is, and what is true of the world when it is reached."""


class FailPointError(Exception):
    """A test asked for a failure here."""


def _nothing(_name: str) -> None:
    """What `reached` is in production."""


def armed(text: str) -> Callable[[str], None]:
    """The function that obeys such a variable. Raises `ValueError` for what it cannot read."""
    wanted: dict[str, tuple[str, int]] = {}
    for item in text.split(","):
        name, _, deed = item.strip().partition("=")
        action, _, time = deed.partition(":")
        if name not in POINTS or action not in {"kill", "raise"} or not (time or "1").isdigit():
            raise ValueError(f"{VARIABLE}: {item!r} is not a known point=kill or point=raise")
        wanted[name] = (action, int(time or "1"))
    counts = dict.fromkeys(POINTS, 0)
    counting = threading.Lock()

    def obey(name: str) -> None:
        with counting:
            counts[name] += 1
            action, time = wanted.get(name, ("", 0))
            now = counts[name] == time
        if now:
            _fail(name, action)

    return obey


def _fail(name: str, action: str) -> NoReturn:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailPointError(name)


reached: Callable[[str], None] = armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _nothing
