"""Only what lies below an import root is read, whatever a path spells and whatever lies there."""

import itertools
import json
import os
import signal
import socket
import stat
from pathlib import Path
from urllib.parse import quote

import pytest

from service.domain.errors import PathNotAllowedError, PathNotFoundError, PictureTooLargeError, SettingsError
from service.inputs import guarded
from service.inputs.roots import ImportRoots, check_apart
from service.inputs.values import Skipped

SECRET = b"nobody may read this"


@pytest.fixture(autouse=True)
def _no_hang():
    """A pipe that is opened the wrong way blocks for ever; the alarm makes that a failure."""
    signal.alarm(20)
    yield
    signal.alarm(0)


@pytest.fixture
def root(tmp_path):
    """A root with a few files, beside a canary that is out of bounds."""
    (tmp_path / "canary").write_bytes(SECRET)
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "canary").write_bytes(SECRET)
    folder = tmp_path / "root"
    (folder / "b").mkdir(parents=True)
    for name in ("a.jpg", "b/c.jpg", "d.jpg"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def names():
    """The names of what these paths give."""
    return lambda roots, *paths, skipped=None: [found.item.name for found in roots.walk(paths, skipped)]


def payloads(outside):
    """Five hundred spellings that lead, by some reader's rules, to the canary beside the root."""
    ups = [
        "..",
        "..%2f",
        "%2e%2e",
        "%2e%2e%2f",
        "%252e%252e",
        "..%252f",
        "..%c0%af",
        "..%5c",
        "..\\",
        "....//",
        "..;",
        ".\u2024",
    ]
    seps = ["/", "//", "\\", "%2f", "%5c", "/./"]
    bases = ["", "b/", "a.jpg/", "./", "b\\", "x/"]
    made = [
        base + sep.join([up] * depth + ["canary"]) for base in bases for up in ups for sep in seps for depth in (1, 3)
    ]
    absolute = str(outside)
    made += [
        absolute,
        "/" + absolute,
        "//" + absolute,
        f"file://{absolute}",
        quote(absolute, safe=""),
        f"/root/../{absolute}",
        f"{outside.parent}/root/../canary",
        f"{outside.parent}/root/b/../../canary",
        f"C:{absolute}",
        "C:\\canary",
        "\\\\localhost\\share\\canary",
        "\\\\?\\C:\\canary",
        "//localhost/share/canary",
        "a.jpg\0../../canary",
        "../canary\0.jpg",
        "\0",
        "",
        "..",
        "/",
        "/proc/self/cwd",
        "/dev/stdin",
        "~/canary",
        "~root",
        "$HOME/canary",
        "\ud800",
        "x" * 5000,
        "x/" * 5000,
    ]
    return made


def test_five_hundred_ways_out_lead_nowhere(tmp_path, root, names, monkeypatch):
    """Each is refused, and what is opened on the way lies in the root."""
    monkeypatch.chdir(root)
    roots = ImportRoots([root])
    tried = payloads(tmp_path / "canary")
    assert len(set(tried)) >= 500
    opened, original = [], os.open

    def spy(path, *rest, **options):
        opened.append(os.fsdecode(path))
        return original(path, *rest, **options)

    monkeypatch.setattr(guarded.os, "open", spy)
    for payload in tried:
        with pytest.raises((PathNotAllowedError, PathNotFoundError)) as refused:
            names(roots, payload)
        json.dumps(str(refused.value)).encode()
        str(refused.value).encode()
        with pytest.raises((PathNotAllowedError, PathNotFoundError)):
            roots.read(quote(payload, errors="surrogatepass"), 100)
    assert str(root) in opened
    assert not [path for path in opened if "canary" in path and path != "canary" and ".." in path.split("/")]
    assert (tmp_path / "canary").read_bytes() == SECRET


@pytest.mark.parametrize("path", ["", "/canary", "2/canary", "2/none", "/nowhere/at/all"])
def test_outside_what_is_there_and_what_is_not_get_the_same_answer(tmp_path, root, names, path):
    """Or a client could feel its way around the machine; a name that only starts like the root's is outside too."""
    target = str(root) + path if path.startswith("2") else str(tmp_path) + path
    with pytest.raises(PathNotAllowedError, match="does not lie below"):
        names(ImportRoots([root]), target)


def test_inside_what_is_missing_is_named(root, names):
    """And nothing is walked before all paths are known to be there."""
    with pytest.raises(PathNotFoundError, match=r"'b/x\.jpg'"):
        ImportRoots([root]).walk(["a.jpg", "b/x.jpg"])
    with pytest.raises(PathNotFoundError):
        ImportRoots([root]).check(["a.jpg/x"])
    assert names(ImportRoots([root]), "a.jpg") == ["a.jpg"]


def test_without_a_root_nothing_can_be_read():
    """The answer says so."""
    with pytest.raises(PathNotAllowedError, match="No import root is configured"):
        ImportRoots([]).check(["a.jpg"])


def test_files_come_in_order_and_are_read(root, names):
    """Relative or absolute, a file or a folder; by their names' bytes, folders in their place."""
    roots = ImportRoots([root])
    assert names(roots, ".") == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert names(roots, str(root)) == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert names(roots, str(root / "b"), "a.jpg") == ["a.jpg", "b/c.jpg"]
    found = list(roots.walk(["."]))
    assert [found.item.ordinal for found in found] == [0, 1, 2]
    assert [roots.read(each.locator, 100) for each in found] == [b"a.jpg", b"b/c.jpg", b"d.jpg"]
    assert [each.item.bytes for each in found] == [5, 7, 5]


def test_each_file_is_listed_once(root, names):
    """Named twice, below another path, or by a second hard link."""
    os.link(root / "a.jpg", root / "b" / "same.jpg")
    skipped = Skipped()
    roots = ImportRoots([root, root / "b", root])
    assert names(roots, "a.jpg", "b", ".", str(root / "b" / "c.jpg"), skipped=skipped) == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert skipped.repeats == 1


def test_a_relative_path_means_what_is_there_in_each_root(tmp_path, root, names):
    """A second root need not have it."""
    other = tmp_path / "other"
    (other / "b").mkdir(parents=True)
    (other / "b" / "e.jpg").write_bytes(b"")
    assert names(ImportRoots([root, other]), "b") == ["b/e.jpg", "b/c.jpg"]
    assert names(ImportRoots([root, other]), "a.jpg") == ["a.jpg"]


def test_links_are_counted_and_never_followed(tmp_path, root, names):
    """Out, in, around in a loop, or to nothing."""
    (root / "out.jpg").symlink_to(tmp_path / "canary")
    (root / "outside").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "in.jpg").symlink_to("a.jpg")
    skipped = Skipped()
    roots = ImportRoots([root])
    assert names(roots, ".", skipped=skipped) == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert skipped.links == 5
    assert names(roots, "out.jpg") == []
    for path in ("outside/canary", "loop/a.jpg", "self/x", "loop/loop/loop/a.jpg"):
        with pytest.raises(PathNotAllowedError, match="link"):
            names(roots, path)
    for path in ("out.jpg", "outside/canary", "in.jpg"):
        with pytest.raises(PathNotAllowedError, match="link"):
            roots.read(quote(str(root / path)), 100)


