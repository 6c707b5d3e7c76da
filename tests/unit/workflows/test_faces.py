"""Faces are judged where that is set, and told in the answer; nothing is told of them elsewhere."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from service.assess.authenticity import NOT_LOOKED_FOR
from service.assess.face_quality import OUTSIDE
from service.descriptors.owner import ClosedError
from service.domain.faces import Face
from service.domain.values import OperatingPoint
from service.workflows.block import NO_FACES, verdict_block
from service.workflows.check import check
from service.workflows.faces import NO_FACE, NOT_ASKED, FaceJudge, presented

PICTURE = np.full((60, 80, 3), 120, np.uint8)
LEFT, RIGHT, BEYOND = (0.1, 0.1, 0.4, 0.5), (0.6, 0.1, 0.9, 0.5), (1.1, 0.0, 1.4, 0.4)


@dataclass(frozen=True)
class Seen:
    """A detector that knows where the faces are."""

    boxes: tuple = ()

    def find(self, picture):
        assert picture.shape[2] == 3
        return tuple(Face(box, 0.9) for box in self.boxes)


@dataclass(frozen=True)
class Told:
    """Knows the risk of each face."""

    risks: dict

    def risk(self, _, box):
        return self.risks[box]


def test_a_pictures_risk_is_that_of_its_riskiest_face():
    """One face held up to the camera is enough."""
    judge = FaceJudge(Seen((LEFT, RIGHT)), Told({LEFT: 0.1, RIGHT: 0.8}))
    faces = judge.judge(PICTURE)
    assert [face.presentation_attack for face in faces] == [0.1, 0.8]
    assert presented(judge, faces) == 0.8


@pytest.mark.parametrize(
    ("judge", "why"),
    [
        (None, NOT_LOOKED_FOR),
        (FaceJudge(Seen((LEFT,))), NOT_ASKED),
        (FaceJudge(Seen(), Told({})), NO_FACE),
        (FaceJudge(Seen((BEYOND,)), Told({BEYOND: None})), OUTSIDE),
    ],
)
def test_an_unknown_risk_says_why(judge, why):
    """Never a made-up 0."""
    faces = judge.judge(PICTURE) if judge else ()
    assert presented(judge, faces) == why
    assert all(set(face.unknown) == {"presentation_attack"} for face in faces)


def test_an_answer_tells_the_faces_and_their_risk(parts, astronaut, written):
    """With boxes, as shares, and the signal that made the risk."""
    seeing = replace(parts, faces=FaceJudge(Seen((LEFT,)), Told({LEFT: 0.8})))
    query = verdict_block(check(written(astronaut), seeing, top_k=5, point=OperatingPoint.BALANCED))["query"]
    (face,) = query["faces"]
    assert face["box"] == list(LEFT)
    assert face["presentation_attack"] == query["authenticity"]["presentation_attack"] == 0.8
    assert query["authenticity"]["risk"] >= 0.8
    assert any("before the camera" in signal for signal in query["authenticity"]["signals"])
    assert query["unknown"] == {}


def test_where_no_faces_are_looked_for_the_answer_says_so(parts, astronaut, written):
    """Null is not an empty list: that would say that there is no face."""
    query = verdict_block(check(written(astronaut), parts, top_k=5, point=OperatingPoint.BALANCED))["query"]
    assert query["faces"] is None
    assert query["unknown"] == {"faces": NO_FACES}
    assert query["authenticity"]["unknown"]["presentation_attack"] == NOT_LOOKED_FOR


def test_one_thread_asks_for_all():
    """Twelve requests at once leave buffers of one thread behind, and Dlib is never asked twice at a time."""
    threads = set()

    class Watched(Seen):
        def find(self, picture):
            threads.add(threading.get_ident())
            return super().find(picture)

    class WatchedToo(Told):
        def risk(self, picture, box):
            threads.add(threading.get_ident())
            return super().risk(picture, box)

    judge = FaceJudge(Watched((LEFT,)), WatchedToo({LEFT: 0.5}))
    with ThreadPoolExecutor(12) as callers:
        told = [*callers.map(judge.judge, [PICTURE] * 40)]
    judge.close()
    assert [one[0].presentation_attack for one in told] == [0.5] * 40
    assert len(threads) == 1
    with pytest.raises(ClosedError):
        judge.judge(PICTURE)
