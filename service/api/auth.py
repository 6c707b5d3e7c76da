"""Who asks, and whether they may.

A key comes in `X-API-Key` or as a bearer token; the page trades one for a session: a signed HttpOnly cookie, and a CSRF
token that unsafe calls send back in a header. Nothing is kept for a session: its cookie names the key and the time it
ends, signed with a secret all processes share, and the key is looked up each time, so revoking it ends its sessions.

While no key was ever made the service runs without, for whom `api/doors.py` lets in.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from service.api.doors import refuse_strangers
from service.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_store.catalogue.protocol import Keys
    from service.wiring import Parts

COOKIE = "keepone_session"
CSRF_HEADER = "X-CSRF-Token"
SECRET = "session-signing"  # noqa: S105 - the secret's name in the catalogue, not the secret
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key (`keepone keys create`).")
_BEARER = HTTPBearer(auto_error=False, description="The same key as a bearer token.")
_SESSION = APIKeyCookie(name=COOKIE, auto_error=False, description="The page's session, from `POST /session`.")


class Scope(IntEnum):
    """What a key may do; each includes the ones before it."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent the request. `key_id` is None where the service runs without keys."""

    scope: Scope
    key_id: str | None = None
    csrf_token: str | None = None
    """Set when the call came by a session."""
    expires: int | None = None
    """When that session ends, in seconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Session:
    cookie: str
    csrf_token: str
    expires: int
    """Seconds since 1970, UTC."""


def open_session(keys: Keys, key_id: str, hours: float) -> Session:
    """A session for a key that was just proved."""
    expires = int(time.time() + hours * 3600)
    body = f"{key_id}.{expires}.{secrets.token_urlsafe(16)}"
    secret = keys.secret(SECRET)
    cookie = f"{body}.{_sign(secret, 'cookie', body)}"
    return Session(cookie, _sign(secret, "csrf", cookie), expires)


def caller_of(request: Request, parts: Parts, key: str | None, cookie: str | None) -> Caller:
    """Find out who asks. Raises ProblemError `unauthorised` or `forbidden`."""
    if key is not None:
        return Caller(*_by_key(parts.keys, key))
    # Cookies know no ports: where there are no keys, one that comes along is another Keepone's.
    if not parts.settings.require_key and not parts.keys.list():
        refuse_strangers(request)
        return Caller(Scope.ADMIN)
    if cookie is None:
        raise _unauthorised("Send an API key in X-API-Key or as a bearer token.")
    caller = _by_session(parts.keys, cookie)
    if caller is None:
        raise _unauthorised("The session has ended; sign in again.")
    _refuse_without_token(request, caller)
    return caller


def check_sign_out(request: Request, keys: Keys) -> None:
    """Whoever has no session may forget its cookie; a session is ended by its own page alone. Raises ProblemError."""
    cookie = request.cookies.get(COOKIE)
    caller = _by_session(keys, cookie) if cookie is not None else None
    if caller is not None:
        _refuse_without_token(request, caller)


def require(scope: Scope) -> Callable[..., Caller]:
    """A dependency that lets through callers of this scope or a wider one."""

    def dependency(
        request: Request,
        header: Annotated[str | None, Security(_HEADER)],
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        cookie: Annotated[str | None, Security(_SESSION)],
    ) -> Caller:
        key = header if header is not None else (bearer.credentials if bearer else None)
        caller = caller_of(request, request.app.state.parts, key, cookie)
        request.state.key_id = caller.key_id
        if caller.scope < scope:
            raise ProblemError("forbidden", f"This needs a key of scope {scope.word}.")
        return caller

    return dependency


Reader = Annotated[Caller, Depends(require(Scope.READ))]
Writer = Annotated[Caller, Depends(require(Scope.WRITE))]


def _by_key(keys: Keys, text: str) -> tuple[Scope, str]:
    key_id, _, secret = text.partition(".")
    key = keys.find(key_id)
    # An unknown id costs one comparison too, so that time does not tell it from a wrong secret.
    known = key.opens(secret) if key else hmac.compare_digest(sha256(secret.encode(errors="replace")).digest(), _NOBODY)
    if key is None or not known:
        raise _unauthorised("The key is unknown or revoked.")
    return Scope[key.scope.upper()], key.key_id


_NOBODY = bytes(32)


def _by_session(keys: Keys, cookie: str) -> Caller | None:
    """Whose session the cookie is; None for one that is forged, over, or of a key that was revoked."""
    body, _, signature = cookie.rpartition(".")
    key_id, _, rest = body.partition(".")
    secret = keys.secret(SECRET)
    signed = hmac.compare_digest(_sign(secret, "cookie", body).encode(), signature.encode(errors="replace"))
    key = keys.find(key_id) if signed else None
    expires = int(rest.partition(".")[0]) if signed else 0
    if key is None or key.revoked is not None or expires < time.time():
        return None
    return Caller(Scope[key.scope.upper()], key.key_id, _sign(secret, "csrf", cookie), expires)


def _refuse_without_token(request: Request, caller: Caller) -> None:
    sent, csrf = request.headers.get(CSRF_HEADER, ""), caller.csrf_token or ""
    if request.method not in SAFE_METHODS and not hmac.compare_digest(csrf.encode(), sent.encode(errors="replace")):
        raise ProblemError("forbidden", f"A call by session needs its CSRF token in {CSRF_HEADER}.")


def _sign(secret: bytes, purpose: str, text: str) -> str:
    return hmac.new(secret, f"{purpose}:{text}".encode(errors="replace"), "sha256").hexdigest()


def _unauthorised(detail: str) -> ProblemError:
    return ProblemError("unauthorised", detail, {"WWW-Authenticate": 'Bearer realm="keepone"'})
