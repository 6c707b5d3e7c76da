"""The pool: strangers' files decoded in disposable children, many at a time, within one budget.

A picture goes through four gates. Its first bytes name a format on the list, or no child hears of it. A free child
reads the header, and the limits are applied to what it says. The machine's budget has room for a picture of that
size. Then the child decodes it into shared memory, which the caller sees (a large one without a copy).

A child that crashes, overruns its time or its memory, or answers nonsense takes only its own request with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from service.domain.errors import UnsupportedPictureError
from service.domain.values import PictureFacts
from service.pictures.admit import HEAD_BYTES, NORMALISE_VERSION, Header, Limits, sniff, working_size
from service.pictures.nursery import Nursery
from service.pictures.provenance import Verifier

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from service.domain.file_facts import Manifest
    from service.domain.values import PictureFormat
    from service.pictures.budget import MachineBudget, Reservation
    from service.pictures.process import Pixels

_SHARED_BYTES: Final = 4
"""Per pixel: three of the picture, and less than one more of its working picture."""

_HEAVY: Final = frozenset({"WEBP", "AVIF", "HEIC"})
"""Their decoders hold planes, a canvas and a byte string besides Pillow's own image."""

_PLAIN_MODES: Final = frozenset({"1", "L", "P", "RGB"})


@dataclass(frozen=True, slots=True)
class PoolStats:
    """For metrics. Totals count since the pool was made; bytes are those this process holds of the machine's budget."""

    children: int
    replaced_total: int
    recycled_total: int
    budget_bytes_in_use: int
    budget_bytes_total: int


