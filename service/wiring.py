"""The composition root: the only place where real parts meet."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from index_store.blobs.local import open_blobs
from index_store.blobs.staging import Staging
from index_store.catalogue import open_catalogue
from index_store.vectors import ExactIndex, Follower
from service.descriptors.registry import MODELS
from service.domain.errors import SettingsError
from service.domain.verdict import FITTED
from service.pictures.admit import NORMALISE_VERSION, Limits
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from service.workflows.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_store.catalogue.protocol import Keys
    from service.settings import Settings


def build(settings: Settings, *, fault_injection: bool = False) -> Parts:
    """Open the store, start the decoders and bring the index level with the log. Raises StoreError."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    model = MODELS[settings.descriptors]
    space = catalogue.ensure_space(model.name, model.generation(NORMALISE_VERSION), model.dimension, model.metric)
    follower = Follower(catalogue, ExactIndex(model.dimension), space)
    _refuse_blind_search(catalogue.undescribed(space.space_id), model.model_id)
    follower.catch_up()
    return Parts(
        settings=settings,
        pool=DecodePool(
            settings.decode_children,
            limits=Limits(
                max_bytes=settings.max_bytes,
                max_pixels=settings.max_pixels,
                max_side=settings.max_side,
                decode_seconds=settings.decode_seconds,
            ),
            budget=MachineBudget(settings.decode_budget),
            fault_injection=fault_injection,
        ),
        catalogue=catalogue,
        keys=catalogue.keys,
        jobs=catalogue.jobs,
        answers=catalogue.answers,
        blobs=open_blobs(settings.effective_blobs_url),
        staging=Staging(settings.data / "staging"),
        space=space,
        follower=follower,
        descriptor=model,
        verdict_model=FITTED,
    )


def _refuse_blind_search(undescribed: int, model_id: str) -> None:
    """A picture without a vector of this model would never be found, and its copies would be called unique."""
    if undescribed:
        raise SettingsError(
            f"{undescribed} stored pictures were described by another model or another version of it than {model_id}. "
            "Start the version that took them in, or take them in anew into an empty data folder."
        )


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """The API keys alone, without decoders or index."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    try:
        yield catalogue.keys
    finally:
        catalogue.close()


__all__ = ["Parts", "build", "open_keys"]
