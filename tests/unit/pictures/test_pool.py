"""The pool as its callers see it."""

import contextlib
import errno
import hashlib
import io
import mmap
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from service.domain.errors import BadPictureError, OverloadedError, UnsupportedPictureError
from service.pictures import wire
from service.pictures.budget import MachineBudget
from service.pictures.normalise import NORMALISE_VERSION, pixel_hash
from service.pictures.pool import DecodePool


@pytest.fixture
def budget(tmp_path):
    return MachineBudget(2**28, tmp_path / "budget")


@pytest.fixture(scope="session")
def photo(encode):
    """A picture too large for the scratch memory, so that its pixels are mapped."""
    x, y = np.meshgrid(np.arange(1600), np.arange(1200))
    return encode(Image.fromarray(np.stack([x % 256, y % 256, (x + y) % 256], -1).astype(np.uint8)), "PNG")


def test_the_facts_are_those_of_the_file_and_its_pixels(pool, encode, scene):
    """Content hash of the bytes, pixel hash of the normalised pixels, size upright."""
    data = encode(scene, "PNG")
    with pool.decode(data, wait_s=60) as decoded:
        facts = decoded.facts
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert facts.pixel_hash == pixel_hash(scene)
    assert (facts.format, facts.width, facts.height, facts.bytes) == ("PNG", 96, 64, len(data))
    assert (facts.normalise_version, facts.animated, facts.notes) == (NORMALISE_VERSION, False, ())


@pytest.mark.parametrize(
    ("name", "animated"), [("GIF", True), ("PNG", True), ("WEBP", True), ("AVIF", True), ("TIFF", True), ("MPO", False)]
)
def test_a_file_of_several_frames_is_said_to_be_animated(decode, encode, scene, name, animated):
    """T6 judges those with care. The second picture of an MPO is a camera's preview, not a frame."""
    frames = [scene, scene.transpose(Image.Transpose.ROTATE_180)]
    assert decode(encode(frames[0], name, save_all=True, append_images=frames[1:]))[0].animated is animated
    assert decode(encode(scene, "JPEG" if name == "MPO" else name))[0].animated is False


@pytest.mark.parametrize("kind", ["small", "large"])
def test_pixels_are_read_only_and_whole(pool, encode, scene, photo, kind):
    """Small pictures are copied out of the child's scratch memory, large ones mapped: the caller sees no difference."""
    data = encode(scene, "PNG") if kind == "small" else photo
    with pool.decode(data, wait_s=60) as decoded:
        assert decoded.pixels.shape == (decoded.facts.height, decoded.facts.width, 3)
        assert decoded.pixels.dtype == np.uint8
        assert pixel_hash(Image.fromarray(decoded.pixels)) == decoded.facts.pixel_hash
        with pytest.raises(ValueError, match="read-only"):
            decoded.pixels[0, 0, 0] = 1


