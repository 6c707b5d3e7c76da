"""Further models where no parts are at hand: for a folder's matcher, in whatever process it looks."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from service.descriptors import opening
from service.workflows.by_further_space import seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.descriptors.protocol import SpaceModel
    from service.settings import Settings
    from service.workflows.by_further_space import Sight, Vectors
    from service.workflows.matchers import Picture

_lock = threading.Lock()
_here: dict[str, SpaceModel] = {}
"""Opened once in each process."""


def _model(name: str, settings: Settings) -> SpaceModel:
    with _lock:
        if name not in _here:
            _here[name] = opening.opened(name, settings)
        return _here[name]


@contextmanager
def opened(settings: Settings, name: str) -> Iterator[dict[str, SpaceModel]]:
    """The model of that name, if it is one that is set, for as long as the block."""
    if name not in settings.further_spaces:
        yield {}
        return
    model = _model(name, settings)
    try:
        yield {name: model}
    finally:
        with _lock:
            _here.pop(name, None)
        model.close()


def sight(settings: Settings, model: SpaceModel) -> Sight:
    """How a picture is seen by that model, in this process or in another one: it can be pickled."""
    return partial(_seen, model.name, settings)


def _seen(name: str, settings: Settings, picture: Picture) -> Vectors:
    return seen_by(_model(name, settings), picture)
