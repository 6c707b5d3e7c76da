"""What the tests of the words share: the repository's root and its texts."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def reference():
    """The text of a page of docs/reference, by its name."""
    return lambda name: (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
