"""The doors of a service that has no key: shut to whoever does not sit at this machine.

Such a service is served on loopback only, to peers on loopback that no proxy speaks for, and to no page of another site
(a browser says whose page asks; a rebound DNS name shows in Host).
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from service.api.problems import ProblemError
from service.domain.errors import SettingsError
from service.settings import LOOPBACK
from service.wiring import open_keys

if TYPE_CHECKING:
    from starlette.requests import Request

    from service.settings import Settings

PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""A proxy on this machine is a peer on loopback, and says by these for whom it asks."""


def refuse_open_doors(settings: Settings) -> None:
    """Raise SettingsError if strangers could reach the service without a key."""
    if settings.on_loopback and not settings.require_key:
        return
    with open_keys(settings) as keys:
        if not any(key.revoked is None for key in keys.list()):
            raise SettingsError(
                "There is no API key, and without one the service starts only on loopback and where "
                "KEEPONE_REQUIRE_KEY is not set. Make one with: keepone keys create --scope admin NAME"
            )


def refuse_strangers(request: Request) -> None:
    """Raise ProblemError `forbidden` for a request that a service without keys does not answer."""
    if not _on_loopback(request.client.host if request.client else "") or any(
        name in request.headers for name in PROXY_HEADERS
    ):
        raise ProblemError("forbidden", "Without keys the service answers this machine only, and through no proxy.")
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.strip("[]") not in LOOPBACK:
        raise ProblemError("forbidden", "Without keys the service answers on loopback names only.")
    origin = request.headers.get("origin")
    own_page = origin is None or origin.partition("://")[2] == host
    if not own_page or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ProblemError("forbidden", "Without keys the service does not answer pages of other sites.")


def _on_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:  # no address at all: a Unix socket, behind which a proxy sits
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
