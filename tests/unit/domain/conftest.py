"""Values that a test can say the telling part of, and leave the rest."""

import pytest

from service.domain.keeper import UNTOUCHED
from service.domain.values import (
    Assessed,
    Authenticity,
    Direction,
    Evidence,
    Match,
    PictureFacts,
    Quality,
    Relation,
)


@pytest.fixture(scope="session")
def a_picture():
    def make(
        width=1000,
        height=800,
        size=100_000,
        *,
        sharpness=0.5,
        animated=False,
        kind="JPEG",
        notes=(),
        sha256="0" * 64,
        screenshot=None,
        generated=None,
        **quality,
    ):
        facts = PictureFacts(sha256, kind, width, height, size, "1" * 64, 1, animated, notes)
        authenticity = Authenticity(screenshot=screenshot, generated=generated)
        detail = {"effective_megapixels": facts.megapixels} | quality
        return Assessed(facts, Quality(sharpness=sharpness, **detail), authenticity)

    return make


@pytest.fixture(scope="session")
def a_match():
    def make(image_id="img_1", relation=Relation.REENCODED, probability=0.99):
        evidence = Evidence(content_hash_equal=False, pixels_equal=False)
        return Match(
            image_id=image_id,
            content_id=f"content of {image_id}",
            external_id=None,
            relation=relation,
            edits=(),
            direction=Direction.UNKNOWN,
            probability=probability,
            similarity=0.99,
            evidence=evidence,
            recommendation=UNTOUCHED,
        )

    return make
