"""The one error table: what each error is on the wire (RFC 9457), and the handlers that put it there.

`type` is a stable relative reference to the page that explains the problem; `instance` is the request's id. Nothing of
ours, neither path nor SQL nor traceback, is in a `detail`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

import index_store.errors as stores
from service.domain import errors
from service.workflows import file_removal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2


class ProblemError(Exception):
    """A problem that only the HTTP edge can have: a missing key, an unusable body, a refused origin."""

    def __init__(self, slug: str, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.kind = BY_SLUG[slug]
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


@dataclass(frozen=True, slots=True)
class Kind:
    slug: str
    status: int
    title: str
    meaning: str = field(repr=False)


KINDS = (
    Kind("bad-request", 400, "The request cannot be understood", "The body is not what its content type says."),
    Kind("unauthorised", 401, "A valid API key is needed", "No key, an unknown or a revoked one was sent."),
    Kind(
        "forbidden", 403, "The key does not allow this", "The key's scope is too narrow, or the CSRF token is missing."
    ),
    Kind("url-not-allowed", 403, "Pictures are not fetched from URLs", "URL inputs are switched off."),
    Kind("not-found", 404, "There is no such thing", "The id or the path is unknown, or what it named was removed."),
    Kind("method-not-allowed", 405, "The path does not take this method", "See the Allow header."),
    Kind("request-timeout", 408, "The upload was too slow", "Its rate fell below the limit, and it was cut."),
    Kind(
        "duplicate-refused",
        409,
        "The picture is a duplicate",
        "`on_duplicate=reject` was asked; `verdict` says of what.",
    ),
    Kind("request-in-progress", 409, "A request with this key is under way", "Ask again when it may be finished."),
    Kind("job-exists", 409, "A job for the same paths is not finished", "`job_id` names it: follow it, or cancel it."),
    Kind(
        "confirmation-needed",
        409,
        "More would go than goes without asking",
        "More than 100 pictures and more than 5 % of them; send `confirm_token` back if that is meant.",
    ),
    Kind(
        "stale-plan",
        409,
        "The plan does not hold any more",
        "Another plan has that hash, or an image of it changed, went, or is damaged; make a new plan.",
    ),
    Kind("kept-for-now", 409, "What was removed is kept for now", "It can be purged thirty days after it was removed."),
    Kind("no-face-space", 409, "No space of faces is set", "`KEEPONE_DESCRIPTORS` names no model of faces."),
    Kind("wrong-state", 409, "It is not in a state that allows this", "A job that has ended cannot be cancelled, say."),
    Kind("body-too-large", 413, "The request body is too large", "Counted while it arrives, file parts included."),
    Kind(
        "picture-too-large",
        413,
        "The picture is over a limit",
        "Bytes, pixels, side or metadata; decided by its header.",
    ),
    Kind(
        "archive-too-large",
        413,
        "The archive is over a limit",
        "Bytes, entries, or how much it unpacks to; counted while it is unpacked.",
    ),
    Kind("unsupported-media-type", 415, "The content type is not supported", "See the route's request body."),
    Kind(
        "unsupported-picture",
        415,
        "The file is not a supported picture",
        "Decided by its first bytes, never by its name.",
    ),
    Kind("unsupported-archive", 415, "The file is not a supported archive", "Decided by its first bytes."),
    Kind("invalid-request", 422, "A parameter is not valid", "`errors` names each one."),
    Kind("idempotency-key-reused", 422, "The key came with another request before", "Use a new key for a new request."),
    Kind("truncated-image", 422, "The file ends before the picture does", "Such files are refused, never patched up."),
    Kind("broken-image", 422, "The picture is damaged", "Its decoder refused it."),
    Kind("decoder-failed", 422, "The picture could not be decoded safely", "The decoder crashed or went over a limit."),
    Kind("no-face", 422, "There is no face in the picture", "The detector of the space found none."),
    Kind("truncated-archive", 422, "The archive is cut short", "What comes before the cut can be used."),
    Kind("broken-archive", 422, "The archive is damaged", "Whole, or in the entry that is named."),
    Kind("unusable-entry", 422, "The entry is not a file of its own", "A link, a device, encrypted, or an archive."),
    Kind("path-not-allowed", 422, "The path may not be read", "It does not lie below an import root."),
    Kind("path-not-found", 422, "There is nothing to read at the path", "It lies below an import root."),
    Kind(
        "internal", 500, "Something went wrong here", "A defect of Keepone; the log line of this request id tells more."
    ),
    Kind(
        "job-stuck",
        500,
        "The job ended its worker again and again",
        "It was begun twenty times, and not one more item was done; it may be resumed.",
    ),
    Kind("overloaded", 503, "The service is busy", "Try again after the seconds in Retry-After."),
    Kind("unavailable", 503, "The store cannot be used at the moment", "Try again after the seconds in Retry-After."),
    Kind(
        "index-building",
        503,
        "The index is still being read",
        "A search now would miss pictures; `/ready` tells when it is done.",
    ),
    Kind("storage-full", 507, "There is no room left to store pictures", "Reading still works; free some space."),
)
BY_SLUG = {kind.slug: kind for kind in KINDS}

TABLE: dict[type[Exception], str] = {
    errors.UnsupportedPictureError: "unsupported-picture",
    errors.TruncatedPictureError: "truncated-image",
    errors.BrokenPictureError: "broken-image",
    errors.PictureTooLargeError: "picture-too-large",
    errors.DecoderFailedError: "decoder-failed",
    errors.BadPictureError: "broken-image",
    errors.UnsupportedArchiveError: "unsupported-archive",
    errors.TruncatedArchiveError: "truncated-archive",
    errors.BrokenArchiveError: "broken-archive",
    errors.ArchiveTooLargeError: "archive-too-large",
    errors.UnusableEntryError: "unusable-entry",
    errors.BadArchiveError: "broken-archive",
    errors.PathNotAllowedError: "path-not-allowed",
    errors.PathNotFoundError: "path-not-found",
    errors.RootGoneError: "path-not-found",
    errors.JobStuckError: "job-stuck",
    errors.OverloadedError: "overloaded",
    errors.ConfirmationNeededError: "confirmation-needed",
    errors.WrongRemovalError: "wrong-state",
    errors.AlreadyThereError: "wrong-state",
    errors.UnknownSpaceError: "invalid-request",
    errors.NoThresholdError: "invalid-request",
    errors.UnknownFaceSpaceError: "invalid-request",
    errors.ThresholdRangeError: "invalid-request",
    errors.NoFaceSpaceError: "no-face-space",
    errors.NoFaceError: "no-face",
    file_removal.StalePlanError: "stale-plan",
    file_removal.TooEarlyToPurgeError: "kept-for-now",
    file_removal.LeftAsideError: "wrong-state",
    stores.NotFoundError: "not-found",
    stores.SameJobError: "job-exists",
    stores.KeyReusedError: "idempotency-key-reused",
    stores.BadTransitionError: "wrong-state",
    stores.BadCursorError: "invalid-request",
    stores.BadEntryError: "invalid-request",
    stores.CatalogueBusyError: "overloaded",
    stores.IndexBuildingError: "index-building",
    stores.StoreFullError: "storage-full",
    stores.StoreError: "unavailable",
}

_WHERE: dict[type[Exception], str] = {
    stores.BadCursorError: "query.cursor",
    stores.BadEntryError: "body",
    errors.UnknownSpaceError: "body.matcher",
    errors.NoThresholdError: "body.threshold",
    errors.UnknownFaceSpaceError: "query.space",
    errors.ThresholdRangeError: "query.threshold",
}
"""What is not valid when the store says so."""

_BY_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}

_OWN_WORDS = {"unavailable", "internal", "storage-full"}
"""Their causes may name files or SQL: the detail is the table's, the cause goes to the log."""


