"""C2PA manifests verified: who signed what a file says of its own making, and whether the file is still what was signed.

The library that reads them parses much that a stranger wrote, so it runs in a process of its own under the decoders'
limits and within their budget, once for each file that has a manifest. It is an extra, `keepone[c2pa]`; without it
manifests stay unverified, and so do those that it chokes on. No manifest refuses a picture.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final

from service.domain.errors import OverloadedError
from service.domain.file_facts import Holds, Manifest
from service.pictures.clean_start import environment, memory_of, our_own_shortage, search_path

if TYPE_CHECKING:
    from service.domain.values import PictureFormat
    from service.pictures.admit import Limits
    from service.pictures.budget import MachineBudget

AT_ONCE: Final = 2
"""Manifests that are verified at the same time in one process."""
NOT_INSTALLED: Final = "that needs keepone[c2pa]"
FAILED: Final = "whoever tried could not read it"
TOO_LONG: Final = "that took too long"
BUSY: Final = "the service was too busy"

_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from service.pictures.provenance_child import main; main()"
)
_MEMORY: Final = 96 * 2**20
_COPIES: Final = 6
"""Times the file that may be held of it at once: it comes as bytes, and signed parts are read out of it."""
_ANSWER: Final = 64 * 1024
_MEDIA_TYPES: Final[dict[PictureFormat, str]] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
}
_STATES: Final = {"Trusted": Holds.TRUSTED, "Valid": Holds.VALID, "Invalid": Holds.INVALID}
_WORDS: Final = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "assertion.bmffHash.mismatch": "the file was changed after it was signed",
    "claimSignature.mismatch": "the signature is not that of what is claimed",
    "assertion.hashedURI.mismatch": "what is claimed was changed after it was signed",
    "signingCredential.invalid": "the signer's certificate is no good for it",
    "signingCredential.expired": "the signer's certificate had run out",
}
"""Codes of C2PA 2.2, 15.2.2. Others are told as they are."""
_UNTRUSTED: Final = "signingCredential.untrusted"
_ACTION: Final = re.compile(r"c2pa\.([A-Za-z_.]{1,40})")
_SOURCE_TYPE: Final = re.compile(r"(?:^|/)([A-Za-z]{4,60})$")
_CODE: Final = re.compile(r"[A-Za-z0-9_.]{1,80}")
_LONGEST: Final = 200


@cache
def is_installed() -> bool:
    """Whether the extra is there; it is not loaded."""
    return find_spec("c2pa") is not None


class Verifier:
    """Verifies manifests, a few at a time, in memory of the machine's budget.

    `anchors`: the certificates that are trusted, in PEM; none trusts nobody.
    """

    def __init__(self, limits: Limits, anchors: str, budget: MachineBudget) -> None:
        self._limits = limits
        self._anchors = anchors.encode()
        self._budget = budget
        self._free = BoundedSemaphore(AT_ONCE)

    def verify(self, data: bytes, name: PictureFormat, *, wait_s: float | None) -> Manifest:
        """What came of verifying the manifest in a file's bytes; it is not verified if no turn comes in time.

        Whoever waits without an end must hold none of the budget meanwhile.
        """
        if not is_installed():
            return Manifest(Holds.UNVERIFIED, NOT_INSTALLED)
        if name not in _MEDIA_TYPES:
            return Manifest(Holds.UNVERIFIED, FAILED)
        deadline = None if wait_s is None else time.monotonic() + wait_s
        if not self._free.acquire(timeout=wait_s):
            return Manifest(Holds.UNVERIFIED, BUSY)
        try:
            allowance = _MEMORY + _COPIES * len(data)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            with self._budget.reserve(allowance, wait_s=left):
                return self._ask(data, _MEDIA_TYPES[name], allowance)
        except OverloadedError:
            return Manifest(Holds.UNVERIFIED, BUSY)
        finally:
            self._free.release()

    def _ask(self, data: bytes, media_type: str, allowance: int) -> Manifest:
        seconds = self._limits.decode_seconds
        with ExitStack() as stack:
            file, anchors, answer = (
                stack.enter_context(memory_of("keepone-manifest", content))
                for content in (data, self._anchors, _ANSWER)
            )
            arguments = (os.getpid(), file, anchors, answer, allowance, round(seconds), media_type)
            with our_own_shortage():
                child = subprocess.Popen(  # noqa: S603 - this very interpreter, our own words
                    [sys.executable, "-I", "-S", "-c", _BOOT, json.dumps(search_path()), *map(str, arguments)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[file, anchors, answer],
                    env=environment(),
                    start_new_session=True,
                )
            try:
                status = child.wait(self._limits.patience * seconds)
            except subprocess.TimeoutExpired:
                return Manifest(Holds.UNVERIFIED, TOO_LONG)
            finally:
                child.kill()
                child.wait()
            return _manifest(os.pread(answer, _ANSWER, 0)) if status == 0 else Manifest(Holds.UNVERIFIED, FAILED)


def _manifest(answer: bytes) -> Manifest:
    """The child's answer, of which nothing is believed before it was looked at."""
    try:
        told = json.loads(answer.rstrip(b"\0"))
        holds = _STATES.get(told["state"])
        failures = [code for code in _texts(told["failures"]) if code != _UNTRUSTED]
        if holds is None:
            return Manifest(Holds.UNVERIFIED, FAILED)
        return Manifest(
            holds,
            why=_in_words(failures) if holds is Holds.INVALID else None,
            signer=_text(told["signer"]) or None,
            program=_text(told["program"]) or None,
            actions=_matches(_ACTION, told["actions"]),
            source_types=_matches(_SOURCE_TYPE, told["source_types"]),
            earlier_actions=_matches(_ACTION, told["earlier_actions"]),
            earlier_source_types=_matches(_SOURCE_TYPE, told["earlier_source_types"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Manifest(Holds.UNVERIFIED, FAILED)


def _in_words(failures: list[str]) -> str:
    for code in failures:
        if code in _WORDS:
            return _WORDS[code]
    return next((code for code in failures if _CODE.fullmatch(code)), "it is damaged")


def _matches(pattern: re.Pattern[str], given: Any) -> tuple[str, ...]:
    found = (pattern.search(text) for text in _texts(given))
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _texts(given: Any) -> list[str]:
    return [_text(each) for each in given]


def _text(given: Any) -> str:
    return "".join(letter for letter in given[:_LONGEST] if letter.isprintable())
