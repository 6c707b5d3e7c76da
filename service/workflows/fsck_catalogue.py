"""Are the rows what was written, and do they say what the log says?

The log is gone through once, and keeps for each content the images that are active. So each change can only be of one
kind: the first image of a content is `stored`, one more is `referenced`, one after all had gone is `restored`; one that
goes is `removed`, and the last one `withdrawn`. What the log comes to in the end must be what the images' rows say, and
an index folded from it must hold exactly the vectors of contents that have an active image.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from index_store.errors import StoreError, StoreUnavailableError
from service.workflows.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from index_store.inspection import ContentRow, ImageRow, VectorRow
    from index_store.records import Change, Space
    from service.workflows.findings import Progress, Store

PAGE = 1000
ARRIVALS = ("stored", "restored", "referenced")
DEPARTURES = ("removed", "withdrawn")
HALF = np.dtype("<f2")
_Row = TypeVar("_Row")
_Key = TypeVar("_Key", str, int)


@dataclass(slots=True)
class Rows:
    """All rows, without their documents: some 500 bytes a picture."""

    space: Space | None
    """The space of the model in use; None while nothing was described by it."""
    contents: dict[str, ContentRow] = field(default_factory=dict)
    images: dict[str, ImageRow] = field(default_factory=dict)
    images_of: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    vectors_of: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Ids of the vectors in the space, by content."""
    active: dict[str, set[str]] = field(default_factory=dict)
    """By content, the images that are active as the log tells it."""
    head: int = 0
    """The last change that was read."""
    log_end: int = 0
    """The log's head after all images were read."""
    checked: dict[str, int] = field(default_factory=dict)

    def is_purged(self, content_id: str) -> bool:
        states = [self.images[image_id].state for image_id in self.images_of[content_id]]
        return bool(states) and all(state == "purged" for state in states)


def check_catalogue(store: Store, progress: Progress) -> tuple[Rows, list[Finding]]:
    """All that the catalogue alone can tell. Raises StoreError."""
    spaces = {space.space_id: space for space in store.inspection.spaces()}
    rows = Rows(_current(spaces, store))
    found = [Finding("damaged-file", line, line) for line in store.inspection.damage()]
    # The log first: what comes while the rest is read has a later sequence, and is left for the next look.
    end = store.catalogue.head()
    changes = list(
        _pages(_up_to(end, store.inspection.changes), 0, lambda row: row.sequence, "changes", rows, progress)
    )
    for content in _pages(store.inspection.contents, "", lambda row: row.sha256, "contents", rows, progress):
        rows.contents[content.sha256] = content
        if not content.sound:
            found.append(_changed("content", content.sha256))
    for image in _pages(store.inspection.images, "", lambda row: row.image_id, "images", rows, progress):
        rows.images[image.image_id] = image
        rows.images_of[image.content_id].append(image.image_id)
        if not image.sound:
            found.append(_changed("image", image.image_id))
    rows.log_end = store.catalogue.head()
    found += _fold(changes, rows)
    found += _rows_against_log(rows)
    found += _vectors(store, rows, spaces, progress)
    found += _index(store, rows)
    return rows, found


def _pages(
    page: Callable[[_Key, int], Sequence[_Row]],
    after: _Key,
    key: Callable[[_Row], _Key],
    what: str,
    rows: Rows,
    progress: Progress,
) -> Iterator[_Row]:
    done = 0
    while found := page(after, PAGE):
        yield from found
        before, after, done = after, key(found[-1]), done + len(found)
        progress(what, done, None)
        if after == before:  # a key that became something that is no key sorts last, for ever
            break
    rows.checked[what] = done


def _up_to(end: int, page: Callable[[int, int], Sequence[Change]]) -> Callable[[int, int], Sequence[Change]]:
    """Writers may be as quick as we are; the log is read to where it ended when the reading began."""
    return lambda after, limit: page(after, min(limit, end - after)) if after < end else []


def _current(spaces: dict[int, Space], store: Store) -> Space | None:
    mine = (store.model.name, store.generation)
    return next((space for space in spaces.values() if (space.name, space.generation) == mine), None)


def _changed(table: str, name: str | int) -> Finding:
    return Finding("changed-row", f"{table} {name}", "its check sum is another")


def _fold(changes: list[Change], rows: Rows) -> Iterator[Finding]:
    told: set[str] = set()
    for change in changes:
        if change.sequence != rows.head + 1:
            gap = f"{rows.head + 1}" if change.sequence == rows.head + 2 else f"{rows.head + 1}..{change.sequence - 1}"
            yield Finding("missing-change", gap)
        rows.head = change.sequence
        why = _contradiction(change, rows)
        if why:
            yield Finding("wrong-change", str(change.sequence), why)
        active = rows.active.setdefault(change.content_id, set())
        if change.kind in DEPARTURES:
            active.discard(change.image_id)
        elif change.kind in ARRIVALS and change.image_id not in told:
            active.add(change.image_id)
        told.add(change.image_id)
    for image in rows.images.values():
        # What was committed since the log was read has a change further on; what lies beyond its end has none.
        if image.image_id not in told and not rows.head < image.sequence <= rows.log_end:
            yield Finding("untold-image", image.image_id, f"its row says change {image.sequence}")


