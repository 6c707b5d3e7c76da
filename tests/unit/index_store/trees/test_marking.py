"""A mark in a folder of the user's, by which it is known again."""

import os

import pytest

from index_store.trees.marking import MARK, mark, marked, unmark
from index_store.trees.moving import ChangedFileError, SetAsideError


def test_a_folder_keeps_the_word_that_it_was_given(tmp_path):
    assert marked(tmp_path) is None
    word = mark(tmp_path)
    assert len(word) == 32
    assert mark(tmp_path) == marked(tmp_path) == word
    assert [path.name for path in tmp_path.iterdir()] == [MARK]


def test_two_folders_have_two_words(tmp_path):
    (tmp_path / "other").mkdir()
    assert mark(tmp_path) != mark(tmp_path / "other")


def test_a_mark_is_taken_away_by_who_knows_it(tmp_path):
    word = mark(tmp_path)
    unmark(tmp_path, "0" * 32)
    assert marked(tmp_path) == word
    unmark(tmp_path, word)
    unmark(tmp_path, word)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_has_no_mark_and_gets_none(tmp_path):
    gone = tmp_path / "gone"
    assert marked(gone) is None
    unmark(gone, "0" * 32)
    with pytest.raises(ChangedFileError):
        mark(gone)
    assert not gone.exists()


def test_a_link_or_a_text_in_its_place_is_no_mark(tmp_path):
    """Neither is written over, whoever put it there."""
    (tmp_path / "real").write_text("0" * 32)
    (tmp_path / MARK).symlink_to("real")
    assert marked(tmp_path) is None
    with pytest.raises(SetAsideError):
        mark(tmp_path)
    (tmp_path / MARK).unlink()
    (tmp_path / MARK).write_text("mine")
    with pytest.raises(SetAsideError):
        mark(tmp_path)
    assert (tmp_path / MARK).read_text() == "mine"


def test_a_disk_without_second_names_can_be_marked(tmp_path, monkeypatch):
    def link(*_, **__):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert mark(tmp_path) == marked(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARK]


def test_a_folder_that_takes_no_file_is_told(tmp_path, monkeypatch):
    real = os.open

    def full(name, flags, *rest, **named):
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(name, flags, *rest, **named)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(SetAsideError, match="Read-only file system"):
        mark(tmp_path)


def test_what_a_killed_call_left_does_not_stand_in_the_way(tmp_path):
    (tmp_path / ".keepone-new-root").write_text("half")
    assert marked(tmp_path) is None
    assert mark(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MARK]
