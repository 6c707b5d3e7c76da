"""Pillow, as the child uses it: read the header, decode the pixels, and name what went wrong.

The only place where a stranger's file meets a decoder. Pillow is told which one plugin may look at the file, treats a
decompression bomb as an error, and never fills in what a cut file lacks.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from typing import TYPE_CHECKING, Final

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,  # noqa: F401 - importing a plugin registers it, and Pillow then loads no others
    GifImagePlugin,  # noqa: F401 - as above
    Image,
    ImageFile,
    JpegImagePlugin,  # noqa: F401 - as above
    PngImagePlugin,
    TiffImagePlugin,  # noqa: F401 - as above
    WebPImagePlugin,  # noqa: F401 - as above
)

from service.domain.errors import (
    BrokenPictureError,
    DecoderFailedError,
    KeeponeError,
    PictureTooLargeError,
    TruncatedPictureError,
    UnsupportedPictureError,
)
from service.pictures.admit import Header
from service.pictures.container import is_cut_short, read_webp_header
from service.pictures.wholeness import jpeg_stops_early, webp_has_idle_zeros

if TYPE_CHECKING:
    from service.domain.values import PictureFormat

_PLUGIN: Final[dict[PictureFormat, str]] = {"HEIC": "HEIF"}
_LENIENT: Final = frozenset({"GIF", "AVIF", "HEIC"})
"""Formats whose decoder may fill in what a cut file lacks; there the container is asked first."""

_CLOSED: Final = frozenset({"JPEG", "PNG"})
"""Formats with an end mark. Its lack alone costs no pixel, but zeros in its place are a download that never ended."""

_ZEROS: Final = bytes(64)

_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706
"""Tags of a TIFF: bit 0 of the first says that a picture is a smaller one of another, the second where others lie."""
_CR2: Final = b"II*\0\x10\0\0\0CR\x02"
RAW: Final = "This is a camera's raw data, of which nothing but a preview could be looked at."

_OF_TRUNCATION: Final = re.compile(r"truncated|end of file|incomplete|unexpected end", re.IGNORECASE)
_OF_METADATA: Final = re.compile(r"MAX_TEXT|too much memory used in text", re.IGNORECASE)


def prepare(max_pixels: int, max_metadata_bytes: int) -> None:
    """Set the decoders' own limits, once per process."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("something switched LOAD_TRUNCATED_IMAGES on: half pictures would pass for whole ones")
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = max_metadata_bytes
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the pool has one child per core already
    pillow_heif.register_heif_opener(decode_threads=1)


class Opened:
    """A file whose header has been read. `load` decodes its first picture."""

    def __init__(self, data: bytes, name: PictureFormat) -> None:
        self.data = data
        self._name = name
        self._image: ImageFile.ImageFile | None = None
        self.raw_mode = ""
        """How the pixels lie in the file, in Pillow's words, e.g. `RGB;16B`. Known once loaded, of PNG only."""
        self.header = self._read_header()

    def load(self) -> Image.Image:
        """The decoded first picture, its size the one that was promised. Raises the errors of `explain`."""
        name, data = self._name, self.data
        try:
            if name == "WEBP" and webp_has_idle_zeros(data, self.header.pixels):
                raise TruncatedPictureError  # noqa: TRY301 - `explain` passes our own errors through
            image = self._image or self._open()
            self.raw_mode = _raw_mode(image)
            if name == "TIFF":
                image.info.pop("xmp", None)  # or Pillow would turn the picture by it while loading
            image.load()
            if name == "JPEG" and jpeg_stops_early(data, image):
                raise TruncatedPictureError  # noqa: TRY301 - as above
        except Exception as error:
            raise explain(error, data, name) from error
        if sorted(image.size) != sorted((self.header.width, self.header.height)):
            raise BrokenPictureError("The picture has another size than its header says.")
        return image

    def _open(self) -> ImageFile.ImageFile:
        return Image.open(io.BytesIO(self.data), formats=[_PLUGIN.get(self._name, self._name)])

    def _read_header(self) -> Header:
        name, data = self._name, self.data
        if (name in _LENIENT or (name in _CLOSED and data.endswith(_ZEROS))) and is_cut_short(data, name):
            raise TruncatedPictureError
        if name == "WEBP":
            webp = read_webp_header(data)
            if webp is None:
                raise explain(ValueError("no header"), data, name)
            mode = "RGBA" if webp.has_alpha else "RGB"
            return Header(name, webp.width, webp.height, mode, webp.animated, webp.has_profile, webp.metadata_bytes)
        try:
            self._image = image = self._open()
            if name == "TIFF":
                _refuse_raw(image, data)
            return Header(
                name,
                *image.size,
                mode=image.mode,
                animated=image.format != "MPO" and bool(getattr(image, "is_animated", False)),
                has_profile=bool(image.info.get("icc_profile")),
                metadata_bytes=_metadata_bytes(image),
            )
        except Exception as error:
            raise explain(error, data, name) from error


def _refuse_raw(image: ImageFile.ImageFile, data: bytes) -> None:
    """Of a TIFF that holds a camera's raw data (DNG, NEF, ARW, CR2 and their like) nothing but a preview is decoded."""
    tags = getattr(image, "tag_v2", {})
    kind = tags.get(_SUBFILE_TYPE, 0)
    is_preview = isinstance(kind, int) and bool(kind & 1) and _SUB_IFDS in tags
    if is_preview or _DNG_VERSION in tags or data.startswith(_CR2):
        raise UnsupportedPictureError(RAW)


def explain(error: Exception, data: bytes, name: PictureFormat) -> KeeponeError:
    """The family's error for whatever a decoder raised."""
    if isinstance(error, KeeponeError):
        return error
    if isinstance(error, MemoryError):
        return DecoderFailedError("Decoding wanted more memory than the size of the picture accounts for.")
    words = str(error)
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        pixels = re.search(r"\((\d+) pixels\)", words)
        figure = f"{int(pixels[1]):,} pixels" if pixels else "too many pixels"
        return PictureTooLargeError(f"The picture has {figure}; the limit is {Image.MAX_IMAGE_PIXELS:,}.")
    if _OF_METADATA.search(words):
        limit = PngImagePlugin.MAX_TEXT_MEMORY
        return PictureTooLargeError(f"The file's metadata unpack to more than the limit of {limit:,} bytes.")
    later_frame_is_cut = name == "GIF" and isinstance(error, (EOFError, IndexError, struct.error))
    if later_frame_is_cut or _OF_TRUNCATION.search(words) or is_cut_short(data, name):
        return TruncatedPictureError()
    return BrokenPictureError()


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Of a PNG before it is loaded: afterwards nothing tells 16-bit colours from 8-bit ones."""
    if image.format != "PNG" or not image.tile:
        return ""
    raw = image.tile[0].args
    return raw if isinstance(raw, str) else ""


def _metadata_bytes(image: ImageFile.ImageFile) -> int:
    """Bytes of everything in the file that is no picture and that the header's reader kept."""
    segments = [body for _, body in getattr(image, "applist", ())]  # JPEG: raw, profile and EXIF among them
    values = [
        value for key, value in image.info.items() if not (segments and key in {"icc_profile", "exif", "comment"})
    ]
    return sum(len(value) for value in [*segments, *values] if isinstance(value, (bytes, str)))
