"""Two pictures beside one another: the same answer as a check's, and why not, stage by stage."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from service.domain.errors import BadPictureError
from service.domain.values import Direction, Edit, OperatingPoint, Relation, VerdictKind
from service.workflows.comparison import compare
from service.workflows.known import content_of
from service.workflows.stopwatch import Stopwatch


@pytest.fixture
def compared(parts):
    def run(query, reference, point=OperatingPoint.BALANCED):
        return compare(query, reference, parts, Stopwatch(), point=point)

    return run


def stages(answer):
    return {stage.name: stage.passed for stage in answer.stages}


@pytest.mark.parametrize(("kind", "relation"), [("PNG", Relation.IDENTICAL), ("BMP", Relation.SAME_PIXELS)])
def test_equal_pictures_are_told_by_bytes_and_pixels_alone(compared, written, coffee, kind, relation):
    """Certain, with nothing red on the map."""
    answer = compared(written(coffee, "PNG"), written(coffee, kind))
    assert (answer.kind, answer.told.relation, answer.told.probability) == (VerdictKind.DUPLICATE, relation, 1.0)
    assert stages(answer) == {"bytes": kind == "PNG", "pixels": True, "probability": True}
    assert answer.why_not == ()
    shown = cv2.imdecode(np.frombuffer(answer.change_map, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.ptp(shown, axis=2).max() == 0


def test_a_copy_under_stripes_is_a_duplicate(compared, written, astronaut):
    """A quarter of its cells are lost and a half lies in place; what is fine between the stripes agrees."""
    rows, columns = np.indices(astronaut.shape[:2])
    stripes = ((rows + 2 * columns) % 48 < 12)[..., None]
    answer = compared(written(np.where(stripes, np.uint8((200, 40, 90)), astronaut)), written(astronaut))
    assert answer.told.evidence.in_place < 0.7
    assert (answer.kind, answer.told.relation) == (VerdictKind.DUPLICATE, Relation.EDITED)


def test_a_crop_is_laid_where_it_was_cut(compared, written, coffee):
    """Proved by geometry, and what it does not show is dark."""
    answer = compared(written(coffee[40:300, 100:400]), written(coffee))
    assert (answer.kind, answer.told.edits) == (VerdictKind.DUPLICATE, (Edit.CROPPED,))
    assert answer.told.evidence.reference_region == pytest.approx((100 / 512, 40 / 341, 400 / 512, 300 / 341), abs=0.03)
    assert stages(answer)["keypoints"]
    assert stages(answer)["cells"]
    shown = cv2.imdecode(np.frombuffer(answer.change_map, np.uint8), cv2.IMREAD_COLOR_RGB)
    grey = cv2.cvtColor(coffee, cv2.COLOR_RGB2GRAY)
    assert shown[:30].mean() < 0.5 * grey[:30].mean()
    assert shown[60:280, 120:380].mean() == pytest.approx(grey[60:280, 120:380].mean(), rel=0.05)


def test_a_mirror_image_is_the_copy_where_it_carries_blocks_of_an_earlier_jpeg(compared, written, coffee):
    """Sides that are no multiple of eight put them elsewhere; without them nobody could tell."""
    source = written(coffee[:333, :509], "JPEG", quality=90)
    mirrored = written(np.asarray(Image.open(io.BytesIO(source)))[:, ::-1], "JPEG", quality=95)
    assert compared(mirrored, source).told.edits == (Edit.FLIPPED,)
    assert compared(mirrored, source).told.direction is Direction.QUERY_FROM_REFERENCE
    assert compared(source, mirrored).told.direction is Direction.REFERENCE_FROM_QUERY
    plain = written(coffee[:333, 508::-1])
    assert compared(plain, written(coffee[:333, :509])).told.direction is Direction.UNKNOWN


def test_strangers_are_told_apart_stage_by_stage(compared, written, coffee, astronaut):
    """Every reason that there is, and no map."""
    answer = compared(written(coffee), written(astronaut))
    assert (answer.kind, answer.told.relation, answer.change_map) == (VerdictKind.UNIQUE, Relation.UNRELATED, None)
    assert not any(stages(answer)[name] for name in ("bytes", "pixels", "frames", "keypoints", "probability"))
    assert len(answer.why_not) >= 3
    assert any("of 256 bits" in text for text in answer.why_not)
    assert not any("bytes" in text for text in answer.why_not)


def test_a_flat_picture_is_compared_no_further_than_pixels(compared, written, coffee):
    """Nothing could be told of it."""
    flat = np.full((200, 300, 3), 128, np.uint8)
    answer = compared(written(flat, "PNG"), written(coffee))
    assert (answer.kind, answer.similarity, answer.told.probability) == (VerdictKind.UNIQUE, None, 0.0)
    assert any("query" in text for text in answer.why_not)
    assert answer.told.evidence.unknown["inliers"]


def test_what_whole_frames_settle_needs_no_geometry(compared, written, coffee):
    """And the stages say that it was not asked."""
    answer = compared(written(coffee, quality=80), written(coffee, "PNG"))
    assert answer.told.relation is Relation.REENCODED
    assert (stages(answer)["frames"], stages(answer)["keypoints"], stages(answer)["cells"]) == (True, None, None)


def test_one_line_that_differs_on_a_page_is_named_as_what_contradicts(compared, written):
    """A corrected form, or another one of the same make: nobody but a person can tell."""

    def page(name):
        sheet = Image.new("RGB", (400, 512), "white")
        pen = ImageDraw.Draw(sheet)
        for line in range(14):
            pen.text((20, 10 + 34 * line), f"{line} field {line * 7919 % 1000} of the form", fill="black", font_size=22)
        pen.rectangle((20, 486, 380, 508), fill="white")
        pen.text((20, 486), name, fill="black", font_size=22)
        return np.asarray(sheet)

    answer = compared(written(page("Ada Lovelace, London")), written(page("Emmy Noether, Erlangen")))
    assert answer.kind is VerdictKind.UNCERTAIN
    assert stages(answer)["contradictions"] is False
    assert "one spot shows something else" in answer.why_not


def test_stored_pictures_are_compared_as_a_check_compares_them(asked, taken, compared, parts, written, coffee):
    """With the same relation, probability and evidence, whichever way the query comes."""
    image = taken(written(coffee)).image
    query = written(coffee[10:330, 15:500])
    match = asked(query).verdict.matches[0]
    known = content_of(image.image_id, parts)
    answer = compared(query, known)
    assert (answer.told.relation, answer.told.probability) == (match.relation, match.probability)
    assert answer.told.evidence == match.evidence
    assert answer.similarity == pytest.approx(match.similarity, abs=1e-3)
    assert compared(known, known).told.relation is Relation.IDENTICAL


def test_nothing_is_kept(compared, parts, originals, written, coffee):
    """No row, no file."""
    compared(written(coffee, quality=80), written(coffee))
    assert (parts.catalogue.head(), originals()) == (0, [])


def test_a_broken_picture_is_refused(compared, written, coffee):
    """As anywhere."""
    with pytest.raises(BadPictureError):
        compared(written(coffee), b"no picture at all")
