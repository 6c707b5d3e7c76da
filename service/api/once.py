"""`Idempotency-Key`: a request that is sent twice is carried out once.

The first request under a key claims it, with a digest of what it asks for; its answer is committed together with its
effect. The same request again gets that answer. Another one under the same key is refused, and so is the same one while
the first is under way. A request that fails gives its key back: nothing was done, so it may be tried again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from anyio import CancelScope, to_thread
from fastapi import Header

from index_store.ids import moment
from index_store.job_records import IdempotentAnswer, InProgress
from service.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.api.auth import Caller
    from service.workflows.parts import Parts

T = TypeVar("T")

LEFT_BEHIND = timedelta(seconds=60)
"""A request that gave no answer for so long was cut off by a crash. Should it live, its effect still counts once."""
KEPT = timedelta(hours=24)
REPLAYED = {"Idempotency-Replayed": "true"}
KEY = r"^[!-~]{1,255}$"

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=KEY,
        description="A name of your own for this request, 1 to 255 visible ASCII characters. Sent again within 24 "
        "hours it is answered as before and nothing is done twice.",
    ),
]


@dataclass(frozen=True, slots=True)
class Claim:
    """A key claimed for a request. `answer` makes what is to be committed with its effect."""

    key_id: str
    key: str
    digest: str

    def answer(self, status: int, body: dict[str, Any] | None = None) -> IdempotentAnswer:
        return IdempotentAnswer(self.key_id, self.key, self.digest, status, body or {})


def digest_of(operation: str, *told: object) -> str:
    """Of what a request asks for: its operation, a digest of its file, and its fields."""
    text = json.dumps([operation, *told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


async def once(
    parts: Parts,
    caller: Caller,
    key: str | None,
    digest: str,
    *,
    carry_out: Callable[[Claim | None], Awaitable[T]],
    replay: Callable[[IdempotentAnswer], Awaitable[T]],
) -> T:
    """Carry the request out, or give the answer it had. Raises ProblemError, KeyReusedError."""
    if key is None:
        return await carry_out(None)
    claim = Claim(caller.key_id or "", key, digest)
    now = datetime.now(UTC)
    begun = await to_thread.run_sync(
        lambda: parts.answers.begin(claim.key_id, key, digest, left_behind=moment(now - LEFT_BEHIND))
    )
    if isinstance(begun, IdempotentAnswer):
        return await replay(begun)
    if isinstance(begun, InProgress):
        raise ProblemError("request-in-progress", "A request with this key is under way.", {"Retry-After": "1"})
    try:
        return await carry_out(claim)
    except BaseException:
        # Whatever it was, nothing was committed under the key: an answer that was is not given back by this.
        with CancelScope(shield=True):
            await to_thread.run_sync(lambda: parts.answers.abandon(claim.key_id, key))
        raise
