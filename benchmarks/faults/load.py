"""A seeded mixed load: uploads of every wish, re-encodings, equal bytes, deletes, batches, jobs of one, and questions."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from typing import TYPE_CHECKING, Any, Self

import httpx
import numpy as np

from benchmarks.faults.ledger import Asked, Ledger
from benchmarks.hostile.pictures import encoded, scene
from benchmarks.server import connected

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (160, 120)
WISHES = ("store", "reference", "reject")
CLIENTS = 4


def picture(seed: int, quality: int = 88) -> bytes:
    """A small picture of its own; another quality is a re-encoding of the same."""
    return encoded(scene(seed, SIZE), "JPEG", quality=quality)


def tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Load:
    """Clients that work until told to stop, or until the service is gone."""

    def __init__(self, base: str, ledger: Ledger, seed: int, cycle: int) -> None:
        self._base = base
        self._ledger = ledger
        self._seed = (seed, cycle)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(client,)) for client in range(CLIENTS)]
        self.crashes: list[BaseException] = []
        """Defects of the harness itself."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.crashes:
            raise self.crashes[0]

    def _work(self, number: int) -> None:
        seed, cycle = self._seed
        rng = np.random.default_rng((seed, cycle, number))
        with connected(self._base) as http:
            client = _Client(http, self._ledger, rng, f"{cycle}.{number}", cycle * CLIENTS + number)
            try:
                while not self._stop.is_set():
                    client.act()
            except httpx.TransportError:
                return  # it was killed: what was asked stays unanswered in the ledger
            except BaseException as error:  # noqa: BLE001 - told by whoever joins this thread
                self.crashes.append(error)


class _Client:
    def __init__(self, http: httpx.Client, ledger: Ledger, rng: np.random.Generator, name: str, number: int) -> None:
        self._http = http
        self._ledger = ledger
        self._rng = rng
        self._name = name
        self._number = number
        self._count = 0
        self._pictures: list[int] = []
        self._sent: list[bytes] = []

    def act(self) -> None:
        actions: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.55, self._upload),
            (0.15, self._delete),
            (0.08, self._batch),
            (0.07, self._later),
            (0.08, self._check),
            (0.07, self._look),
        )
        pick, below = self._rng.random(), 0.0
        for share, action in actions:
            below += share
            if pick < below:
                return action()
        return self._look()

    def _data(self) -> bytes:
        """Seven of ten new, two re-encodings of one before, one the same bytes again."""
        pick = self._rng.random()
        if pick < 0.1 and self._sent:
            return self._sent[int(self._rng.integers(len(self._sent)))]
        if pick < 0.3 and self._pictures:
            seed = self._pictures[int(self._rng.integers(len(self._pictures)))]
            made = picture(seed, int(self._rng.integers(60, 95)))
        else:
            self._count += 1
            seed = self._number * 10_000 + self._count
            self._pictures.append(seed)
            made = picture(seed)
        self._sent.append(made)
        return made

    def _tag(self) -> str:
        self._count += 1
        return f"r{self._name}.{self._count}"

    def _key(self, tag: str) -> str | None:
        return f"key-{tag}" if self._rng.random() < 0.5 else None

    def _upload(self) -> None:
        data, tag = self._data(), self._tag()
        wish = WISHES[int(self._rng.choice(3, p=(0.6, 0.2, 0.2)))]
        send(self._http, self._ledger, Asked("image", tag, (sha(data),), (), wish, self._key(tag), payload=data))

    def _later(self) -> None:
        data, tag = self._data(), self._tag()
        send(self._http, self._ledger, Asked("later", tag, (sha(data),), (tag,), "store", self._key(tag), payload=data))

    def _batch(self) -> None:
        tag = self._tag()
        files = {f"{tag}-{place}.jpg": self._data() for place in range(int(self._rng.integers(3, 9)))}
        shas = tuple(map(sha, files.values()))
        send(
            self._http,
            self._ledger,
            Asked("batch", tag, shas, tuple(files), "store", self._key(tag), payload=tar(files)),
        )

    def _delete(self) -> None:
        image = self._ledger.one_to_delete(self._rng.random())
        if image is not None:
            send(self._http, self._ledger, Asked("delete", self._tag(), target=image))

    def _check(self) -> None:
        answer = self._http.post("/check-duplicate", files={"file": self._data()})
        assert answer.is_success or answer.status_code == 503, answer.text

    def _look(self) -> None:
        image = self._ledger.one_that_is_there(self._rng.random())
        if image is not None:
            assert self._http.get(f"/images/{image}").is_success, "an acknowledged image cannot be read"


def send(http: httpx.Client, ledger: Ledger, asked: Asked) -> httpx.Response:
    """Send it (again), and write down what was said. Raises `httpx.TransportError` if nothing was."""
    ledger.enter(asked)
    headers = {} if asked.key is None else {"Idempotency-Key": asked.key}
    fields = {"on_duplicate": asked.wish, "external_id": asked.tag}
    if asked.kind == "delete":
        answer = http.delete(f"/images/{asked.target}")
    elif asked.kind == "batch":
        headers["Content-Type"] = "application/x-tar"
        answer = http.post("/images/batch", content=asked.payload, headers=headers)
    else:
        headers |= {"Prefer": "respond-async"} if asked.kind == "later" else {}
        answer = http.post("/images", files={"file": asked.payload}, data=fields, headers=headers)
    body: dict[str, Any] = answer.json() if answer.content else {}
    ledger.answered(asked, answer.status_code, body)
    return answer