def _contradiction(change: Change, rows: Rows) -> str:
    """Why the change cannot be; empty if it can."""
    image = rows.images.get(change.image_id)
    expected = _expected_kind(change, rows.active.get(change.content_id))
    if change.kind != expected:
        return f"it says {change.kind}, where only {expected or 'another kind'} makes sense"
    if image is None:
        return f"there is no image {change.image_id}"
    if image.content_id != change.content_id:
        return f"image {change.image_id} has another content"
    if (change.kind in ARRIVALS) is not (image.sequence == change.sequence):
        return f"image {change.image_id} was committed by change {image.sequence}"
    return ""


def _expected_kind(change: Change, active: set[str] | None) -> str | None:
    """The one kind that this change can be of after those before it; None: it should not be there at all."""
    if change.kind in DEPARTURES:
        if not active or change.image_id not in active:
            return None
        return "withdrawn" if len(active) == 1 else "removed"
    if active is None:
        return "stored"
    return "referenced" if active else "restored"


def _rows_against_log(rows: Rows) -> Iterator[Finding]:
    for image in rows.images.values():
        if image.sequence > rows.head:
            continue
        if image.content_id not in rows.contents:
            yield Finding("image-without-content", image.image_id, f"content {image.content_id}")
        is_active = image.image_id in rows.active.get(image.content_id, ())
        if is_active is not (image.state == "active"):
            said = "active" if is_active else "removed"
            yield Finding("wrong-state", image.image_id, f"the row says {image.state}, the log {said}")
    for content_id in rows.contents:
        if content_id not in rows.images_of:
            yield Finding("content-without-image", content_id)


def _vectors(store: Store, rows: Rows, spaces: dict[int, Space], progress: Progress) -> Iterator[Finding]:
    described: set[str] = set()
    for vector in _pages(store.inspection.vectors, 0, lambda row: row.vector_id, "vectors", rows, progress):
        if not vector.sound:
            yield _changed("vector", vector.vector_id)
        if rows.space is not None and vector.space_id == rows.space.space_id:
            rows.vectors_of[vector.content_id].append(vector.vector_id)
        kind, why = _judged(vector, rows, spaces)
        if kind is not None:
            yield Finding(kind, str(vector.vector_id), f"content {vector.content_id}: {why}")
        elif rows.space is not None and vector.space_id == rows.space.space_id:
            described.add(vector.content_id)
    for content in rows.contents.values():
        if content.too_little_detail or content.sha256 in described or rows.is_purged(content.sha256):
            continue
        if content.sha256 in rows.images_of and not rows.vectors_of.get(content.sha256):
            yield Finding("missing-vector", content.sha256, images_named(rows, content.sha256))


def _judged(vector: VectorRow, rows: Rows, spaces: dict[int, Space]) -> tuple[str | None, str]:
    content, space = rows.contents.get(vector.content_id), spaces.get(vector.space_id)
    if content is None or space is None:
        return "extra-vector", "it has no row" if content is None else f"there is no space {vector.space_id}"
    if rows.space is not None and space != rows.space and space.name == rows.space.name:
        return "stale-vector", f"made by generation {space.generation[:12]}, in use is {rows.space.generation[:12]}"
    if content.too_little_detail:
        return "extra-vector", "it has too little detail to be found by one"
    if vector.whole and vector.ordinal:
        return "extra-vector", "it has one of the whole picture already"
    why = _bad_values(vector, space)
    return ("bad-vector", why) if why else (None, "")


def _bad_values(vector: VectorRow, space: Space) -> str:
    if len(vector.values) != space.dimension * HALF.itemsize:
        return f"{len(vector.values)} bytes for {space.dimension} dimensions"
    values = np.frombuffer(vector.values, HALF)
    return "" if np.isfinite(values).all() and values.any() else "it is zero or not finite"


def _index(store: Store, rows: Rows) -> Iterator[Finding]:
    """Fold the log as every index does, and compare the ids with those that the rows come to."""
    if rows.space is None:
        return
    try:
        held = _folded(store, rows, rows.space.space_id)
    except StoreUnavailableError:
        raise
    except (StoreError, ValueError, TypeError) as error:
        yield Finding("index-differs", "all", f"no index can be made from the log: {error}")
        return
    for content_id in held.keys() | rows.vectors_of.keys():
        wanted = rows.vectors_of[content_id] if rows.active.get(content_id) else []
        if sorted(held.get(content_id, [])) != sorted(wanted):
            yield Finding("index-differs", content_id, f"holds {held.get(content_id, [])}, should hold {wanted}")


def _folded(store: Store, rows: Rows, space_id: int) -> dict[str, list[int]]:
    """The ids of the vectors that an index holds of each content."""
    held: dict[str, list[int]] = {}
    since = 0
    while since < rows.head:
        delta = store.catalogue.changes_since(since, space_id, min(PAGE, rows.head - since))
        for content_id in (*delta.removed, *(vector.content_id for vector in delta.vectors)):
            held.pop(content_id, None)
        for vector in delta.vectors:
            held.setdefault(vector.content_id, []).append(vector.vector_id)
        if delta.sequence == since:
            break
        since = delta.sequence
    return held


def images_named(rows: Rows, content_id: str) -> str:
    """The images of a content, for people: a few of them."""
    named = rows.images_of.get(content_id, [])
    return f"images {', '.join(named[:3])}{' …' if len(named) > 3 else ''}" if named else "no image"  # noqa: PLR2004
