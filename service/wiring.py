"""The composition root: the only place where real parts meet."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from index_store.blobs.local import open_blobs
from index_store.blobs.staging import Staging
from index_store.catalogue import open_catalogue
from index_store.in_use import hold_alone, share
from index_store.room import Room
from index_store.vectors import ExactIndex, Follower
from index_store.vectors.build_child import SECRET, BuildChild
from index_store.vectors.snapshot import SnapshotFolder
from index_store.vectors.snapshot_follower import SnapshotFollower
from service.descriptors.allocator import keep_little
from service.descriptors.builtin import Builtin
from service.descriptors.opening import BUILTIN, generation_of, opened
from service.descriptors.registry import MODELS
from service.domain.errors import SettingsError
from service.domain.verdict import FITTED
from service.inputs.roots import check_apart
from service.pictures.admit import NORMALISE_VERSION, Limits
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from service.policies import built_in
from service.policies import policy_of as as_value
from service.wiring_faces import face_judge
from service.wiring_trust import trust_anchors
from service.workflows.findings import Store
from service.workflows.folder_crew import Crew
from service.workflows.parts import Parts
from service.workflows.policies import policy_named
from service.workflows.spaces import FurtherSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from index_store.catalogue.protocol import Catalogue, Keys
    from index_store.catalogue.sql import SqlCatalogue
    from index_store.in_use import Held
    from index_store.records import Space
    from service.domain.policy import Policy
    from service.settings import Settings


def build(
    settings: Settings,
    *,
    fault_injection: bool = False,
    wait_for_index: bool = True,
    decoders_at_once: bool = True,
    further: bool = True,
) -> Parts:
    """Open the store, start the decoders and bring the index level with the log. Raises StoreError or SettingsError.

    Where reading the index takes long, `wait_for_index=False` has it read in the background; until then searches raise
    `IndexBuildingError`. Who may have nothing to decode for long has the decoders started by the first picture, and who
    only looks for copies opens no `further` spaces.
    """
    for own in settings.own_folders:
        check_apart(own, settings.import_folders)
    held = share(settings.data)
    try:
        make_pool = partial(decoders, settings, fault_injection=fault_injection, at_once=decoders_at_once)
        return _build(settings, held, make_pool, wait_for_index=wait_for_index, further=further)
    except BaseException:
        held.close()
        raise


def _build(
    settings: Settings, held: Held, make_pool: Callable[[], DecodePool], *, wait_for_index: bool, further: bool
) -> Parts:
    if further and (settings.further_spaces or settings.faces):
        keep_little()
    # First, since what is missing for it stops the start, and nothing is open yet that would be left open.
    faces = face_judge(settings)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    model = MODELS[BUILTIN]
    space = space_of(catalogue)
    _refuse_blind_search(catalogue.undescribed(space.space_id), model.model_id)
    follower = _follower(settings, catalogue, space)
    follower.prepare(wait=wait_for_index)
    spaces = further_spaces(settings, catalogue, wait_for_index=wait_for_index) if further else ()
    return Parts(
        settings=settings,
        pool=make_pool(),
        catalogue=catalogue,
        keys=catalogue.keys,
        jobs=catalogue.jobs,
        answers=catalogue.answers,
        blobs=open_blobs(settings.effective_blobs_url),
        staging=Staging(settings.data / "staging"),
        space=space,
        follower=follower,
        descriptor=model,
        embedder=embedder(),
        verdict_model=FITTED,
        policy=policy_named(settings.policy, catalogue.policies),
        held=held,
        spaces=spaces,
        faces=faces,
        room=_room(settings),
    )


def _room(settings: Settings) -> Room:
    """On the disks of blobs and catalogue; what is no local file has its room elsewhere."""
    folders = [*settings.own_folders]
    if settings.is_alone:
        folders.append(Path(unquote(settings.effective_catalogue_url.partition("///")[2])).absolute().parent)
    return Room(tuple(dict.fromkeys(folders)), settings.min_free_bytes)


def decoders(
    settings: Settings, *, fault_injection: bool = False, at_once: bool = True, recycle_after: int = 500
) -> DecodePool:
    """Decoding children within the limits that are set."""
    return DecodePool(
        settings.decode_children,
        limits=Limits(
            max_bytes=settings.max_bytes,
            max_pixels=settings.max_pixels,
            max_side=settings.max_side,
            decode_seconds=settings.decode_seconds,
        ),
        budget=MachineBudget(settings.decode_budget),
        trust_anchors=trust_anchors(settings),
        fault_injection=fault_injection,
        at_once=at_once,
        recycle_after=recycle_after,
    )


def embedder() -> Builtin:
    """The model of copy detection, opened. Raises WeightsError."""
    return Builtin(MODELS[BUILTIN])


_RUN_OF_A_CREW = 5000
"""Decodes. A crew waits while its one decoder is renewed, is gone when its folder is done, and no service is with it; one
that grows is renewed before."""


def crew(settings: Settings) -> Crew:
    """Processes for large folders: each has one of the decoders that are set."""
    alone = settings.model_copy(update={"decode_children": 1})
    return Crew(settings.decode_children, partial(decoders, alone, recycle_after=_RUN_OF_A_CREW))


def space_of(catalogue: Catalogue) -> Space:
    """The space of copy detection, made if it is new."""
    model = MODELS[BUILTIN]
    return catalogue.ensure_space(model.name, model.generation(NORMALISE_VERSION), model.dimension, model.metric)


def further_spaces(
    settings: Settings, catalogue: SqlCatalogue, *, wait_for_index: bool = True
) -> tuple[FurtherSpace, ...]:
    """The other models that are set, opened, each with its index. Raises SettingsError, WeightsError and StoreError."""
    made: list[FurtherSpace] = []
    with ExitStack() as opened_so_far:
        for name in settings.further_spaces:
            model = opened(name, settings)
            opened_so_far.callback(model.close)
            generation = generation_of(model, NORMALISE_VERSION)
            space = catalogue.ensure_space(name, generation, model.dimension, "cosine", "building")
            if space.state == "retired":  # somebody went back to it
                space = catalogue.descriptions.use(space.space_id, is_whole=False, back=True)
            follower = _follower(settings, catalogue, space)
            opened_so_far.callback(follower.close)
            follower.prepare(wait=wait_for_index)
            made.append(FurtherSpace(space, model, follower))
        opened_so_far.pop_all()
    return tuple(made)


def snapshots_of(settings: Settings, catalogue: SqlCatalogue, space: Space) -> SnapshotFolder:
    """The folder of the space's snapshots, named so that no two generations can meet."""
    named = re.sub(r"[^A-Za-z0-9._-]", "_", space.name)
    return SnapshotFolder(settings.index_folder / f"{named}-{space.generation}", space, catalogue.keys.secret(SECRET))


