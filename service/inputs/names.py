"""Names as text: whatever bytes a name has, people see something and JSON can carry it."""

from __future__ import annotations

import os
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

LONGEST_NAME = 4096
"""Bytes of a name that are kept; a name may have sixty thousand in a ZIP and millions in a TAR."""

_NOISE = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini"})


def readable(raw: bytes, legacy: str | None = None) -> str:
    r"""The name as valid Unicode. Bytes that are no UTF-8, and NUL, are spelled out (`\xff`).

    `legacy` names the encoding of old archives, for names that are no UTF-8 as a whole. NFC and NFD stay as they are:
    a file is found again only by the spelling it has.
    """
    kept = raw[:LONGEST_NAME]
    if legacy is not None:
        try:
            return readable_text(kept.decode("utf-8"))
        except UnicodeDecodeError:
            return readable_text(kept.decode(legacy, "backslashreplace"))
    return readable_text(kept.decode("utf-8", "backslashreplace"))


def readable_text(text: str) -> str:
    """The same for what is text already: lone surrogates and NUL are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def locator_of(path: str | os.PathLike[str]) -> str:
    """A path in ASCII, whatever bytes its names have, to be kept as text and read back with `path_at`."""
    return quote_from_bytes(os.fsencode(path))


def path_at(locator: str) -> str:
    """The path, as `os.fsdecode` spells it."""
    return os.fsdecode(unquote_to_bytes(locator))


def is_noise(name: str) -> bool:
    """Whether an archive's entry is something a system left there: nobody means to hand it in."""
    parts = [part for part in re.split(r"[/\\]", name) if part]
    if "__MACOSX" in parts:
        return True
    return bool(parts) and (parts[-1].lower() in _NOISE or parts[-1].startswith("._"))
