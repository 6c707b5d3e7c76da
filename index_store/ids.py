"""Names for rows, and the clock: both made here, so that every process of a service agrees on their shape.

An id is a prefix and 26 Crockford base-32 characters: 48 bits of milliseconds, then 80 random bits (the ULID layout,
https://github.com/ulid/spec). So ids sort roughly by time, which keeps the tree of a primary key compact, and nobody
can guess one. Clients must treat them as opaque; *order* is what `sequence` is for, since clocks step back and differ.
"""

import secrets
import time
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_CHARACTERS = 26


def new_id(prefix: str) -> str:
    """An id such as `img_01JD…`: the prefix, an underscore and 26 characters that sort by the millisecond."""
    number = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return f"{prefix}_" + "".join(_CROCKFORD[(number >> 5 * place) & 31] for place in reversed(range(_CHARACTERS)))


def new_image_id() -> str:
    return new_id("img")


def now() -> str:
    """This moment, as every row writes it: RFC 3339, UTC, microseconds (27 characters, so text order is time order)."""
    return moment(datetime.now(UTC))


def moment(when: datetime) -> str:
    """An aware datetime as rows write it. A naive one is refused: nobody can say which moment it means."""
    if when.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
