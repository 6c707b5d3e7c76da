"""Reading request bodies, counted and timed while they arrive, so that no part of them escapes a limit.

Starlette bounds form fields but not file parts, and knows no slowest rate; FastAPI would read a body before it looks at
the key. So the handlers call this themselves, after authorisation: every byte of the body, preamble and file parts
included, passes through `counted`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread
from pydantic import BaseModel, RootModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from service.api.fields import MOST_FIELD_BYTES
from service.api.problems import ProblemError
from service.domain.errors import OverloadedError
from service.settings import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from service.settings import Settings

ENVELOPE = MIB
"""Room beside the picture itself: part headers, form fields, JSON."""
MOST_FIELDS = 16
LONGEST_ID = 64
MOST_SIGNS = MOST_FIELD_BYTES
"""Commas and opening brackets of a JSON body. Each may cost a hundred bytes once parsed, and no metadata has more."""
SMALL = 64 * 1024
"""Bytes of JSON that are parsed in no time; more than that is done beside the event loop."""
SLICE = 1024 * 1024
"""Characters of base64 decoded at a time; a multiple of four."""
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class Intake:
    """How many bytes of request bodies one process holds at a time, in memory and in spool files together.

    Used on the event loop alone, so it needs no lock. What a request took is given back when it is answered.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def take(self, count: int) -> None:
        """Make room for more of a body. Raises OverloadedError if all requests together would hold too much."""
        if self._held + count > self._limit:
            raise OverloadedError("Too many uploads are under way.")
        self._held += count

    def give_back(self, count: int) -> None:
        self._held -= count


@dataclass(frozen=True, slots=True)
class PictureForm:
    """A picture handed in, and the text fields beside it."""

    picture: bytes
    fields: dict[str, Any] = field(default_factory=dict)


