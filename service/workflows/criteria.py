"""Every criterion that a removal may be asked for, by its name on the wire, with its own parameters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from service.domain.errors import UnknownSpaceError
from service.domain.likeness import Distance
from service.workflows.by_copy import ByCopy
from service.workflows.by_further_space import ByFurtherSpace, most_distant, seen_by
from service.workflows.by_space import BySpace
from service.workflows.matchers import MATCHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.descriptors.protocol import SpaceModel
    from service.workflows.by_further_space import Sight
    from service.workflows.matchers import Matcher

SIMILAR = "similar:"
"""Followed by the name of a descriptor space."""
BUILTIN = f"{SIMILAR}builtin"
_OF_SIMILAR = ("metric", "threshold")

CRITERIA: dict[str, tuple[Callable[..., Matcher], tuple[str, ...]]] = {
    **MATCHERS,
    "copy": (ByCopy, ("operating_point",)),
    BUILTIN: (BySpace, _OF_SIMILAR),
}
"""Those that are always there, each with its own parameters. There is one more for each further space that is set."""


def parameters_of(name: str) -> tuple[str, ...]:
    """The names of a criterion's own parameters."""
    return CRITERIA[name][1] if name in CRITERIA else _OF_SIMILAR


def criterion(
    name: str,
    parameters: Mapping[str, Any],
    further: Mapping[str, SpaceModel],
    sight: Callable[[SpaceModel], Sight] | None = None,
) -> Matcher:
    """The matcher of that name; `further` are the models that are set, by their names.

    `sight`, where pictures are looked at in other processes, says how they come by the model. Raises UnknownSpaceError,
    naming the spaces there are, and NoThresholdError.
    """
    check_criterion(name, parameters, further)
    if name in CRITERIA:
        return CRITERIA[name][0](**parameters)
    model = further[name.removeprefix(SIMILAR)]
    return ByFurtherSpace(model, partial(seen_by, model) if sight is None else sight(model), **parameters)


def check_criterion(name: str, parameters: Mapping[str, Any], further: Mapping[str, SpaceModel]) -> None:
    """Raises UnknownSpaceError, and NoThresholdError where a further space needs one."""
    if name in CRITERIA:
        return
    space = name.removeprefix(SIMILAR)
    if space not in further:
        spaces = ", ".join(("builtin", *further))
        raise UnknownSpaceError(f"There is no descriptor space {space!r}; there is: {spaces}.")
    most_distant(further[space], parameters.get("threshold"), Distance(parameters.get("metric", Distance.COSINE)))


__all__ = ["CRITERIA", "SIMILAR", "check_criterion", "criterion", "parameters_of"]
