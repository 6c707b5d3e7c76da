"""What OpenAPI says of bodies and problems, made from the same tables the code runs by."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from service.api.bodies import LONGEST_ID
from service.api.person_schemas import NewPerson, PersonChanges
from service.api.policy_schemas import Simulation
from service.api.problems import BY_SLUG, MEDIA_TYPE
from service.api.removal_schemas import ApplyRemoval, PlanRemoval, RemoveDuplicates
from service.api.schemas import Precheck, Problem
from service.policies import PolicyDocument

if TYPE_CHECKING:
    from pydantic import BaseModel

PICTURE_SLUGS = (
    "bad-request",
    "request-timeout",
    "body-too-large",
    "picture-too-large",
    "unsupported-media-type",
    "unsupported-picture",
    "invalid-request",
    "truncated-image",
    "broken-image",
    "decoder-failed",
    "overloaded",
    "index-building",
    "url-not-allowed",
)
"""What can be wrong with a request that carries a picture."""

AUTH_SLUGS = ("unauthorised", "forbidden")
BODY_SLUGS = ("body-too-large", "unsupported-media-type", "invalid-request", "request-timeout")
"""What can be wrong with a request that carries JSON."""
KEY_SLUGS = ("idempotency-key-reused", "request-in-progress")
"""What can be wrong with an idempotency key."""
WRITE_SLUGS = ("overloaded", "storage-full")

ANYWHERE = ("bad-request", "internal", "unavailable")


def problems(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: one entry for each status, naming every problem that can have it."""
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for slug in dict.fromkeys((*slugs, *ANYWHERE)):
        kind = BY_SLUG[slug]
        by_status[kind.status].append(f"`{slug}`: {kind.title}.")
    return {
        status: {"description": " ".join(lines), "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        for status, lines in sorted(by_status.items())
    }


_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PICTURE = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC."}
_BASE64 = {
    "type": "string",
    "format": "byte",
    "minLength": 1,
    "description": "The picture's bytes in base64 (RFC 4648).",
}


def picture_body(form: dict[str, Any] | None = None, json: dict[str, Any] | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route that takes a picture, with the fields beside it."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": _PICTURE, **(form or {})},
                    },
                    "encoding": {
                        "file": {"contentType": "application/octet-stream"},
                        **{name: {"contentType": "application/json"} for name in _objects(form or {})},
                    },
                },
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["image_base64"],
                        "properties": {"image_base64": _BASE64, **(json if json is not None else form or {})},
                    }
                },
            },
        }
    }


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that takes this and nothing else."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def pair_body() -> dict[str, Any]:
    """`openapi_extra` of the route that takes two pictures."""
    image_id = {"type": "string", "maxLength": LONGEST_ID, "description": "Of a stored picture."}
    either = [
        {"type": "object", "required": ["image_id"], "properties": {"image_id": image_id}},
        {"type": "object", "required": ["image_base64"], "properties": {"image_base64": _BASE64}},
    ]
    laid = "The first is laid on the second."
    two = f"Two files and ids in all; files come before ids. {laid}"
    form = {"file": {"type": "array", "items": _PICTURE, "maxItems": 2, "description": two}}
    ids = {"image_id": {"type": "array", "items": image_id, "maxItems": 2, "description": two}}
    pictures = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"oneOf": either}, "description": laid}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {**form, **ids}},
                    "encoding": {"file": {"contentType": "application/octet-stream"}},
                },
                "application/json": {
                    "schema": {"type": "object", "required": ["pictures"], "properties": {"pictures": pictures}}
                },
            },
        }
    }


def _objects(properties: dict[str, Any]) -> list[str]:
    return [name for name, schema in properties.items() if schema.get("type") == "object"]


def image_links() -> dict[str, Any]:
    """What can be asked about an image just handed in."""
    operations = ("get_image", "get_content", "get_thumbnail", "remove_image")
    return {name: {"operationId": name, "parameters": {"image_id": "$response.body#/image_id"}} for name in operations}


def batch_body(form: dict[str, Any], json: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of the route that takes many pictures."""
    archive = {"schema": {"type": "string", "format": "binary", "description": "A ZIP or TAR (plain, gz, bz2, xz)."}}
    paths = {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "Below the import roots."}
    files = {"type": "array", "items": _PICTURE, "minItems": 1, "description": "Pictures, or one ZIP or TAR."}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["files"], "properties": {"files": files, **form}},
                    "encoding": {
                        "files": {"contentType": "application/octet-stream"},
                        **{name: {"contentType": "application/json"} for name in _objects(form)},
                    },
                },
                "application/zip": archive,
                "application/x-tar": archive,
                "application/gzip": archive,
                "application/json": {
                    "schema": {"type": "object", "required": ["paths"], "properties": {"paths": paths, **json}}
                },
            },
        }
    }


def job_links() -> dict[str, Any]:
    """What can be asked about a job just made."""
    operations = ("get_job", "list_items", "cancel_job")
    return {name: {"operationId": name, "parameters": {"job_id": "$response.body#/job_id"}} for name in operations}


def finish(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the schemas that only `$ref`s name, and take out FastAPI's own error shape, which no route of ours sends."""
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for model in (
        Problem,
        Precheck,
        RemoveDuplicates,
        PlanRemoval,
        ApplyRemoval,
        NewPerson,
        PersonChanges,
        PolicyDocument,
        Simulation,
    ):
        document = model.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(document.pop("$defs", {}))
        components[model.__name__] = document
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    return schema
