"""Of each row `fsck` keeps little, and nothing wrong."""

import hashlib
import tracemalloc

from index_store.ids import new_image_id
from index_store.inspection import ContentRow, ImageRow
from service.workflows.fsck_rows import Contents, Numbers, Rows

PICTURES = 20_000
BYTES_EACH = 500


def test_little_is_kept_of_each_picture():
    """What the documents say of the memory rests on it."""
    tracemalloc.start()
    try:
        rows = Rows(space=None)
        for number in range(PICTURES):
            name = hashlib.sha256(str(number).encode()).hexdigest()
            rows.contents.keep(ContentRow(name, 1000 + number, too_little_detail=False, sound=True))
            image = ImageRow(new_image_id(), name, "active", number + 1, sound=True)
            rows.images.keep(image, rows.contents.place(name))
            rows.vectors.add(rows.contents.place(name), number + 1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < PICTURES * BYTES_EACH


def test_a_name_that_is_no_hash_is_kept_as_it_is():
    """It may have changed to any bytes; even to as many as a hash has."""
    contents = Contents()
    for name in ("f" * 64, "?" * 32, "", "two words", "\udcff"):
        contents.keep(ContentRow(name, 1, too_little_detail=False, sound=False))
        assert contents.name(contents.place(name)) == name
    assert [contents.name(place) for place in contents.wanted()] == ["f" * 64]


def test_a_place_may_have_any_numbers():
    """Nearly always it is one; none of them stands for none."""
    numbers = Numbers()
    for number in (0, -1, 7):
        numbers.add(3, number)
    assert [numbers.at(place) for place in (0, 3, 9)] == [[], [0, -1, 7], []]
    numbers.forget(3)
    numbers.forget(9)
    numbers.add(3, 5)
    assert numbers.at(3) == [5]
