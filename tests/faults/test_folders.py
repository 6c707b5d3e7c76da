"""Removals of files under every misfortune (DURABILITY T44 to T48). `make bench-faults` does it in full."""

import pytest

from benchmarks.faults import folders
from benchmarks.faults.layouts import LAYOUTS, laid_out
from benchmarks.faults.misfortunes import Run


@pytest.fixture
def run():
    return Run()


@pytest.mark.timeout(600)
def test_whatever_cuts_it_short_one_of_each_group_stays_in_its_place(tmp_path, counted, run):
    """T44: at every moment, and every file's bytes lie somewhere; undone, all is as it was."""
    folders.histories(tmp_path, counted(folders.HISTORIES), run)
    assert run.wrong == []
    assert run.counts["histories"] == counted(folders.HISTORIES)
    assert run.counts.get("histories with a file that came back twice", 0) <= run.counts["histories"] // 50
    assert min(run.counts["acts that came to their end"], run.counts["acts that did not"]) >= counted(1000)


def test_a_folder_that_is_not_the_one_it_was_is_left_alone(tmp_path, run):
    """T45: gone, empty or another one, it is never taken for one that was emptied; no row changes."""
    folders.absences(tmp_path, folders.ABSENCES, run)
    assert run.wrong == []
    assert run.counts == {"refused": folders.ABSENCES}


def test_nothing_goes_for_a_keeper_that_was_swapped(tmp_path, counted, run):
    """T46: identity is the hash, through an open descriptor, whatever has the name by now."""
    folders.races(tmp_path, counted(folders.RACES), run)
    assert run.wrong == []
    assert run.counts == {"skipped with a reason": counted(folders.RACES)}


@pytest.mark.parametrize("build", LAYOUTS, ids=lambda build: build.__name__)
def test_one_file_never_counts_as_two(tmp_path, build):
    """T47: links, second names, and names that differ by case or by Unicode's spelling alone."""
    assert laid_out(tmp_path, build) == []


def test_what_was_copied_to_another_disk_comes_back_as_it_was(tmp_path, counted, run):
    """T48: bytes, mode and times; beside whatever took its place; what is read-only never went."""
    folders.across_disks(tmp_path, counted(folders.MOVES), counted(folders.KILLS), run)
    assert run.wrong == []
    assert run.counts["came back"] + run.counts["came back beside another"] == counted(folders.MOVES)
    assert run.counts["cut short"] >= counted(folders.KILLS) // 2
    assert run.counts["read-only files that stayed"] == 1
