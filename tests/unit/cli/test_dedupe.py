"""`keepone dedupe` and `keepone removals`: a dry run, a removal, and its undoing."""

import csv
import json

import pytest

from index_store.trees.marking import MARK
from service.workflows import brakes, file_removal
from service.workflows.folder_scan import ASIDE_MARK
from service.workflows.matchers import LAID_ON


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {ASIDE_MARK, MARK}
    }


def removal_id(keepone):
    return json.loads(keepone("removals", "list", "--json").out)["removal_id"]


def test_a_dry_run_touches_nothing_and_says_what_it_found(keepone, pictures, folder):
    before = files(folder)
    ran = keepone("dedupe", pictures)
    assert ran.code == 1
    assert "keeps astronaut.jpg" in ran.out
    assert "could go: copy.jpg (0.9" in ran.out
    assert "3 pictures, 1 duplicates in 1 sets" in ran.out
    assert "nothing was touched" in ran.out
    assert "passed over: deep/broken.jpg: The file ends" in ran.err
    assert files(folder) == before


def test_a_folder_without_duplicates_exits_0(keepone, pictures):
    (pictures / "copy.jpg").unlink()
    assert keepone("dedupe", pictures).code == 0
    assert keepone("dedupe", pictures, "--apply").code == 0
    assert keepone("removals", "list").out == ""


def test_what_is_applied_is_undone_to_the_byte(keepone, pictures):
    before = files(pictures)
    ran = keepone("dedupe", pictures, "--apply")
    assert ran.code == 1
    assert "gone: copy.jpg" in ran.out
    assert files(pictures) == {name: data for name, data in before.items() if name != "copy.jpg"}
    listed = json.loads(keepone("removals", "list", "--json").out)
    assert (listed["state"], listed["counts"], listed["folder"]) == ("applied", {"removed": 1}, str(pictures))
    assert "applied: 1 removed in" in keepone("removals", "list").out
    assert keepone("removals", "undo", listed["removal_id"]).code == 0
    assert files(pictures) == before
    assert "undone: 1 returned" in keepone("removals", "list").out


def test_a_backup_lies_where_it_was_asked_for(keepone, pictures, folder):
    before = (pictures / "copy.jpg").read_bytes()
    keepone("dedupe", pictures, "--apply", "--backup", folder / "spare")
    assert list(files(folder / "spare").values()) == [before]


def test_a_backup_in_the_folder_itself_is_refused(keepone, pictures):
    """The next run would find it, and take it for a copy."""
    ran = keepone("dedupe", pictures, "--apply", "--backup", pictures / "spare")
    assert ran.code == 2
    assert "lies in the folder itself" in ran.err
    assert (pictures / "copy.jpg").exists()


def test_json_tells_all_of_it(keepone, pictures):
    told = json.loads(keepone("dedupe", pictures, "--json").out)
    assert (told["pictures"], told["duplicates_found"], told["state"]) == (3, 1, "planned")
    assert (told["matcher"], told["parameters"], told["keep"]) == ("appearance", {"threshold": 0.9}, "best")
    [item] = told["items"]
    assert (item["set"], item["keeps"], item["goes"]) == (1, "astronaut.jpg", "copy.jpg")
    assert told["bytes"] == item["bytes"] == (pictures / "copy.jpg").stat().st_size
    assert [one["name"] for one in told["passed_over"]] == ["deep/broken.jpg"]


