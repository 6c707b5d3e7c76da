"""Folders in which one file has several names, or two files nearly the same one, and what a removal leaves of them."""

from __future__ import annotations

import io
import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from index_store.testing import MemoryRemovals
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool
from service.workflows import file_removal
from service.workflows.findings import silent
from service.workflows.folder_plan import FolderQuestion, plan_folder
from service.workflows.folder_root import bound
from service.workflows.folder_scan import Scope
from service.workflows.matchers import ByHash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def picture(seed: int, quality: int = 92) -> bytes:
    """A picture of its own for each seed; a lower quality is a copy of it."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))
    file = io.BytesIO()
    coarse.resize((240, 180), Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _copies(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(1, 92 - 10 * number))


def plain(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")


def the_same_bytes_twice(root: Path) -> None:
    _copies(root, "a.jpg")
    (root / "b.jpg").write_bytes((root / "a.jpg").read_bytes())


def a_second_name(root: Path) -> None:
    _copies(root, "a.jpg")
    os.link(root / "a.jpg", root / "b.jpg")


def a_second_name_below(root: Path) -> None:
    _copies(root, "z.jpg", "deep/er/x.jpg")
    os.link(root / "z.jpg", root / "deep" / "a.jpg")


def a_loser_with_two_names(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")
    os.link(root / "b.jpg", root / "c.jpg")


def a_keeper_with_two_names(root: Path) -> None:
    _copies(root, "b.jpg", "c.jpg")
    os.link(root / "b.jpg", root / "a.jpg")


def both_with_two_names(root: Path) -> None:
    a_keeper_with_two_names(root)
    os.link(root / "c.jpg", root / "d.jpg")


def a_name_outside(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")
    os.link(root / "b.jpg", root.with_name("outside.jpg"))


def a_link_to_the_keeper(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")
    (root / "link.jpg").symlink_to("a.jpg")


def a_link_to_the_only_one(root: Path) -> None:
    _copies(root, "a.jpg")
    (root / "link.jpg").symlink_to("a.jpg")


def a_link_that_leads_nowhere(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")
    (root / "link.jpg").symlink_to("gone.jpg")


def a_link_to_a_copy_outside(root: Path) -> None:
    _copies(root, "a.jpg")
    root.with_name("outside.jpg").write_bytes(picture(1, 60))
    (root / "link.jpg").symlink_to(root.with_name("outside.jpg"))


def a_link_to_a_folder_of_copies(root: Path) -> None:
    _copies(root, "real/a.jpg")
    (root / "again").symlink_to("real", target_is_directory=True)


def a_link_to_the_root(root: Path) -> None:
    _copies(root, "a.jpg")
    (root / "again").symlink_to(root, target_is_directory=True)


def a_ring_of_links(root: Path) -> None:
    _copies(root, "a.jpg", "b.jpg")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")


def twins_of_case(root: Path) -> None:
    _copies(root, "Photo.JPG", "photo.jpg", "PHOTO.jpg")


def twins_of_unicode(root: Path) -> None:
    _copies(root, "caf\u00e9.jpg", "cafe\u0301.jpg")


def folders_that_are_twins(root: Path) -> None:
    _copies(root, "Trip/a.jpg", "trip/a.jpg", "caf\u00e9/a.jpg", "cafe\u0301/a.jpg")


def a_name_that_is_no_text(root: Path) -> None:
    _copies(root, "a.jpg", os.fsdecode(b"b-\xff.jpg"))


def nested_copies_of_a_folder(root: Path) -> None:
    _copies(root, "trip/a.jpg", "trip/trip/a.jpg", "trip/trip/trip/a.jpg")


LAYOUTS: tuple[Callable[[Path], None], ...] = (
    plain,
    the_same_bytes_twice,
    a_second_name,
    a_second_name_below,
    a_loser_with_two_names,
    a_keeper_with_two_names,
    both_with_two_names,
    a_name_outside,
    a_link_to_the_keeper,
    a_link_to_the_only_one,
    a_link_that_leads_nowhere,
    a_link_to_a_copy_outside,
    a_link_to_a_folder_of_copies,
    a_link_to_the_root,
    a_ring_of_links,
    twins_of_case,
    twins_of_unicode,
    folders_that_are_twins,
    a_name_that_is_no_text,
    nested_copies_of_a_folder,
)


def laid_out(place: Path, build: Callable[[Path], None]) -> list[str]:
    """What was wrong when the copies in such a folder were removed, and brought back."""
    root, aside = place / "pictures", place / "trash"
    root.mkdir(parents=True)
    build(root)
    (root / "other.jpg").write_bytes(picture(2))
    before, inodes = state(root), genuine(root)
    removals = MemoryRemovals(lambda: "2020-01-01T00:00:00.000000Z")
    with DecodePool(1, budget=MachineBudget(2**28, place / "lock")) as pool, closing(ByHash()) as criterion:
        question = FolderQuestion(Scope(root), criterion.name)
        plan = plan_folder(question, criterion, pool, silent, max_bytes=2**24, aside=aside)
    wrong = []
    if plan.going != inodes - 2:
        wrong.append(f"{build.__name__}: {plan.going} of {inodes} files were to go, which are two pictures")
    removal = bound(plan.removal, plan.folder, removals)
    removals.plan(removal)
    file_removal.apply(removal.removal_id, removal.plan_hash, removals, silent)
    # Names of a loser that no walk counts, such as a second one, stay with it.
    if not any((root / name).is_file() for name in before if name != "other.jpg" and not (root / name).is_symlink()):
        wrong.append(f"{build.__name__}: no copy is left")
    file_removal.undo(removal.removal_id, removals, silent)
    if state(root) != before:
        wrong.append(f"{build.__name__}: undone, it is not as it was")
    return wrong


def genuine(root: Path) -> int:
    """How many files there are, whatever their names and the links to them."""
    return len({path.stat().st_ino for path in root.rglob("*") if path.is_file() and not path.is_symlink()})


def state(root: Path) -> dict[str, bytes | str]:
    """Every file's bytes and every link's target, by name; links are not gone into."""
    found: dict[str, bytes | str] = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = root / folder / name
            if path.is_symlink():
                found[str(path.relative_to(root))] = str(path.readlink())
            elif path.is_file():
                found[str(path.relative_to(root))] = path.read_bytes()
    return found
