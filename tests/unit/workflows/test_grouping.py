"""Which pictures may be committed together: never two that a verdict might join."""

from dataclasses import dataclass

import numpy as np
import pytest

from index_store.records import Committed
from service.descriptors.builtin import Builtin
from service.descriptors.registry import BUILTIN
from service.domain.verdict import FITTED
from service.workflows import grouping
from service.workflows.grouping import Lately, Recent
from service.workflows.nearest import Horizon
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study

ASKS = 0.75
"""From this similarity on geometry is asked."""


@pytest.fixture(scope="module")
def studied(pool):
    """What is known of a file once it was looked at."""

    @dataclass
    class Seeing:
        pool: object
        embedder: Builtin
        faces: None = None

    seeing = Seeing(pool, Builtin(BUILTIN))
    return lambda data: study(data, seeing, Stopwatch(), wait_s=None)


@pytest.fixture(scope="module")
def subjects(studied, photographs, written):
    names = ("astronaut", "coffee", "rocket", "chelsea", "gravel", "camera", "clock", "page")
    return {name: studied(written(photographs[name], quality=90)) for name in names}


@dataclass(frozen=True)
class At:
    """As much of a committed image as is remembered of it."""

    sequence: int
    content_id: str


def committed(sequence):
    return Committed(sequence, At(sequence, f"{sequence:064x}"))


def recent(*subjects, asks=ASKS):
    made = Recent(FITTED, asks)
    for subject in subjects:
        made.add(subject)
    return made


def test_strangers_may_go_together(subjects):
    """Else no group would ever be larger than one."""
    names = list(subjects)
    for place, name in enumerate(names):
        assert not recent(*(subjects[other] for other in names[:place])).might_match(subjects[name])


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture,
        lambda picture: picture[:, ::-1],
        np.rot90,
        lambda picture: np.rot90(picture[:, ::-1]),
        lambda picture: picture[::2, ::2],
        lambda picture: np.clip(picture * 0.8 + 30, 0, 255).astype(np.uint8),
    ],
    ids=["reencoded", "mirrored", "turned", "transposed", "half", "paler"],
)
def test_a_possible_copy_has_to_wait(subjects, studied, photographs, written, change):
    """In every pose, whatever stands between the two."""
    copy = studied(written(change(photographs["astronaut"]), quality=50))
    assert recent(*subjects.values()).might_match(copy)
    assert recent(copy, *(subjects[name] for name in subjects if name != "astronaut")).might_match(
        subjects["astronaut"]
    )


def test_who_was_laid_on_it_and_is_a_stranger_is_not_waited_for(subjects):
    """However similar; who may be a copy still is."""
    before, one = recent(subjects["coffee"], asks=-1.0), subjects["rocket"]
    coffee = subjects["coffee"].assessed.facts.sha256
    assert before.might_match(one)
    assert [peer.sha256 for peer in before.alike(one)] == [coffee]
    assert not before.might_match(one, laid={coffee: True})
    assert before.might_match(one, laid={coffee: False})


def test_what_is_farther_than_enough_others_is_not_compared_with(subjects, studied, photographs, written):
    """A search would not have named it among the nearest either."""
    copy = studied(written(photographs["astronaut"][::2, ::2], quality=30))
    similarity = float(copy.vectors[0] @ subjects["astronaut"].vectors[0])
    looked_at = recent(subjects["astronaut"])
    assert looked_at.might_match(copy, horizon=Horizon(similarity))
    assert not looked_at.might_match(copy, horizon=Horizon(similarity + 2 * grouping.CODEC_ERROR))
    assert looked_at.might_match(subjects["astronaut"], horizon=Horizon(1.1)), (
        "equal bytes are found without any descriptor"
    )


def test_what_geometry_is_not_asked_about_is_bounded_by_its_hash(subjects, studied, photographs, written):
    """What is less similar than that is compared as a whole frame alone."""
    cropped = studied(written(photographs["astronaut"][90:, 120:], quality=90))
    similarity = float((cropped.vectors @ subjects["astronaut"].vectors[0]).max())
    assert recent(subjects["astronaut"], asks=similarity).might_match(cropped)
    assert not recent(subjects["astronaut"], asks=similarity + 2 * grouping.CODEC_ERROR).might_match(cropped)
    same = studied(written(photographs["astronaut"], quality=40))
    assert recent(subjects["astronaut"], asks=1.1).might_match(same), "the hash comes near"


