"""What could go from persons: images that agree with a better one of the same person, by the criterion that was chosen."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from index_store.errors import StoreError
from index_store.records import ImageFilter
from index_store.removal_records import NewRemoval, PlannedItem
from service.domain.errors import KeeponeError
from service.workflows.criteria import check_criterion, criterion
from service.workflows.folder_scan import CAMERA, PassedOver, Scanned, group_of, in_order
from service.workflows.removal_finding import PROTECTED, Found, Keep, find, lead_of, measures, why
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from index_store.records import Image
    from service.workflows.findings import Progress
    from service.workflows.folder_scan import Looked
    from service.workflows.parts import Parts

PERSONS = "persons"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class PersonQuestion:
    """What was asked for; the parameters are the matcher's own, those that are not given are at its defaults."""

    person_ids: tuple[str, ...]
    matcher: str = "appearance"
    parameters: dict[str, Any] = field(default_factory=dict)
    keep: Keep = Keep.BEST

    def as_json(self) -> dict[str, Any]:
        return {
            "person_ids": list(self.person_ids),
            "matcher": self.matcher,
            "parameters": self.parameters,
            "keep": self.keep.value,
        }


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """What was found of each person, in the order asked for, and the one plan that follows from it."""

    found: tuple[Found, ...]
    removal: NewRemoval

    @property
    def pictures(self) -> int:
        return sum(len(one.pictures) for one in self.found)


def plan_persons(question: PersonQuestion, parts: Parts, progress: Progress) -> PersonPlan:
    """Look at every image of these persons and compare those of one person with each other. Writes nothing.

    Raises NotFoundError naming a person that is not known, UnknownSpaceError, NoThresholdError or StoreError.
    """
    check_criterion(question.matcher, question.parameters, parts.further)
    for person_id in question.person_ids:
        parts.catalogue.persons.get(person_id)
    # Who stayed for others' sake does not go for a third one's, which nobody has compared with those that went.
    policy = parts.policy
    stayed = {keeper["image_id"] for keeper in parts.catalogue.removals.keepers(PERSONS)}
    found: list[Found] = []
    items: list[PlannedItem] = []
    images = [_images_of(person_id, parts) for person_id in question.person_ids]
    # Of all persons in one go: while one's pictures are compared, the next one's are decoded.
    looked = _looked_at(list(chain.from_iterable(images)), question.matcher == "scene_change", parts)
    for person_id, mine in zip(question.person_ids, images, strict=True):
        with closing(criterion(question.matcher, question.parameters, parts.further)) as matcher:
            told = partial(_of_person, progress, person_id)
            seen = _counted(islice(looked, len(mine)), len(mine), told)
            one = find(seen, matcher, question.keep, told, policy, stays=stayed)
        found.append(one)
        by_id = {image.image_id: image for image in mine}
        for among in one.sets:
            keeper = one.pictures[among.keeper]
            stays = _told(keeper, by_id)
            for number, agreed in among.losers:
                goes = _told(one.pictures[number], by_id)
                told_why = why(goes, stays, agreed, lead_of(keeper, one.pictures[number], policy), policy.name)
                items.append(PlannedItem(goes, stays, goes["bytes"], told_why))
    asked = question.as_json()
    request = asked | {"pictures": sum(len(one.pictures) for one in found), "policy": policy.name}
    return PersonPlan(tuple(found), NewRemoval(PERSONS, request, _hash_of(asked, items), tuple(items)))


def _of_person(progress: Progress, person_id: str, what: str, done: int, of: int | None) -> None:
    progress(f"{what} of {person_id}", done, of)


def _counted(looked: Iterator[Looked], of: int, progress: Progress) -> Iterator[Looked]:
    for done, one in enumerate(looked, 1):
        progress("pictures", done, of)
        yield one


def _images_of(person_id: str, parts: Parts) -> list[Image]:
    images: list[Image] = []
    cursor: str | None = None
    while True:
        page = parts.catalogue.images(ImageFilter(person_id=person_id), _PAGE, cursor)
        images += page.items
        cursor = page.next_cursor
        if cursor is None:
            return images[::-1]


def _looked_at(images: Sequence[Image], cameras: bool, parts: Parts) -> Iterator[Looked]:
    """Each image with its working pixels, in the order they came; frames are told apart by cameras named in their names."""
    camera = re.compile(CAMERA) if cameras else None

    def look(image: Image) -> Looked:
        try:
            # What has rotted on disk is nobody's keeper, however well it still decodes.
            data = parts.blobs.get(image.content_id, verify=True)
            assessed, _, working = looked_at(data, parts.pool, Stopwatch(), wait_s=None)
        except (KeeponeError, StoreError) as error:
            return PassedOver(image.image_id, str(error))
        is_protected = parts.policy.protected.hold(image.external_id, image.metadata)
        group, stays = group_of(image.external_id or "", camera), PROTECTED if is_protected else None
        return Scanned(image.image_id, group, assessed, stays), working

    return in_order(look, images, parts.pool)


def _told(one: Scanned, images: dict[str, Image]) -> dict[str, Any]:
    image = images[one.name]
    names = {"image_id": image.image_id, "external_id": image.external_id, "person_id": image.person_id}
    return names | measures(one)


def _hash_of(asked: dict[str, Any], items: Sequence[PlannedItem]) -> str:
    """SHA-256 over what was asked and which images go for the sake of which others."""
    said = [[item.loser["image_id"], item.keeper["image_id"]] for item in items]
    return hashlib.sha256(json.dumps([asked, said], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
