"""The end of a process with the one that started it, however that one ends: its end of our input closes then."""

import os
import threading
from collections.abc import Callable


def when_parent_ends(act: Callable[[], None]) -> None:
    """Call it from a thread of its own once standard input is closed. What still comes in is thrown away."""

    def wait() -> None:
        # By its number: a thread that waits inside of `sys.stdin` holds a lock that the interpreter wants at its end.
        while os.read(0, 1):
            pass
        act()

    threading.Thread(target=wait, name="parent", daemon=True).start()
