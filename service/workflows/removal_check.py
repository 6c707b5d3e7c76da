"""Whether what a plan was made from is still so: looked at before it is applied, and of each image again as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from index_store.errors import NotFoundError, StoreError
from service.workflows.file_removal import StalePlanError, items_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from index_store.blobs.protocol import Blobs
    from index_store.catalogue.protocol import Catalogue
    from index_store.removal_records import RemovalItem, RemovalRecord


class Present:
    """The present state, as far as a plan rests on it."""

    def __init__(self, kind: str, catalogue: Catalogue, blobs: Blobs) -> None:
        self._catalogue = catalogue
        self._blobs = blobs
        # Who stayed for others' sake does not go for a third one's, which nobody has compared with those that went.
        self._stayed = {keeper["image_id"] for keeper in catalogue.removals.keepers(kind)}
        self._sound_keeper = ""

    def against(self, item: RemovalItem) -> str | None:
        """Why the plan's item does not hold any more; None if it does."""
        if item.loser["image_id"] in self._stayed and not is_the_same_file(item):
            return f"others went for the sake of image {item.loser['image_id']} since"
        keeper = item.keeper
        why = self._changed(keeper)
        if why is None and keeper["sha256"] != self._sound_keeper:
            # A keeper has its losers one after the other: it is read once for all of them.
            why = self._rotten(keeper)
            self._sound_keeper = "" if why else keeper["sha256"]
        return why or self._changed(item.loser) or self._rotten(item.loser)

    def _changed(self, told: Mapping[str, Any]) -> str | None:
        name = told["image_id"]
        try:
            image = self._catalogue.image(name)
        except NotFoundError as error:
            return str(error)
        if image.state != "active":
            return f"image {name} is {image.state}"
        if (image.content_id, image.person_id) != (told["sha256"], told["person_id"]):
            return f"image {name} is not what it was"
        return None

    def _rotten(self, told: Mapping[str, Any]) -> str | None:
        try:
            self._blobs.get(told["sha256"], verify=True)
        except StoreError as error:
            return str(error)
        return None


def is_the_same_file(item: RemovalItem) -> bool:
    """Whether loser and keeper have the same bytes: what went for the sake of one is as well off with the other."""
    return bool(item.loser["sha256"] == item.keeper["sha256"])


def refuse_stale(record: RemovalRecord, catalogue: Catalogue, blobs: Blobs) -> None:
    """Raise StalePlanError, naming the first of what changed since the plan was made. Nothing is written."""
    present = Present(record.kind, catalogue, blobs)
    changed = [why for item in items_of(record.removal_id, catalogue.removals) if (why := present.against(item))]
    if changed:
        raise StalePlanError(
            f"{len(changed)} of {record.items} decisions do not hold any more; make a new plan. The first: {changed[0]}"
        )
