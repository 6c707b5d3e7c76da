"""A generation is one exact state of a model."""

from dataclasses import replace

import pytest

from service.descriptors.registry import DCT, MODELS


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 2},
        {"preprocessing": "another"},
        {"weights_sha256": "0" * 64},
        {"dimension": 128},
        {"name": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_generation_changes_with_whatever_changes_the_numbers(change):
    """Vectors of two generations are never compared, so no change may keep the old digest."""
    assert replace(DCT, **change).generation(1) != DCT.generation(1)


def test_the_generation_changes_with_the_normalise_version():
    """Other pixels make other numbers."""
    assert DCT.generation(1) != DCT.generation(2)


def test_the_generation_stays_from_run_to_run():
    """A digest that moved by itself would orphan every stored vector."""
    assert DCT.generation(1) == replace(DCT).generation(1)
    assert DCT.generation(1) == "b8e85082991dcce6b26c2067e604cdcf1265e799a6cfe2a2c1ab1c845c3d7bc6"


def test_the_model_is_named_with_its_revision():
    """What verdicts say."""
    assert MODELS["builtin"].model_id == "dct-1"
