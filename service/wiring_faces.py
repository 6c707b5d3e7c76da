"""Faces as they are set: which detector, and whether living faces are told from pictures of faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from service.assess import presentation_attack
from service.assess.presentation_attack import MiniFasNet
from service.descriptors.deepface import laid, weights_folder
from service.domain.errors import SettingsError
from service.faces import rfb
from service.faces.dlib_faces import LANDMARKS, DlibFaces
from service.faces.rfb import RfbFaces
from service.faces.weights import known_weights
from service.workflows.faces import FaceJudge

if TYPE_CHECKING:
    from service.faces.finder import FaceFinder
    from service.settings import Settings

DLIB = "dlib"


def face_judge(settings: Settings) -> FaceJudge | None:
    """None where no faces are looked for. Raises SettingsError without the extra, WeightsError without its files."""
    if not settings.faces:
        if settings.presentation_attack:
            raise SettingsError("KEEPONE_PRESENTATION_ATTACK needs faces to judge: set KEEPONE_FACES too.")
        return None
    liveness = MiniFasNet(*_networks(weights_folder())) if settings.presentation_attack else None
    return FaceJudge(_finder(settings), liveness)


def _finder(settings: Settings) -> FaceFinder:
    if settings.faces == DLIB:
        folder = weights_folder()
        laid(folder / LANDMARKS)
        return DlibFaces(folder)
    return RfbFaces(known_weights(Path(settings.faces), rfb.SHA256, rfb.SOURCE))


def _networks(folder: Path) -> tuple[bytes, bytes]:
    first, second = (
        known_weights(folder / name, sha256, presentation_attack.SOURCE)
        for name, sha256 in (presentation_attack.FIRST, presentation_attack.SECOND)
    )
    return first, second
