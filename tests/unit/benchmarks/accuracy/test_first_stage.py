"""Any descriptor is asked the same way."""

from dataclasses import replace

import numpy as np
from PIL import Image
from skimage import data

from benchmarks.accuracy import first_stage, stirmark
from benchmarks.accuracy.first_stage import Descriptor, best, built_in, mirrored, posed, scored, stirmarked

PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def test_the_closest_view_of_a_query_counts():
    """Here its second row."""
    rows = np.array([[1, 0], [0, 1]], np.float32)
    assert best(rows, np.array([[0.6, 0.8], [0, -1]], np.float32)).tolist() == [np.float32(0.8), 0]


def test_a_mirrored_query_is_asked_as_it_is_too():
    """Left and right change places, colours do not."""
    first, second = mirrored(PICTURE)
    assert np.array_equal(first, PICTURE)
    assert np.array_equal(second[:, 0], PICTURE[:, 3])


def test_a_picture_has_eight_poses():
    """All different, half of them upright."""
    poses = posed(PICTURE)
    assert len({pose.tobytes() + bytes(pose.shape) for pose in poses}) == 8
    assert sorted(pose.shape for pose in poses) == [(2, 4, 3)] * 4 + [(4, 2, 3)] * 4


def test_every_query_is_scored_against_the_whole_gallery(small_set, tmp_path):
    """By the mean brightness of its brightest view; a row a query, a column a gallery picture."""
    named = replace(small_set, folder=tmp_path)
    for below, names in (("pictures", ["a.jpg", "b.jpg", "c.jpg"]), ("queries", [q.file for q in named.queries])):
        (tmp_path / below).mkdir()
        for level, name in enumerate(names, 1):
            Image.new("RGB", (8, 8), (level * 40,) * 3).save(tmp_path / below / name)
    brightness = Descriptor(
        "mean",
        lambda pictures: np.array([[picture.mean() / 40] for picture in pictures], np.float32),
        lambda picture: [picture, picture // 2],
    )
    scores = scored(named, brightness)
    assert np.allclose(scores.values, np.outer([1, 2, 3, 4], [1, 2, 3]), atol=0.1)


def test_the_built_in_descriptor_finds_a_cut_copy():
    """It is asked as the service asks it."""
    picture, network = data.astronaut(), built_in()
    gallery = network.describe([picture, data.coffee()])
    near, far = best(network.describe(network.views(picture[60:-60, 60:-60])), gallery)
    assert near > far + 0.2


def test_stirmarks_attacks_are_asked_of_the_first_references(small_set, tmp_path, monkeypatch):
    """Each value apart and all together; bright and dark are told apart in any size, but not after what is no copy."""
    (tmp_path / "pictures").mkdir()
    for name, level in (("a", 250), ("b", 10), ("c", 128)):
        Image.new("RGB", (8, 8), (level,) * 3).save(tmp_path / "pictures" / f"{name}.jpg")
    monkeypatch.setattr(first_stage, "VALUES", {"Rescale": (50, 200), "Break": (1,)})
    monkeypatch.setitem(stirmark.ATTACKS, "Break", lambda picture, _value, _rng: 255 - picture)
    brightness = Descriptor("mean", lambda pictures: np.array([[p.mean() - 128, 1] for p in pictures], np.float32))
    told = stirmarked(replace(small_set, folder=tmp_path), brightness, 1, sources=2)
    assert told["depth"] == 1
    assert (told["Rescale"]["value"], told["Rescale"]["n"]) == (1, 4)
    assert told["Rescale"]["by_value"] == {"50": 1, "200": 1}
    assert told["Break"]["value"] == 0