def test_the_working_picture_is_the_same_picture_smaller(pool, psnr):
    """Within 40 dB of what an exact area average gives."""
    exact = np.kron(np.random.default_rng(1).integers(0, 256, (192, 256, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    data = Image.fromarray(exact)
    expected = exact.reshape(384, 2, 512, 2, 3).mean(axis=(1, 3))
    out = io.BytesIO()
    data.save(out, "PNG")
    with pool.decode(out.getvalue(), wait_s=60) as decoded:
        assert psnr(decoded.working, expected) >= 40


def test_pixels_of_one_picture_survive_the_next(pool, encode, scene):
    """The scratch memory is used again; what came out of it is not."""
    other = scene.transpose(Image.Transpose.ROTATE_180)
    with pool.decode(encode(scene, "PNG"), wait_s=60) as one:
        for _ in range(4):
            pool.decode(encode(other, "PNG"), wait_s=60).close()
        assert np.array_equal(one.pixels, np.asarray(scene))


def test_a_closed_picture_gives_nothing_more(pool, encode, scene):
    """Rather an error than pixels that may be gone."""
    decoded = pool.decode(encode(scene, "PNG"), wait_s=60)
    decoded.close()
    decoded.close()
    with pytest.raises(ValueError, match="closed"):
        decoded.pixels  # noqa: B018 - looking is the point


def test_an_array_kept_after_closing_stays_readable(pool, photo):
    """It keeps its memory alive; closing must not pull it away under a reader."""
    with pool.decode(photo, wait_s=60) as decoded:
        kept = decoded.pixels
    assert kept[5, 7].tolist() == [7, 5, 12]


def test_closing_gives_back_memory_and_budget(pool, photo):
    """Held while open, for as many bytes as the pixels take; nothing is held afterwards."""
    with pool.decode(photo, wait_s=60) as decoded:
        assert pool.stats().budget_bytes_in_use >= decoded.pixels.nbytes
    assert pool.stats().budget_bytes_in_use == 0


def test_eight_threads_get_each_their_own_picture(pool, encode):
    """Twenty-five pictures a thread, none mixed up."""
    files = [encode(Image.new("RGB", (40 + n, 30), (n, 0, 255 - n)), "PNG") for n in range(200)]

    def check(n):
        with pool.decode(files[n], wait_s=60) as decoded:
            return decoded.pixels.shape[1] == 40 + n and decoded.pixels[0, 0].tolist() == [n, 0, 255 - n]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(check, range(200)))


def test_children_may_be_started_by_the_first_picture(budget, encode, scene):
    """A worker without a job has none; the first picture waits for its child, and then all are there."""
    with DecodePool(2, budget=budget, at_once=False) as pool:
        time.sleep(0.3)
        assert pool.stats().children == 0
        pool.decode(encode(scene, "PNG"), wait_s=30).close()
        deadline = time.monotonic() + 30
        while pool.stats().children < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_children_outlive_the_threads_that_use_them(budget, encode, scene):
    """Linux would end them with the thread that started them, which is why one thread starts them all."""
    with DecodePool(1, budget=budget) as pool:
        for _ in range(3):
            worker = threading.Thread(target=lambda: pool.decode(encode(scene, "PNG"), wait_s=60).close())
            worker.start()
            worker.join()
        assert pool.stats().replaced_total == 0


def test_two_hundred_decodes_leak_no_descriptor(budget, encode, scene, photo):
    """Good files, cut files and refused ones; small and large. One child for all: a new one has other descriptors."""
    good = encode(scene, "JPEG")
    files = [good, good[:-50], b"no picture", photo]
    before = None
    with DecodePool(1, budget=budget, recycle_after=100_000) as pool:
        for n in range(204):
            if n == 4:  # the first round may open what stays open
                before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting entries that vanish while looked at
            with contextlib.suppress(BadPictureError):
                pool.decode(files[n % 4] if n % 20 < 4 else files[n % 3], wait_s=60).close()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above


@pytest.mark.parametrize("what", ["keepone-file", "keepone-pixels"])
def test_no_descriptor_for_shared_memory_is_overload_and_hurts_no_child(budget, photo, monkeypatch, what):
    """The parent's own trouble: the child has done nothing, and the file is not to blame either."""
    make = wire.shared_memory

    def fail(name, size):
        if name == what:
            raise OSError(errno.EMFILE, "Too many open files")
        return make(name, size)

    with DecodePool(1, budget=budget) as pool:
        pool.decode(photo, wait_s=60).close()
        before = pool.pids()
        with monkeypatch.context() as patch:
            patch.setattr(wire, "shared_memory", fail)
            with pytest.raises(OverloadedError):
                pool.decode(photo, wait_s=60)
        pool.decode(photo, wait_s=60).close()
        assert pool.pids() == before
        assert pool.stats().budget_bytes_in_use == 0


def test_pixels_that_cannot_be_mapped_are_overload_and_hurt_no_child(budget, photo, monkeypatch):
    """The child has answered in good order by then."""
    with DecodePool(1, budget=budget) as pool:
        pool.decode(photo, wait_s=60).close()
        before = pool.pids()
        with monkeypatch.context() as patch:
            patch.setattr(mmap, "mmap", Mock(side_effect=OSError(errno.ENOMEM, "Cannot allocate memory")))
            with pytest.raises(OverloadedError):
                pool.decode(photo, wait_s=60)
        pool.decode(photo, wait_s=60).close()
        assert pool.pids() == before


def test_the_size_of_a_pool_and_its_budget_are_the_callers_to_decide():
    """One place, the settings, knows how much of the machine Keepone may take."""
    with pytest.raises(TypeError):
        DecodePool(1)
    with pytest.raises(TypeError):
        DecodePool(budget=None)


def test_a_child_is_renewed_after_its_share_of_decodes(budget, encode, scene):
    """Against slow leaks in the decoders; no request notices."""
    data = encode(scene, "PNG")
    with DecodePool(1, budget=budget, recycle_after=2) as pool:
        pool.decode(data, wait_s=60).close()
        first = pool.pids()
        for _ in range(2):
            pool.decode(data, wait_s=60).close()
        stats = pool.stats()
        assert pool.pids() != first
        assert (stats.recycled_total, stats.replaced_total) == (1, 0)


def test_a_child_that_holds_too_much_at_rest_is_renewed(budget, encode, scene):
    """The limit is on resident memory, here set below what Python itself takes."""
    with DecodePool(1, budget=budget, max_resident=2**20) as pool:
        pool.decode(encode(scene, "PNG"), wait_s=60).close()
        assert pool.stats().recycled_total == 1


def test_no_budget_in_time_is_overload_and_leaves_nothing_behind(budget, encode, scene):
    """The caller hears it within its wait, and the child is free again."""
    data = encode(scene, "PNG")
    with DecodePool(1, budget=budget) as pool:
        pool.decode(data, wait_s=60).close()
        with budget.reserve(2**28), pytest.raises(OverloadedError):
            pool.decode(data, wait_s=0.05)
        pool.decode(data, wait_s=60).close()


def test_no_free_child_in_time_is_overload(budget, encode, scene):
    """A busy pool says so instead of queueing for ever."""
    with DecodePool(1, budget=budget) as pool:
        pool.decode(encode(scene, "PNG"), wait_s=60).close()
        with pool._nursery.borrow(None), pytest.raises(OverloadedError):
            pool.decode(encode(scene, "PNG"), wait_s=0.05)


def test_a_closed_pool_refuses_and_leaves_no_process(budget, encode, scene):
    """All children are reaped: no zombies."""
    pool = DecodePool(2, budget=budget)
    pool.decode(encode(scene, "PNG"), wait_s=60).close()
    pids = pool.pids()
    pool.close()
    pool.close()
    assert pids
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with pytest.raises(OverloadedError):
        pool.decode(encode(scene, "PNG"))


def test_a_child_has_no_secrets_and_few_descriptors(budget, encode, scene, monkeypatch):
    """No environment of ours, no privileges to gain, no core dumps, and its death with ours."""
    monkeypatch.setenv("KEEPONE_API_KEY", "secret")
    with DecodePool(1, budget=budget) as pool:
        pool.decode(encode(scene, "PNG"), wait_s=60).close()
        proc = Path(f"/proc/{pool.pids()[0]}")
        assert b"secret" not in (proc / "environ").read_bytes()
        assert "NoNewPrivs:\t1" in (proc / "status").read_text()
        limits = {line[:26].strip(): line[26:].split()[0] for line in (proc / "limits").read_text().splitlines()}
        assert (limits["Max core file size"], limits["Max open files"]) == ("0", "32")
        assert limits["Max address space"] != "unlimited"


SCRIPT = """
import sys, time
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from pathlib import Path
pool = DecodePool(1, budget=MachineBudget(2**28, Path(sys.argv[1])))
with pool.decode(bytes.fromhex(sys.argv[2]), wait_s=60) as decoded:
    print(decoded.facts.width, pool.pids()[0], flush=True)
sys.stdin.read()
"""


def test_it_works_from_any_folder_and_its_children_die_with_it(tmp_path, encode):
    """A server that is killed outright leaves nobody behind, wherever it was started."""
    (tmp_path / "service.py").write_text("raise SystemExit('the current folder is not ours to import from')")
    data = encode(Image.new("RGB", (7, 7)), "PNG").hex()
    with subprocess.Popen(
        [sys.executable, "-P", "-c", SCRIPT, str(tmp_path / "lock"), data],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        width, child = map(int, server.stdout.readline().split())
        server.kill()
    assert width == 7
    stat = Path(f"/proc/{child}/stat")
    deadline = time.monotonic() + 5
    while stat.exists() and ") Z " not in stat.read_text() and time.monotonic() < deadline:
        pass
    assert not stat.exists() or ") Z " in stat.read_text()


def test_an_empty_file_is_called_empty(pool):
    """A better word than "unsupported" for what happens most."""
    with pytest.raises(UnsupportedPictureError, match="empty"):
        pool.decode(b"")


def tagged(picture, tags):
    """The picture as a TIFF with these tags."""
    out = io.BytesIO()
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
    picture.save(out, "TIFF", tiffinfo=info)
    return out.getvalue()


@pytest.mark.parametrize("tags", [{254: 1, 330: 8}, {50706: b"\x01\x04\0\0"}])
def test_raw_data_of_a_camera_is_not_taken_for_its_preview(pool, scene, tags):
    """A folder is cleaned of nobody's originals because their small previews look like a JPEG."""
    with pytest.raises(UnsupportedPictureError, match="raw data"):
        pool.decode(tagged(scene, tags), wait_s=60)


@pytest.mark.parametrize("tags", [{254: 2}, {254: 1}])
def test_a_page_or_a_lone_smaller_picture_of_a_tiff_is_one(pool, scene, tags):
    """Faxes number their pages by that tag, and who took a preview out of its file has a picture."""
    with pool.decode(tagged(scene, tags), wait_s=60) as decoded:
        assert decoded.facts.pixel_hash == pixel_hash(scene)
