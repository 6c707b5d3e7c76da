"""A model with one owner: loaded once, asked by one thread, together where it can be, let go when idle."""

import threading
import time
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.descriptors.owner import ClosedError, Owner

UNFORESEEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Doubler:
    """Doubles numbers; notes each batch, and whether two threads were ever inside at once."""

    def __init__(self):
        self.batches, self.loads, self.released, self.crowded = [], 0, 0, False
        self._inside = threading.Lock()

    def load(self):
        self.loads += 1
        return self

    def ask(self, _model, items):
        self.crowded |= not self._inside.acquire(blocking=False)
        time.sleep(0.001)
        self.batches.append(list(items))
        self._inside.release()
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]

    def release(self):
        self.released += 1


@pytest.fixture
def doubler():
    return Doubler()


@pytest.fixture
def owned(doubler):
    """Makes owners, and closes them."""
    made = []

    def make(**options):
        made.append(Owner("doubler", doubler.load, doubler.ask, doubler.release, **options))
        return made[-1]

    yield make
    for owner in made:
        owner.close()


def test_fifty_threads_have_their_own_answers_from_one_loading(owned, doubler):
    """Nobody is given another's, and no two threads are inside at once."""
    owner = owned()
    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(lambda number: owner.ask([number]), range(100, 200))) == [[2 * n] for n in range(100, 200)]
    assert doubler.loads == 1
    assert not doubler.crowded


def test_what_waits_together_is_asked_together(owned, doubler):
    """In one batch, and never in a larger one than was allowed."""
    assert owned(most=4, gather_s=1.0).ask(list(range(10))) == [2 * number for number in range(10)]
    assert [len(batch) for batch in doubler.batches] == [4, 4, 2]


def test_nothing_is_loaded_before_somebody_asks(owned, doubler):
    """An owner by itself costs a thread."""
    owner = owned()
    assert (doubler.loads, owner.loaded) == (0, False)


def test_one_items_misfortune_is_not_the_others(owned):
    """They are asked again, each alone, and only the one that cannot be answered fails."""
    owner = owned(gather_s=0.2)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(owner.ask, [number]) for number in (12, 13, 14)]
        assert asked[0].result() == [24]
        assert asked[2].result() == [28]
        with pytest.raises(ValueError, match="thirteen"):
            asked[1].result()


def test_a_model_that_cannot_be_loaded_is_tried_again_by_the_next(owned, monkeypatch):
    """A failure is told to who asked, and the owner lives on."""
    owner = owned()
    with monkeypatch.context() as patched:
        patched.setattr(owner, "_load", lambda: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            owner.ask([1])
    assert owner.ask([1]) == [2]


def test_an_idle_model_is_let_go_and_loaded_again(owned, doubler):
    """Its memory is wanted by others meanwhile."""
    owner = owned(idle_s=0.05)
    owner.ask([1])
    deadline = time.monotonic() + 30
    while owner.loaded and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (owner.loaded, doubler.released) == (False, 1)
    assert owner.ask([2]) == [4]
    assert doubler.loads == 2


def test_closing_answers_what_waits_and_nothing_after_it(owned, doubler):
    """And lets the model go, once."""
    owner = owned(most=1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(owner.ask, list(range(20, 40)))
        while not doubler.batches:
            time.sleep(0.001)
        owner.close()
        assert waiting.result() == [2 * number for number in range(20, 40)]
    with pytest.raises(ClosedError):
        owner.ask([1])
    owner.close()
    assert doubler.released == 1


def test_a_model_that_cannot_be_released_is_still_answered_by(owned, doubler, monkeypatch):
    """What fails while nobody asks is nobody's failure: the next has an answer."""

    def refuse():
        doubler.released += 1
        raise OSError("busy")

    monkeypatch.setattr(doubler, "release", refuse)
    owner = owned(idle_s=0.05)
    owner.ask([1])
    deadline = time.monotonic() + 30
    while owner.loaded and time.monotonic() < deadline:
        time.sleep(0.01)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(owner.ask, [2]).result(timeout=30) == [4]
    assert doubler.loads == 2


def test_too_short_an_answer_is_told_to_all_who_asked(owned, doubler, monkeypatch):
    """Nobody may be given another's, nor wait for ever."""
    monkeypatch.setattr(doubler, "ask", lambda _model, _items: [])
    with pytest.raises(ValueError, match="0 answers for 1"):
        _in_time(owned(), 1)


@UNFORESEEN
def test_an_owner_whose_thread_ends_unforeseen_is_closed(owned, monkeypatch):
    """Whoever waits is told, and whoever comes later."""

    def crash(_patience):
        raise SystemExit

    owner = owned()
    assert owner.ask([1]) == [2]
    monkeypatch.setattr(owner, "_next_batch", crash)
    # Answered by the round that had begun already; the next one ends the thread.
    assert _in_time(owner, 2) == [4]
    owner._thread.join(30)
    with pytest.raises(ClosedError):
        _in_time(owner, 3)


@UNFORESEEN
def test_what_waits_when_the_thread_ends_is_told(owned, doubler, monkeypatch):
    """No caller hangs."""

    def exit_thread(_model, _items):
        raise SystemExit

    monkeypatch.setattr(doubler, "ask", exit_thread)
    owner = owned(most=1)
    with pytest.raises(ClosedError):
        _in_time(owner, 1, 2, 3)


def test_answered_items_are_not_kept(owned, doubler, monkeypatch):
    """A picture's pixels are let go while the thread waits for the next."""
    monkeypatch.setattr(doubler, "ask", lambda _model, items: [2 * item for item in items])
    number = Number(4)
    kept = weakref.ref(number)
    assert owned().ask([number]) == [8]
    del number
    deadline = time.monotonic() + 5
    while kept() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept() is None


class Number(float):
    """One that can be watched."""


def _in_time(owner, *items):
    """What a caller in a thread of its own is told; it does not wait for ever."""
    told = Future()

    def ask():
        try:
            told.set_result(owner.ask(list(items)))
        except Exception as error:  # noqa: BLE001 - told by the caller's own thread
            told.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return told.result(timeout=10)
