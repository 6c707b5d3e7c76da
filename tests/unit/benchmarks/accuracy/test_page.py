"""The page that people read, from the numbers that were measured."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks.accuracy import page
from benchmarks.accuracy.judge import judged, share
from benchmarks.accuracy.metrics import Share


@pytest.fixture
def results(small_set):
    """A set with two descriptors, a program, attacks, films and the service."""
    scores = np.eye(4, 3, dtype=np.float32)
    descriptor = {"gallery_cpu_ms": 1.0, "query_cpu_ms": 2.0, **judged(small_set, scores, (1, 12, 20, 100))}
    some = share(Share(9, 10))
    kind = {
        "uap": 0.987,
        "uap_95": [0.98, 0.99],
        "listed": some,
        "recall_at_p99.9": some,
        "duplicate_balanced": some,
        "edits_right": some,
        "direction_right": some,
        "crop_iou": {"median": None, "n": 0},
    }
    service = {
        "model": "made-1",
        "candidates": 20,
        "single": kind,
        "chain": kind,
        "false_duplicates": {"balanced": {"false": 1, "n": 3000, "at_most_95": 0.0016}},
        "timings_ms": {"total": {"p50": 40.0, "p95": 80.0}},
        "per_transform": {"blur": share(Share(1, 2)), "skew": share(Share(0, 0))},
    }
    program = {"single": {"found": some}, "chain": {"found": some}, "strangers_matched": some}
    section = {
        "set": small_set.named(),
        "first_stage": {"one": descriptor},
        "hashes": {"two": descriptor},
        "folder_tools": {"a program": {**program, "false_pairs": 3, "pairs": 12}},
        "stirmark": {"one": {"depth": 100, "JPEG": some}},
        "bursts": {"neighbours_called_duplicate": some, "others_called_duplicate": some},
        "end_to_end": service,
    }
    return {"report/photos": section}


def test_every_part_has_its_table(results):
    """With bounds beside the shares, and nothing where nothing was measured."""
    text = page.page(results)
    for words in ("## Photographs as references", "one edit | 0.987 (0.980 to 0.990)", "balanced | 1 of 3,000 | 0.16%"):
        assert words in text
    for words in ("| two | 1.0 |", "| a program |", "3 of 12", "| JPEG | 0.900 |", "| neighbouring | 10 |"):
        assert words in text
    assert "None" not in text
    assert "small references" not in text


def test_each_edit_that_was_asked_has_its_bar(results):
    """Beside what the first stage could give; the file is an SVG."""
    [(name, drawn)] = page.plots(results).items()
    assert name == "accuracy-report-photos.svg"
    texts = [node.text for node in ET.fromstring(drawn).iter() if node.text and node.text.strip()]  # noqa: S314 - our own
    assert "blur" in texts
    assert "skew" not in texts
    assert "0.50" in texts


def test_what_was_not_run_is_left_out(results):
    """A part without results has no table, and there is nothing to draw."""
    only = {"report/photos": {"set": results["report/photos"]["set"]}}
    assert "###" not in page.page(only)
    assert page.plots(only) == {}
