"""Hostile ZIPs: every word of the table is judged, and every entry held to it."""

import io
import os
import struct
import time
import tracemalloc
import zlib

import pytest

from service.domain.errors import (
    ArchiveTooLargeError,
    BrokenArchiveError,
    PictureTooLargeError,
    TruncatedArchiveError,
    UnusableEntryError,
)
from service.inputs.archives import open_archive
from service.inputs.values import MIB, ArchiveLimits


def deflated(data):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


def test_an_entry_that_unpacks_to_a_thousand_times_its_size_is_a_problem(zip_of, read, jpeg):
    """Judged by what it claims; the next one follows."""
    bomb, sound = read(zip_of([{"data": bytes(20 * MIB)}, {"name": "b.jpg"}]))
    assert isinstance(bomb[0].problem, ArchiveTooLargeError)
    assert (bomb[1], sound[1]) == (b"", jpeg)


@pytest.mark.parametrize("claimed", [0, 1, 100, 2 * MIB])
def test_an_entry_that_lies_about_its_size_is_cut_off_there(zip_of, opened, jpeg, claimed):
    """Twenty MiB come out of it if nobody stops them; here no more than it claimed."""
    packed = deflated(bytes(20 * MIB))
    data = zip_of([{"packed": packed, "size": claimed, "crc": 0}, {"name": "b.jpg"}])
    archive = opened(data, ArchiveLimits(ratio=100_000))
    tracemalloc.start()
    liar, sound = archive.items()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(liar[0].problem, BrokenArchiveError)
    assert (liar[1], sound[1]) == (b"", jpeg)
    assert peak < 3 * claimed + MIB


def test_an_entry_that_claims_more_than_it_has_is_broken(zip_of, read, jpeg):
    """As is one whose packed bytes end early."""
    whole = os.urandom(5000)
    found = read(zip_of([{"size": 999}, {"packed": deflated(whole)[:900], "data": whole}, {}]))
    assert [type(item.problem) for item, _ in found] == [BrokenArchiveError, BrokenArchiveError, type(None)]
    assert found[2][1] == jpeg


def test_a_stored_entry_of_two_sizes_is_refused_unread(zip_of, opened, jpeg):
    """The limits hold the unpacked size; the packed one may be anything up to the archive's end."""
    archive = opened(zip_of([{"data": bytes(20 * MIB), "method": 0, "size": 1000}, {"name": "b.jpg", "method": 0}]))
    tracemalloc.start()
    liar, sound = archive.items()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(liar[0].problem, BrokenArchiveError)
    assert (liar[1], sound[1], peak < MIB) == (b"", jpeg, True)


