"""What could go from a folder: who stays, what is passed over, and that the plan is the same every time."""

import io
import os
import re
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from PIL.PngImagePlugin import PngInfo

from service import wiring
from service.domain.letting_go import MARKED
from service.domain.policy import DEFAULT, Protected
from service.inputs.values import Skipped
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from service.settings import Settings
from service.workflows import folder_crew
from service.workflows.folder_plan import FolderQuestion, plan_folder
from service.workflows.folder_scan import ASIDE_MARK, CAMERA, Scope, in_order
from service.workflows.matchers import ByAppearance, ByHash, BySceneChange
from service.workflows.removal_finding import EXACT, PROTECTED, Keep


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "holiday"
    (made / "deep").mkdir(parents=True)
    return made


@pytest.fixture
def planned(pool):
    def run(folder, matcher=None, *, camera=None, keep=Keep.BEST, own=(), seen=None, crew=None, policy=DEFAULT):
        criterion = matcher or ByAppearance()
        question = FolderQuestion(Scope(folder, camera), criterion.name, keep=keep, policy=policy)
        told = seen if seen is not None else []
        try:
            return plan_folder(
                question,
                criterion,
                pool,
                lambda *step: told.append(step),
                max_bytes=2**24,
                aside=folder.parent / "trash",
                own=own,
                crew=crew,
            )
        finally:
            criterion.close()

    return run


def going(plan):
    return {item.loser["name"]: item.keeper["name"] for item in plan.removal.items}


def test_the_larger_picture_stays(folder, planned, written, resized, astronaut, coffee):
    (folder / "deep" / "large.jpg").write_bytes(written(astronaut, quality=90))
    (folder / "a-small.jpg").write_bytes(written(resized(astronaut, 0.6), quality=90))
    (folder / "coffee.png").write_bytes(written(coffee, "PNG"))
    plan = planned(folder)
    assert going(plan) == {"a-small.jpg": "deep/large.jpg"}
    [item] = plan.removal.items
    assert item.why["reasons"][0] == "2.78 times the pixels"
    assert item.bytes == (folder / "a-small.jpg").stat().st_size
    assert 0.9 <= item.why["agreement"] <= 1


def test_or_the_larger_file_if_that_is_asked_for(folder, planned, written, resized, astronaut):
    (folder / "large.jpg").write_bytes(written(astronaut, quality=60))
    (folder / "small.png").write_bytes(written(resized(astronaut, 0.7), "PNG"))
    assert going(planned(folder)) == {"small.png": "large.jpg"}
    assert going(planned(folder, keep=Keep.LARGEST_FILE)) == {"large.jpg": "small.png"}


def test_equal_bytes_go_by_every_criterion_and_the_first_by_name_stays(folder, planned, written, coffee):
    for name in ("b.jpg", "a.jpg", "deep/c.jpg"):
        (folder / name).write_bytes(written(coffee))
    for matcher in (ByAppearance(1.0), ByHash(0), BySceneChange(max_change=0)):
        plan = planned(folder, matcher)
        assert going(plan) == {"b.jpg": "a.jpg", "deep/c.jpg": "a.jpg"}
        assert [item.why for item in plan.removal.items] == [
            {"agreement": EXACT, "reasons": ["the very same file"], "weighed": [], "policy": "keeper-2"}
        ] * 2


def test_pictures_without_detail_agree_by_their_pixels_alone(folder, planned, written):
    """Two pages are no copies for being blank, and the same pixels are, in whatever format."""
    page = np.full((300, 200, 3), 250, np.uint8)
    other = page.copy()
    other[100:104, 50:60] = 200
    (folder / "page.png").write_bytes(written(page, "PNG"))
    (folder / "other.png").write_bytes(written(other, "PNG"))
    assert going(planned(folder)) == {}
    (folder / "page.bmp").write_bytes(written(page, "BMP"))
    assert set(going(planned(folder))) <= {"page.png", "page.bmp"}
    assert len(going(planned(folder))) == 1


def test_what_is_broken_is_told_of_and_the_others_are_looked_at(folder, planned, written, astronaut):
    (folder / "a.jpg").write_bytes(written(astronaut))
    (folder / "b.jpg").write_bytes(written(astronaut, quality=60))
    (folder / "broken.jpg").write_bytes(written(astronaut)[:2000])
    (folder / "notes.txt").write_text("no picture")
    plan = planned(folder)
    assert [one.name for one in plan.passed_over] == ["broken.jpg", "notes.txt"]
    assert all(one.reason for one in plan.passed_over)
    assert len(plan.pictures) == 2
    assert plan.going == 1