def problem(
    kind: Kind, detail: str, request: Request, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """The response for a problem, with the id of this request."""
    body = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": getattr(request.state, "request_id", "unknown"),
        **members,
    }
    all_headers = dict(headers or {})
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        all_headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(body, kind.status, all_headers, MEDIA_TYPE)


BY_NAME = {cls.__name__: BY_SLUG[slug] for cls, slug in TABLE.items()} | {
    "RefusedDuplicateError": BY_SLUG["duplicate-refused"]
}
"""For errors that were written down: the outcome of a job's item keeps the class's name."""


def told(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A problem that a job or an item keeps, as it goes over the wire."""
    if kept is None:
        return None
    kind = BY_NAME.get(kept["error"], BY_SLUG["internal"])
    detail = kind.meaning if kind.slug in _OWN_WORDS else kept["detail"]
    return {"type": f"/problems/{kind.slug}", "title": kind.title, "status": kind.status, "detail": detail}


def kind_of(error: Exception) -> Kind | None:
    """The table's row for an error, by its nearest class."""
    slug = next((TABLE[cls] for cls in type(error).__mro__ if cls in TABLE), None)
    return BY_SLUG[slug] if slug else None


def _allowed(request: Request) -> dict[str, str] | None:
    """Every method of this path; the framework names those of its first route alone. None for what is no API route."""
    path = getattr(request.scope.get("route"), "path", "")
    methods = request.app.openapi()["paths"].get(path)
    return {"Allow": ", ".join(sorted(method.upper() for method in methods))} if methods else None


def _members(error: Exception) -> dict[str, Any]:
    """What a client needs of this error besides its words."""
    if isinstance(error, stores.SameJobError):
        return {"job_id": error.job_id}
    if isinstance(error, errors.ConfirmationNeededError):
        return {"confirm_token": error.token}
    where = _WHERE.get(type(error))
    return {"errors": [{"where": where, "what": str(error)}]} if where else {}


def install(app: FastAPI) -> None:
    """Have every error of this app leave as a problem."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        kind = kind_of(error) or BY_SLUG["internal"]
        request.state.problem = kind.slug
        request.state.cause = error
        if kind.slug in _OWN_WORDS:
            return problem(kind, kind.meaning, request)
        return problem(kind, str(error), request, **_members(error))

    async def at_edge(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class below
        request.state.problem = error.kind.slug
        return problem(error.kind, error.detail, request, error.headers, **error.members)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class below
        request.state.problem = "invalid-request"
        listed = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{row['where']}: {row['what']}" for row in listed)
        return problem(BY_SLUG["invalid-request"], detail, request, errors=listed)

    async def from_framework(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class below
        kind = BY_SLUG[_BY_STATUS.get(error.status_code, "bad-request")]
        request.state.problem = kind.slug
        headers = _allowed(request) if kind.slug == "method-not-allowed" else None
        return problem(kind, kind.meaning, request, headers or error.headers)

    async def explain(request: Request) -> JSONResponse:
        kind = BY_SLUG.get(request.path_params["slug"])
        if kind is None:
            raise HTTPException(404)
        return JSONResponse({"type": f"/problems/{kind.slug}", **asdict(kind)})

    app.add_route("/problems/{slug}", explain, include_in_schema=False)
    for family in (errors.KeeponeError, stores.StoreError):
        app.add_exception_handler(family, known)
    app.add_exception_handler(ProblemError, at_edge)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, from_framework)