def test_a_wrong_check_sum_is_noticed(zip_of, read):
    """A flipped bit of a stored picture would be seen by nobody else."""
    found = read(zip_of([{"crc": 1, "method": 0}, {"crc": 1}]))
    assert all("check sum" in str(item.problem) for item, _ in found)


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072, 1_000_000])
@pytest.mark.parametrize("filler", [bytes, os.urandom, lambda size: b"ab" * (size // 2) + b"c" * (size % 2)])
def test_sizes_around_a_chunk_come_out_whole(zip_of, read, size, filler):
    """Very well packed data are held back by the inflater after its last input."""
    data = filler(size)
    assert read(zip_of([{"data": data}]))[0][1] == data


def test_entries_that_share_bytes_are_a_bomb(zip_of, opened, jpeg):
    """Wholly, or one quoting the other's header."""
    with pytest.raises(BrokenArchiveError, match="overlap"):
        opened(zip_of([{}, {"no_data": True, "offset": 0, "name": "b.jpg"}]))
    inner = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(jpeg), len(jpeg), len(jpeg), 5, 0) + b"b.jpg"
    quoting = {"data": inner + jpeg, "method": 0}
    quoted = {"no_data": True, "offset": 30 + 5, "name": "b.jpg", "method": 0, "packed_size": len(jpeg)}
    with pytest.raises(BrokenArchiveError, match="overlap"):
        opened(zip_of([quoting, quoted]))


def test_a_local_header_that_pushes_its_data_into_the_next_is_a_problem(zip_of, read, jpeg):
    """The table cannot know of it; it is seen when the entry is read."""
    data = bytearray(zip_of([{}, {"name": "b.jpg"}]))
    data[28:30] = struct.pack("<H", 50)
    first, second = read(bytes(data))
    assert "overlap" in str(first[0].problem)
    assert second[1] == jpeg


@pytest.mark.parametrize("offset", [10_000, 2**31, 0xFFFFFFFE])
def test_an_entry_outside_the_file_is_refused(zip_of, opened, offset):
    """The table may point anywhere."""
    with pytest.raises(BrokenArchiveError):
        opened(zip_of([{"offset": offset}]))


def test_an_offset_to_no_entry_is_that_entrys_problem(zip_of, read):
    """Its bytes are not an entry's."""
    found = read(zip_of([{"offset": 3, "method": 0, "packed_size": 50, "size": 50}]))
    assert "not where" in str(found[0][0].problem)


def test_encrypted_packed_oddly_and_special_entries_are_problems(zip_of, read, jpeg):
    """Each says what it is; the picture among them is read."""
    rows = [
        ({"flags": 1}, "encrypted"),
        ({"flags": 0x801}, "encrypted"),
        ({"method": 12}, "method 12"),
        ({"method": 14}, "method 14"),
        ({"mode": 0o120777, "data": b"/etc/passwd"}, "a link"),
        ({"mode": 0o020666}, "a device"),
        ({"mode": 0o010644}, "a pipe"),
        ({"mode": 0o140644}, "a socket"),
    ]
    found = read(zip_of([*(row for row, _ in rows), {"mode": 0}]))
    for (item, content), (_, words) in zip(found, rows, strict=False):
        assert isinstance(item.problem, UnusableEntryError)
        assert words in str(item.problem)
        assert content == b""
    assert found[-1][1] == jpeg


def test_folders_are_counted_and_no_items(zip_of, opened):
    """By the slash at the end, or by what the table says of them."""
    archive = opened(zip_of([{"name": "a/", "data": b""}, {"name": "b", "data": b"", "mode": 0o040755}, {}]))
    assert [item.ordinal for item, _ in archive.items()] == [2]
    assert (archive.skipped.folders, archive.expected) == (2, 3)


def test_a_name_that_is_no_utf8_is_read_as_old_archives_spell_it(zip_of, read):
    """Code page 437; a name that says it is UTF-8 and is not is spelled out."""
    rows = [{"name": b"caf\x82", "flags": 0}, {"name": "é".encode(), "flags": 0}, {"name": b"\xff"}, {"name": b"a\0b"}]
    assert [item.name for item, _ in read(zip_of(rows))] == ["café", "é", "\\xff", "a\\x00b"]


def test_what_all_entries_claim_together_is_limited(zip_of, opened):
    """In bytes, and as a multiple of the file."""
    data = zip_of([{"data": bytes(90_000), "name": str(at)} for at in range(20)])
    with pytest.raises(ArchiveTooLargeError, match="1,800,000"):
        opened(data, ArchiveLimits(archive_bytes=1_700_000))
    with pytest.raises(ArchiveTooLargeError, match="100 times"):
        opened(data, ArchiveLimits(archive_grace=1_000_000))
    opened(data)


def test_an_entry_that_is_too_large_does_not_count_against_the_whole(zip_of, read):
    """It is never unpacked."""
    first, second = read(zip_of([{"size": 2**32 - 2}, {}]), ArchiveLimits(archive_bytes=2**20))
    assert isinstance(first[0].problem, PictureTooLargeError)
    assert second[0].problem is None


def test_a_hundred_thousand_entries_are_listed_in_seconds_and_a_million_refused(zip_of):
    """By the table of contents; what it says of their number is not needed."""
    begun = time.perf_counter()
    many = zip_of([{"name": "a", "data": b"x", "method": 0}] * 100_000)
    with open_archive(io.BytesIO(many)) as archive:
        assert archive.expected == 100_000
        assert sum(content == b"x" for _, content in archive.items()) == 100_000
    with pytest.raises(ArchiveTooLargeError, match="entries"):
        open_archive(io.BytesIO(many), ArchiveLimits(entries=99_999)).__enter__()
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 4, 1)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, 46 * 10**6, 0)
    million = b"PK\3\4" + end64 + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 0, 0)
    with pytest.raises(ArchiveTooLargeError, match="1,000,000"):
        open_archive(io.BytesIO(million)).__enter__()
    assert time.perf_counter() - begun < 20


def test_a_zip64_is_read(honest_zip, read, jpeg, monkeypatch):
    """Sizes and offsets beyond 32 bits stand elsewhere; made small here, as a library would make them large."""
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 10)
    monkeypatch.setattr("zipfile.ZIP_FILECOUNT_LIMIT", 1)
    data = honest_zip([("a.jpg", jpeg), ("b.jpg", jpeg)])
    assert b"PK\6\6" in data
    assert [content for _, content in read(data)] == [jpeg, jpeg]


def test_a_zip_without_its_end_was_cut(zip_of, opened):
    """Its table of contents comes last."""
    with pytest.raises(TruncatedArchiveError):
        opened(zip_of([{}, {}])[:-30])


def test_a_comment_at_the_end_is_no_obstacle(zip_of, read, jpeg):
    """Up to 65,535 bytes of it."""
    assert read(zip_of([{}], comment=b"c" * 65_535))[0][1] == jpeg


def test_single_items_are_read_by_their_ordinal(zip_of, opened):
    """A ZIP needs no reading from the start."""
    archive = opened(zip_of([{"name": str(at), "data": str(at).encode() * 50} for at in range(5)]))
    assert archive.read(3)[1] == b"3" * 50