def test_one_file_never_counts_as_two(folder, planned, written, astronaut, coffee):
    """Another name of the same inode, and a link, are passed over: to remove either frees nothing, or loses all."""
    (folder / "a.jpg").write_bytes(written(astronaut))
    os.link(folder / "a.jpg", folder / "deep" / "same.jpg")
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "coffee.jpg").write_bytes(written(coffee))
    plan = planned(folder)
    assert plan.going == 0
    assert len(plan.pictures) == 2
    assert (plan.skipped.repeats, plan.skipped.links) == (1, 2)
    assert isinstance(plan.skipped, Skipped)


def test_folders_of_keepones_own_are_not_gone_into(folder, planned, written, astronaut):
    (folder / "a.jpg").write_bytes(written(astronaut))
    (folder / "data" / "blobs").mkdir(parents=True)
    (folder / "data" / "blobs" / "copy.jpg").write_bytes(written(astronaut))
    assert planned(folder, own=[folder / "data"]).going == 0
    assert planned(folder).going == 1


def test_cameras_are_told_apart_by_what_they_are_called(folder, planned, written, photographs):
    """The same yard by two cameras is two views; within one camera the later frame goes."""
    frame = photographs["gravel"]
    for name in ("c10-0001.jpg", "c10-0002.jpg", "c20-0001.jpg", "deep/c20_0002.jpg"):
        (folder / name).write_bytes(written(frame))
    camera = re.compile(CAMERA)
    plan = planned(folder, BySceneChange(), camera=camera)
    assert going(plan) == {"c10-0002.jpg": "c10-0001.jpg", "deep/c20_0002.jpg": "c20-0001.jpg"}
    assert len(going(planned(folder, BySceneChange()))) == 3


@pytest.mark.parametrize(
    ("name", "group"),
    [("c10-1.jpg", "c10"), ("yard/c20/x.jpg", "c20"), ("abc10.jpg", None), ("Camera 2/C7.png", "camera 2/c7")],
)
def test_what_a_camera_is_called(tmp_path, name, group):
    assert Scope(tmp_path, re.compile(CAMERA)).group_of(name) == group


def test_a_pattern_with_groups_still_names_whole_cameras(tmp_path):
    scope = Scope(tmp_path, re.compile(r"(c|d)(\d+)"))
    assert [scope.group_of(name) for name in ("c10.jpg", "c20.jpg", "d1/c2.jpg")] == ["c10", "c20", "d1/c2"]


def test_where_cameras_are_told_apart_a_picture_of_none_goes_for_its_bytes_alone(folder, planned, written, photographs):
    """Night frames of two cameras look alike, and who knows which took it?"""
    for name in ("yard-1.jpg", "gate-1.jpg", "deep/gate-2.jpg"):
        (folder / name).write_bytes(written(photographs["gravel"]))
    (folder / "other.jpg").write_bytes(written(photographs["gravel"], quality=50))
    camera = re.compile(CAMERA)
    assert len(going(planned(folder, BySceneChange(), camera=camera))) == 3  # nobody is named: one camera
    (folder / "C10-1.jpg").write_bytes(written(photographs["brick"]))
    assert going(planned(folder, BySceneChange(), camera=camera)) == {
        "yard-1.jpg": "deep/gate-2.jpg",
        "gate-1.jpg": "deep/gate-2.jpg",
    }


def icon(shape):
    """White on nothing: laid on white, all of them are the same pixels."""
    picture = Image.new("RGBA", (200, 200), (255, 255, 255, 0))
    ImageDraw.Draw(picture).rectangle(shape, fill=(255, 255, 255, 255))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def film(*pictures):
    file = io.BytesIO()
    frames = [Image.fromarray(picture) for picture in pictures]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def test_what_the_compared_pixels_do_not_show_is_left_to_a_person(folder, planned, photographs):
    """Transparency, and all but an animation's first frame."""
    (folder / "house.png").write_bytes(icon((20, 20, 90, 180)))
    (folder / "cart.png").write_bytes(icon((100, 40, 190, 70)))
    (folder / "one.gif").write_bytes(film(photographs["coffee"], photographs["astronaut"][:341]))
    (folder / "two.gif").write_bytes(film(photographs["coffee"], photographs["chelsea"][:300]))
    plan = planned(folder)
    assert plan.going == 0
    assert sorted(doubtful.why for doubtful in plan.doubtful) == [
        "one of the two holds transparency or a depth that the compared pixels do not show",
        "only the first frames of an animation were compared",
    ]
    (folder / "again.gif").write_bytes((folder / "two.gif").read_bytes())
    assert going(planned(folder)) == {"two.gif": "again.gif"}


