"""What lies on disk, read behind the catalogue's back."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from index_store.catalogue import open_catalogue
from index_store.records import NewVector, ProvedMatch, Removal
from index_store.testing import a_hand_in, a_hash, a_vector
from index_store.testing.samples import DIMENSION


@pytest.fixture
def catalogue(tmp_path):
    opened = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db", clock=lambda: "2026-01-01T00:00:00.000000Z")
    yield opened
    opened.close()


@pytest.fixture
def behind(catalogue, tmp_path):  # noqa: ARG001 - the file must be there first
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        yield connection


@pytest.fixture
def space(catalogue):
    return catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")


def test_a_vector_lies_there_as_little_endian_float16(catalogue, behind, space):
    """So that any program on any machine can read it."""
    catalogue.append(a_hand_in("a", space), searched_to=0)
    [(values,)] = behind.execute('SELECT "values" FROM vector').fetchall()
    assert np.array_equal(np.frombuffer(values, "<f2"), a_vector("a"))


def test_a_box_is_null_for_the_whole_picture(catalogue, behind, space):
    """SQL's null, not JSON's."""
    boxed = NewVector(space.space_id, a_vector("face"), ordinal=1, box=(0.1, 0.2, 0.3, 0.4))
    entry = a_hand_in("a", space)
    catalogue.append(replace(entry, vectors=(*entry.vectors, boxed)), searched_to=0)
    found = behind.execute("SELECT ordinal, box FROM vector ORDER BY ordinal").fetchall()
    assert found == [(0, None), (1, "[0.1,0.2,0.3,0.4]")]


def test_a_proof_is_kept_once_a_pair_and_the_newest_counts(catalogue, behind, space):
    """And only when both contents are held."""
    first = ProvedMatch(a_hash("b"), a_hash("a"), "edited", 0.8, {"inliers": 20}, "builtin-1", "1")
    catalogue.append(a_hand_in("a", space), searched_to=0)
    lost = replace(first, reference_content=a_hash("nobody"))
    catalogue.append(a_hand_in("b", space, matches=(first, lost)), searched_to=1)
    better = replace(first, probability=0.9, evidence={"inliers": 40})
    catalogue.append(a_hand_in("b", space, matches=(better,)), searched_to=2)
    [(query, reference, probability, evidence)] = behind.execute(
        "SELECT query_content, reference_content, probability, evidence FROM match"
    ).fetchall()
    assert (query, reference, probability) == (a_hash("b"), a_hash("a"), 0.9)
    assert json.loads(evidence) == {"inliers": 40}


def test_the_log_tells_what_each_commit_did(catalogue, behind, space):
    """One change an effect, in commit order."""
    one = catalogue.append(a_hand_in("a", space), searched_to=0).image
    two = catalogue.append(a_hand_in("a", space), searched_to=1).image
    for image in (one, two, two):
        catalogue.append(Removal(image.image_id), searched_to=0)
    catalogue.append(a_hand_in("a", space), searched_to=4)
    told = behind.execute("SELECT sequence, kind FROM change ORDER BY sequence").fetchall()
    assert told == list(enumerate(["stored", "referenced", "removed", "withdrawn", "restored"], 1))


def test_a_number_of_a_vector_is_never_given_again(catalogue, behind, space):
    """Even when the last vector is purged, for an index may still hold it."""
    catalogue.append(a_hand_in("a", space), searched_to=0)
    with behind:
        behind.execute("DELETE FROM vector")
    catalogue.append(a_hand_in("b", space), searched_to=1)
    assert behind.execute("SELECT id FROM vector").fetchall() == [(2,)]


def test_a_key_lies_there_as_a_digest_only(catalogue, tmp_path):
    """The secret is nowhere in the file."""
    made = catalogue.keys.create("phone", "write")
    assert made.secret.encode() not in (tmp_path / "catalogue.db").read_bytes()
    assert made.key.digest in (tmp_path / "catalogue.db").read_bytes()


def test_a_secret_is_the_same_in_every_process(catalogue, tmp_path):
    """Two openings of one file are as good as two processes."""
    other = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    assert other.keys.secret("session") == catalogue.keys.secret("session")
    other.close()
