"""A store of C2PA manifests is one where a format keeps it and where its boxes hold one another; anything else is none."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.pictures import manifest_stores
from service.pictures.file_facts import read_file_facts
from service.pictures.manifest_stores import holds_store, is_store

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8))
TYPE = bytes.fromhex("00110010800000aa00389b71")
BMFF = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def box(kind, body):
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def described(name, label, body):
    return box(b"jumb", box(b"jumd", name + TYPE + b"\3" + label + b"\0") + body)


STORE = described(b"c2pa", b"c2pa", described(b"c2ma", b"urn:uuid:1", b"claims"))
_MANIFEST = STORE.index(b"jumb", 8) - 4
OVERLONG = STORE[:_MANIFEST] + b"\0\1\0\0" + STORE[_MANIFEST + 4 :]
"""Its manifest says that it goes on behind the store."""


def saved(name):
    out = io.BytesIO()
    PICTURE.save(out, name)
    return out.getvalue()


def in_jpeg(body):
    segment = b"JP\0\1\0\0\0\1" + body
    plain = saved("JPEG")
    return plain[:2] + b"\xff\xeb" + (len(segment) + 2).to_bytes(2, "big") + segment + plain[2:]


def in_png(body):
    plain = saved("PNG")
    return plain[:33] + len(body).to_bytes(4, "big") + b"caBX" + body + b"\0" * 4 + plain[33:]


def in_webp(body):
    return saved("WEBP") + b"C2PA" + len(body).to_bytes(4, "little") + body


def in_gif(body):
    plain = saved("GIF")
    at = 13 + (3 << 1 + (plain[10] & 7) if plain[10] & 0x80 else 0)
    blocks = [body[start : start + 255] for start in range(0, len(body), 255)]
    packed = b"".join(bytes([len(block)]) + block for block in blocks)
    return plain[:at] + b"!\xff\x0bC2PA_GIF\1\0\0" + packed + b"\0" + plain[at:]


def in_tiff(body):
    entry = (0xCD41).to_bytes(2, "little") + b"\7\0" + len(body).to_bytes(4, "little") + (26).to_bytes(4, "little")
    return b"II*\0\10\0\0\0\1\0" + entry + b"\0" * 4 + body


def in_heic(body):
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return ftyp + box(b"uuid", BMFF + b"\0" * 4 + b"manifest\0" + b"\0" * 8 + body)


PUT = {
    "JPEG": in_jpeg,
    "PNG": in_png,
    "WEBP": in_webp,
    "GIF": in_gif,
    "TIFF": in_tiff,
    "HEIC": in_heic,
    "AVIF": in_heic,
}


@pytest.mark.parametrize("name", PUT)
def test_a_store_is_found_where_the_format_keeps_it(name):
    """However much of the file comes before it."""
    assert holds_store(PUT[name](STORE), name)
    assert read_file_facts(PUT[name](STORE), name).has_manifest


@pytest.mark.parametrize("name", PUT)
@pytest.mark.parametrize(
    "body",
    [
        b"jumb" * 20,
        STORE[:40],
        described(b"c2pa", b"c2pa", b""),
        described(b"json", b"c2pa", described(b"c2ma", b"urn:uuid:1", b"")),
        described(b"c2pa", b"c2pa", described(b"json", b"urn:uuid:1", b"")),
        OVERLONG,
    ],
)
def test_what_only_begins_like_one_is_none(name, body):
    """Names alone, cut ones, empty ones, boxes of others, and a manifest that is larger than its store."""
    assert not holds_store(PUT[name](body), name)


@pytest.mark.parametrize("name", [*PUT, "BMP"])
def test_a_store_behind_a_picture_is_none(name):
    """Whoever adds bytes to the end of a file does not make it carry a manifest."""
    if name in {"WEBP", "HEIC", "AVIF"}:
        data = saved("WEBP" if name == "WEBP" else "AVIF") + b"????" + STORE
    else:
        data = saved(name) + STORE
    assert not holds_store(data, name)
    assert not holds_store(data[: -len(STORE) + 20], name)


@given(data=st.binary(max_size=300), name=st.sampled_from(sorted(PUT)), start=st.integers(0, 200))
def test_any_bytes_can_be_asked(data, name, start):
    """Nothing that a stranger sends raises."""
    assert not is_store(data)
    holds_store(data, name)
    holds_store(PUT[name](STORE)[:start] + data, name)


@pytest.mark.parametrize(("blocks", "is_found"), [(20, True), (60, False)])
def test_a_file_of_nothing_but_tiny_blocks_is_given_up(monkeypatch, blocks, is_found):
    """Walking them is done before the file is let in, and must not cost seconds."""
    monkeypatch.setattr(manifest_stores, "_MOST_STEPS", 50)
    whole = in_gif(STORE)
    at = whole.index(b"!\xff\x0bC2PA_GIF")
    comment = b"!\xfe" + b"\1x" * blocks + b"\0"
    assert holds_store(whole[:at] + comment + whole[at:], "GIF") is is_found
