"""T14: whatever happens to a decoder, only its own request hears of it."""

import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from service.domain.errors import DecoderFailedError, OverloadedError
from service.pictures.admit import Limits
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool

DEATHS = int(os.environ.get("KEEPONE_TEST_DECODER_DEATHS", "50"))
"""Crashes in a row; the full plan has 1,000."""


def png(text="", size=(16, 16)):
    out = io.BytesIO()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", text)
    Image.new("RGB", size, (1, 2, 3)).save(out, "PNG", pnginfo=notes)
    return out.getvalue()


GOOD = png()


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    budget = MachineBudget(2**30, tmp_path_factory.mktemp("budget") / "lock")
    limits = Limits(decode_seconds=0.4)
    with DecodePool(1, limits=limits, budget=budget, fault_injection=True) as made:
        yield made


@pytest.mark.parametrize("fault", ["crash", "spin", "greedy", "garbage", "lie", "cling", "shrink"])
def test_a_decoder_gone_wrong_costs_one_request_and_one_child(pool, fault):
    """The request fails, the child is replaced, the next request is served, and nothing stays reserved."""
    large = (1500, 1000)  # beyond the scratch memory: "cling" and "shrink" go for the pixels themselves
    pool.decode(GOOD, wait_s=60).close()
    before, lost = pool.pids(), pool.stats().replaced_total
    start = time.monotonic()
    with pytest.raises(DecoderFailedError):
        pool.decode(png(f"KEEPONE-FAULT:{fault}", large), wait_s=60)
    assert time.monotonic() - start < 5
    with pool.decode(GOOD, wait_s=60) as decoded:
        assert decoded.pixels[0, 0].tolist() == [1, 2, 3]
    assert pool.pids() != before
    assert pool.stats().replaced_total == lost + 1
    assert pool.stats().budget_bytes_in_use == 0


def test_a_spinning_decoder_is_ended_by_its_own_processor_time(tmp_path):
    """However patient the clock: on a busy machine it has to be."""
    limits, budget = Limits(decode_seconds=0.4, patience=250), MachineBudget(2**30, tmp_path / "lock")
    with DecodePool(1, limits=limits, budget=budget, fault_injection=True) as pool:
        start = time.monotonic()
        with pytest.raises(DecoderFailedError, match="ran too long"):
            pool.decode(png("KEEPONE-FAULT:spin"), wait_s=60)
        assert time.monotonic() - start < 50
        pool.decode(GOOD, wait_s=60).close()


def test_a_decoder_that_the_machine_gives_no_time_is_overload_and_no_verdict_on_the_picture(pool):
    """Asked again on a quieter machine, the same file may well be decoded; the child is ended all the same."""
    pool.decode(GOOD, wait_s=60).close()
    before, lost = pool.pids(), pool.stats().replaced_total
    with pytest.raises(OverloadedError, match="too busy"):
        pool.decode(png("KEEPONE-FAULT:doze"), wait_s=60)
    pool.decode(GOOD, wait_s=60).close()
    assert pool.pids() != before
    assert pool.stats().replaced_total == lost + 1
    assert pool.stats().budget_bytes_in_use == 0


def test_many_deaths_leave_the_parent_as_it_was(pool):
    """Same process, same number of descriptors, no zombies."""
    pool.decode(GOOD, wait_s=60).close()
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting entries that vanish while looked at
    lost = pool.stats().replaced_total
    bad = png("KEEPONE-FAULT:crash")
    for _ in range(DEATHS):
        with pytest.raises(DecoderFailedError):
            pool.decode(bad, wait_s=60)
    pool.decode(GOOD, wait_s=60).close()
    assert pool.stats().replaced_total == lost + DEATHS
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208 - as above


def test_a_dead_child_is_replaced_within_a_second(pool):
    """The best of three, for the machine may be busy with other tests."""
    times = []
    for _ in range(3):
        with pytest.raises(DecoderFailedError):
            pool.decode(png("KEEPONE-FAULT:crash"), wait_s=60)
        start = time.monotonic()
        pool.decode(GOOD, wait_s=60).close()
        times.append(time.monotonic() - start)
    assert min(times) < 1


def test_a_child_killed_at_rest_costs_no_request(pool):
    """By an operator or the kernel's memory killer: it was no picture's fault."""
    pool.decode(GOOD, wait_s=60).close()
    child = pool.pids()[0]
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    pool.decode(GOOD, wait_s=60).close()
    assert pool.pids() != [child]


def test_a_signal_to_end_finds_a_child_deaf(pool):
    """Whoever stops the service signals the whole group; what is being decoded is finished, and the parent decides."""
    pool.decode(GOOD, wait_s=60).close()
    child = pool.pids()[0]
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(child, number)
    pool.decode(GOOD, wait_s=60).close()
    assert pool.pids() == [child]


def test_a_good_request_beside_a_bad_one_is_served(tmp_path):
    """Two children: while one spins, the other works."""
    limits, budget = Limits(decode_seconds=0.4), MachineBudget(2**30, tmp_path / "lock")
    with DecodePool(2, limits=limits, budget=budget, fault_injection=True) as pool, ThreadPoolExecutor(1) as other:
        bad = other.submit(pool.decode, png("KEEPONE-FAULT:spin"), wait_s=60)
        for _ in range(5):
            with pool.decode(GOOD, wait_s=60) as decoded:
                assert np.all(decoded.pixels == [1, 2, 3])
        assert isinstance(bad.exception(), DecoderFailedError)


def test_markers_mean_nothing_to_an_ordinary_pool(tmp_path):
    """Fault injection is off unless the pool was made with it."""
    with DecodePool(1, budget=MachineBudget(2**30, tmp_path / "lock")) as pool:
        pool.decode(png("KEEPONE-FAULT:crash"), wait_s=60).close()
        assert pool.stats().replaced_total == 0
