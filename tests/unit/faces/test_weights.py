"""Weights that a user brings along: the known file, or a clear refusal."""

import hashlib

import pytest

from service.domain.errors import WeightsError
from service.faces.weights import known_weights

DATA = b"numbers"
SHA256 = hashlib.sha256(DATA).hexdigest()


def test_the_known_file_is_read(tmp_path):
    """Byte for byte."""
    (tmp_path / "w.pth").write_bytes(DATA)
    assert known_weights(tmp_path / "w.pth", SHA256, "somewhere") == DATA


def test_a_missing_file_is_named_with_its_place_and_source(tmp_path):
    """So that whoever reads it knows what to do."""
    with pytest.raises(WeightsError, match=rf"w\.pth cannot be read in {tmp_path}.*somewhere"):
        known_weights(tmp_path / "w.pth", SHA256, "somewhere")


def test_another_file_is_refused(tmp_path):
    """Cut short, damaged or exchanged."""
    (tmp_path / "w.pth").write_bytes(DATA[:-1])
    with pytest.raises(WeightsError, match="not the file that it should be"):
        known_weights(tmp_path / "w.pth", SHA256, "somewhere")
