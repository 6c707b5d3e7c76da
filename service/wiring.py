"""The composition root: the only place where real parts meet."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from index_store.blobs.local import open_blobs
from index_store.blobs.staging import Staging
from index_store.catalogue import open_catalogue
from index_store.vectors import ExactIndex, Follower
from index_store.vectors.build_child import SECRET, BuildChild
from index_store.vectors.snapshot import SnapshotFolder
from index_store.vectors.snapshot_follower import SnapshotFollower
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
    from index_store.catalogue.sql import SqlCatalogue
    from index_store.records import Space
    from service.settings import Settings


def build(settings: Settings, *, fault_injection: bool = False, wait_for_index: bool = True) -> Parts:
    """Open the store, start the decoders and bring the index level with the log. Raises StoreError.

    Where reading the index takes long, `wait_for_index=False` has it read in the background; until then searches raise
    `IndexBuildingError`.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    model = MODELS[settings.descriptors]
    space = space_of(settings, catalogue)
    _refuse_blind_search(catalogue.undescribed(space.space_id), model.model_id)
    follower = _follower(settings, catalogue, space)
    follower.prepare(wait=wait_for_index)
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


def space_of(settings: Settings, catalogue: SqlCatalogue) -> Space:
    """The space of the model that is set, made if it is new."""
    model = MODELS[settings.descriptors]
    return catalogue.ensure_space(model.name, model.generation(NORMALISE_VERSION), model.dimension, model.metric)


def snapshots_of(settings: Settings, catalogue: SqlCatalogue, space: Space) -> SnapshotFolder:
    """The folder of the space's snapshots, named so that no two generations can meet."""
    return SnapshotFolder(
        settings.index_folder / f"{space.name}-{space.generation}", space, catalogue.keys.secret(SECRET)
    )


def _follower(settings: Settings, catalogue: SqlCatalogue, space: Space) -> Follower:
    if settings.index_url == "exact://":
        return Follower(catalogue, ExactIndex(space.dimension), space)
    folder = snapshots_of(settings, catalogue, space)
    child = BuildChild(settings.effective_catalogue_url, folder.root, space)
    return SnapshotFollower(catalogue, space, folder, child)


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


@contextmanager
def open_snapshots(settings: Settings) -> Iterator[tuple[SqlCatalogue, Space, SnapshotFolder]]:
    """What a rebuild of the index needs: the catalogue, the space and its folder; no decoders and no model."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    try:
        space = space_of(settings, catalogue)
        yield catalogue, space, snapshots_of(settings, catalogue, space)
    finally:
        catalogue.close()


__all__ = ["Parts", "build", "open_keys", "open_snapshots"]
