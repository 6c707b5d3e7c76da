"""How folder tools are judged: by what they found of the copies, and by pairs of two sources."""

import numpy as np
from PIL import Image

from benchmarks.dedupe_peers import FAMILIES, judged, laid_out, source_of

COPIES = {"1-saved.jpg": "saved", "1-grey.jpg": "grey", "2-saved.jpg": "saved", "3-saved.jpg": "saved"}


def test_a_copy_is_found_in_a_pair_with_anything_of_its_source():
    told = judged([("1.jpg", "1-saved.jpg"), ("1-grey.jpg", "1-saved.jpg"), ("3.jpg", "2-saved.jpg")], COPIES)
    assert told["recall"] == 0.5
    assert told["recall_by_edit"] == {"grey": 1.0, "saved": 0.3333}


def test_a_pair_of_two_sources_is_false_and_counts_once():
    told = judged([("1.jpg", "2-saved.jpg"), ("2-saved.jpg", "1.jpg"), ("2.jpg", "3.jpg")], COPIES)
    assert told["false_pairs"] == 2
    assert told["recall"] == 0


def test_each_photograph_has_one_copy_of_each_family_and_the_same_ones_every_time(tmp_path):
    levels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    for name in ("100007", "100039"):
        Image.fromarray(levels).save(tmp_path / f"{name}.jpg")
    laid = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        copies = laid_out(sorted(tmp_path.glob("*.jpg")), folder)
        laid.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert laid[0] == laid[1]
    assert len(laid[0]) == 2 * (1 + len(FAMILIES))
    assert len(copies) == 2 * len(FAMILIES)
    assert {source_of(name) for name in copies} == {"100007", "100039"}
