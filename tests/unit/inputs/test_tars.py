"""Hostile TARs: read once from front to end, within bounds, and cut at the first thing that cannot be."""

import gzip
import io
import os
import sys
import tarfile
import time
import tracemalloc

import pytest

from service.domain.errors import (
    ArchiveTooLargeError,
    BrokenArchiveError,
    TruncatedArchiveError,
    UnsupportedArchiveError,
    UnusableEntryError,
)
from service.inputs.values import MIB, ArchiveLimits


def header(kind, size=0, name="a.jpg"):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.USTAR_FORMAT)


def entry(kind, data, name="a.jpg"):
    return header(kind, len(data), name) + data + bytes(-len(data) % 512)


END = bytes(1024)


def test_links_and_specials_are_problems_and_the_rest_follows(tar_of, read, jpeg):
    """Whatever they point to."""
    specials = []
    for kind, words in [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
    ]:
        info = tarfile.TarInfo("x.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        specials.append((info, words))
    found = read(tar_of([*(info for info, _ in specials), ("a.jpg", jpeg)]))
    for (item, content), (_, words) in zip(found, specials, strict=False):
        assert isinstance(item.problem, UnusableEntryError)
        assert words in str(item.problem)
        assert content == b""
    assert found[-1][1] == jpeg


def test_folders_are_counted_and_no_items(tar_of, opened, jpeg):
    """They hold nothing themselves."""
    folder = tarfile.TarInfo("x")
    folder.type = tarfile.DIRTYPE
    archive = opened(tar_of([folder, ("x/a.jpg", jpeg)]))
    assert [(item.ordinal, item.name) for item, _ in archive.items()] == [(1, "x/a.jpg")]
    assert archive.skipped.folders == 1


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_cut_archive_gives_what_comes_before_the_cut_and_one_problem(tar_of, read, mode):
    """The entry that was cut is the one with the problem."""
    pictures = [(f"{at}.jpg", os.urandom(400_000)) for at in range(6)]
    data = tar_of(pictures, mode)
    found = read(data[: len(data) * 3 // 4])
    sound = [(item.name, content) for item, content in found if item.problem is None]
    assert sound == pictures[: len(sound)]
    assert len(sound) >= 2  # bzip2 gives nothing of a block of 900,000 bytes that is cut
    assert [type(item.problem) for item, _ in found[len(sound) :]] == [TruncatedArchiveError]


def test_an_archive_cut_between_entries_is_noticed(tar_of, read, jpeg):
    """It has no end mark."""
    found = read(tar_of([("a.jpg", jpeg), ("b.jpg", jpeg)])[:2048])
    assert [item.problem is None for item, _ in found] == [True, True, False]
    assert (found[-1][0].ordinal, found[-1][0].name) == (2, "")


def test_a_cut_archives_problem_is_told_once_however_often_work_goes_on(tar_of, read, jpeg):
    """Not again after it was told."""
    data = tar_of([("a.jpg", jpeg), ("b.jpg", jpeg)])[:1600]
    assert [item.ordinal for item, _ in read(data)] == [0, 1]
    assert [item.ordinal for item, _ in read(data, start_at=1)] == [1]
    assert read(data, start_at=2) == []


def test_a_damaged_header_ends_the_archive_with_a_problem(tar_of, read, jpeg):
    """Where the next one begins is not known."""
    data = bytearray(tar_of([("a.jpg", jpeg), ("b.jpg", jpeg), ("c.jpg", jpeg)]))
    data[1024 + 10] ^= 1
    found = read(bytes(data))
    assert [type(item.problem) for item, _ in found] == [type(None), BrokenArchiveError]


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_packed_bomb_is_cut_off(tar_of, opened, mode, jpeg):
    """By ratio, after what came before it; memory stays at one entry."""
    data = tar_of([("a.jpg", jpeg), *((f"{at}.jpg", bytes(4 * MIB)) for at in range(4))], mode)
    tracemalloc.start()
    archive = opened(data, ArchiveLimits(archive_grace=8 * MIB))
    kinds = [(item.problem, item.name) for item, _ in archive.items()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds[0] == (None, "a.jpg")
    assert isinstance(kinds[-1][0], ArchiveTooLargeError)
    assert "times its size" in str(kinds[-1][0])
    assert len(kinds) <= 5
    assert peak < 24 * MIB  # an entry twice, and what xz needs for itself


def test_what_comes_out_in_all_is_limited(tar_of, read):
    """Whatever the ratio, and skipped entries included."""
    data = tar_of([(str(at), os.urandom(200_000)) for at in range(10)], "w:gz")
    limits = ArchiveLimits(archive_bytes=len(data))
    for start in (0, 3):
        found = read(data, limits, start)
        assert isinstance(found[-1][0].problem, ArchiveTooLargeError)
        assert found[-1][0].ordinal == 9


def test_an_extended_header_of_gigabytes_is_never_held(read, jpeg):
    """The entry it belongs to has a problem, the next has none."""
    pax = entry(b"x", b"9" * (8 * MIB))
    tracemalloc.start()
    first, second = read(pax + entry(b"0", jpeg) + entry(b"0", jpeg) + END)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "extended header" in str(first[0].problem)
    assert second[1] == jpeg
    assert peak < 20 * MIB  # the archive itself is held by the test
    found = read(header(b"x", 0o77777777777) + entry(b"0", jpeg) + END)
    assert [type(item.problem) for item, _ in found] == [TruncatedArchiveError]


@pytest.mark.parametrize("kind", [b"x", b"L", b"g", b"K"])
def test_a_chain_of_extended_headers_has_an_end(read, jpeg, kind):
    """Some libraries follow it by recursion until the stack is gone."""
    found = read(entry(kind, b"11 path=ab\n") * (sys.getrecursionlimit() + 100) + entry(b"0", jpeg) + END)
    assert [type(item.problem) for item, _ in found] == [BrokenArchiveError]


@pytest.mark.parametrize(
    "records",
    [
        b"999999999 path=x\n",
        b"0 path=x\n",
        b"1" * 5000 + b" path=x\n",
        b"5 pa",
        b"\xff" * 99,
        b"11 size=-1\n",
        b"12 size=1e9\n",
    ],
)
def test_a_senseless_extended_header_does_no_harm(read, jpeg, records):
    """It is left out, or ends the archive with a problem."""
    for item, content in read(entry(b"x", records) + entry(b"0", jpeg) + END):
        assert content == jpeg or isinstance(item.problem, BrokenArchiveError)


def test_an_extended_header_states_name_and_size(read, jpeg):
    """In place of the short ones."""
    name = "é" * 200
    length = len(f"412 path={name}\n".encode())
    records = f"{length} path={name}\n".encode() + f"12 size={len(jpeg)}\n".encode()
    body = jpeg + bytes(-len(jpeg) % 512)
    ((item, content),) = read(entry(b"x", records) + header(b"0") + body + END)
    assert (item.name, content) == (name, jpeg)


def test_sparse_files_are_problems_and_the_rest_follows(read, jpeg):
    """A few bytes of them stand for terabytes; all three forms of them."""
    old = bytearray(header(b"S", 512))
    old[482] = 1
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 256 + sum(old[156:]))
    data = bytes(old) + bytes(504) + b"\1" + bytes(7) + bytes(512) + b"x" * 512
    data += entry(b"x", b"22 GNU.sparse.major=1\n") + entry(b"0", jpeg)
    data += entry(b"x", b"26 GNU.sparse.size=9999999\n") + entry(b"0", jpeg)
    found = read(data + entry(b"0", jpeg) + END)
    assert [str(item.problem) for item, _ in found[:3]][:2] == ["This is a sparse file."] * 2
    assert found[-1][1] == jpeg


def test_a_sparse_map_without_end_is_broken(read):
    """Each block of it says that another follows."""
    old = bytearray(header(b"S", 512))
    old[482] = 1
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 256 + sum(old[156:]))
    found = read(bytes(old) + b"\1" * 512 * 5000)
    assert [type(item.problem) for item, _ in found] == [BrokenArchiveError]


def test_a_size_beyond_all_files_is_a_cut(read):
    """Stated in base 256, where it can be anything."""
    huge = bytearray(header(b"0"))
    huge[124:136] = b"\x80" + b"\xff" * 11
    huge[148:156] = b"%06o\0 " % (sum(huge[:148]) + 256 + sum(huge[156:]))
    ((item, _),) = read(bytes(huge) + END)
    assert isinstance(item.problem, TruncatedArchiveError)
    huge[124] = 0xFF  # negative
    huge[148:156] = b"%06o\0 " % (sum(huge[:148]) + 256 + sum(huge[156:]))
    ((item, _),) = read(bytes(huge) + END)
    assert isinstance(item.problem, BrokenArchiveError)


def test_several_packed_streams_are_one_archive(tar_of, read, jpeg):
    """As parallel packers write them; padding after the last is left alone."""
    plain = tar_of([("a.jpg", jpeg), ("b.jpg", jpeg)])
    data = b"".join(gzip.compress(plain[at : at + 700]) for at in range(0, len(plain), 700))
    for padding in (b"", bytes(2000), b"garbage after the end"):
        assert [content for _, content in read(data + padding)] == [jpeg, jpeg]


def test_endless_empty_streams_are_given_up(opened, tar_of, jpeg):
    """They would cost hours and give nothing."""
    head = gzip.compress(tar_of([("a.jpg", jpeg)])[:900])
    begun = time.perf_counter()
    found = list(opened(head + gzip.compress(b"") * 200_000).items())
    assert isinstance(found[-1][0].problem, BrokenArchiveError)
    assert time.perf_counter() - begun < 5


def test_a_damaged_check_sum_at_the_end_is_told(tar_of, read):
    """The items were handed out by then, so it is one problem more."""
    picture = os.urandom(4000)
    data = bytearray(gzip.compress(tar_of([("a.jpg", picture)]) + bytes(300_000)))
    data[-5] ^= 1
    (first, content), (last, _) = read(bytes(data))
    assert (first.problem, content) == (None, picture)
    assert (last.ordinal, type(last.problem)) == (1, BrokenArchiveError)


def test_a_plain_tar_is_skipped_through_without_reading(tar_of, jpeg):
    """Its file is sought in, so that going on late costs little."""
    from service.inputs.archives import open_archive  # noqa: PLC0415 - the counting file is for here alone

    class Counting(io.BytesIO):
        count = 0

        def read(self, size=-1):
            data = super().read(size)
            Counting.count += len(data)
            return data

    file = Counting(tar_of([*((str(at), bytes(MIB)) for at in range(20)), ("last.jpg", jpeg)]))
    with open_archive(file) as archive:
        ((item, content),) = archive.items(20)
    assert (item.ordinal, content) == (20, jpeg)
    assert Counting.count < 50_000


def test_a_tar_in_a_packed_tar_in_a_packed_file_is_not_unwrapped_twice(opened, tar_of, jpeg):
    """Packed twice is no TAR."""
    with pytest.raises(UnsupportedArchiveError):
        opened(gzip.compress(tar_of([("a.jpg", jpeg)], "w:gz")))
