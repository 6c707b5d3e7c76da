"""`keepone check`: verdicts, and exit codes that scripts can rely on."""

import json
import resource

import pytest


@pytest.fixture
def stored(keepone, pictures):
    """The astronaut is in the store."""
    assert keepone("ingest", pictures / "astronaut.jpg").code == 0


@pytest.mark.usefixtures("stored")
def test_no_duplicates_exit_0(keepone, pictures):
    """A sentence says so."""
    ran = keepone("check", pictures / "deep" / "coffee.png")
    assert ran.code == 0
    assert "coffee.png: unique (0.0%), keep" in ran.out


@pytest.mark.usefixtures("stored")
def test_a_duplicate_exits_1(keepone, pictures):
    """With what it is a copy of, and why which one may go."""
    ran = keepone("check", pictures / "copy.jpg", pictures / "deep" / "coffee.png")
    assert ran.code == 1
    assert "copy.jpg: duplicate (99." in ran.out
    assert "reencoded: img_" in ran.out
    assert "(astronaut.jpg)" in ran.out
    assert "unique" in ran.out


@pytest.mark.usefixtures("stored")
def test_a_broken_file_exits_3_and_the_others_are_judged(keepone, pictures):
    """Failing outranks finding."""
    ran = keepone("check", pictures / "copy.jpg", pictures / "deep" / "broken.jpg", pictures / "astronaut.jpg")
    assert ran.code == 3
    assert "broken.jpg: " in ran.err
    assert ran.out.count("duplicate") == 2


def test_what_is_too_large_is_named_and_not_read(keepone, folder):
    """For what it is; a device that never ends, too."""
    for name, head in (("film.mkv", b"\x1a\x45\xdf\xa3"), ("huge.jpg", b"\xff\xd8\xff\xe0")):
        with (folder / name).open("wb") as file:
            file.write(head)
            file.truncate(3 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = keepone("check", "film.mkv", "huge.jpg", "/dev/zero")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
    assert ran.code == 3
    assert "film.mkv: The file is none of JPEG" in ran.err
    assert "huge.jpg: The file has 3,221,225,472 bytes" in ran.err
    assert "/dev/zero: " in ran.err


@pytest.mark.usefixtures("stored")
def test_as_json_each_file_is_one_line(keepone, pictures):
    """The verdict block, with the file's name."""
    ran = keepone("check", "--json", pictures / "astronaut.jpg", pictures / "deep" / "coffee.png")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["verdict"] for line in lines] == ["duplicate", "unique"]
    assert lines[0]["file"].endswith("astronaut.jpg")
    assert lines[0]["matches"][0]["relation"] == "identical"


def test_checking_stores_nothing(keepone, pictures):
    """Asked twice, a picture is as unknown as before."""
    assert [keepone("check", pictures / "astronaut.jpg").code for _ in range(2)] == [0, 0]


def test_a_relative_data_folder_is_as_good_as_any(keepone, pictures, folder):
    """`--data here` means the folder here."""
    assert keepone("ingest", "--data", "here", pictures / "astronaut.jpg").code == 0
    assert keepone("check", "--data", folder / "here", pictures / "astronaut.jpg").code == 1