def test_the_table_has_a_row_for_each_that_could_go(keepone, pictures, folder):
    keepone("dedupe", pictures, "--csv", folder / "found.csv")
    with (folder / "found.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["set"], row["keeps"], row["goes"]) == ("1", "astronaut.jpg", "copy.jpg")
    assert row["reasons"]


def test_the_page_shows_the_pictures_and_trusts_no_name(keepone, pictures, folder):
    evil = "<script>alert(1)<script>.jpg"
    (pictures / "copy.jpg").rename(pictures / evil)
    keepone("dedupe", pictures, "--html", folder / "found.html")
    page = (folder / "found.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "deep/broken.jpg" in page


def test_the_page_shows_what_is_left_to_look_at(keepone, pictures, folder, astronaut, written):
    """With the reason, for that is why it was left."""
    noted = astronaut.copy()
    noted[40:52, 60:140:3] = 255
    (pictures / "copy.jpg").write_bytes(written(noted, quality=90))
    keepone("dedupe", pictures, "--html", folder / "found.html")
    page = (folder / "found.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "Left for you to look at" in page
    assert LAID_ON in page


def test_a_name_cannot_forge_a_line(keepone, pictures):
    """Nor turn the text around, nor colour it."""
    (pictures / "copy.jpg").rename(pictures / "x\nkeeps y\x1b[2K\u202e.jpg")
    ran = keepone("dedupe", pictures)
    assert "could go: x\\nkeeps y\\x1b[2K\\u202e.jpg" in ran.out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--matcher", "hash"], 1),
        (["--matcher", "copy"], 1),
        (["--matcher", "similar:builtin", "--threshold", "0.98"], 1),
        (["--matcher", "similar:builtin", "--threshold", "0.1", "--metric", "euclidean"], 1),
        (["--matcher", "similar:builtin", "--threshold", "0", "--metric", "euclidean"], 0),
        (["--threshold", "0.9999"], 0),
        (["--matcher", "scene_change"], 1),
        (["--matcher", "scene_change", "--cameras", "astronaut|copy"], 0),
    ],
)
def test_the_criterion_is_the_callers(keepone, pictures, options, found):
    assert json.loads(keepone("dedupe", pictures, "--json", *options).out)["duplicates_found"] == found


@pytest.mark.parametrize(
    "options",
    [
        ["--matcher", "similar:builtin"],
        ["--matcher", "similar:builtin", "--threshold", "0"],
        ["--matcher", "similar:builtin", "--threshold", "-0.5", "--metric", "euclidean"],
        ["--threshold", "1.5"],
        ["--matcher", "similar:clip"],
        ["--matcher", "similar:builtin", "--threshold", "5", "--metric", "euclidean"],
        ["--matcher", "similar:builtin", "--threshold", "2.1"],
        # Another matcher's: who tightens so has tightened nothing.
        ["--max-distance", "0"],
        ["--operating-point", "strict"],
        ["--matcher", "hash", "--threshold", "0.99"],
    ],
)
def test_a_criterion_that_cannot_be_is_refused(keepone, pictures, options):
    ran = keepone("dedupe", pictures, *options)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize(
    "options",
    [
        ["--matcher", "clip:colours"],
        ["--matcher", "clip:colours", "--threshold", "0", "--apply"],
        ["--matcher", "similar:clip:colours", "--threshold", "0"],
        ["--matcher", "similar:clip:colours", "--threshold", "3", "--metric", "euclidean_l2"],
    ],
)
@pytest.mark.usefixtures("twins")
def test_a_further_space_is_asked_by_its_whole_name_and_by_what_tells_pictures_apart(
    keepone, pictures, monkeypatch, options
):
    """As the service refuses it: nearly all pictures would agree."""
    monkeypatch.setenv("KEEPONE_DESCRIPTORS", "builtin,clip:colours")
    assert keepone("dedupe", pictures, "--matcher", "similar:clip:colours").code == 1
    ran = keepone("dedupe", pictures, *options)
    assert (ran.code, ran.out) == (2, "")


def test_a_pattern_that_is_none_is_refused(keepone, pictures):
    ran = keepone("dedupe", pictures, "--cameras", "c(")
    assert ran.code == 2
    assert "--cameras" in ran.err
    ran = keepone("dedupe", pictures, "--cameras", r"yard\d", "--apply")
    assert ran.code == 2
    assert "no name tells of a camera" in ran.err
    assert (pictures / "copy.jpg").exists()


def test_a_large_part_of_a_folder_goes_only_when_confirmed(keepone, folder, written, coffee, monkeypatch):
    """The word is the plan's own, and good for once: undone, the same plan has another one."""
    monkeypatch.setattr(brakes, "FREE_ITEMS", 2)
    many = folder / "many"
    many.mkdir()
    data = written(coffee)
    for number in range(4):
        (many / f"{number:03d}.jpg").write_bytes(data)
    ran = keepone("dedupe", many, "--apply")
    assert ran.code == 3
    assert "3 of 4 pictures would go" in ran.err
    assert len(files(many)) == 4
    token = ran.err.rstrip().rstrip(".").split()[-1]
    assert keepone("dedupe", many, "--apply", "--confirm", "0" * 16).code == 3
    assert keepone("dedupe", many, "--apply", "--confirm", token).code == 1
    assert list(files(many)) == ["000.jpg"]
    assert keepone("removals", "undo", removal_id(keepone)).code == 0
    assert keepone("dedupe", many, "--apply", "--confirm", token).code == 3
    assert len(files(many)) == 4


def test_what_comes_back_beside_another_file_is_told(keepone, pictures):
    keepone("dedupe", pictures, "--apply")
    (pictures / "copy.jpg").write_bytes(b"something else")
    ran = keepone("removals", "undo", removal_id(keepone))
    assert ran.code == 0
    assert "copy.jpg came back as copy (restored 1).jpg" in ran.err
    assert (pictures / "copy (restored 1).jpg").exists()
    assert (pictures / "copy.jpg").read_bytes() == b"something else"


def test_nothing_is_purged_before_its_time(keepone, pictures):
    keepone("dedupe", pictures, "--apply")
    ran = keepone("removals", "purge", removal_id(keepone), "--yes")
    assert ran.code == 3
    assert "kept for 30 days" in ran.err
    assert keepone("removals", "undo", removal_id(keepone)).code == 0


def test_what_stays_is_told_with_its_reason_and_exits_3(keepone, pictures, monkeypatch):
    """Nobody may believe that it is gone."""
    real = file_removal.set_aside

    def changed(loser, *given):
        loser.path.write_bytes(b"saved anew")
        real(loser, *given)

    monkeypatch.setattr(file_removal, "set_aside", changed)
    ran = keepone("dedupe", pictures, "--apply")
    assert ran.code == 3
    assert "stayed: copy.jpg" in ran.out
    assert "gone: " not in ran.out
    assert "holds other bytes now" in ran.err


def test_cut_short_it_says_how_to_go_on_or_back(keepone, pictures, monkeypatch):
    before = files(pictures)
    real = file_removal.set_aside

    def killed(*given):
        real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(file_removal, "set_aside", killed)
        ran = keepone("dedupe", pictures, "--apply")
    assert ran.code == 3
    assert "removals resume rem_" in ran.err
    assert "copy.jpg" not in files(pictures)
    removal = removal_id(keepone)
    assert keepone("removals", "undo", removal).code == 0
    assert files(pictures) == before


def test_cut_short_it_goes_on(keepone, pictures, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(file_removal, "set_aside", killed)
        keepone("dedupe", pictures, "--apply")
    ran = keepone("removals", "resume", removal_id(keepone))
    assert ran.code == 0
    assert "applied: 1 removed" in ran.out
    assert "copy.jpg" not in files(pictures)


def test_a_confirmation_that_is_no_ascii_is_only_wrong(keepone, folder, written, coffee):
    many = folder / "many"
    many.mkdir()
    for number in range(102):
        (many / f"{number:03d}.jpg").write_bytes(written(coffee))
    assert keepone("dedupe", many, "--apply", "--confirm", "\u00e9").code == 3


def test_an_unknown_removal_is_told(keepone):
    ran = keepone("removals", "undo", "rem_unknown")
    assert ran.code == 3
    assert "no removal rem_unknown" in ran.err


def test_a_folder_that_is_not_mounted_is_not_taken_for_an_empty_one(keepone, pictures, folder):
    """Neither has it no duplicates, nor may what was set aside come back into it."""
    assert keepone("dedupe", pictures, "--apply").code == 1
    pictures.rename(folder / "elsewhere")
    pictures.mkdir()
    ran = keepone("dedupe", pictures)
    assert ran.code == 3
    assert "is its disk mounted?" in ran.err
    assert keepone("removals", "undo", removal_id(keepone)).code == 3
    assert list(pictures.iterdir()) == []
    pictures.rmdir()
    (folder / "elsewhere").rename(pictures)
    assert keepone("removals", "undo", removal_id(keepone)).code == 0
    assert (pictures / "copy.jpg").exists()
    assert not (pictures / MARK).exists()


def test_what_is_read_only_stays_and_is_told(keepone, pictures):
    (pictures / "copy.jpg").chmod(0o444)
    ran = keepone("dedupe", pictures, "--apply")
    assert ran.code == 0
    assert "look at: astronaut.jpg and copy.jpg: it is read-only, and stays" in ran.err
    (pictures / "twin.jpg").write_bytes((pictures / "copy.jpg").read_bytes())
    (pictures / "twin.jpg").chmod(0o444)
    assert json.loads(keepone("dedupe", pictures, "--json").out)["duplicates_found"] == 0


@pytest.mark.parametrize("kind", ["hard", "symbolic"])
def test_a_link_to_the_one_that_stays_takes_its_place(keepone, pictures, kind):
    """Asked for by name it is still there; the next run finds nothing, and undone it makes way."""
    before = files(pictures)
    assert keepone("dedupe", pictures, "--apply", "--link", kind).code == 1
    assert (pictures / "copy.jpg").samefile(pictures / "astronaut.jpg")
    assert keepone("dedupe", pictures).code == 0
    assert keepone("removals", "undo", removal_id(keepone)).code == 0
    assert files(pictures) == before
    assert not (pictures / "copy.jpg").samefile(pictures / "astronaut.jpg")


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_no_report_is_written_over_a_picture(keepone, pictures, folder, option):
    """Nor is it found out after an hour that there is no such folder."""
    before = files(folder)
    over = keepone("dedupe", pictures, option, pictures / "copy.jpg")
    assert (over.code, over.out) == (2, "")
    assert "is a picture, and would be lost" in over.err
    assert keepone("dedupe", pictures, option, folder / "none" / "report").code == 2
    assert files(folder) == before
    assert keepone("dedupe", pictures, option, folder / "report").code == 1
    assert keepone("dedupe", pictures, option, folder / "report").code == 1  # an earlier report may go
