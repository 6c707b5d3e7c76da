"""What stops a removal that somebody may not have meant."""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from typing import TYPE_CHECKING

from service.domain.errors import ConfirmationNeededError

if TYPE_CHECKING:
    from index_store.catalogue.protocol import Removals

FREE_ITEMS, FREE_SHARE = 100, 0.05
_PAGE = 500


def check_confirmed(plan_hash: str, going: int, of: int, token: str) -> None:
    """Raise ConfirmationNeededError for a large plan without the word that belongs to just this plan."""
    if going <= max(FREE_ITEMS, FREE_SHARE * of):
        return
    wanted = confirm_token(plan_hash)
    if not compare_digest(wanted.encode(), token.encode("utf-8", "surrogatepass")):
        raise ConfirmationNeededError(
            f"{going:,} of {of:,} pictures would go, which is more than {FREE_ITEMS} and more than {FREE_SHARE:.0%}. "
            f"If that is meant, confirm it with {wanted}.",
            wanted,
        )


def occasion(plan_hash: str, removals: Removals) -> str:
    """The plan's hash on just this occasion: what confirmed a plan once does not confirm the same one again."""
    times, cursor = 0, None
    while True:
        page = removals.list(_PAGE, cursor)
        times += sum(record.plan_hash == plan_hash for record in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return f"{plan_hash}:{times}"


def confirm_token(plan_hash: str) -> str:
    """Sixteen hex digits. It opens nothing but this plan, and another plan has another one."""
    return hashlib.sha256(b"confirm:" + plan_hash.encode()).hexdigest()[:16]