def test_who_does_not_stand_out_is_bounded_by_the_hash(subjects, studied, photographs, written):
    """In a quick batch: the picture's own search says from where on, and never less than the descriptor asks."""
    cropped = studied(written(photographs["astronaut"][90:, 120:], quality=90))
    similarity = float((cropped.vectors @ subjects["astronaut"].vectors[0]).max())
    slack = 2 * grouping.CODEC_ERROR
    for stands_out, asks, is_asked in (
        (similarity, -1.0, True),
        (similarity + slack, -1.0, False),
        (-1.0, similarity + slack, False),
    ):
        horizon = Horizon(stands_out=stands_out)
        looked_at = recent(subjects["astronaut"], asks=asks)
        assert looked_at.might_match(cropped, horizon=horizon) is is_asked
        assert bool(looked_at.alike(cropped, horizon=horizon)) is is_asked
    same = studied(written(photographs["astronaut"], quality=40))
    assert recent(subjects["astronaut"]).might_match(same, horizon=Horizon(stands_out=1.1)), "the hash comes near"


def test_flat_pictures_match_by_bytes_or_pixels_alone(studied, written):
    """Two blank pages are no copies for being blank, and the same pixels are, in whatever format."""
    grey, white = np.full((50, 60, 3), 90, np.uint8), np.full((50, 60, 3), 255, np.uint8)
    flat = studied(written(grey, "PNG"))
    assert recent(flat).might_match(studied(written(grey, "BMP")))
    assert not recent(flat).might_match(studied(written(white, "PNG")))


def test_it_asks_only_about_those_that_came_since(subjects):
    """What a search has seen need not be looked at again."""
    looked_at = recent(subjects["astronaut"], subjects["coffee"])
    assert looked_at.might_match(subjects["astronaut"])
    assert not looked_at.might_match(subjects["astronaut"], 1)
    assert not looked_at.might_match(subjects["coffee"], 2)


def test_it_grows_and_forgets_without_mixing_rows_up(subjects):
    """Room for sixty-four at first; what is dropped is the oldest."""
    fillers = [subjects["gravel"]] * (2 * grouping._ROOM)
    looked_at = recent(subjects["coffee"], *fillers, subjects["astronaut"])
    assert len(looked_at) == 2 * grouping._ROOM + 2
    assert looked_at.might_match(subjects["coffee"])
    looked_at.forget(1)
    assert not looked_at.might_match(subjects["coffee"])
    assert looked_at.might_match(subjects["astronaut"], 2 * grouping._ROOM)
    looked_at.add(subjects["coffee"])
    assert looked_at.might_match(subjects["coffee"], 2 * grouping._ROOM + 1)


def test_of_what_was_committed_lately_it_knows_since_when(subjects):
    """By sequence: a search that read further has seen it."""
    lately = Lately(FITTED, ASKS)
    lately.add(committed(4), subjects["astronaut"])
    lately.add(committed(9), subjects["coffee"])
    assert lately.might_match(subjects["astronaut"], 3)
    assert not lately.might_match(subjects["astronaut"], 4)
    assert lately.contents_since(3) == {f"{4:064x}", f"{9:064x}"}
    assert lately.contents_since(4) == {f"{9:064x}"}
    assert lately.contents_since(9) == frozenset()


def test_who_searched_before_all_that_is_remembered_has_to_search_again(subjects, monkeypatch):
    """Nobody knows any more what came then; and not more than twice as many are ever remembered."""
    monkeypatch.setattr(grouping, "REMEMBERED", 3)
    lately = Lately(FITTED, ASKS)
    for sequence in range(1, 30):
        assert len(lately.contents_since(0)) < 6
        lately.add(committed(sequence), subjects["gravel"])
    assert lately.might_match(subjects["coffee"], 20)
    assert not lately.might_match(subjects["coffee"], 27)


def test_a_descriptor_stored_as_float16_seems_no_nearer_than_is_allowed_for(subjects):
    """Else what the index calls a copy might have been taken for a stranger."""
    for one in subjects.values():
        stored = one.vectors[0].astype(np.float16).astype(np.float32)
        for other in subjects.values():
            exact = other.vectors @ one.vectors[0]
            assert np.abs(other.vectors @ stored - exact).max() < grouping.CODEC_ERROR / 2
