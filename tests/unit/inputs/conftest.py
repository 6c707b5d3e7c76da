"""Archives made in memory, byte by byte where an honest library would not make them."""

import contextlib
import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from service.inputs.archives import open_archive

JPEG = b"\xff\xd8\xff" + b"a picture, as far as these tests care" * 3


def _zip_of(rows, *, comment=b"", count=None):
    """A ZIP of rows (dicts); what a row does not say is what is true of its `data`."""
    out, table = io.BytesIO(), io.BytesIO()
    for row in rows:
        data = row.get("data", JPEG)
        method = row.get("method", 8)
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = row.get("packed") or (deflater.compress(data) + deflater.flush() if method == 8 else data)
        name = row.get("name", "a.jpg")
        name = name if isinstance(name, bytes) else name.encode()
        flags = row.get("flags", 0x800)
        size, crc = row.get("size", len(data)), row.get("crc", zlib.crc32(data))
        offset = row.get("offset", out.tell())
        stated = row.get("packed_size", len(packed))
        if not row.get("no_data"):
            out.write(struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0, crc, stated, size, len(name), 0))
            out.write(name + packed)
        attributes = row.get("mode", 0o100644) << 16
        fixed = (
            b"PK\1\2",
            0x314,
            20,
            flags,
            method,
            0,
            0,
            crc,
            stated,
            size,
            len(name),
            0,
            0,
            0,
            0,
            attributes,
            offset,
        )
        table.write(struct.pack("<4s6H3L5H2L", *fixed) + name)
    at, count = out.tell(), len(rows) if count is None else count
    out.write(table.getvalue())
    end = (b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(table.getvalue()), at, len(comment))
    out.write(struct.pack("<4s4H2LH", *end) + comment)
    return out.getvalue()


def _tar_of(entries, mode="w", form=tarfile.PAX_FORMAT):
    """A TAR of (name, bytes) or ready TarInfos without data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form, errors="surrogateescape") as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            tar.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


@pytest.fixture(scope="session")
def jpeg():
    return JPEG


@pytest.fixture(scope="session")
def zip_of():
    return _zip_of


@pytest.fixture(scope="session")
def tar_of():
    return _tar_of


@pytest.fixture(scope="session")
def honest_zip():
    """What Python's own library makes of (name, bytes) pairs."""

    def make(entries, **options):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as packed:
            for name, data in entries:
                packed.writestr(name, data)
        return out.getvalue()

    return make


@pytest.fixture
def opened():
    """An archive of these bytes, open until the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda data, limits=None: stack.enter_context(open_archive(io.BytesIO(data), limits))


@pytest.fixture
def read(opened):
    """Everything in an archive of these bytes: [(item, content)]."""
    return lambda data, limits=None, start_at=0: list(opened(data, limits).items(start_at))
