"""Bodies that go wrong, over plain sockets."""

from __future__ import annotations

import itertools
import json
import re
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx
import numpy as np

from benchmarks.hostile.service import MIB, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Attack:
    """A body to send. `length` is what Content-Length says; None sends it chunked."""

    name: str
    length: int | None
    parts: Callable[[], Iterator[bytes]]
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What came back. `status` is 0 where the connection was cut without an answer."""

    status: int
    problem: dict[str, Any]
    received: int
    closed: bool
    seconds: float


START = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
END = b"\r\n--edge--\r\n"


def repeated(before: bytes, block: bytes, count: int, after: bytes = b"") -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([before], itertools.repeat(block, count), [after])


def attacks(*, file_mib: int = 512, outside_mib: int = 64, good: bytes) -> list[Attack]:
    """T12's bodies. Everything that is too long is refused as 413, or as 400 where it is no multipart either."""
    block, files, outside = bytes(MIB), file_mib, outside_mib
    whole = len(START) + files * MIB + len(END)
    part = b'--edge\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    header = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="'
    noise = b"x" * MIB
    return [
        Attack(f"{files} MiB file, declared", whole, repeated(START, block, files, END), (413,)),
        Attack(f"{files} MiB file, chunked", None, repeated(START, block, files, END), (413,)),
        Attack("length too short", 1000, repeated(START, noise, 8, END), (400, 422)),
        Attack("length too long", 8 * MIB, repeated(START + good, b"", 0), (408,)),
        Attack("length not a number", -1, repeated(START + good + END, b"", 0), (400,)),
        Attack(f"{outside} MiB preamble", None, repeated(b"", noise, outside, START + good + END), (400, 413)),
        Attack(f"{outside} MiB epilogue", None, repeated(START + good + END, noise, outside), (400, 413)),
        Attack("1,001 parts", None, repeated(b"", part, 1001, START + good + END), (400,)),
        Attack("1,001 files", None, repeated(b"", START + b"\r\n", 1001, END), (400,)),
        Attack("10 MiB part header", None, repeated(header, noise, 10, b'"\r\n\r\n' + END), (400, 413)),
    ]


def send(service: Service, path: str, attack: Attack, *, patience_s: float = 60) -> Outcome:
    """Send until the service answers or cuts; then read what it said. Needs METER."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=patience_s) as sock:
        port = sock.getsockname()[1]
        length = "Transfer-Encoding: chunked" if attack.length is None else f"Content-Length: {attack.length}"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n{length}"
        )
        with suppress(ConnectionError):
            sock.sendall(head.encode() + b"\r\n\r\n")
            for piece in attack.parts():
                for at in range(0, len(piece), MIB // 4):
                    some = piece[at : at + MIB // 4]
                    sock.sendall(b"%x\r\n%s\r\n" % (len(some), some) if attack.length is None else some)
                if select.select([sock], [], [], 0)[0]:
                    break
            else:
                if attack.length is None:
                    sock.sendall(b"0\r\n\r\n")
        answer, closed = read_to_end(sock)
    status, problem = parse_answer(answer)
    return Outcome(status, problem, service.received(port), closed, time.monotonic() - began)


def read_to_end(sock: socket.socket) -> tuple[bytes, bool]:
    """All that comes, and whether the other side closed."""
    answer = b""
    try:
        while data := sock.recv(65_536):
            answer += data
    except ConnectionError:
        return answer, True
    except TimeoutError:
        return answer, False
    return answer, True


def parse_answer(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0
    if b"application/problem+json" not in head:
        return status, {}
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    problem: dict[str, Any] = json.loads(body[: int(length[1])] if length else body)
    return status, problem


class Bystander:
    """Another client, asking all the while. `answers` are (status, seconds)."""

    def __init__(self, service: Service, picture: bytes) -> None:
        self.answers: list[tuple[int, float]] = []
        self._service, self._picture = service, picture
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with self._service.client() as client:
            while True:
                began = time.monotonic()
                status = client.post("/check-duplicate", files={"file": self._picture}).status_code
                self.answers.append((status, time.monotonic() - began))
                if self._stop.is_set():
                    return

    def is_served(self) -> bool:
        return all(status == httpx.codes.OK for status, _ in self.answers)

    def p95_ms(self) -> float:
        return float(np.percentile([seconds for _, seconds in self.answers], 95)) * 1000

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
