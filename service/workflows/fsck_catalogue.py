"""Are the rows what was written, and do they say what the log says?

The log is gone through once, and it is counted how many images of each content are active. So each change can only be
of one kind: the first image of a content is `stored`, one more is `referenced`, one after all had gone is `restored`;
one that goes is `removed`, and the last one `withdrawn`. What the log comes to in the end must be what the images' rows
say, and an index folded from it must hold exactly the vectors of contents that have an active image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from index_store.entries import OF_NO_IMAGE
from index_store.errors import StoreError, StoreUnavailableError
from service.workflows.findings import Finding
from service.workflows.fsck_rows import (
    DESCRIBED,
    HAS_ROW,
    KEPT,
    LITTLE_DETAIL,
    NAMED,
    NOWHERE,
    TOLD,
    Numbers,
    Rows,
)
from service.workflows.fsck_spaces import described, further_of, spoilt, undescribed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from index_store.inspection import VectorRow
    from index_store.records import Change, Space
    from service.workflows.findings import Progress, Store

PAGE = 1000
ARRIVALS = ("stored", "restored", "referenced")
RETURNS = ("returned", "revived")
DEPARTURES = ("removed", "withdrawn")
HALF = np.dtype("<f2")
_Row = TypeVar("_Row")
_Key = TypeVar("_Key", str, int)


def check_catalogue(store: Store, progress: Progress) -> tuple[Rows, list[Finding]]:
    """All that the catalogue alone can tell. Raises StoreError."""
    spaces = {space.space_id: space for space in store.inspection.spaces()}
    rows = Rows(_current(spaces, store))
    rows.further = further_of(spaces.values(), store)
    found = [Finding("damaged-file", line, line) for line in store.inspection.damage()]
    owners: dict[str, str] = {}
    # Where the log ends first: what comes while rows are read has a later sequence, and is left for the next look.
    end = store.catalogue.head()
    for content in _pages(store.inspection.contents, "", lambda row: row.sha256, "contents", rows, progress):
        rows.contents.keep(content)
        if not content.sound:
            found.append(_changed("content", content.sha256))
    for image in _pages(store.inspection.images, "", lambda row: row.image_id, "images", rows, progress):
        place = rows.contents.place(image.content_id)
        rows.contents.marks[place] |= NAMED if image.state == "purged" else NAMED | KEPT
        rows.images.keep(image, place)
        if not image.sound:
            found.append(_changed("image", image.image_id))
        if image.state == "active" and image.person_id:
            owners.setdefault(image.person_id, image.image_id)
    found += _without_person(owners, store)
    rows.log_end = store.catalogue.head()
    changes = _pages(_up_to(end, store.inspection.changes), 0, lambda row: row.sequence, "changes", rows, progress)
    found += _fold(changes, rows)
    found += _rows_against_log(rows)
    found += _vectors(store, rows, spaces, progress)
    found += undescribed(store, spaces)
    if rows.space is not None:
        found += _index(store, rows, rows.space.space_id, rows.vectors)
    for space_id, further in rows.further.items():
        found += _index(store, rows, space_id, further.vectors)
    return rows, found


def _without_person(owners: dict[str, str], store: Store) -> Iterator[Finding]:
    """One image of each person that has none."""
    known = store.inspection.persons(owners)
    for person_id, image_id in owners.items():
        if person_id not in known:
            yield Finding("image-without-person", image_id, f"there is no person {person_id}")


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


def _fold(changes: Iterator[Change], rows: Rows) -> Iterator[Finding]:
    contents, images = rows.contents, rows.images
    for change in changes:
        if change.sequence != rows.head + 1:
            gap = f"{rows.head + 1}" if change.sequence == rows.head + 2 else f"{rows.head + 1}..{change.sequence - 1}"
            yield Finding("missing-change", gap)
        rows.head = change.sequence
        if change.kind in OF_NO_IMAGE:
            yield from described(change, rows)
            continue
        content, image = contents.place(change.content_id), images.place(change.image_id)
        why = _contradiction(change, content, image, rows)
        if why:
            yield Finding("wrong-change", str(change.sequence), why)
        if change.kind in DEPARTURES and images.active_in[image] == content:
            images.active_in[image] = NOWHERE
            contents.active[content] -= 1
        elif (change.kind in ARRIVALS and not images.marks[image] & TOLD) or (
            change.kind in RETURNS and _has_gone(rows, image)
        ):
            images.active_in[image] = content
            contents.active[content] += 1
        contents.marks[content] |= TOLD
        images.marks[image] |= TOLD
    for name, image in images.with_row():
        # What was committed since the log was read has a change further on; what lies beyond its end has none.
        sequence = images.sequences[image]
        if not images.marks[image] & TOLD and not rows.head < sequence <= rows.log_end:
            yield Finding("untold-image", name, f"its row says change {sequence}")


def _contradiction(change: Change, content: int, image: int, rows: Rows) -> str:
    """Why the change cannot be; empty if it can."""
    expected = _expected_kind(change, content, image, rows)
    if change.kind != expected:
        return f"it says {change.kind}, where only {expected or 'another kind'} makes sense"
    if not rows.images.marks[image] & HAS_ROW:
        return f"there is no image {change.image_id}"
    if rows.images.contents[image] != content:
        return f"image {change.image_id} has another content"
    if (change.kind in ARRIVALS) is not (rows.images.sequences[image] == change.sequence):
        return f"image {change.image_id} was committed by change {rows.images.sequences[image]}"
    return ""


def _expected_kind(change: Change, content: int, image: int, rows: Rows) -> str | None:
    """The one kind that this change can be of after those before it; None: it should not be there at all."""
    active = rows.contents.active[content]
    if change.kind in DEPARTURES:
        if rows.images.active_in[image] != content:
            return None
        return "withdrawn" if active == 1 else "removed"
    if change.kind in RETURNS:
        return ("returned" if active else "revived") if _has_gone(rows, image) else None
    if not rows.contents.marks[content] & TOLD:
        return "stored"
    return "referenced" if active else "restored"


def _has_gone(rows: Rows, image: int) -> bool:
    """It was here before, and is active nowhere."""
    return bool(rows.images.marks[image] & TOLD) and rows.images.active_in[image] == NOWHERE


def _rows_against_log(rows: Rows) -> Iterator[Finding]:
    contents, images = rows.contents, rows.images
    for name, image in images.with_row():
        if images.sequences[image] > rows.head:
            continue
        content, state = images.contents[image], images.states[image]
        if not contents.marks[content] & HAS_ROW:
            yield Finding("image-without-content", name, f"content {contents.name(content)}")
        is_active = images.active_in[image] == content
        if is_active is not (state == "active"):
            said = "active" if is_active else "removed"
            yield Finding("wrong-state", name, f"the row says {state}, the log {said}")
    for content in contents.with_row():
        if not contents.marks[content] & NAMED:
            yield Finding("content-without-image", contents.name(content))


def _vectors(store: Store, rows: Rows, spaces: dict[int, Space], progress: Progress) -> Iterator[Finding]:
    contents = rows.contents
    for vector in _pages(store.inspection.vectors, 0, lambda row: row.vector_id, "vectors", rows, progress):
        if not vector.sound:
            yield _changed("vector", vector.vector_id)
        place = contents.place(vector.content_id)
        is_ours = rows.space is not None and vector.space_id == rows.space.space_id
        if is_ours:
            rows.vectors.add(place, vector.vector_id)
        further = rows.further.get(vector.space_id)
        if further is not None:
            further.vectors.add(place, vector.vector_id)
        kind, why = _judged(vector, contents.marks[place], rows, spaces)
        if kind is None and further is not None and vector.ordinal >= further.said(place):
            kind, why = "extra-vector", f"{spaces[vector.space_id].name} has described no such one"
        if kind is not None:
            yield Finding(kind, str(vector.vector_id), f"content {vector.content_id}: {why}")
        elif is_ours:
            contents.marks[place] |= DESCRIBED
    missing = [
        content
        for content in contents.wanted()
        if contents.marks[content] & (LITTLE_DETAIL | DESCRIBED | NAMED) == NAMED and not rows.vectors.at(content)
    ]
    for content, named in rows.images.named(missing).items():
        yield Finding("missing-vector", contents.name(content), named)
    for space_id, further in rows.further.items():
        yield from spoilt(spaces[space_id], further, rows)


def _judged(vector: VectorRow, marks: int, rows: Rows, spaces: dict[int, Space]) -> tuple[str | None, str]:
    space = spaces.get(vector.space_id)
    if not marks & HAS_ROW:
        return "extra-vector", "it has no row"
    if space is None:
        return "extra-vector", f"there is no space {vector.space_id}"
    if rows.space is not None and space != rows.space and space.name == rows.space.name:
        return "stale-vector", f"made by generation {space.generation[:12]}, in use is {rows.space.generation[:12]}"
    if marks & LITTLE_DETAIL:
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


def _index(store: Store, rows: Rows, space_id: int, vectors: Numbers) -> Iterator[Finding]:
    """Fold the log as every index does, and compare the ids with those that the rows come to."""
    try:
        held = _folded(store, rows, space_id)
    except StoreUnavailableError:
        raise
    except (StoreError, ValueError, TypeError) as error:
        yield Finding("index-differs", "all", f"no index can be made from the log: {error}")
        return
    for content in range(len(rows.contents.keys)):
        found = held.at(content)
        wanted = vectors.at(content) if rows.contents.active[content] else []
        if sorted(found) != sorted(wanted):
            yield Finding("index-differs", rows.contents.name(content), f"holds {found}, should hold {wanted}")


def _folded(store: Store, rows: Rows, space_id: int) -> Numbers:
    """The ids of the vectors that an index holds, by the place of their content."""
    held, place = Numbers(), rows.contents.place
    since = 0
    while since < rows.head:
        delta = store.catalogue.changes_since(since, space_id, min(PAGE, rows.head - since))
        for content_id in (*delta.removed, *(vector.content_id for vector in delta.vectors)):
            held.forget(place(content_id))
        for vector in delta.vectors:
            held.add(place(vector.content_id), vector.vector_id)
        if delta.sequence == since:
            break
        since = delta.sequence
    return held
