"""The picture that a query is laid on: one that is stored, read as far as it is needed, or one handed in beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from index_store.errors import NotFoundError
from service.descriptors.insets import insets
from service.descriptors.keypoints import CLOSE_KEPT, extract_closely
from service.domain.keypoints import MOST_KEPT
from service.workflows.assessed import assessed_of
from service.workflows.derived import keypoints_of, thumbnail_pixels
from service.workflows.once import once

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from index_store.records import Content
    from service.domain.keypoints import Keypoints
    from service.domain.values import Assessed
    from service.workflows.parts import Parts
    from service.workflows.study import Subject


@dataclass(frozen=True)
class Known:
    """What a check may ask of a reference; the readers are called at most once. May raise StoreError."""

    phash: bytes
    read_assessed: Callable[[], Assessed]
    read_working: Callable[[], NDArray[np.uint8]]
    read_keypoints: Callable[[], Keypoints]

    @once
    def assessed(self) -> Assessed:
        """What was measured of it when it came in."""
        return self.read_assessed()

    @once
    def working(self) -> NDArray[np.uint8]:
        """(h, w, 3), upright, with a long side of at most 512 pixels."""
        return self.read_working()

    @once
    def keypoints(self) -> Keypoints:
        """As many local features as are kept of a stored picture."""
        return self.read_keypoints()

    @once
    def close_keypoints(self) -> Keypoints:
        """With those of a closer look: of the few that take one they are made anew."""
        return self.keypoints.joined(extract_closely(self.working, insets(self.working))[0].first(CLOSE_KEPT))


def content_of(image_id: str, parts: Parts) -> Content:
    """The content of an active image. Raises NotFoundError, StoreError."""
    image = parts.catalogue.image(image_id)
    if image.state != "active":
        raise NotFoundError
    return parts.catalogue.contents([image.content_id])[image.content_id].content


def stored(content: Content, parts: Parts) -> Known:
    """By its row, its thumbnail and its kept features."""
    return proposed(content.sha256, content.phash, lambda: content, parts)


def proposed(content_id: str, phash: bytes, read_content: Callable[[], Content], parts: Parts) -> Known:
    """As `stored`, but its row is read when it is found to be worth it: of those that are proposed few are."""
    return Known(
        phash,
        lambda: assessed_of(read_content()),
        lambda: thumbnail_pixels(content_id, parts),
        lambda: keypoints_of(content_id, parts),
    )


def handed_in(subject: Subject) -> Known:
    """As it would be known if it were stored."""
    return Known(
        subject.posed_phashes[0],
        lambda: subject.assessed,
        lambda: subject.working,
        lambda: subject.keypoints[0].first(MOST_KEPT),
    )
