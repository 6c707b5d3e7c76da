"""What a snapshot says of itself, and how we know that it is one of ours.

A manifest is two lines: an HMAC in hexadecimal, and the JSON it speaks for. The key lies in the catalogue, so a file
from another catalogue, or one that somebody made up, is refused before its first byte is parsed.
"""

import hmac
import json
import re
from dataclasses import asdict, dataclass, fields
from hashlib import sha256

from index_store.errors import BadSnapshotError
from index_store.records import Space

FORMAT = 1
"""Raised whenever the body's layout changes. Snapshots of another format are passed over; the index is built anew."""

_BODY = re.compile(r"body-\d{20}-[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """`sections` maps a name to where its bytes lie in the body: (offset, length)."""

    format: int
    number: int
    """One more than the manifest before it: the highest is the newest."""
    space: str
    generation: str
    dimension: int
    metric: str
    kind: str
    count: int
    sequence: int
    """The last change of the log that is folded in."""
    log_mark: str
    """What the log said just before that: another history with as many changes has another mark."""
    body: str
    length: int
    sha256: str
    sections: dict[str, tuple[int, int]]

    def check_is_of(self, space: Space) -> None:
        """Raise `BadSnapshotError` unless it holds vectors of exactly this space, in the layout this code reads."""
        if self.format != FORMAT:
            raise BadSnapshotError(f"snapshot {self.number} has format {self.format}, and this code reads {FORMAT}")
        mine = (space.name, space.generation, space.dimension, space.metric)
        if (self.space, self.generation, self.dimension, self.metric) != mine:
            raise BadSnapshotError(f"snapshot {self.number} is of another space or generation")
        if _BODY.fullmatch(self.body) is None:
            raise BadSnapshotError(f"snapshot {self.number} names no body of ours")


def sealed(manifest: Manifest, key: bytes) -> bytes:
    """The bytes of its file."""
    text = json.dumps(asdict(manifest), separators=(",", ":"), sort_keys=True).encode()
    return _seal(text, key) + b"\n" + text + b"\n"


def unsealed(data: bytes, key: bytes) -> Manifest:
    """The manifest in a file's bytes. Raises `BadSnapshotError` if the key did not seal exactly these."""
    seal, _, text = data.partition(b"\n")
    if not text.endswith(b"\n") or not hmac.compare_digest(seal, _seal(text[:-1], key)):
        raise BadSnapshotError("a snapshot's manifest is damaged, or was not written for this catalogue")
    found = json.loads(text)  # what we sealed is what `sealed` wrote
    if found["format"] != FORMAT or set(found) != {field.name for field in fields(Manifest)}:
        raise BadSnapshotError(f"a snapshot has format {found['format']}, and this code reads {FORMAT}")
    sections = {name: (offset, length) for name, (offset, length) in found["sections"].items()}
    return Manifest(**(found | {"sections": sections}))


def _seal(text: bytes, key: bytes) -> bytes:
    return hmac.new(key, text, sha256).hexdigest().encode()