def _follower(settings: Settings, catalogue: SqlCatalogue, space: Space) -> Follower:
    if settings.index_url == "exact://":
        return Follower(catalogue, ExactIndex(space.dimension), space)
    folder = snapshots_of(settings, catalogue, space)
    child = BuildChild(settings.data, settings.effective_catalogue_url, folder.root, space)
    return SnapshotFollower(catalogue, space, folder, child)


def _refuse_blind_search(undescribed: int, model_id: str) -> None:
    """A picture without a vector of this model would never be found, and its copies would be called unique."""
    if undescribed:
        raise SettingsError(
            f"{undescribed} stored pictures were described by another model or another version of it than {model_id}. "
            "Start the version that took them in, or take them in anew into an empty data folder."
        )


@contextmanager
def _opened(settings: Settings, *, alone: bool = False) -> Iterator[SqlCatalogue]:
    """The catalogue, with the data folder held meanwhile."""
    with hold_alone(settings.data) if alone else share(settings.data):
        catalogue = open_catalogue(settings.effective_catalogue_url)
        try:
            yield catalogue
        finally:
            catalogue.close()


@contextmanager
def open_store(settings: Settings, *, alone: bool = False) -> Iterator[Store]:
    """What is remembered, without decoders and index. With `alone`, `StoreInUseError` while anybody else has it open."""
    with _opened(settings, alone=alone) as catalogue:
        model = MODELS[BUILTIN]
        yield Store(
            catalogue=catalogue,
            copies=catalogue,
            inspection=catalogue.inspection,
            jobs=catalogue.jobs,
            answers=catalogue.answers,
            blobs=open_blobs(settings.effective_blobs_url),
            model=model,
            generation=model.generation(NORMALISE_VERSION),
            further=settings.further_spaces,
        )


def open_store_at(settings: Settings, folder: Path, blobs: Path | None = None) -> AbstractContextManager[Store]:
    """The embedded store in another folder, or with its blobs in yet another, whatever catalogue and blobs are set."""
    blobs_url = blobs.absolute().as_uri() if blobs else ""
    return open_store(settings.model_copy(update={"data": folder, "catalogue_url": "", "blobs_url": blobs_url}))


def load_catalogue(settings: Settings, copy: Path) -> None:
    """Fill the catalogue that is set, which must be empty, from a copy. Raises StoreError."""
    catalogue = open_catalogue(settings.effective_catalogue_url)
    try:
        catalogue.load_from(copy)
    finally:
        catalogue.close()


def forget_indexes(settings: Settings) -> None:
    """Remove every index on disk; they are made again from the catalogue."""
    with suppress(FileNotFoundError):
        shutil.rmtree(settings.index_folder)


def policy_of(settings: Settings) -> Policy:
    """The policy that is set, without a store unless it lies in one. Raises SettingsError, StoreError."""
    if settings.policy == built_in().name:
        return as_value(built_in())
    with _opened(settings) as catalogue:
        return policy_named(settings.policy, catalogue.policies)


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """The API keys alone, without decoders or index."""
    with _opened(settings) as catalogue:
        yield catalogue.keys


@contextmanager
def open_snapshots(settings: Settings) -> Iterator[tuple[SqlCatalogue, Space, SnapshotFolder]]:
    """What a rebuild of the index needs: the catalogue, the space and its folder; no decoders and no model."""
    with _opened(settings) as catalogue:
        space = space_of(catalogue)
        yield catalogue, space, snapshots_of(settings, catalogue, space)


def further_snapshots(settings: Settings, catalogue: SqlCatalogue) -> Iterator[tuple[Space, SnapshotFolder]]:
    """The same of the further spaces that are set, whichever of their generations may be in use; no model is opened."""
    for space in catalogue.descriptions.spaces():
        if space.name in settings.further_spaces and space.state != "retired":
            yield space, snapshots_of(settings, catalogue, space)


__all__ = [
    "Parts",
    "Store",
    "build",
    "decoders",
    "embedder",
    "forget_indexes",
    "further_snapshots",
    "further_spaces",
    "load_catalogue",
    "open_keys",
    "open_snapshots",
    "open_store",
    "open_store_at",
    "policy_of",
    "space_of",
]
