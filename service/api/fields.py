"""The fields beside a picture handed in, and what they may hold."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from service.workflows.arrival import OnDuplicate

MOST_FIELD_BYTES = 256 * 1024
"""Of one form field; and of metadata as compact JSON, whichever way it came."""
MOST_NESTED = 64
"""Objects and lists inside one another in metadata."""
_LONGEST = {"external_id": 4096, "person_id": 512}


class HandInFields(BaseModel):
    """The fields beside a picture, from form parts or JSON."""

    on_duplicate: OnDuplicate = OnDuplicate.STORE
    external_id: Annotated[str | None, Field(max_length=_LONGEST["external_id"])] = None
    person_id: Annotated[str | None, Field(max_length=_LONGEST["person_id"])] = None
    metadata: dict[str, Any] = {}

    @field_validator("metadata", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """A form carries JSON as text."""
        if not isinstance(value, str):
            return {} if value is None else value
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError("is not JSON") from error

    @field_validator("metadata")
    @classmethod
    def _can_be_shown(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Kept, but never to be sent again, it would spoil every list it is in."""
        layer: list[Any] = [value]
        for _ in range(MOST_NESTED):
            inner = [
                held.values() if isinstance(held, dict) else held for held in layer if isinstance(held, dict | list)
            ]
            layer = [item for items in inner for item in items]
        if any(isinstance(item, dict | list) for item in layer):
            raise ValueError(f"is nested more than {MOST_NESTED} deep")
        try:
            size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        except UnicodeEncodeError as error:
            raise ValueError("holds half a character (a lone surrogate)") from error
        if size > MOST_FIELD_BYTES:
            raise ValueError(f"has {size:,} bytes as compact JSON; the limit is {MOST_FIELD_BYTES:,}")
        return value

    @classmethod
    def openapi(cls) -> tuple[dict[str, Any], dict[str, Any]]:
        """The properties as form parts and as JSON members."""
        choice = {"type": "string", "enum": [choice.value for choice in OnDuplicate], "default": "store"}
        form = {name: {"type": "string", "maxLength": most} for name, most in _LONGEST.items()}
        json = {name: {"type": ["string", "null"], "maxLength": most} for name, most in _LONGEST.items()}
        limits = f"At most {MOST_FIELD_BYTES:,} bytes as compact JSON, and {MOST_NESTED} levels."
        return (
            {"on_duplicate": choice, **form, "metadata": {"type": "object", "description": limits}},
            {"on_duplicate": choice, **json, "metadata": {"type": ["object", "null"], "description": limits}},
        )