class Decoded:
    """A decoded picture. Close it, or leave its `with` block, to give back its memory and its share of the budget.

    Arrays that are still referred to then keep their memory alive, but not their share of the budget.
    """

    def __init__(self, facts: PictureFacts, pixels: Pixels, reservation: Reservation) -> None:
        self.facts: Final = facts
        self._reservation = reservation
        width, height = pixels.width, pixels.height
        small = working_size(width, height)
        self._buffer: bytes | mmap.mmap | None = pixels.buffer
        self._pixels: NDArray[np.uint8] | None = _view(self._buffer, height, width, 0)
        self._working: NDArray[np.uint8] | None = self._pixels
        if small != (width, height):
            self._working = _view(self._buffer, small[1], small[0], 3 * width * height)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(height, width, 3), uint8, upright sRGB, read-only. ValueError once closed."""
        if self._pixels is None:
            raise ValueError("the decoded picture is closed")
        return self._pixels

    @property
    def working(self) -> NDArray[np.uint8]:
        """The same picture with its longest side at most WORKING_SIDE; `pixels` itself if that is small enough."""
        if self._working is None:
            raise ValueError("the decoded picture is closed")
        return self._working

    def close(self) -> None:
        """Give everything back. More than once does no harm."""
        self._pixels = self._working = None
        if isinstance(self._buffer, mmap.mmap):
            with contextlib.suppress(BufferError):  # someone kept an array: the memory goes when the array does
                self._buffer.close()
        self._buffer = None
        self._reservation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_buffer", None) is not None:
            warnings.warn("a decoded picture was never closed", ResourceWarning, source=self, stacklevel=2)
            self.close()


class DecodePool:
    """Decoding in child processes. Safe to call from many threads. Close it to end and reap the children.

    Make it in the process that uses it: a fork inherits neither the keeper thread nor the right to reap the children.

    Args:
        children: how many decode at a time.
        limits: what is let in, and for how long a child may work on it.
        budget: memory for decoding, shared by the machine's Keepone processes.
        recycle_after: decodes after which a child is renewed, against slow leaks in the decoders.
        max_resident: bytes at rest above which a child is renewed.
        trust_anchors: certificates in PEM whose signers of C2PA manifests are trusted.
        fault_injection: children obey `KEEPONE-FAULT:` markers in files. For tests only.
        at_once: start the children now; otherwise when the first picture comes, which then waits for its child.
    """

    def __init__(
        self,
        children: int,
        *,
        budget: MachineBudget,
        limits: Limits | None = None,
        recycle_after: int = 500,
        max_resident: int = 256 * 2**20,
        trust_anchors: str = "",
        fault_injection: bool = False,
        at_once: bool = True,
    ) -> None:
        self.limits: Final = limits or Limits()
        self.size: Final = children
        self._budget = budget
        self._verifier = Verifier(self.limits, trust_anchors, budget)
        self._nursery = Nursery(
            children,
            self.limits,
            recycle_after=recycle_after,
            max_resident=max_resident,
            fault_injection=fault_injection,
            at_once=at_once,
        )

    def decode(self, data: bytes, *, wait_s: float | None = 2.0) -> Decoded:
        """The picture in a file's bytes. Waits at most `wait_s` seconds in all for a child and for memory.

        Holding one decoded picture while asking for another is fine with a finite wait; without one, threads that do
        so may wait for each other.

        Raises:
            UnsupportedPictureError: none of the formats on the list, or a camera's raw data.
            PictureTooLargeError: over a limit, by its length or its header; no pixel was decoded.
            TruncatedPictureError, BrokenPictureError: cut short, or damaged.
            DecoderFailedError: the child crashed, ran too long, wanted too much memory or answered nonsense.
            OverloadedError: no child or no memory came free in time, the machine is out of descriptors, or it is so busy
                that the child got too little of its time.
        """
        deadline = None if wait_s is None else time.monotonic() + wait_s
        self.limits.check_bytes(len(data))
        name = sniff(data[:HEAD_BYTES])
        if name is None:
            raise UnsupportedPictureError(None if data else "The file is empty.")
        with self._nursery.borrow(deadline) as child:
            child.open(data, name)
            sha256 = hashlib.sha256(data).hexdigest()  # while the child reads the header
            header = child.read_header(name)
            self.limits.check_header(header)
            allowance = decode_allowance(header, len(data))
            needed = allowance + _SHARED_BYTES * header.pixels
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            with contextlib.ExitStack() as undo:
                reservation = undo.enter_context(self._budget.reserve(needed, wait_s=left))
                pixels = child.load(header, allowance)
                undo.pop_all()
        reservation.shrink(_SHARED_BYTES * header.pixels)
        facts = PictureFacts(
            sha256=sha256,
            format=name,
            width=pixels.width,
            height=pixels.height,
            bytes=len(data),
            pixel_hash=pixels.pixel_hash,
            normalise_version=NORMALISE_VERSION,
            animated=header.animated,
            notes=pixels.notes,
        )
        return Decoded(facts, pixels, reservation)

    def verify_manifest(self, data: bytes, name: PictureFormat, *, wait_s: float | None = 2.0) -> Manifest:
        """What came of verifying the C2PA manifest in a file; it is not verified if its turn does not come in time.

        It takes of the same budget: without a limit to the wait, hold no decoded picture meanwhile.
        """
        return self._verifier.verify(data, name, wait_s=wait_s)

    def stats(self) -> PoolStats:
        nursery = self._nursery
        return PoolStats(
            children=len(nursery.pids()),
            replaced_total=nursery.replaced,
            recycled_total=nursery.recycled,
            budget_bytes_in_use=self._budget.in_use(),
            budget_bytes_total=self._budget.total_bytes,
        )

    def pids(self) -> list[int]:
        """Process ids of the children that are ready or at work."""
        return self._nursery.pids()

    def close(self) -> None:
        """End and reap the children. Pictures already decoded stay usable."""
        self._nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def decode_allowance(header: Header, file_bytes: int) -> int:
    """Bytes a child may take to decode and normalise such a picture: what the decoder, Pillow and the steps hold.

    Four bytes a pixel for each of: the image as decoded, the image as converted, and the decoder's own buffers (a
    progressive JPEG keeps all its coefficients); one more each for alpha, profile and unusual modes; two more for the
    codecs that decode into a canvas of their own.
    """
    copies = 3
    copies += header.mode not in _PLAIN_MODES
    copies += header.has_profile
    copies += 2 * (header.format in _HEAVY)
    return 4 * copies * header.pixels + 3 * file_bytes


def _view(buffer: bytes | mmap.mmap, height: int, width: int, offset: int) -> NDArray[np.uint8]:
    return np.frombuffer(buffer, np.uint8, 3 * height * width, offset).reshape(height, width, 3)
