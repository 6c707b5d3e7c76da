"""The page's session: a key traded once for an HttpOnly cookie, so that it never lies in a page's storage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from service.api import schemas
from service.api.auth import COOKIE, Reader, check_sign_out, open_session
from service.api.deps import PartsOf, SettingsOf
from service.api.problems import ProblemError
from service.api.responses import AUTH_SLUGS, problems

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=201, response_model=schemas.Session, responses=problems(*AUTH_SLUGS))
def sign_in(
    request: Request, response: Response, parts: PartsOf, settings: SettingsOf, caller: Reader
) -> dict[str, Any]:
    """Trade a key for a session. Without keys there is nothing to trade, and no cookie is set."""
    if caller.csrf_token is not None:
        raise ProblemError("forbidden", "A session is opened with a key; one that is open does not open the next.")
    if caller.key_id is None:
        return _answer(caller.scope.word, None, None)
    session = open_session(parts.keys, caller.key_id, settings.session_hours)
    response.set_cookie(
        COOKIE,
        session.cookie,
        expires=datetime.fromtimestamp(session.expires, UTC),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return _answer(caller.scope.word, session.csrf_token, session.expires)


@router.get("", response_model=schemas.Session, responses=problems(*AUTH_SLUGS))
def who_am_i(caller: Reader) -> dict[str, Any]:
    """What this caller may do; if it came by a session, with its CSRF token and its end."""
    return _answer(caller.scope.word, caller.csrf_token, caller.expires)


@router.delete("", status_code=204, responses=problems("forbidden"))
def sign_out(request: Request, response: Response, parts: PartsOf) -> None:
    """Forget the cookie, whether its session is still good or not."""
    check_sign_out(request, parts.keys)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _answer(scope: str, csrf_token: str | None, expires: int | None) -> dict[str, Any]:
    at = None if expires is None else datetime.fromtimestamp(expires, UTC).isoformat().replace("+00:00", "Z")
    return {"scope": scope, "csrf_token": csrf_token, "expires_at": at}
