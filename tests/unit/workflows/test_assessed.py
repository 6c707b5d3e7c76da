"""What was assessed of a stored content, also of one that came in when less was measured."""

from dataclasses import asdict, fields

import pytest

from index_store.records import Content
from service.domain.values import Authenticity, Quality
from service.workflows.assessed import NOT_THEN, assessed_of


def a_content(quality, authenticity):
    return Content(
        sha256="0" * 64,
        bytes=10,
        format="PNG",
        width=4,
        height=3,
        pixel_hash="1" * 64,
        phash=bytes(32),
        normalise_version=1,
        quality=quality,
        authenticity=authenticity,
    )


def test_everything_that_was_measured_comes_back():
    """As it was kept."""
    quality = Quality(overall=0.5, sharpness=0.4, jpeg_quality=90, unknown={"noise": "why"})
    authenticity = Authenticity(generated=1.0, signals=("a mark",))
    read = assessed_of(a_content(asdict(quality), asdict(authenticity)))
    assert read.quality == quality
    assert read.authenticity == Authenticity(generated=1.0, signals=("a mark",))


@pytest.mark.parametrize("quality", [{}, {"sharpness": 0.4, "overall": None, "unknown": {"overall": "not measured"}}])
def test_what_was_not_measured_then_is_unknown_with_that_reason(quality):
    """And reasons from then stay."""
    read = assessed_of(a_content(quality, {})).quality
    missing = {part.name for part in fields(Quality)} - {"unknown"} - set(quality)
    assert {name for name, why in read.unknown.items() if why == NOT_THEN} == missing
    assert read.sharpness == quality.get("sharpness")
    assert quality.get("unknown", {}).items() <= read.unknown.items()
