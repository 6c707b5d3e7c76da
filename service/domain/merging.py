"""Documents merged as RFC 7396 has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The old document with the changes in it; a member that is null in them is taken away, objects are merged."""
    new = dict(old)
    for name, value in changes.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, Mapping):
            before = new.get(name)
            new[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            new[name] = value
    return new
