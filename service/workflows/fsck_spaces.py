"""What `fsck` asks of further spaces: is there all that the log says they have described, and nothing else?

How many vectors a picture has in such a space only the log knows: none where no face was found, or many. What has gone
is described anew by whoever fills the space; a repair makes the log say that it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.workflows.findings import Finding
from service.workflows.fsck_rows import Further

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from index_store.records import Change, Space
    from service.workflows.findings import Store
    from service.workflows.fsck_rows import Rows


def further_of(spaces: Iterable[Space], store: Store) -> dict[int, Further]:
    """All but those of copy detection, by id; retired ones too, for somebody may go back to them."""
    return {one.space_id: Further() for one in spaces if one.name != store.model.name}


def described(change: Change, rows: Rows) -> Iterator[Finding]:
    """What a change says of a further space, kept; and what is wrong with it."""
    if change.kind != "described":  # what a repair has forgotten says nothing any more
        return
    content, count = rows.contents.place(change.content_id), change.vectors
    further = rows.further.get(-1 if change.space_id is None else change.space_id)
    if further is None:
        yield Finding("wrong-change", str(change.sequence), f"there is no further space {change.space_id}")
    elif count is None or count < 0:
        yield Finding("wrong-change", str(change.sequence), "it does not say how many vectors there are")
    elif further.described.at(content):
        yield Finding("wrong-change", str(change.sequence), "it was described in that space before")
    elif not rows.contents.active[content]:
        yield Finding("wrong-change", str(change.sequence), "its content had no active image")
    else:
        further.described.add(content, count)


def spoilt(space: Space, further: Further, rows: Rows) -> Iterator[Finding]:
    """Of which contents vectors have gone."""
    for content in rows.contents.with_row():
        said = further.said(content)
        found = len(further.vectors.at(content))
        if found < said:
            name = f"{rows.contents.name(content)} {space.space_id}"
            yield Finding("spoilt-description", name, f"{space.name} has {found} of {said} vectors")


def undescribed(store: Store, spaces: dict[int, Space]) -> Iterator[Finding]:
    """A space that is being filled lacks much, and says so; one that is in use should lack nothing for long.

    While other weights are filled beside it, what comes is described by those, and it falls behind until they take over.
    """
    filled_beside = {space.name for space in spaces.values() if space.state == "building"}
    for space in spaces.values():
        if space.name in store.further and space.state == "active" and space.name not in filled_beside:
            missing = store.catalogue.descriptions.coverage(space.space_id).missing
            if missing:
                yield Finding("undescribed", space.name, f"{missing} pictures")
