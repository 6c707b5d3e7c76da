"""The faces of one picture: found, judged, and asked whether they are living ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.assess.authenticity import NOT_LOOKED_FOR
from service.assess.face_quality import OUTSIDE, assess_face
from service.domain.faces import FoundFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.assess.presentation_attack import Liveness
    from service.domain.faces import Face
    from service.faces.finder import FaceFinder

NOT_ASKED: Final = "living faces are not told from pictures of faces (KEEPONE_PRESENTATION_ATTACK)"
NO_FACE: Final = "no face was found"


@dataclass(frozen=True, slots=True)
class FaceJudge:
    """A detector, and what tells living faces if that is set."""

    finder: FaceFinder
    liveness: Liveness | None = None

    def judge(self, picture: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        """Of an upright RGB picture (H, W, 3)."""
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
