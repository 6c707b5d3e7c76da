"""Real CLIPs of open_clip, small and made on the spot: what they answer, and which weights they will not open."""

import os
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from service.descriptors import clip, opening, sizes
from service.descriptors.testing import SpaceModelContract
from service.domain.errors import WeightsError


@pytest.fixture
def model(saved, given):
    saved("one")
    with_model = clip.opened("clip:small/one", given)
    yield with_model
    with_model.close()


def cosine(left, right):
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


def vectors(model, pictures):
    return [one[0].vector for one in model.describe(pictures)]


def test_every_picture_has_one_vector_of_its_own(model, pictures):
    """Whole pictures: no boxes."""
    described = model.describe(pictures)
    assert [len(one) for one in described] == [1] * len(pictures)
    assert all(one[0].box is None and one[0].vector.shape == (model.dimension,) for one in described)
    assert model.dimension == 32
    assert cosine(described[0][0].vector, described[1][0].vector) < 0.99999


def test_vectors_are_those_of_open_clip_itself(saved, given, pictures):
    """Its own loader, its own preprocessing of a Pillow picture, its own `encode_image`."""
    path = saved("one")
    theirs, _, prepare = open_clip.create_model_and_transforms("small", pretrained=str(path))
    model = clip.opened("clip:small/one", given)
    for picture, vector in zip(pictures[:10], vectors(model, pictures[:10]), strict=True):
        with torch.inference_mode():
            expected = theirs.eval().encode_image(prepare(Image.fromarray(picture))[None])[0].numpy()
        assert cosine(vector, expected) > 0.9995
        assert np.linalg.norm(vector) == pytest.approx(np.linalg.norm(expected), rel=0.01)
    model.close()


def test_the_vector_is_that_of_the_picture_in_the_size_of_all_models(model):
    """Whether it was brought there before or not."""
    large = np.random.default_rng(3).integers(0, 255, (900, 2400, 3), np.uint8)
    [whole, smaller] = vectors(model, [large, sizes.brought(large)])
    assert np.array_equal(whole, smaller)


def test_no_more_threads_than_cores_prepare_pictures(model, pictures, monkeypatch):
    """PyTorch keeps threads of its own for each that ever asked it."""
    threads, prepare = set(), model._prepare

    def watched(picture):
        threads.add(threading.get_ident())
        return prepare(picture)

    monkeypatch.setattr(model, "_prepare", watched)
    with ThreadPoolExecutor(24) as callers:
        [*callers.map(lambda picture: model.describe([picture]), pictures[:10] * 10)]
    assert len(threads) <= len(os.sched_getaffinity(0))


def test_fifty_at_once_answer_as_one_after_the_other(model, pictures):
    """No error, and nothing of one picture in another's vector."""
    alone = [vectors(model, [picture])[0] for picture in pictures]
    with ThreadPoolExecutor(50) as pool:
        together = list(pool.map(lambda picture: vectors(model, [picture])[0], pictures))
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() < 1e-4 * np.abs(one).max()


def test_the_same_weights_as_safetensors_and_as_an_archive_agree(saved, given, pictures):
    """How they were saved is no part of what they say."""
    saved("one"), saved("two", suffix=".pt")
    first, second = clip.opened("clip:small/one", given), clip.opened("clip:small/two", given)
    assert np.array_equal(vectors(first, pictures[:1])[0], vectors(second, pictures[:1])[0])
    first.close(), second.close()


def test_a_path_names_weights_that_lie_elsewhere(saved, given, tmp_path, pictures):
    """For whoever keeps them in a place of their own."""
    elsewhere = saved("one").rename(tmp_path / "mine.safetensors")
    model = clip.opened(f"clip:small/{elsewhere}", given)
    assert len(vectors(model, pictures[:1])) == 1
    model.close()


def test_other_weights_are_another_state(saved, given):
    """Of the same dimension, so nothing but the state tells them apart (T40, T41)."""
    saved("one"), saved("two", seed=2), saved("same")
    states = []
    for tag in ("one", "two", "same"):
        model = clip.opened(f"clip:small/{tag}", given)
        states.append(model.state)
        model.close()
    assert states[0]["dimension"] == states[1]["dimension"]
    assert states[0] != states[1]
    assert states[0] == states[2]


def test_another_precision_or_preprocessing_is_another_state(saved, given, pictures):
    """A tag that open_clip knows brings the mean and deviation it was trained with."""
    saved("one")
    plain, half = clip.opened("clip:small/one", given), clip.opened("clip:small/one", replace(given, precision="bf16"))
    assert plain.state != half.state
    assert cosine(vectors(plain, pictures[:1])[0], vectors(half, pictures[:1])[0]) > 0.99
    assert plain.state["preprocessing"]["size"] == 32
    plain.close(), half.close()


def test_a_model_nobody_asks_is_let_go_and_comes_back(saved, given, pictures):
    """With the numbers it had."""
    saved("one")
    model = clip.opened("clip:small/one", replace(given, model_idle_seconds=0.2))
    before = vectors(model, pictures[:1])[0]
    deadline = time.monotonic() + 30
    while model.loaded and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not model.loaded
    assert np.array_equal(vectors(model, pictures[:1])[0], before)
    model.close()


