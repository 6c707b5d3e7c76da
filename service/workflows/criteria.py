"""Every criterion that a removal may be asked for, by its name on the wire, with its own parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.descriptors.registry import MODELS
from service.domain.errors import UnknownSpaceError
from service.workflows.by_copy import ByCopy
from service.workflows.by_space import BySpace, Metric
from service.workflows.matchers import MATCHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.workflows.matchers import Matcher

SIMILAR = "similar:"
"""Followed by the name of a descriptor space."""

CRITERIA: dict[str, tuple[Callable[..., Matcher], tuple[str, ...]]] = {
    **MATCHERS,
    "copy": (ByCopy, ("operating_point",)),
    **{f"{SIMILAR}{space}": (BySpace, ("metric", "threshold")) for space in MODELS},
}
"""Each with its own parameters."""


def criterion(name: str, parameters: Mapping[str, Any]) -> Matcher:
    """The matcher of that name. Raises UnknownSpaceError, naming the spaces there are."""
    check_criterion(name)
    return CRITERIA[name][0](**parameters)


def check_criterion(name: str) -> None:
    """Raises UnknownSpaceError."""
    if name not in CRITERIA:
        spaces = ", ".join(MODELS)
        raise UnknownSpaceError(f"There is no descriptor space {name.removeprefix(SIMILAR)!r}; there is: {spaces}.")


__all__ = ["CRITERIA", "SIMILAR", "Metric", "check_criterion", "criterion"]