async def read_picture(request: Request, settings: Settings) -> PictureForm:
    """The picture in a multipart `file` part or a JSON `image_base64`. Raises ProblemError."""
    kind = content_type(request)
    if kind == "multipart/form-data":
        return await _from_form(request, settings, settings.max_bytes + ENVELOPE, _picture_of, most_files=1)
    if kind == "application/json":
        return await _read_json(request, settings, settings.max_bytes * 4 // 3 + ENVELOPE, _from_json)
    raise ProblemError("unsupported-media-type", "Send multipart/form-data with a file part, or application/json.")


async def read_pair(request: Request, settings: Settings) -> list[bytes | str]:
    """Two pictures, each as bytes or as an image id; the first is the query. Raises ProblemError."""
    kind, limit = content_type(request), 2 * settings.max_bytes
    if kind == "multipart/form-data":
        return await _from_form(request, settings, limit + ENVELOPE, _pair_of_form, most_files=2)
    if kind == "application/json":
        return await _read_json(request, settings, limit * 4 // 3 + ENVELOPE, _pair_from_json)
    raise ProblemError("unsupported-media-type", "Send multipart/form-data with two parts, or application/json.")


async def read_model(request: Request, settings: Settings, model: type[M]) -> M:
    """A small JSON body, validated. Raises ProblemError."""
    if content_type(request) != "application/json":
        raise ProblemError("unsupported-media-type", "Send application/json.")
    try:
        return await _read_json(request, settings, ENVELOPE, model.model_validate)
    except ValidationError as error:
        # A union of shapes tells the name of the shape first, which is no place in the body.
        raise invalid(error, "body", shapes=issubclass(model, RootModel)) from error


def read_fields(fields: dict[str, Any], model: type[M]) -> M:
    """The fields beside one picture or many, validated. Raises ProblemError."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise invalid(error, "body") from error


async def read_json(request: Request, settings: Settings) -> object:
    """A small JSON body, whatever it holds. Raises ProblemError."""
    return await _read_json(request, settings, ENVELOPE, lambda body: body)


def invalid(error: ValidationError, where: str, *, shapes: bool = False) -> ProblemError:
    """A validation error as the problem `invalid-request`."""
    first = 1 if shapes else 0
    listed = [{"where": ".".join([where, *map(str, e["loc"][first:])]), "what": e["msg"]} for e in error.errors()]
    return ProblemError("invalid-request", "; ".join(f"{r['where']}: {r['what']}" for r in listed), errors=listed)


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _from_form(
    request: Request, settings: Settings, limit: int, shape: Callable[[FormData], Awaitable[T]], *, most_files: int
) -> T:
    """The form of at most so many bytes, shaped. Raises what `shape` raises."""
    body = counted(request, settings, limit)
    parser = MultiPartParser(
        request.headers, body, max_files=most_files, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
    )
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeDecodeError) as error:
        raise ProblemError("bad-request", f"The multipart body cannot be read: {error}") from error
    except (KeyError, ValueError) as error:  # a boundary or header no parser would accept
        raise ProblemError("bad-request", "The multipart body cannot be read.") from error
    try:
        return await shape(form)
    finally:
        await form.close()


async def _picture_of(form: FormData) -> PictureForm:
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise wrong("file", "a file part is required")
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return PictureForm(await upload.read(), fields)


async def _pair_of_form(form: FormData) -> list[bytes | str]:
    """Files before ids: clients do not agree on the order in which they send files and fields."""
    uploads = [value for value in form.getlist("file") if isinstance(value, UploadFile)]
    ids = [value for value in form.getlist("image_id") if isinstance(value, str)]
    return _two([*[await upload.read() for upload in uploads], *ids])


def _two(pair: list[bytes | str]) -> list[bytes | str]:
    if len(pair) != 2:  # noqa: PLR2004 - a comparison is of two
        raise wrong("", f"two pictures are compared, each a `file` or an `image_id`; {len(pair)} came")
    if any(isinstance(one, str) and not (one.isprintable() and len(one) <= LONGEST_ID) for one in pair):
        raise wrong("image_id", f"has more than {LONGEST_ID} characters, or some that cannot be printed")
    return pair


def _from_json(body: object) -> PictureForm:
    if not isinstance(body, dict):
        raise wrong("", "a JSON object is required")
    picture = _base64_picture(body, "image_base64")
    return PictureForm(picture, {name: value for name, value in body.items() if name != "image_base64"})


def _pair_from_json(body: object) -> list[bytes | str]:
    pictures = body.get("pictures") if isinstance(body, dict) else None
    if not isinstance(pictures, list) or not all(isinstance(one, dict) for one in pictures):
        raise wrong("pictures", "a list of two objects is required, each with `image_id` or `image_base64`")
    pair: list[bytes | str] = []
    for place, one in enumerate(pictures[:3]):
        image_id = one.get("image_id")
        pair.append(image_id if isinstance(image_id, str) else _base64_picture(one, f"pictures.{place}.image_base64"))
    return _two(pair)


def _base64_picture(body: dict[str, Any], where: str) -> bytes:
    if "url" in body:
        raise ProblemError("url-not-allowed", "This service does not fetch pictures; send the bytes.")
    text = body.get("image_base64")
    if not isinstance(text, str):
        raise wrong(where, "a base64 text is required")
    try:
        return _decoded(text)
    except (binascii.Error, ValueError) as error:
        raise wrong(where, "is not base64 (RFC 4648, with padding)") from error


def _decoded(text: str) -> bytes:
    """Slice by slice: the decoder itself lets no other thread run. Raises ValueError."""
    if text.find("=", 0, len(text) - 2) >= 0:
        raise ValueError("padding inside")
    slices = (text[at : at + SLICE] for at in range(0, len(text), SLICE))
    return b"".join([base64.b64decode(piece, validate=True) for piece in slices])


def wrong(field_name: str, what: str) -> ProblemError:
    where = f"body.{field_name}".rstrip(".")
    return ProblemError("invalid-request", f"{where}: {what}", errors=[{"where": where, "what": what}])


async def _read_json(request: Request, settings: Settings, limit: int, shape: Callable[[object], T]) -> T:
    """The body as JSON, shaped; a large one in a thread of its own kind. Raises what `shape` raises."""
    body = bytearray()
    async for chunk in counted(request, settings, limit):
        body += chunk
    if len(body) <= SMALL:
        return shape(_parsed(body))
    return await to_thread.run_sync(lambda: shape(_parsed(body)), limiter=request.app.state.parsing)


def _parsed(body: bytearray) -> object:
    """Refuses unparsed what would become very many objects; empties `body`."""
    if sum(body.count(sign) for sign in b"[{,") > MOST_SIGNS:
        raise ProblemError("bad-request", f"The JSON holds more than {MOST_SIGNS:,} commas and opening brackets.")
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        body.clear()
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: nested ten thousand deep on purpose
        raise ProblemError("bad-request", "The body is not JSON.") from error


async def counted(
    request: Request, settings: Settings, limit: int, *, held: bool = True
) -> AsyncGenerator[bytes, None]:
    """The body's chunks; refuses it once it is over the limit, or falls behind the slowest rate after the grace.

    `held`: the chunks stay in memory or in a spool file until the request is answered.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    began, received = time.monotonic(), 0
    chunks = aiter(request.stream())
    while True:
        allowance = settings.upload_grace + received / settings.upload_rate - (time.monotonic() - began)
        try:
            chunk = await asyncio.wait_for(anext(chunks), max(allowance, 0.0))
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            slowest = settings.upload_rate // 1024
            raise ProblemError("request-timeout", f"Slower than {slowest} KiB a second; cut.") from error
        except ClientDisconnect as error:
            raise ProblemError("bad-request", "The client went away during its upload.") from error
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        if held:
            request.app.state.intake.take(len(chunk))
            request.state.bytes_held = received
        request.state.bytes_in = received
        yield chunk


def _too_large(limit: int) -> ProblemError:
    return ProblemError("body-too-large", f"The body is over {limit:,} bytes.")
