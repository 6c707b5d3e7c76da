"""A batch as multipart: its files are written to one place while they arrive, and nothing is held in memory.

One archive is kept as it is. Pictures become the entries of a TAR, so that whatever was uploaded, a job reads one
archive. The parser is fed with what came; it takes a few KiB for a part's headers and the form's text, and no more.
"""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.fields import MOST_FIELD_BYTES
from service.api.problems import ProblemError
from service.inputs.kinds import BLOCK, archive_kind

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 16
MOST_HEADERS = 8
LONGEST_HEADER = 8 * 1024
FILE_FIELDS = ("file", "files")


class BatchForm:
    """Feed it the body; afterwards `fields`, `digest` and `files` tell what came."""

    def __init__(self, boundary: bytes, out: BinaryIO, *, most_files: int) -> None:
        self.fields: dict[str, str] = {}
        self.files = 0
        self.is_archive = False
        """Whether `out` is the archive that was uploaded, not one made of uploaded files."""
        self._out = out
        self._digest = hashlib.sha256()
        self._most_files = most_files
        self._ended = False
        self._part = _Part()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }
        if not boundary:
            raise _unreadable()
        try:
            self._parser = MultipartParser(
                boundary, callbacks, max_header_count=MOST_HEADERS, max_header_size=LONGEST_HEADER
            )
        except FormParserError as error:
            raise _unreadable() from error

    def feed(self, data: bytes) -> None:
        """The next piece of the body. Raises ProblemError."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable() from error

    def close(self) -> str:
        """The body has ended; a digest of all that it said. Raises ProblemError."""
        if not self._ended:
            raise _unreadable()
        if not self.files:
            raise ProblemError(
                "invalid-request",
                "body.files: at least one file part is required",
                errors=[{"where": "body.files", "what": "at least one file part is required"}],
            )
        if not self.is_archive:
            self._out.write(bytes(2 * BLOCK))  # the end mark of a TAR
        return self._digest.hexdigest()

    def _begin(self) -> None:
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            part.disposition = part.header_value
        part.header_name = part.header_value = b""

    def _headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.disposition)
        if b"name" not in options:
            raise _unreadable()
        part.name = options[b"name"].decode("utf-8", "replace")
        filename = options.get(b"filename")
        if filename is None:
            if len(self.fields) >= MOST_FIELDS:
                raise ProblemError("bad-request", f"The form has more than {MOST_FIELDS} fields.")
            return
        part.filename = filename.decode("utf-8", "backslashreplace").replace("\0", "\\x00").rstrip("/") or "unnamed"
        if part.name in FILE_FIELDS:
            self.files += 1
            self._refuse_more_than_may_be()

    def _refuse_more_than_may_be(self) -> None:
        if self.is_archive:
            raise ProblemError("unsupported-archive", "An archive must be the only file of its request.")
        if self.files > self._most_files:
            raise ProblemError("archive-too-large", f"More than {self._most_files:,} files in one request.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.filename is None:
            part.text += data[start:end]
            if len(part.text) > MOST_FIELD_BYTES:
                raise ProblemError("bad-request", f"The field {part.name[:64]!r} is over {MOST_FIELD_BYTES:,} bytes.")
        elif part.name in FILE_FIELDS:
            self._file_data(data[start:end])

    def _file_data(self, data: bytes) -> None:
        """The first block of a file says what becomes of it; until it is there the bytes wait."""
        part = self._part
        if part.started is None:
            part.waiting += data
            if len(part.waiting) < BLOCK:
                return
            data = self._start_file()
        self._out.write(data)
        part.size += len(data)
        part.hashed.update(data)

    def _start_file(self) -> bytes:
        """What waited, now that its place is made."""
        part = self._part
        waiting, part.waiting = bytes(part.waiting), bytearray()
        if archive_kind(waiting[:BLOCK]) is not None:
            if self.files > 1:
                raise ProblemError("unsupported-archive", "An archive must be the only file of its request.")
            self.is_archive = True
            part.started = 0
        else:
            part.started = self._out.tell()
            self._out.write(_tar_header(part.filename or "", 0))
        return waiting

    def _end(self) -> None:
        part = self._part
        if part.filename is None:
            self.fields[part.name] = part.text.decode("utf-8", "replace")
            self._told(part.name, hashlib.sha256(part.text).hexdigest())
        elif part.name in FILE_FIELDS:
            if part.started is None:
                rest = self._start_file()
                self._out.write(rest)
                part.size += len(rest)
                part.hashed.update(rest)
            if not self.is_archive:
                self._close_entry()
            self._told(part.filename, part.hashed.hexdigest())

    def _close_entry(self) -> None:
        """Pad the entry, and write its header again with the size it turned out to have."""
        part = self._part
        self._out.write(bytes(-part.size % BLOCK))
        end = self._out.tell()
        self._out.seek(part.started or 0)
        self._out.write(_tar_header(part.filename or "", part.size))
        self._out.seek(end)

    def _told(self, name: str, content: str) -> None:
        self._digest.update(f"{len(name)}:{name}={content};".encode("utf-8", "backslashreplace"))

    def _finish(self) -> None:
        self._ended = True


class _Part:
    """A part of the form while it arrives."""

    def __init__(self) -> None:
        self.header_name = b""
        self.header_value = b""
        self.disposition = b""
        self.name = ""
        self.filename: str | None = None
        self.text = bytearray()
        self.waiting = bytearray()
        self.started: int | None = None
        self.size = 0
        self.hashed = hashlib.sha256()


def _tar_header(name: str, size: int) -> bytes:
    """As long for any size that fits into eleven octal digits, which is 8 GiB."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "backslashreplace")


def _unreadable() -> ProblemError:
    return ProblemError("bad-request", "The multipart body cannot be read.")
