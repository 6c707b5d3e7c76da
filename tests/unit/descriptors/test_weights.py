"""Files of weights: known by their SHA-256, and nothing opened that could be a program."""

import hashlib
import pickle

import pytest

from service.descriptors.weights import fingerprint, refuse_programs
from service.domain.errors import WeightsError


def test_a_file_is_known_by_the_sha256_of_its_bytes(tmp_path):
    """Of all of them, in however many pieces they are read."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(bytes(range(256)) * 10_000)
    assert fingerprint(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_was_exchanged_is_told_from_what_it_was(tmp_path):
    """Same name, same size, other bytes."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"one")
    weights = fingerprint(path)
    weights.check()
    path.write_bytes(b"two")
    with pytest.raises(WeightsError, match="exchanged"):
        weights.check()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """It may have gone, or be a folder."""
    with pytest.raises(WeightsError, match="gone"):
        fingerprint(tmp_path / "gone.pt")


@pytest.mark.parametrize("name", ["w.pkl", "w.npz", "w.h5", "w"])
def test_a_kind_of_file_that_is_not_read_here_is_refused(tmp_path, name):
    """By its name, before a byte is looked at."""
    with pytest.raises(WeightsError, match="no kind of weights"):
        refuse_programs(tmp_path / name)


def test_a_bare_pickle_is_refused_whatever_torch_ending_it_has(tmp_path):
    """It could run a program."""
    path = tmp_path / "w.pt"
    path.write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(WeightsError, match="pickle"):
        refuse_programs(path)


def test_containers_of_tensors_pass(tmp_path):
    """Their own readers look at the rest."""
    archive = tmp_path / "w.pt"
    archive.write_bytes(b"PK\x03\x04 and more")
    refuse_programs(archive)
    refuse_programs(tmp_path / "w.safetensors")