def test_weights_exchanged_meanwhile_are_not_taken_for_the_old_ones(saved, given, pictures):
    """A model that comes back from idleness has the state that it said, or none."""
    saved("one")
    model = clip.opened("clip:small/one", replace(given, model_idle_seconds=0.2))
    saved("one", seed=2)
    deadline = time.monotonic() + 30
    while model.loaded and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(WeightsError, match="exchanged"):
        model.describe(pictures[:1])
    model.close()


def test_missing_weights_say_where_they_belong(given):
    """The file by its whole path."""
    with pytest.raises(WeightsError) as caught:
        clip.opened("clip:ViT-B-32/laion2b_s34b_b79k", given)
    assert str(given.models_folder / "clip" / "ViT-B-32" / "laion2b_s34b_b79k.safetensors") in str(caught.value)


def test_nothing_is_fetched_unless_it_was_allowed(given, monkeypatch):
    """A known tag without its file: no name is looked up and no connection opened."""

    def refuse(*_args, **_kwargs):
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(WeightsError, match="missing"):
        clip.opened("clip:ViT-B-32/openai", given)


def test_a_failed_download_names_the_file(given, monkeypatch):
    """Allowed, and the network is away: the same place is named."""

    def away(*_args, **_kwargs):
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", away)
    monkeypatch.setattr(socket.socket, "connect", away)
    with pytest.raises(WeightsError, match=r"openai\.safetensors; fetching them failed"):
        clip.opened("clip:ViT-B-32/openai", replace(given, model_downloads=True))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("kept", [0.5, 0.001, 0.0])
def test_a_torn_file_is_refused_by_name(saved, given, suffix, kept):
    """Whatever the container, and however little is left."""
    path = saved("torn", suffix=suffix)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(WeightsError, match="torn"):
        clip.opened("clip:small/torn", given)


@pytest.mark.parametrize("other", ["wider", "larger"])
def test_weights_of_another_architecture_are_refused_by_name(saved, given, other):
    """Of another width, or of the same for larger pictures, which open_clip itself would bend until they fit."""
    saved("foreign", architecture=other)
    with pytest.raises(WeightsError, match="foreign"):
        clip.opened("clip:small/foreign", given)


class Program:
    """Unpickled, it makes a folder."""

    def __init__(self, where):
        self.where = where

    def __reduce__(self):
        return (os.mkdir, (str(self.where),))


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors", ".pkl"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_pickled_program_is_refused_and_never_run(saved, given, tmp_path, suffix, packed):
    """Bare, in an archive of `torch.save`, and under a name that promises something else (T43)."""
    path = saved("evil", suffix=".pt")
    path.unlink()
    path = path.with_suffix(suffix)
    content = {"visual.positional_embedding": torch.zeros(1), "more": Program(tmp_path / "run")}
    if packed:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError):
        clip.opened(f"clip:small/{path}", given)
    assert not (tmp_path / "run").exists()


def test_a_torchscript_archive_is_refused(saved, given):
    """It holds code beside its tensors."""
    path = saved("script", suffix=".pt")
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
    with pytest.raises(WeightsError, match="script"):
        clip.opened("clip:small/script", given)


@pytest.mark.parametrize(
    "name",
    [
        "clip:small",
        "clip:small/",
        "clip:small/../../etc",
        "clip:../small/one",
        "clip:hf-hub:someone/model",
        "clip:unknown/x",
    ],
)
def test_a_name_that_is_no_model_is_refused(saved, given, name):
    """Neither a hub nor a way out of the models folder."""
    saved("one")
    with pytest.raises(WeightsError):
        clip.opened(name, given)


def test_a_long_strip_is_seen_as_its_middle(model):
    """Enlarged whole to the side of the network it would take hundreds of megabytes."""
    strip = np.tile(np.arange(4096, dtype=np.uint8)[None, :, None], (2, 1, 3))
    assert len(model.describe([strip])[0]) == 1
    middle = strip[:, 2048 - 16 : 2048 + 16]
    assert cosine(vectors(model, [strip])[0], vectors(model, [middle])[0]) > 0.9


def test_what_is_installed_is_listed_by_name(saved, given):
    """For reports over all models; other files beside them do not count."""
    saved("one"), saved("two", suffix=".pt")
    (given.models_folder / "clip" / "small" / "notes.txt").write_text("mine")
    assert clip.installed(given) == ["clip:small/one", "clip:small/two"]


class TestContract(SpaceModelContract):
    """What every descriptor model promises."""

    @pytest.fixture(autouse=True)
    def _weights(self, saved, given):
        saved("one")
        self._given = given

    def make_model(self):
        return opening.opened("clip:small/one", self._given)

    def pictures(self):
        return list(np.random.default_rng(1).integers(0, 256, (4, 80, 120, 3), np.uint8))
