"""Whom the settings trust to sign C2PA manifests."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.domain.errors import SettingsError

if TYPE_CHECKING:
    from service.settings import Settings

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_BLOCK: Final = re.compile(rf"{_BEGIN}.*?(?:-----END CERTIFICATE-----|(?={_BEGIN})|\Z)", re.DOTALL)


def trust_anchors(settings: Settings) -> str:
    """The certificates that are trusted to sign manifests, in PEM, each of them whole. Raises SettingsError."""
    if not settings.trusted_signers:
        return ""
    file = f"KEEPONE_TRUSTED_SIGNERS: {settings.trusted_signers}"
    try:
        anchors = Path(settings.trusted_signers).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read as PEM") from error
    blocks = _BLOCK.findall(anchors)
    if not blocks:
        raise SettingsError(f"{file} holds no certificate in PEM")
    for number, block in enumerate(blocks, 1):
        try:
            # Each into a context of its own: of several, one that is none would be passed over.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=block)
        except ssl.SSLError as error:
            raise SettingsError(f"{file}: certificate {number} cannot be read") from error
    return anchors
