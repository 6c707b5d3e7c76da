"""What clients asked for and what they were told: the truth that the oracle holds the store to."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["image", "later", "batch", "delete"]


@dataclass
class Asked:
    """One request. `tag` is its `external_id`, so every row in the store tells which request made it.

    It may be sent several times (under one Idempotency-Key); `answers` has (status, body) of those that were answered.
    """

    kind: Kind
    tag: str
    shas: tuple[str, ...] = ()
    """Of the files sent, in order."""
    names: tuple[str, ...] = ()
    """Of a batch's files: each is the `external_id` of its picture."""
    wish: str = "store"
    key: str | None = None
    target: str = ""
    """The image to be deleted."""
    payload: bytes = b""
    sent: int = 0
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def acknowledged(self) -> dict[str, Any] | None:
        """The body of the first answer that promised something."""
        return next((body for status, body in self.answers if status < 300), None)

    @property
    def is_open(self) -> bool:
        """Whether nobody can say if it had an effect: some sending of it was never answered."""
        return self.acknowledged is None and len(self.answers) < self.sent


class Ledger:
    """Safe among threads."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.told_statuses: Counter[str] = Counter()
        self._active: dict[str, str] = {}
        self._lock = threading.Lock()

    def enter(self, asked: Asked) -> Asked:
        """Before it is sent."""
        with self._lock:
            asked.sent += 1
            if asked.sent == 1:
                self.asked.append(asked)
        return asked

    def answered(self, asked: Asked, status: int, body: dict[str, Any]) -> None:
        with self._lock:
            asked.answers.append((status, body))
            self.told_statuses[f"{asked.kind} {status} {body.get('type', '')}".strip()] += 1
            if asked.kind == "image" and status == 201:
                self._active[body["image_id"]] = body["content_id"]

    def one_to_delete(self, choice: float) -> str | None:
        """An acknowledged image that nobody has asked to delete; from now on somebody has."""
        with self._lock:
            if not self._active:
                return None
            image = list(self._active)[int(choice * len(self._active))]
            del self._active[image]
            return image

    def one_that_is_there(self, choice: float) -> str | None:
        """An acknowledged image, and it stays out of deletes' way only by chance."""
        with self._lock:
            return list(self._active)[int(choice * len(self._active))] if self._active else None

    def unanswered(self) -> list[Asked]:
        with self._lock:
            return [asked for asked in self.asked if asked.is_open]
