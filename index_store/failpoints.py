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
    "staging.written": "An upload for a job is on disk under a temporary name.",
    "staging.renamed": "It has its job's name; the job has no row yet.",
    "blob.written": "A picture's bytes were handed to the system, under a temporary name.",
    "blob.synced": "They are on disk, under a temporary name.",
    "blob.linked": "They have their final name; the folder may not know that after a power cut.",
    "blob.folder-synced": "The name is on disk too.",
    "blob.let-go": "An original that nobody needs has lost its name; what was derived from it still lies there.",
    "blob.derived-written": "A thumbnail lies there under a temporary name.",
    "blob.derived-renamed": "It has its name.",
    "ingest.files-kept": "A picture's files lie on disk; no row tells of them.",
    "ingest.committed": "It is committed; the client has no answer yet.",
    "catalogue.locked": "The writer's lock is held, and nothing is written.",
    "catalogue.content-written": "In an open transaction: content and vectors are there, no image.",
    "catalogue.image-written": "In an open transaction: the image is there too, no change tells of it.",
    "catalogue.logged": "In an open transaction: the change is there, nothing is committed.",
    "catalogue.also-written": "In an open transaction: so is what was to be committed with it.",
    "catalogue.group-written": "In an open transaction: a group's contents, vectors and images, and no changes.",
    "catalogue.group-logged": "In an open transaction: its changes too, and no outcomes of its items.",
    "catalogue.committed": "The transaction is on disk; nobody has been told.",
    "catalogue.removed": "In an open transaction: an image is marked removed, no change tells of it.",
    "catalogue.returned": "In an open transaction: an image is active again, no change tells of it.",
    "catalogue.described": "In an open transaction: a further space's vectors are there, and the changes that tell of them.",
    "describe.described": "A further model was asked about pictures; nothing of that is written.",
    "describe.committed": "What it said of them is on disk; whoever fills the space has not been told.",
    "job.created": "A job's row is committed; the client has no answer yet.",
    "job.claimed": "A job is running under its owner; none of its items is begun.",
    "job.items-done": "Every item has its outcome; the job still counts as running.",
    "job.finished": "The job is finished; what was uploaded for it still lies there.",
    "batch.files-kept": "A picture's files lie on disk; no row tells of them.",
    "batch.group-prepared": "The writer's turn is ours, and a group is about to be committed.",
    "batch.group-committed": "A group is committed; the job has not been told.",
    "restore.begun": "The data folder is marked as half restored; nothing else is in it.",
    "restore.built": "Originals and catalogue lie below the mark, and were found sound.",
    "restore.originals-placed": "The originals have their place; the catalogue has not.",
    "restore.catalogue-placed": "The catalogue has its place too, or is committed in another database.",
    "removal.planned": "A plan is committed; nobody has been told.",
    "person.told": "A person has its row.",
    "person.changed": "A person's row says something else.",
    "person.forgotten": "A person's row is gone.",
    "policy.told": "A policy has its row.",
    "removal.state-set": "A removal has its next state; nothing was done in it yet.",
    "removal.recorded": "What became of some of its items is committed.",
    "removal.purged": "Some of its images are purged for good; their bytes still lie there.",
    "removal-job.backed-up": "A job's copies of what is to go lie on disk; its plan is not written down.",
    "tree.checked": "A file that is to go and the one that stays hold the bytes they held; nothing has moved.",
    "tree.copied": "A copy is on disk under a hidden name, in the folder for what was set aside or in the user's own.",
    "tree.set-aside": "The one that is to go has a second name, or a copy, where it is set aside.",
    "tree.hidden": "Its own name is a hidden one now.",
    "tree.removed": "Its hidden name is gone; the folder may not know that after a power cut.",
    "tree.link-taken-away": "A link to the keeper was removed, so that a file may have its name again.",
    "tree.brought-back": "A file has a name in its folder again; where it was set aside it still lies.",
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
