"""The faces of one picture: found, judged, and asked whether they are living ones.

All that is done by one thread, whoever asks: a network and a detector keep buffers for each thread that ever asked them,
and Dlib's detector is not made for two at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.assess.authenticity import NOT_LOOKED_FOR
from service.assess.face_quality import OUTSIDE, assess_face
from service.descriptors.owner import Owner
from service.domain.faces import FoundFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.assess.presentation_attack import Liveness
    from service.domain.faces import Face
    from service.faces.finder import FaceFinder

NOT_ASKED: Final = "living faces are not told from pictures of faces (KEEPONE_PRESENTATION_ATTACK)"
NO_FACE: Final = "no face was found"


class FaceJudge:
    """A detector, and what tells living faces if that is set."""

    def __init__(self, finder: FaceFinder, liveness: Liveness | None = None) -> None:
        self.finder, self.liveness = finder, liveness
        self._owner: Owner[FaceJudge, NDArray[np.uint8], tuple[FoundFace, ...]] = Owner(
            "faces", lambda: self, lambda _, pictures: [self._all_of(picture) for picture in pictures], most=1
        )

    def judge(self, picture: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        """Of an upright RGB picture (H, W, 3). Several threads may ask at once; they are answered in turn."""
        return self._owner.ask([picture])[0]

    def close(self) -> None:
        self._owner.close()

    def _all_of(self, picture: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        return tuple(self._judged(picture, face) for face in self.finder.find(picture))

    def _judged(self, picture: NDArray[np.uint8], face: Face) -> FoundFace:
        attack = self.liveness.risk(picture, face.box) if self.liveness else None
        why = OUTSIDE if self.liveness else NOT_ASKED
        return FoundFace(
            face.box,
            face.confidence,
            assess_face(picture, face),
            attack,
            {"presentation_attack": why} if attack is None else {},
        )


def presented(judge: FaceJudge | None, faces: tuple[FoundFace, ...]) -> float | str:
    """The largest risk of a picture's faces, or why there is none."""
    if judge is None:
        return NOT_LOOKED_FOR
    known = [face.presentation_attack for face in faces if face.presentation_attack is not None]
    if known:
        return max(known)
    return NOT_ASKED if judge.liveness is None else OUTSIDE if faces else NO_FACE