def test_an_enlarged_copy_does_not_take_its_originals_place(folder, planned, written, resized, photographs):
    """It has more pixels and shows less: it is the one to go."""
    picture = photographs["gravel"]
    (folder / "original.jpg").write_bytes(written(picture, quality=92))
    (folder / "enlarged.jpg").write_bytes(written(resized(resized(picture, 0.35), 4.0), quality=92))
    plan = planned(folder, ByHash(60))
    assert going(plan) == {"enlarged.jpg": "original.jpg"}
    [item] = plan.removal.items
    assert item.why["policy"] == "keeper-2"
    assert "real detail" in item.why["weighed"][0]["text"]


def test_what_is_marked_as_generated_does_not_go_for_its_stripped_twin(folder, planned, coffee):
    """Equal pixels show nothing of the mark, and somebody is asked as a check asks."""
    marks = PngInfo()
    marks.add_text("parameters", "a cup, Steps: 20, Sampler: Euler")
    picture = Image.fromarray(coffee)
    picture.save(folder / "marked.png", pnginfo=marks)
    picture.save(folder / "stripped.png")
    plan = planned(folder)
    assert going(plan) == {}
    assert [doubtful.why for doubtful in plan.doubtful] == [MARKED]


def test_what_the_policy_protects_stays(folder, planned, written, resized, astronaut):
    """By its folder; what is not in it goes for its sake as ever."""
    for name in ("deep/small.jpg", "small.jpg"):
        (folder / name).write_bytes(written(resized(astronaut, 0.6), quality=90))
    (folder / "large.jpg").write_bytes(written(astronaut, quality=90))
    policy = replace(DEFAULT, protected=Protected(folders=(str(folder / "deep"),)))
    plan = planned(folder, policy=policy)
    assert going(plan) == {"small.jpg": "large.jpg"}
    assert [doubtful.why for doubtful in plan.doubtful] == [PROTECTED]


@pytest.mark.parametrize("linked", ["folder", "policy"])
def test_what_the_policy_protects_stays_by_whatever_link_it_is_reached(
    linked, folder, tmp_path, planned, written, resized, astronaut
):
    """The folder is named by a link and the policy by the place itself, or the other way round."""
    (folder / "deep" / "small.jpg").write_bytes(written(resized(astronaut, 0.6), quality=90))
    (folder / "large.jpg").write_bytes(written(astronaut, quality=90))
    link = tmp_path / "link"
    link.symlink_to(folder)
    named, shielded = (link, folder) if linked == "folder" else (folder, link)
    policy = replace(DEFAULT, protected=Protected(folders=(str(shielded / "deep"),)))
    plan = planned(named, policy=policy)
    assert going(plan) == {}
    assert [doubtful.why for doubtful in plan.doubtful] == [PROTECTED]


def test_who_is_the_lesser_beside_another_does_not_outlive_it(folder, planned, written, photographs):
    """Alone a small enlargement looks like more; beside its original it does not, and then somebody has to look."""
    picture = photographs["coffee"]
    small = Image.fromarray(picture).resize((420, 280), Image.Resampling.LANCZOS)
    enlarged = small.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BICUBIC)
    (folder / "original.jpg").write_bytes(written(picture, quality=80))
    (folder / "enlarged.png").write_bytes(written(np.asarray(enlarged), "PNG"))
    plan = planned(folder)
    assert "original.jpg" not in going(plan)
    assert plan.going or plan.doubtful


def test_the_marks_of_a_lossy_save_do_not_outrank_a_lossless_file(folder, planned, written, astronaut):
    """They make a picture sharper by the number."""
    (folder / "a.jpg").write_bytes(written(astronaut, quality=30))
    (folder / "z.png").write_bytes(written(astronaut, "PNG"))
    assert going(planned(folder)) == {"a.jpg": "z.png"}


def test_what_was_set_aside_before_is_no_picture_of_the_folders(folder, planned, written, astronaut):
    """Else it would be kept, by its name, and purged with the last copy."""
    (folder / "astronaut.jpg").write_bytes(written(astronaut))
    aside = folder / "a-spare" / "rem_1"
    aside.mkdir(parents=True)
    (aside / "000001.jpg").write_bytes(written(astronaut))
    assert planned(folder).going == 1
    (aside / ASIDE_MARK).touch()
    plan = planned(folder)
    assert (plan.going, len(plan.pictures)) == (0, 1)


