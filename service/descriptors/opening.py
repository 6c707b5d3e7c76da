"""Further descriptor models by name. Only what the settings list is ever opened; a client's name opens nothing.

The libraries behind them are large, and are asked for here, when a model is opened, and nowhere before.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from typing import TYPE_CHECKING

from service.domain.errors import SettingsError

if TYPE_CHECKING:
    from service.descriptors.protocol import SpaceModel

BUILTIN = "builtin"
KINDS = {"clip": "service.descriptors.clip", "deepface": "service.descriptors.deepface"}
"""By what stands before the colon of a name: the module whose `opened(name, settings)` opens it."""


def opened(name: str, settings: object) -> SpaceModel:
    """The model of that name, e.g. `clip:ViT-B-32/laion2b_s34b_b79k` or `deepface:Dlib`, as these settings have it.

    Raises SettingsError where its libraries are not installed, and what the module raises.
    """
    kind = name.partition(":")[0]
    try:
        module = import_module(KINDS[kind])
    except ImportError as error:
        raise SettingsError(
            f"KEEPONE_DESCRIPTORS names {name}, and a library that it needs is not installed ({error}): "
            f"pip install 'keepone[{'faces' if kind == 'deepface' else kind}]'"
        ) from error
    model: SpaceModel = module.opened(name, settings)
    return model


def generation_of(model: SpaceModel, normalise_version: int) -> str:
    """64 hex digits over all that changes the model's numbers; another digest means numbers never to be compared."""
    state = {"name": model.name, "dimension": model.dimension, "of_faces": model.of_faces, **model.state}
    told = json.dumps(state | {"normalise_version": normalise_version}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def is_name(text: str) -> bool:
    """Whether it is spelled as a model's name is: a kind that there is, a colon, and what it is called there."""
    kind, colon, rest = text.partition(":")
    return kind in KINDS and bool(colon) and bool(rest) and text.isprintable() and rest == rest.strip()
