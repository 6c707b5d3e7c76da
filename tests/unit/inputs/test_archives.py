"""What both kinds of archive have in common: told by their bytes, in order, from any item on, whatever the names."""

import io
import tarfile
import zipfile

import pytest

from service.domain.errors import ArchiveTooLargeError, BadArchiveError, PictureTooLargeError, UnsupportedArchiveError
from service.inputs.archives import open_archive
from service.inputs.names import readable
from service.inputs.values import ArchiveLimits

MODES = {"zip": None, "tar": "w", "gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}
SIGNED = "Zürich.jpg"
NAMES = [
    "a.jpg",
    "holiday/0041.jpg",
    "Zu\u0308rich.jpg",
    SIGNED,
    "😀👨‍👩‍👧.jpg",
    "\u202egpj.exe",
    "/etc/passwd",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "C:\\boot.ini",
    "\\\\host\\share\\x.jpg",
    "CON",
    "aux.jpg",
    "..%2f..%2fetc%2fpasswd",
    "-rf",
    " ",
    "new\nline.jpg",
    "<script>alert(1)</script>.jpg",
    "x" * 300 + ".jpg",
]


@pytest.fixture(params=MODES)
def archive_of(request, honest_zip, tar_of):
    """Makes an archive of (name, bytes) pairs, of each kind in turn."""
    mode = MODES[request.param]
    return honest_zip if mode is None else lambda entries: tar_of(entries, mode)


def test_items_come_in_order_with_their_bytes(archive_of, read, jpeg):
    """The file's name plays no part: there is none."""
    entries = [(f"{at}.jpg", jpeg * at) for at in range(1, 6)]
    found = read(archive_of(entries))
    assert [(item.ordinal, item.name, content) for item, content in found] == [
        (at, name, data) for at, (name, data) in enumerate(entries)
    ]
    assert all(item.problem is None and item.bytes == len(content) for item, content in found)


def test_work_goes_on_at_any_item(archive_of, read, jpeg):
    """The rest is the same as in the first run, ordinals included, folders and noise notwithstanding."""
    names = ["a.jpg", "__MACOSX/._a.jpg", "b.jpg", ".DS_Store", "c.jpg", "big.jpg", "d.jpg"]
    data = archive_of([(name, jpeg * (9 if name == "big.jpg" else 1)) for name in names])
    limits = ArchiveLimits(entry_bytes=4 * len(jpeg))
    whole = [(item.ordinal, item.name, content) for item, content in read(data, limits)]
    assert [ordinal for ordinal, _, _ in whole] == [0, 2, 4, 5, 6]
    for start in range(9):
        rest = [(item.ordinal, item.name, content) for item, content in read(data, limits, start)]
        assert rest == [row for row in whole if row[0] >= start]


def test_names_are_kept_as_they_are_and_open_nothing(archive_of, read, jpeg, tmp_path, monkeypatch):
    """NFC and NFD differ, dots and slashes mean nothing, and the folder stays empty."""
    monkeypatch.chdir(tmp_path)
    found = read(archive_of([(name, jpeg) for name in NAMES]))
    assert [item.name for item, _ in found] == NAMES
    assert all(content == jpeg for _, content in found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raw", [b"\xff\xfe.jpg", b"caf\xe9.jpg", b"\xed\xa0\x80", b"a\0b", b"\x80" * 5000])
def test_a_name_of_any_bytes_becomes_text_that_json_can_carry(raw):
    """Nothing is dropped silently but the end of an endless name."""
    for name in (readable(raw), readable(raw, "cp437")):
        assert name.encode("utf-8")
        assert "\0" not in name
        assert len(name) <= 4 * 4096


def test_what_systems_leave_lying_about_is_counted_and_no_item(archive_of, opened, jpeg):
    """Nobody means to hand it in."""
    names = ["a.jpg", "__MACOSX/x/._a.jpg", "x/.DS_Store", "x\\Thumbs.db", "._b.jpg", "desktop.ini"]
    archive = opened(archive_of([(name, jpeg) for name in names]))
    assert [item.name for item, _ in archive.items()] == ["a.jpg"]
    assert archive.skipped.noise == 5


def test_an_archive_in_an_archive_is_a_problem_and_the_rest_follows(archive_of, read, honest_zip, tar_of, jpeg):
    """Whatever its name, and whatever its kind."""
    inner = [honest_zip([("x", jpeg)]), *(tar_of([("x", jpeg)], mode) for mode in MODES.values() if mode)]
    inner += [b"\x28\xb5\x2f\xfd....", b"7z\xbc\xaf\x27\x1c....", b"Rar!\x1a\x07\1\0"]
    found = read(archive_of([*((f"{at}.jpg", data) for at, data in enumerate(inner)), ("last.jpg", jpeg)]))
    assert [str(item.problem) for item, _ in found[:-1]] == ["This is an archive in an archive."] * len(inner)
    assert all(content == b"" for _, content in found[:-1])
    assert found[-1][1] == jpeg


def test_an_entry_over_the_limit_is_a_problem_and_the_rest_follows(archive_of, read, jpeg):
    """The limit is a picture file's."""
    limits = ArchiveLimits(entry_bytes=len(jpeg))
    first, second = read(archive_of([("big.jpg", jpeg + b"."), ("a.jpg", jpeg)]), limits)
    assert isinstance(first[0].problem, PictureTooLargeError)
    assert (first[1], second[1]) == (b"", jpeg)


def test_too_many_entries_are_refused(archive_of, opened, jpeg):
    """A ZIP before the first item, a TAR after the last that is allowed."""
    data = archive_of([(f"{at}.jpg", jpeg) for at in range(6)])
    try:
        found = list(opened(data, ArchiveLimits(entries=5)).items())
    except ArchiveTooLargeError:
        return
    assert [item.problem is None for item, _ in found] == [True] * 5 + [False]
    assert isinstance(found[-1][0].problem, ArchiveTooLargeError)


@pytest.mark.parametrize(
    "head", [b"", b"PK", b"%PDF-1.7", b"\xff\xd8\xff", bytes(2048), b"\x28\xb5\x2f\xfd" * 9, b"7z\xbc\xaf\x27\x1c" * 9]
)
def test_what_is_no_archive_is_refused(opened, head):
    """By its first bytes; formats that are known and not read are named."""
    with pytest.raises(UnsupportedArchiveError, match="zst|7z" if head[:1] in b"\x28 7" and head else "neither"):
        opened(head)


def test_a_packed_file_that_is_no_tar_is_refused(opened):
    """One picture in a .gz is no archive."""
    import gzip  # noqa: PLC0415 - only here

    with pytest.raises(UnsupportedArchiveError, match="holds no TAR"):
        opened(gzip.compress(b"\xff\xd8\xff" * 999))


def test_a_file_over_the_limit_is_not_looked_into(archive_of, opened, jpeg):
    """The limit counts for the file too."""
    with pytest.raises(ArchiveTooLargeError, match="has"):
        opened(archive_of([("a.jpg", jpeg)]), ArchiveLimits(archive_bytes=10))


def test_a_path_is_opened_and_closed(tmp_path, tar_of, jpeg):
    """The usual way in; an open file stays the caller's."""
    file = tmp_path / "upload"
    file.write_bytes(tar_of([("a.jpg", jpeg)]))
    with open_archive(file) as archive:
        assert [content for _, content in archive.items()] == [jpeg]
    with file.open("rb") as handed, open_archive(handed):
        pass
    with file.open("rb") as handed:
        with open_archive(handed) as archive:
            next(archive.items())
        assert not handed.closed


def test_an_empty_archive_has_no_items(archive_of, read):
    """That is no fault of it. (A plain TAR of nothing is zeros, which could be anything.)"""
    data = archive_of([])
    if any(data):
        assert read(data) == []


def test_damage_anywhere_is_a_problem_and_never_another_exception(archive_of, jpeg):
    """One byte turned at four hundred places of a small archive; an item with a problem holds no bytes."""
    data = archive_of([("a.jpg", jpeg), ("b.jpg", jpeg)])
    step = max(1, len(data) // 400)
    for at in range(0, len(data), step):
        hurt = bytearray(data)
        hurt[at] ^= 0xFF
        try:
            with open_archive(io.BytesIO(bytes(hurt))) as archive:
                for item, content in archive.items():
                    assert item.problem is None or isinstance(item.problem, (BadArchiveError, PictureTooLargeError))
                    assert item.problem is None or content == b""
        except BadArchiveError:
            continue


def test_a_cut_anywhere_is_noticed(archive_of, jpeg):
    """At every length of a small archive: either it is refused, or its last item says so."""
    data = archive_of([("a.jpg", jpeg), ("b.jpg", jpeg)])
    end = data.rfind(jpeg) + 1024 if data.find(jpeg) >= 0 else len(data) - 1
    for length in range(512, min(end, len(data) - 1), max(1, len(data) // 200)):
        try:
            with open_archive(io.BytesIO(data[:length])) as archive:
                found = list(archive.items())
        except BadArchiveError:
            continue
        assert found[-1][0].problem is not None, length
        assert all(content == jpeg for item, content in found if item.problem is None)


def test_both_readers_agree_with_pythons_own(honest_zip, tar_of, read, jpeg):
    """The oracle for the formats' honest side, long and foreign names included."""
    entries = [(name, jpeg) for name in NAMES]
    packed = honest_zip(entries)
    with zipfile.ZipFile(io.BytesIO(packed)) as known:
        assert [item.name for item, _ in read(packed)] == known.namelist()
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        short = [entry for entry in entries if len(entry[0]) < 100 or form != tarfile.USTAR_FORMAT]
        data = tar_of(short, form=form)
        with tarfile.open(fileobj=io.BytesIO(data)) as known:
            assert [item.name for item, _ in read(data)] == known.getnames()