def test_the_plan_does_not_depend_on_the_order_in_which_files_were_made(
    tmp_path, planned, written, resized, photographs
):
    """Nor on when: its hash says what would be done, and to which bytes."""
    made = {}
    for name in ("astronaut", "chelsea", "coffee"):
        made[f"{name}.jpg"] = written(photographs[name], quality=90)
        made[f"{name}-copy.jpg"] = written(photographs[name], quality=50)
        made[f"deep/{name}-half.jpg"] = written(resized(photographs[name], 0.7), quality=80)
    plans = []
    for names in (sorted(made), sorted(made, reverse=True)):
        folder = tmp_path / "same"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "deep").mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(made[name])
        plans.append(planned(folder))
    first, second = plans
    assert first.removal.plan_hash == second.removal.plan_hash
    assert first.removal.items == second.removal.items
    assert first.going == 6
    (folder / "coffee.jpg").write_bytes(written(photographs["coffee"], quality=91))
    assert planned(folder).removal.plan_hash != first.removal.plan_hash


def test_progress_is_told(folder, planned, written, astronaut):
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(written(astronaut, quality=60 + number))
    seen = []
    planned(folder, seen=seen)
    assert [step for step in seen if step[0] == "pictures"] == [("pictures", done, 5) for done in range(1, 6)]
    assert seen[-1] == ("duplicates", 4, None)


def test_names_that_are_no_text_are_planned_like_any_other(folder, planned, written, astronaut):
    name = os.fsdecode(b"caf\xe9.jpg")
    (folder / name).write_bytes(written(astronaut, quality=60))
    (folder / "large.jpg").write_bytes(written(astronaut, quality=95))
    [item] = planned(folder).removal.items
    assert item.loser["at"] == "caf%E9.jpg"
    item.loser["name"].encode()


def test_an_empty_folder_has_an_empty_plan(folder, planned):
    plan = planned(folder)
    assert (plan.going, plan.pictures, plan.sets) == (0, (), ())


@pytest.mark.parametrize("criterion", [ByAppearance, ByHash, BySceneChange])
def test_a_crew_of_processes_finds_the_very_same(
    folder, planned, written, resized, astronaut, coffee, monkeypatch, tmp_path, criterion
):
    monkeypatch.setattr(folder_crew, "WORTH_IT", 1)
    (folder / "a.jpg").write_bytes(written(astronaut, quality=90))
    (folder / "deep" / "b.jpg").write_bytes(written(resized(astronaut, 0.6), quality=90))
    (folder / "c.jpg").write_bytes(written(coffee))
    (folder / "d.jpg").write_bytes(written(coffee, quality=50))
    (folder / "broken.jpg").write_bytes(written(coffee)[:2000])
    crew = wiring.crew(Settings(_env_file=None, data=tmp_path / "data", decode_children=2))
    alone, together = (planned(folder, criterion(), crew=called) for called in (None, crew))
    assert together == replace(alone, removal=together.removal)
    assert together.removal.plan_hash == alone.removal.plan_hash
    assert together.removal.items == alone.removal.items
    assert together.going
    assert [one.name for one in together.passed_over] == ["broken.jpg"]


def test_files_are_under_way_together_though_no_decoder_has_started():
    """The walk of a folder is over before the first decoder is ready; its size says what it will be able to do."""
    meeting = threading.Barrier(2, timeout=30)
    with DecodePool(2, budget=MachineBudget(2**28), at_once=False) as pool:
        assert list(in_order(lambda _: meeting.wait(), [1, 2], pool)) in ([0, 1], [1, 0])


@pytest.mark.parametrize("kind", ["sharpened", "blurred"])
def test_what_may_be_sharpened_is_left_to_a_person_and_what_is_blurred_goes(folder, planned, coffee, kind):
    """Far sharper edges are those of an original beside a blurred copy, or of a copy beside the original."""
    picture = Image.fromarray(coffee).resize((450, 300), Image.Resampling.BOX)
    filters = {"sharpened": ImageFilter.UnsharpMask(1.5, 120, 1), "blurred": ImageFilter.GaussianBlur(3)}
    picture.save(folder / "original.jpg", quality=95)
    picture.filter(filters[kind]).save(folder / "copy.jpg", quality=95)
    plan = planned(folder, ByHash())
    told = [doubtful.why for doubtful in plan.doubtful]
    if kind == "sharpened":
        assert (going(plan), len(told)) == ({}, 1)
        assert "far sharper" in told[0]
    else:
        assert (going(plan), told) == ({"copy.jpg": "original.jpg"}, []), "its detail tells that it was blurred"
