"""Generated, edited or photographed: what a file's marks declare. Pixels are not asked.

A mark is a claim. It can be stripped, which leaves nothing to see, or forged; so a picture without marks is not called
genuine, and a declared photograph is told as a signal and lowers no risk. What a C2PA manifest claims is told with what
came of verifying it, and a claim to be generated counts even where the manifest does not hold: nobody gains by it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service.domain.file_facts import EDIT_ACTIONS, Holds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.file_facts import FileFacts, Manifest

GENERATED_TYPES: Final = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic"}
)
CAPTURED_TYPES: Final = frozenset({"digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print"})
SCREEN_TYPES: Final = frozenset({"screenCapture"})
"""IPTC's digital source types, https://cv.iptc.org/newscodes/digitalsourcetype/."""

EDITORS: Final = re.compile(
    r"photoshop|lightroom|gimp|affinity|snapseed|pixelmator|capture one|darktable|rawtherapee|paint\.net|picsart|canva"
    r"|facetune|luminar|paintshop|photoscape|picasa|vsco|meitu|faceapp",
    re.IGNORECASE,
)
"""Programs for editing pictures, by what they write as software."""


def generated(file: FileFacts) -> float | None:
    """1 where a mark declares that the picture was generated, wholly or in part; None where none does."""
    return 1.0 if file.generator or GENERATED_TYPES & _source_types(file).keys() else None


def is_declared_screenshot(file: FileFacts) -> bool:
    return file.called_screenshot or bool(SCREEN_TYPES & _source_types(file).keys())


def marks(file: FileFacts) -> tuple[str, ...]:
    """What the marks say, as sentences for people."""
    said = list(_of_manifest(file))
    said += [f"declares the digital source type {each} ({how})" for each, how in _source_types(file).items()]
    if file.generator:
        said.append(f"marked as made with {file.generator}")
    if file.software and EDITORS.search(file.software):
        said.append(f"edited with {file.software}")
    if file.called_screenshot:
        said.append("a mark calls it a screenshot")
    return tuple(said)


def _source_types(file: FileFacts) -> dict[str, str]:
    """The digital source types that are declared, and how far each is verified; a manifest's come first."""
    manifest = file.manifest
    found = {} if file.source_type is None else {file.source_type: _HOW[Holds.UNVERIFIED]}
    if manifest is None:
        return found
    earlier = dict.fromkeys(manifest.earlier_source_types, _OF_INGREDIENT)
    return found | earlier | dict.fromkeys(manifest.source_types, _HOW[manifest.holds])


def _of_manifest(file: FileFacts) -> Iterator[str]:
    if not file.has_manifest:
        return
    manifest = file.manifest
    if manifest is None or manifest.holds is Holds.UNVERIFIED:
        why = f": {manifest.why}" if manifest is not None and manifest.why else ""
        yield f"carries a C2PA manifest (not verified{why})"
        edits, how = file.edits, _HOW[Holds.UNVERIFIED]
    else:
        yield f"carries a C2PA manifest{_by(manifest)} that {_WORTH[manifest.holds]}{_because(manifest)}"
        edits, how = tuple(each for each in manifest.actions if each in EDIT_ACTIONS), _HOW[manifest.holds]
        if "opened" in manifest.actions:
            yield f"its C2PA manifest tells that it was made from an earlier picture ({how})"
    if edits:
        yield f"its C2PA manifest tells of edits: {', '.join(edits)} ({how})"
    if earlier := [each for each in (manifest.earlier_actions if manifest else ()) if each in EDIT_ACTIONS]:
        yield f"the C2PA manifest of what it was made from tells of edits: {', '.join(earlier)} ({_OF_INGREDIENT})"


def _by(manifest: Manifest) -> str:
    signed = f" signed by {manifest.signer}" if manifest.signer else ""
    return f"{f' of {manifest.program}' if manifest.program else ''}{signed}"


def _because(manifest: Manifest) -> str:
    return f": {manifest.why}" if manifest.why else ""


_HOW: Final = {
    Holds.TRUSTED: "verified",
    Holds.VALID: "signed, by nobody who is trusted here",
    Holds.INVALID: "in a manifest that does not hold",
    Holds.UNVERIFIED: "not verified",
}
_OF_INGREDIENT: Final = "of an ingredient, not verified"
_WORTH: Final = {
    Holds.TRUSTED: "holds, and whose signer is trusted",
    Holds.VALID: "holds, and whose signer nobody here vouches for",
    Holds.INVALID: "does not hold",
}
