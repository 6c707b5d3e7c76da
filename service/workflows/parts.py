"""What the workflows work with: the settings, the decoders, the store and the models, put together by `wiring`."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from index_store.room import Room
from service.workflows.covered import Covered

if TYPE_CHECKING:
    from index_store.blobs.protocol import Blobs
    from index_store.blobs.staging import Staging
    from index_store.catalogue.protocol import Answers, Catalogue, Jobs, Keys
    from index_store.in_use import Held
    from index_store.records import Space
    from index_store.vectors.follower import Follower
    from service.descriptors.builtin import Builtin
    from service.descriptors.protocol import SpaceModel
    from service.descriptors.registry import DescriptorModel
    from service.domain.policy import Policy
    from service.domain.verdict import VerdictModel
    from service.pictures.pool import DecodePool
    from service.settings import Settings
    from service.workflows.faces import FaceJudge
    from service.workflows.spaces import FurtherSpace


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    pool: DecodePool
    catalogue: Catalogue
    keys: Keys
    jobs: Jobs
    answers: Answers
    blobs: Blobs
    staging: Staging
    space: Space
    follower: Follower
    descriptor: DescriptorModel
    embedder: Builtin
    verdict_model: VerdictModel
    policy: Policy
    """What makes one copy better than another, as it is set."""
    held: Held
    """The data folder is in use until this is closed."""
    spaces: tuple[FurtherSpace, ...] = ()
    """Beside the one of copy detection, in the order they are set."""
    faces: FaceJudge | None = None
    """Finds and judges faces, where that is set."""
    room: Room = field(default_factory=Room)
    """Asked before a picture is taken in."""
    covered: Covered = field(default_factory=Covered)
    """How much each further space knew when it was counted last."""
    committing: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one thread of this process that is committing a picture."""

    @property
    def further(self) -> dict[str, SpaceModel]:
        """The further models that are set, by their names."""
        return {space.name: space.model for space in self.spaces}

    def close(self) -> None:
        self.pool.close()
        self.follower.close()
        for space in self.spaces:
            space.follower.close()
            space.model.close()
        if self.faces is not None:
            self.faces.close()
        self.catalogue.close()
        self.held.close()
