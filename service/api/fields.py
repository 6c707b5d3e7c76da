"""The fields beside a picture handed in, and what they may hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator, model_validator

from index_store.entries import PERSON_CHARACTERS
from service.domain.values import OperatingPoint
from service.workflows.arrival import OnDuplicate

if TYPE_CHECKING:
    from service.settings import Settings
    from service.workflows.ingest_job import IngestRequest

MOST_FIELD_BYTES = 256 * 1024
"""Of one form field; and of metadata as compact JSON, whichever way it came."""
MOST_NESTED = 64
"""Objects and lists inside one another in metadata."""
QUICK = (
    "Look closely only at stored pictures that look alike as a whole or stand out: faster, fewer edited copies found."
)
_LONGEST = {"external_id": 4096, "person_id": PERSON_CHARACTERS}


def can_be_shown(value: dict[str, Any]) -> dict[str, Any]:
    """Kept, but never to be sent again, it would spoil every list it is in."""
    layer: list[Any] = [value]
    for _ in range(MOST_NESTED):
        inner = [held.values() if isinstance(held, dict) else held for held in layer if isinstance(held, dict | list)]
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


Metadata = Annotated[dict[str, Any], AfterValidator(can_be_shown)]
"""What a client says of an image or a person."""


class _Told(BaseModel):
    """What a client may say of whatever it hands in."""

    metadata: Metadata = {}

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


class _Fields(_Told):
    """What may stand beside one picture or many."""

    on_duplicate: OnDuplicate = OnDuplicate.STORE
    person_id: Annotated[
        Annotated[str, Field(max_length=_LONGEST["person_id"])] | None,
        BeforeValidator(lambda value: None if value == "" else value),
    ] = None
    """Nobody's, where a form leaves it empty."""


class HandInFields(_Fields):
    """The fields beside a picture, from form parts or JSON."""

    external_id: Annotated[str | None, Field(max_length=_LONGEST["external_id"])] = None

    @classmethod
    def openapi(cls) -> tuple[dict[str, Any], dict[str, Any]]:
        """The properties as form parts and as JSON members."""
        choice = {"type": "string", "enum": [choice.value for choice in OnDuplicate], "default": "store"}
        form = {name: {"type": "string", "maxLength": most} for name, most in _LONGEST.items()}
        json = {name: {**schema, "type": ["string", "null"]} for name, schema in form.items()}
        limits = f"At most {MOST_FIELD_BYTES:,} bytes as compact JSON, and {MOST_NESTED} levels."
        return (
            {"on_duplicate": choice, **form, "metadata": {"type": "object", "description": limits}},
            {"on_duplicate": choice, **json, "metadata": {"type": ["object", "null"], "description": limits}},
        )


class PersonPictureFields(_Told):
    """The fields beside a picture of a person, who is named elsewhere and keeps every picture."""

    external_id: Annotated[str | None, Field(max_length=_LONGEST["external_id"])] = None

    @model_validator(mode="before")
    @classmethod
    def _no_other_wish(cls, value: dict[str, Any]) -> dict[str, Any]:
        """It would be a surprise if it were passed over."""
        for name in ("person_id", "on_duplicate"):
            if name in value:
                raise ValueError(f"{name} cannot be given here")
        return value

    @classmethod
    def openapi(cls) -> tuple[dict[str, Any], dict[str, Any]]:
        """The properties as form parts and as JSON members."""
        form, json = HandInFields.openapi()
        return (
            {name: form[name] for name in ("external_id", "metadata")},
            {name: json[name] for name in ("external_id", "metadata")},
        )


class BatchFields(_Fields):
    """The fields beside many pictures; each picture is known by the name it has in its source."""

    operating_point: OperatingPoint | None = None
    quick: bool = False
    """As `Inquiry` has it."""

    def applied_to(self, asked: IngestRequest, settings: Settings) -> IngestRequest:
        return replace(
            asked,
            on_duplicate=self.on_duplicate,
            operating_point=self.operating_point or settings.operating_point,
            person_id=self.person_id,
            metadata=self.metadata,
            quick=self.quick,
        )

    @classmethod
    def openapi(cls) -> tuple[dict[str, Any], dict[str, Any]]:
        """The properties as form parts and as JSON members."""
        form, json = HandInFields.openapi()
        own = {
            "operating_point": {"type": "string", "enum": [point.value for point in OperatingPoint]},
            "quick": {"type": "boolean", "default": False, "description": QUICK},
        }
        return tuple(  # type: ignore[return-value]  # mypy does not count what a generator yields
            {name: schema for name, schema in fields.items() if name != "external_id"} | own for fields in (form, json)
        )
