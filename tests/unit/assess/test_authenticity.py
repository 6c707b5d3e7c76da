"""Marks become risks and signals; without marks nothing is claimed."""

from dataclasses import replace

import numpy as np
import pytest

from service.assess.authenticity import DRAWN, assess_authenticity
from service.domain.file_facts import FileFacts, Holds, Manifest
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
        "declares the digital source type digitalCapture (not verified)",
    )


@pytest.mark.parametrize("file", [FileFacts(called_screenshot=True), FileFacts(source_type="screenCapture")])
def test_a_declared_screenshot_is_one(file):
    """Whoever declares it."""
    assert assess_authenticity(TINY, file).screenshot == 1.0


def test_programs_for_editing_are_named():
    """As a signal, which is no risk: most good photographs went through one."""
    told = assess_authenticity(TINY, FileFacts(software="Adobe Lightroom 7.1", marks_readable=True))
    assert told.signals == ("edited with Adobe Lightroom 7.1",)
    assert told.risk is None
    assert assess_authenticity(TINY, FileFacts(software="Ver.1.02")).signals == ()


def test_a_picture_that_looks_drawn_is_a_risk_without_any_mark(drawn_page, astronaut):
    """With the signal that made it; a photograph is none."""
    page, photograph = (assess_authenticity(each, FileFacts(marks_readable=True)) for each in (drawn_page, astronaut))
    assert page.risk == page.screenshot > 0.5
    assert page.signals == ("flat, straight and crisp as what a computer draws",)
    assert photograph.screenshot < 0.5
    assert photograph.risk == max(photograph.screenshot, photograph.recapture)
    assert (page.recapture, page.unknown["recapture"]) == (None, DRAWN)
    assert photograph.signals == ()


WITH_C2PA = FileFacts(metadata=frozenset({"c2pa"}), marks_readable=True)


@pytest.mark.parametrize(
    ("holds", "why", "worth", "how"),
    [
        (Holds.TRUSTED, None, "that holds, and whose signer is trusted", "verified"),
        (
            Holds.VALID,
            None,
            "that holds, and whose signer nobody here vouches for",
            "signed, by nobody who is trusted here",
        ),
        (
            Holds.INVALID,
            "the file was changed",
            "that does not hold: the file was changed",
            "in a manifest that does not hold",
        ),
    ],
)
def test_every_claim_of_a_manifest_is_told_with_what_it_is_worth(holds, why, worth, how):
    """A generated picture is one whoever says so; a reader sees whether it was verified."""
    manifest = Manifest(holds, why, "Signer", "Program 2", ("opened", "cropped"), ("trainedAlgorithmicMedia",))
    told = assess_authenticity(TINY, replace(WITH_C2PA, manifest=manifest, edits=("resized",)))
    assert told.generated == 1.0
    assert told.signals == (
        f"carries a C2PA manifest of Program 2 signed by Signer {worth}",
        f"its C2PA manifest tells that it was made from an earlier picture ({how})",
        f"its C2PA manifest tells of edits: cropped ({how})",
        f"declares the digital source type trainedAlgorithmicMedia ({how})",
    )


def test_an_edit_of_a_generated_picture_is_generated():
    """Though nobody verified the manifest that tells so."""
    manifest = Manifest(Holds.TRUSTED, earlier_source_types=("trainedAlgorithmicMedia",))
    assert assess_authenticity(TINY, replace(WITH_C2PA, manifest=manifest)).generated == 1.0


def test_a_manifest_that_nobody_could_verify_says_why():
    """And what its plain bytes show is told as not verified."""
    file = replace(WITH_C2PA, manifest=Manifest(Holds.UNVERIFIED, "that took too long"), edits=("cropped",))
    assert assess_authenticity(TINY, file).signals == (
        "carries a C2PA manifest (not verified: that took too long)",
        "its C2PA manifest tells of edits: cropped (not verified)",
    )


def test_a_source_type_beside_the_manifest_is_not_verified_by_it():
    """XMP is not signed; anybody writes it in after the camera signed."""
    file = replace(
        WITH_C2PA,
        manifest=Manifest(Holds.TRUSTED, source_types=("digitalCapture",)),
        source_type="trainedAlgorithmicMedia",
    )
    told = assess_authenticity(TINY, file)
    assert told.generated == 1.0
    assert "declares the digital source type digitalCapture (verified)" in told.signals
    assert "declares the digital source type trainedAlgorithmicMedia (not verified)" in told.signals


def test_a_grid_all_over_is_a_risk_with_its_signal(astronaut):
    """Of a screen or a print that was photographed."""
    rows, columns = np.mgrid[: astronaut.shape[0], : astronaut.shape[1]]
    grid = 0.8 + 0.2 * np.cos(2.1 * columns + 0.3 * rows) * np.cos(2.1 * rows - 0.3 * columns)
    told = assess_authenticity((astronaut * grid[..., None]).astype(np.uint8), FileFacts(marks_readable=True))
    assert told.risk == told.recapture > 0.5
    assert told.signals == ("a fine grid lies over it, as in a photograph of a screen or of a print",)


@pytest.mark.parametrize(("risk", "signals"), [(0.2, 0), (0.5, 1), (0.9, 1)])
def test_a_face_that_may_be_no_living_one_is_a_risk(risk, signals):
    """And a signal from one half on."""
    told = assess_authenticity(TINY, FileFacts(), risk)
    assert (told.presentation_attack, told.risk) == (risk, risk)
    assert "presentation_attack" not in told.unknown
    assert len(told.signals) == signals
