"""What is planted is found: the small version of `benchmarks/faults/fsck.py`."""

from benchmarks.faults.fsck import plant_and_look

EACH = 5


def test_everything_planted_is_named_by_class_and_id_and_nothing_else(tmp_path):
    """Vectors, originals and rows, each broken in its own way, beside as many that are whole."""
    story = plant_and_look(tmp_path / "data", each=EACH)
    assert story.named == story.planted == dict.fromkeys(story.planted, EACH)
    assert len(story.planted) == 7
    assert story.others == 0
