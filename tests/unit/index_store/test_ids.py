"""Ids sort by time and say nothing else; moments are one spelling of UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from index_store import ids


def test_an_id_is_a_prefix_and_26_crockford_characters():
    """The shape clients see."""
    assert re.fullmatch(r"img_[0-7][0-9A-HJKMNP-TV-Z]{25}", ids.new_image_id())


def test_ids_are_distinct():
    """Eighty random bits apart, even within one millisecond."""
    assert len({ids.new_image_id() for _ in range(5000)}) == 5000


def test_ids_sort_by_the_millisecond(monkeypatch):
    """A later millisecond gives a greater id, whatever the random part."""
    moments = iter(range(1_800_000_000_000, 1_800_000_000_050))
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(moments) * 1_000_000)
    made = [ids.new_image_id() for _ in range(50)]
    assert made == sorted(made)


def test_a_moment_is_utc_with_microseconds():
    """Text order is time order, so every moment has the same 27 characters."""
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert ids.moment(when) == "2026-01-02T01:04:05.000000Z"
    assert len(ids.now()) == 27
    assert datetime.fromisoformat(ids.now()).tzinfo == UTC


def test_a_moment_without_a_zone_is_refused():
    """Nobody can say when it was."""
    with pytest.raises(ValueError, match="time zone"):
        ids.moment(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
