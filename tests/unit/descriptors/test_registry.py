"""A generation is one exact state of a model."""

from dataclasses import replace

import pytest

from service.descriptors.registry import BUILTIN, MODELS


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 2},
        {"preprocessing": "another"},
        {"side": 96},
        {"weights_sha256": "0" * 64},
        {"dimension": 128},
        {"name": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_generation_changes_with_whatever_changes_the_numbers(change):
    """Vectors of two generations are never compared, so no change may keep the old digest."""
    assert replace(BUILTIN, **change).generation(1) != BUILTIN.generation(1)


def test_the_generation_changes_with_the_normalise_version():
    """Other pixels make other numbers."""
    assert BUILTIN.generation(1) != BUILTIN.generation(2)


def test_the_generation_stays_from_run_to_run():
    """A digest that moved by itself would orphan every stored vector."""
    assert BUILTIN.generation(1) == replace(BUILTIN).generation(1)
    assert BUILTIN.generation(1) == "675e912d06700b754975095c35f025b1fbb2875c3a654cbc5701eced0ddb49d2"


def test_the_model_is_named_with_its_revision():
    """What verdicts say."""
    assert MODELS["builtin"].model_id == "builtin-1"
