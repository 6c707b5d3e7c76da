"""The verdict block: CONTRACT's names, nothing made up, and the same on the wire as on disk."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from service import wiring
from service.domain.values import OperatingPoint
from service.domain.verdict import FITTED
from service.settings import Settings
from service.workflows.arrival import Wish
from service.workflows.block import verdict_block
from service.workflows.check import check
from service.workflows.ingest import ingest

QUALITY = {
    "overall",
    "sharpness",
    "effective_megapixels",
    "colourfulness",
    "exposure",
    "compression",
    "contrast",
    "noise",
    "blocking",
    "enlargement",
    "jpeg_quality",
    "was_lossy",
    "moved_grid",
    "bit_depth",
    "metadata_kept",
    "camera_named",
    "margin",
    "earlier_jpeg_quality",
    "tones_changed",
    "tones_stretched",
    "lights_cut_at",
}
AUTHENTICITY = {"risk", "screenshot", "recapture", "generated", "presentation_attack", "signals"}
EVIDENCE = {
    "content_hash_equal",
    "pixels_equal",
    "phash_distance",
    "appearance",
    "inliers",
    "agreement",
    "in_place",
    "query_overlap",
    "reference_overlap",
    "transform",
    "reference_region",
}
MATCH = {
    "image_id",
    "external_id",
    "relation",
    "edits",
    "direction",
    "probability",
    "similarity",
    "evidence",
    "recommendation",
    "links",
    "unknown",
}
NAMES = {"verdict", "probability", "recommendation", "matches", "query", "index", "timings_ms"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory, pool, astronaut, coffee, written):
    """One answer for each way of matching, from a store with a photograph and a blank picture."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "DecodePool", lambda *_, **__: pool)
        parts = wiring.build(Settings(_env_file=None, data=tmp_path_factory.mktemp("data")))
    blank = np.full((60, 60, 3), 200, np.uint8)
    for data in (written(astronaut, quality=92), written(blank, "PNG")):
        ingest(data, Wish(), parts)
    captioned = astronaut.copy()
    captioned[440:] = 255
    files = {
        "identical": written(astronaut, quality=92),
        "reencoded": written(astronaut, quality=60),
        "edited": written(astronaut[:, ::-1]),
        "uncertain": written(captioned),
        "stranger": written(coffee),
        "blank": written(blank, "BMP"),
    }
    yield {name: check(data, parts, top_k=5, point=OperatingPoint.BALANCED) for name, data in files.items()}
    parts.catalogue.close()


@pytest.fixture(scope="module")
def blocks(answers):
    return {name: verdict_block(checked) for name, checked in answers.items()}


def test_the_names_are_those_of_the_contract(blocks):
    """Beside them stand `too_little_detail`, `quick`, `animated` and the reasons for what is unknown, and nothing else."""
    for block in blocks.values():
        assert set(block) == NAMES | {"too_little_detail", "quick"}
        assert set(block["recommendation"]) == {"action", "keeper", "reasons", "policy", "model"}
        assert all(set(reason) == {"text", "weight"} for reason in block["recommendation"]["reasons"])
        query = block["query"]
        names = {"sha256", "format", "width", "height", "bytes", "quality", "authenticity", "animated"}
        names |= {"faces", "unknown"}
        assert set(query) == names
        assert set(query["quality"]) == QUALITY | {"unknown"}
        assert set(query["authenticity"]) == AUTHENTICITY | {"unknown"}
        assert set(block["index"]) == {"sequence", "size", "model"}
        assert set(block["timings_ms"]) == {"decode", "embed", "search", "verify", "assess", "total"}
        for match in block["matches"]:
            assert set(match) == MATCH
            assert set(match["evidence"]) == EVIDENCE | {"unknown"}
            assert set(match["recommendation"]) == {"action"}
            assert match["links"] == {"thumbnail": f"/images/{match['image_id']}/thumbnail"}


def test_each_way_of_matching_is_named(blocks):
    """The other tests here rest on it."""
    relations = {name: [match["relation"] for match in block["matches"]] for name, block in blocks.items()}
    assert relations == {
        "identical": ["identical"],
        "reencoded": ["reencoded"],
        "edited": ["edited"],
        "uncertain": ["edited"],
        "stranger": [],
        "blank": ["same_pixels"],
    }


def test_every_unknown_number_has_its_reason(blocks):
    """And no known one has."""
    for block in blocks.values():
        told = [block["query"]["quality"], block["query"]["authenticity"]]
        told += [match["evidence"] for match in block["matches"]]
        told += [{"similarity": match["similarity"], "unknown": match["unknown"]} for match in block["matches"]]
        for numbers in told:
            assert {name for name, value in numbers.items() if value is None} == set(numbers["unknown"])
            assert all(numbers["unknown"].values())


def test_the_block_survives_json_unchanged(blocks):
    """What is kept beside an image equals what was sent."""
    for block in blocks.values():
        assert json.loads(json.dumps(block, allow_nan=False)) == block


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.99999999, 0.9999),
        (math.nextafter(1.0, 0), 0.9999),
        (0.99994, 0.9999),
        (0.98765, 0.9877),
        (1.0, 1.0),
        (0.0, 0.0),
    ],
)
def test_a_probability_is_never_rounded_up_to_certainty(answers, probability, shown):
    """Only equal bytes or pixels are certain."""
    checked = answers["reencoded"]
    match = replace(checked.verdict.matches[0], probability=probability)
    block = verdict_block(replace(checked, verdict=replace(checked.verdict, probability=probability, matches=(match,))))
    assert block["probability"] == shown
    assert block["matches"][0]["probability"] == shown


def test_the_recommendation_is_on_the_block_and_on_the_match(blocks):
    """Delete the query, keep the stored one; an edit is for a person. Policy and model are named."""
    identical, edited = blocks["identical"], blocks["edited"]
    assert identical["recommendation"]["action"] == "delete"
    assert identical["recommendation"]["keeper"] == identical["matches"][0]["image_id"]
    assert identical["matches"][0]["recommendation"] == {"action": "keep"}
    assert edited["recommendation"]["action"] in {"keep", "review"}
    assert edited["matches"][0]["recommendation"]["action"] in {"keep", "review"}
    named = {(block["recommendation"]["policy"], block["recommendation"]["model"]) for block in blocks.values()}
    assert named == {("keeper-2", f"builtin-1+{FITTED.name}")}


def test_the_index_says_how_far_it_had_read(blocks):
    """Two commits, one of them with a vector."""
    assert blocks["stranger"]["index"] == {"sequence": 2, "size": 1, "model": "builtin-1"}


def test_the_total_time_covers_its_steps(blocks):
    """Each is a number of milliseconds, none negative."""
    for block in blocks.values():
        steps = dict(block["timings_ms"])
        total = steps.pop("total")
        assert all(spent >= 0 for spent in steps.values())
        assert total >= sum(steps.values()) - 0.05
