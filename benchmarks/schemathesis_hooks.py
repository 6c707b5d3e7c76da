"""What Schemathesis cannot guess: what a picture is.

Where the schema asks for a picture, most examples get a real one, small and different enough from the others that
every verdict turns up; the rest get bytes that are none. Loaded by name from schemathesis.toml.
"""

from __future__ import annotations

import base64
import importlib
import io
import re
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image, ImageDraw

# Not imported by name: the type checker runs without the `heavy` extra.
schemathesis: Any = importlib.import_module("schemathesis")

SCENES = 40
JUNK = (b"GIF", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"PK\x03\x04" + bytes(40), b"\x00" * 500)
SHARE_OF_PICTURES = 7
"""Of eight bodies."""
LONGEST_CURSOR = 256
BEYOND_SCHEMAS = re.compile(r"/problems/([a-z]+-archive|unusable-entry|path-not-[a-z]+|idempotency-key-reused)$")
TEXT_FIELD = re.compile(r"in body - violates `type` at /properties/(external_id|person_id) \(was string, became")


@cache
def picture(scene: int, kind: str) -> bytes:
    """A small drawing; scene 0 is blank, and two kinds of one scene are copies of one another."""
    rng = np.random.default_rng(scene)
    canvas = Image.new("RGB", (96, 72), (120, 130, 140))
    pen = ImageDraw.Draw(canvas)
    for _ in range(14 if scene else 0):
        left, top = int(rng.integers(0, 90)), int(rng.integers(0, 66))
        width, height = (int(side) for side in rng.integers(6, 50, 2))
        red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
        pen.rectangle((left, top, left + width, top + height), fill=(red, green, blue))
    out = io.BytesIO()
    canvas.save(out, kind)
    return out.getvalue()


pictures = st.builds(picture, st.integers(0, SCENES), st.sampled_from(["JPEG", "PNG", "WEBP"]))
junk = st.one_of(st.sampled_from(JUNK), st.binary(max_size=200).map(lambda noise: b"\x01" + noise))
files = st.integers(0, SHARE_OF_PICTURES).flatmap(lambda lot: pictures if lot else junk)

schemathesis.openapi.format("binary", files)
schemathesis.openapi.format("byte", files.filter(bool).map(lambda data: base64.b64encode(data).decode()))


def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """A cursor is opaque: only one that an earlier page gave is valid, and no schema can say so."""
    cursor = (case.query or {}).get("cursor")
    if isinstance(cursor, str) and len(cursor) <= LONGEST_CURSOR:
        if case.operation.label == "GET /persons/conflicts":
            del case.query["cursor"]  # it names two persons, who are not there
            return
        sequence = sum(cursor.encode(errors="replace")) % 500 + 1
        case.query["cursor"] = base64.urlsafe_b64encode(str(sequence).encode()).decode().rstrip("=")


def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure counts. Four kinds do not, and nothing else is left out.

    A removed image is still shown, with `"state": "removed"`, so that a removal can be looked at and undone; its
    content and thumbnail do answer 404, and there use after free counts. And where a link overwrites the very value
    that was made invalid, Schemathesis goes on to expect a refusal, yet names "positive test case" as what is wrong.
    And a text field of a form that "became boolean" is the text `true` on the wire, which is a good external id.
    And no schema can say that bytes are a whole archive, that a path exists, or that a key is new.
    """
    kind = type(failure).__name__
    if kind == "UseAfterFree" and case.operation.label == "GET /images/{image_id}":
        return bool(response.json()["state"] != "removed")
    if kind == "AcceptedNegativeData":
        as_text = case.media_type == "multipart/form-data" and TEXT_FIELD.search(failure.message)
        return not (as_text or "Invalid component: positive test case" in failure.message)
    if kind == "RejectedPositiveData":
        return re.search(BEYOND_SCHEMAS, response.json()["type"]) is None
    return True


schemathesis.hook(before_call)
schemathesis.hook(filter_failure)