def test_specials_are_counted_and_nothing_hangs(root, names, monkeypatch):
    """Pipes, sockets and, where we may make one, devices."""
    os.mkfifo(root / "pipe.jpg")
    monkeypatch.chdir(root)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("socket.jpg")
        made = 2
        try:
            os.mknod(root / "device.jpg", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
            made = 3
        except PermissionError:
            pass
        skipped = Skipped()
        roots = ImportRoots([root])
        assert names(roots, ".", "pipe.jpg", skipped=skipped) == ["a.jpg", "b/c.jpg", "d.jpg"]
        assert skipped.specials == made
        for name in ("pipe.jpg", "socket.jpg"):
            with pytest.raises(PathNotFoundError):
                roots.read(quote(str(root / name)), 100)


@pytest.mark.parametrize("become", ["link", "pipe", "folder", "nothing", "parent is a link"])
def test_what_changed_since_it_was_found_is_not_read(tmp_path, root, become):
    """A job may start a day after its files were listed."""
    roots = ImportRoots([root])
    ((found,)) = roots.walk(["b/c.jpg"])
    target = root / "b" / "c.jpg"
    target.unlink()
    if become == "link":
        target.symlink_to(tmp_path / "canary")
    elif become == "pipe":
        os.mkfifo(target)
    elif become == "folder":
        target.mkdir()
    elif become == "parent is a link":
        (root / "b").rmdir()
        (tmp_path / "canary").rename(tmp_path / "c.jpg")
        (root / "b").symlink_to(tmp_path)
    with pytest.raises((PathNotAllowedError, PathNotFoundError)):
        roots.read(found.locator, 100)


def test_a_pipe_that_takes_a_files_place_at_the_last_moment_does_not_hang(root, monkeypatch):
    """Between the look and the opening."""
    roots = ImportRoots([root])
    (found,) = roots.walk(["a.jpg"])
    state = (root / "a.jpg").stat()
    (root / "a.jpg").unlink()
    os.mkfifo(root / "a.jpg")
    monkeypatch.setattr(guarded, "look_at", lambda *_: state)
    with pytest.raises(PathNotFoundError, match="no file any more"):
        roots.read(found.locator, 100)


def test_a_folder_that_turns_into_a_link_during_the_walk_is_not_followed(tmp_path, root):
    """Each is opened anew, from the root down."""
    skipped = Skipped()
    walk = ImportRoots([root]).walk(["."], skipped)
    assert next(walk).item.name == "a.jpg"
    (root / "b" / "c.jpg").unlink()
    (root / "b").rmdir()
    (root / "b").symlink_to(tmp_path)
    assert [found.item.name for found in walk] == ["d.jpg"]
    assert skipped.unreadable == 1


def test_a_locator_of_a_root_that_is_none_any_more_is_refused(tmp_path, root):
    """Settings may have changed since the job was made."""
    (found,) = ImportRoots([root]).walk(["a.jpg"])
    with pytest.raises(PathNotAllowedError):
        ImportRoots([tmp_path / "root2"]).read(found.locator, 100)


def test_a_file_over_the_limit_is_refused(root):
    """By its size, and by counting where the size lies."""
    roots = ImportRoots([root])
    (found,) = roots.walk(["a.jpg"])
    assert roots.read(found.locator, 5) == b"a.jpg"
    with pytest.raises(PictureTooLargeError, match="5 bytes"):
        roots.read(found.locator, 4)
    with (root / "a.jpg").open("rb") as file, pytest.raises(PictureTooLargeError, match="over 4"):
        guarded._read_up_to(file.fileno(), 0, 4)


def test_hidden_files_and_noise_are_counted_and_no_items(root, names):
    """Named outright, a hidden folder is meant."""
    for name in (".hidden/x.jpg", "b/.DS_Store", "Thumbs.db", "__MACOSX/x.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    skipped = Skipped()
    roots = ImportRoots([root])
    assert names(roots, ".", skipped=skipped) == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert skipped.noise == 4
    assert names(roots, ".hidden") == [".hidden/x.jpg"]


def test_names_of_any_bytes_are_found_read_and_shown(tmp_path):
    """NFC beside NFD, emoji, right-to-left marks, no UTF-8 at all, percent signs, and the longest there are."""
    raw = [
        "Zürich".encode(),
        "Zu\u0308rich".encode(),
        "😀".encode(),
        "\u202egpj.exe".encode(),
        b"\xff\xfe",
        b"caf\xe9",
        b"new\nline",
        b"..%2fcanary",
        b"a\\b",
        b"C:",
        b"...",
        b"-rf",
        b" ",
        b"x" * 255,
    ]
    folder = tmp_path / "names"
    folder.mkdir()
    for name in raw:
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - bytes, not text
            file.write(name)
    roots = ImportRoots([folder])
    found = list(roots.walk(["."]))
    shown = [name for name in sorted(raw) if not name.startswith(b".")]
    assert [roots.read(each.locator, 300) for each in found] == shown
    assert all(each.locator.isascii() and json.dumps(each.item.name, ensure_ascii=False).encode() for each in found)
    assert len({each.item.name for each in found}) == len(found)


def test_a_very_deep_tree_is_left_at_a_bound(root, names):
    """Without running out of descriptors or stack."""
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("x", dir_fd=descriptor)
        following = os.open("x", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = following
    os.close(descriptor)
    skipped = Skipped()
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert names(ImportRoots([root]), ".", skipped=skipped) == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert skipped.unreadable == 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_root_may_itself_be_reached_by_a_link(tmp_path, root, names):
    """That is the operator's doing; both spellings are known."""
    (tmp_path / "shortcut").symlink_to(root)
    roots = ImportRoots([tmp_path / "shortcut"])
    assert names(roots, str(tmp_path / "shortcut" / "b")) == names(roots, str(root / "b")) == ["b/c.jpg"]


def test_no_descriptor_is_left_open(root, names):
    """Whatever went wrong."""
    roots = ImportRoots([root])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in itertools.chain(payloads(root)[:50], ["."]):
        try:
            names(roots, path)
        except (PathNotAllowedError, PathNotFoundError):
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("data", "other"), [("x", "x"), ("x/data", "x"), ("x", "x/photos"), ("x", ""), ("link/data", "x")]
)
def test_the_data_folder_and_the_roots_must_not_lie_in_one_another(tmp_path, data, other):
    """Or the service would import its own blobs."""
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "x")
    with pytest.raises(SettingsError, match="KEEPONE_IMPORT_ROOTS"):
        check_apart(tmp_path / data, [tmp_path / "y", tmp_path / other])


def test_folders_side_by_side_are_apart(tmp_path):
    """Even if one's name starts like the other's."""
    check_apart(tmp_path / "data", [tmp_path / "data2", tmp_path / "photos", Path("/srv")])
    check_apart(tmp_path / "data", [])
