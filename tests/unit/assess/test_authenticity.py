"""Marks become risks and signals; without marks nothing is claimed."""

import numpy as np
import pytest

from service.assess.authenticity import assess_authenticity
from service.domain.file_facts import FileFacts
from service.domain.values import Authenticity

PICTURE = np.full((40, 40, 3), 90, np.uint8)
TINY = PICTURE[:8]
NUMBERS = [name for name in Authenticity.__dataclass_fields__ if name not in {"unknown", "signals"}]


@pytest.mark.parametrize(
    "file",
    [
        FileFacts(),
        FileFacts(marks_readable=True),
        FileFacts(generator="ComfyUI"),
        FileFacts(called_screenshot=True),
    ],
)
@pytest.mark.parametrize("picture", [PICTURE, TINY])
def test_what_is_not_known_is_none_with_a_reason(picture, file):
    """Never a made-up 0."""
    told = assess_authenticity(picture, file)
    assert {name for name in NUMBERS if getattr(told, name) is None} == set(told.unknown)
    assert all(told.unknown.values())


@pytest.mark.parametrize(
    "file",
    [
        FileFacts(source_type="trainedAlgorithmicMedia"),
        FileFacts(source_type="compositeWithTrainedAlgorithmicMedia"),
        FileFacts(generator="Midjourney"),
    ],
)
def test_a_declared_generation_is_believed(file):
    """And is the risk, with the signal that made it."""
    told = assess_authenticity(TINY, file)
    assert (told.generated, told.risk) == (1.0, 1.0)
    assert len(told.signals) == 1


def test_a_declared_photograph_lowers_no_risk():
    """A mark can be forged; it is told, and proves nothing."""
    told = assess_authenticity(
        TINY, FileFacts(source_type="digitalCapture", metadata=frozenset({"c2pa"}), marks_readable=True)
    )
    assert told.generated is None
    assert told.risk is None
    assert told.signals == (
        "carries a C2PA manifest (not verified)",
        "declares the digital source type digitalCapture",
    )


@pytest.mark.parametrize("file", [FileFacts(called_screenshot=True), FileFacts(source_type="screenCapture")])
def test_a_declared_screenshot_is_one(file):
    """Whoever declares it."""
    assert assess_authenticity(TINY, file).screenshot == 1.0


def test_programs_for_editing_are_named():
    """As a signal, which is no risk: most good photographs went through one."""
    told = assess_authenticity(TINY, FileFacts(software="Adobe Lightroom 7.1", edits=("cropped",), marks_readable=True))
    assert told.signals == ("edited with Adobe Lightroom 7.1", "its C2PA manifest tells of edits: cropped")
    assert told.risk is None
    assert assess_authenticity(TINY, FileFacts(software="Ver.1.02")).signals == ()


def test_a_picture_that_looks_drawn_is_a_risk_without_any_mark(drawn_page, astronaut):
    """With the signal that made it; a photograph is none."""
    page, photograph = (assess_authenticity(each, FileFacts(marks_readable=True)) for each in (drawn_page, astronaut))
    assert page.risk == page.screenshot > 0.5
    assert page.signals == ("flat, straight and crisp as what a computer draws",)
    assert photograph.screenshot < 0.5
    assert photograph.signals == ()
