"""`keepone ingest`, interrupted and run again: it goes on where it stopped, and never beside itself."""

import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
from collections import Counter

import pytest

from service.cli import ingest as command
from service.workflows import batch, ingest_job, listing

NOBODY = 2**22 + 1
"""No process has this id: it is over the largest there may be."""
ALL = ["astronaut.jpg", "copy.jpg", "deep/coffee.png"]


@pytest.fixture(autouse=True)
def _group_by_group(monkeypatch):
    monkeypatch.setattr(batch, "GROUP", 1)


@pytest.fixture
def rows(folder):
    """What a query finds in the catalogue, read behind the store's back."""

    def run(query):
        connection = sqlite3.connect(folder / "data" / "catalogue.sqlite")
        found = connection.execute(query).fetchall()
        connection.close()
        return found

    return run


@pytest.fixture
def at_first_commit(monkeypatch):
    """Something of the test's happens after the first group is committed."""
    real = batch.Batch._commit_group

    def arrange(deed):
        waiting = [deed]

        def commit_then(self):
            real(self)
            if waiting:
                waiting.pop()()

        monkeypatch.setattr(batch.Batch, "_commit_group", commit_then)

    return arrange


class DiedError(BaseException):
    """What the end of a process is to a test."""


def die():
    raise DiedError


@pytest.fixture
def died(keepone, pictures, at_first_commit, monkeypatch):
    """The command died in the middle, as that process; its job still says that it runs."""

    def arrange(owner):
        at_first_commit(die)
        with monkeypatch.context() as patched:
            patched.setattr(command, "_owner", lambda: owner)
            with pytest.raises(DiedError):
                keepone("ingest", pictures)

    return arrange


def owner(pid, host=None):
    return f"{command.COMMAND_LINE}:{host or socket.gethostname()}:{pid}"


def assert_whole(rows):
    """One job, which is finished, and one image of each picture."""
    assert rows("SELECT state FROM job") == [("succeeded",)]
    assert Counter(name for (name,) in rows("SELECT external_id FROM image")) == Counter(ALL)


def test_interrupted_it_stops_and_the_same_command_goes_on(keepone, pictures, at_first_commit, rows):
    """Ctrl-C ends it after the present group with the code shells expect; the second run tells of the whole job."""
    at_first_commit(lambda: signal.raise_signal(signal.SIGINT))
    stopped = keepone("ingest", pictures)
    assert (stopped.code, "the same command goes on from here" in stopped.err) == (130, True)
    assert (rows("SELECT state FROM job"), len(rows("SELECT 1 FROM image"))) == ([("cancelled",)], 1)
    again = keepone("ingest", pictures)
    assert (again.code, again.out) == (3, "1 failed, 1 stored as duplicate, 2 stored as unique\n")
    assert_whole(rows)


def test_what_came_since_is_taken_in_too(keepone, pictures, at_first_commit, rows, coffee, written):
    """Months may lie between the two; the command tells that it goes on, and with what."""
    at_first_commit(lambda: signal.raise_signal(signal.SIGINT))
    keepone("ingest", pictures)
    (pictures / "a-later-one.png").write_bytes(written(coffee[::-1], "PNG"))
    again = keepone("ingest", pictures)
    [(job_id,)] = rows("SELECT job_id FROM job WHERE state = 'succeeded'")
    assert "going on with what was begun at 20" in again.err
    assert job_id in again.err
    assert Counter(name for (name,) in rows("SELECT external_id FROM image")) == Counter([*ALL, "a-later-one.png"])


def test_a_job_whose_list_is_gone_is_passed_over(keepone, died, pictures, rows, folder):
    """After a restore nobody knows which of its files are done: they are taken in anew, and known by their bytes."""
    died(owner(NOBODY))
    for listed in (folder / "data" / "staging").iterdir():
        listed.unlink()
    assert "stored as unique" in keepone("ingest", pictures).out
    assert rows("SELECT state FROM job ORDER BY number") == [("running",), ("succeeded",)]


def test_a_job_of_another_folder_of_that_name_is_passed_over(keepone, died, pictures, rows, monkeypatch):
    """What is left of it lies on a disk that is not mounted."""
    died(owner(NOBODY))
    monkeypatch.setattr(listing, "roots_stand", lambda *_: False)
    assert keepone("ingest", pictures).code == 3
    assert rows("SELECT state FROM job ORDER BY number") == [("running",), ("succeeded",)]


def test_other_options_are_another_job(keepone, pictures, at_first_commit, rows):
    """What was asked for differently is not gone on with."""
    at_first_commit(lambda: signal.raise_signal(signal.SIGINT))
    keepone("ingest", pictures)
    keepone("ingest", "--on-duplicate", "reference", pictures)
    assert sorted(rows("SELECT state FROM job")) == [("cancelled",), ("succeeded",)]


def test_after_its_death_the_same_command_goes_on(keepone, died, pictures, rows):
    """Nobody has to wait until its signs of life are old: the process is gone."""
    died(owner(NOBODY))
    assert keepone("ingest", pictures).code == 3
    assert_whole(rows)


def test_after_a_restart_of_the_machine_a_number_used_again_is_not_mistaken(keepone, died, pictures, rows, monkeypatch):
    """Another process of the same number gives no signs of life for this job."""
    died(owner(os.getppid()))
    monkeypatch.setattr(command, "moment", lambda _: "9999")
    keepone("ingest", pictures)
    assert_whole(rows)


@pytest.mark.parametrize("somebody", [owner(os.getppid()), owner(NOBODY, "another-machine")])
def test_while_it_runs_a_second_one_is_refused(keepone, died, pictures, rows, somebody):
    """Here, or on another machine that still gives signs of life."""
    died(somebody)
    ran = keepone("ingest", pictures)
    assert (ran.code, "are being taken in already" in ran.err) == (3, True)
    assert (rows("SELECT state FROM job"), len(rows("SELECT 1 FROM image"))) == ([("running",)], 1)


def test_a_job_that_a_worker_took_over_is_watched_to_its_end(keepone, died, pictures, rows, monkeypatch):
    """The command tells what became of it, and does nothing itself."""
    died("a-host-0")
    real, runs = ingest_job.run_ingest_job, []

    def worker_goes_on(job_id, who, parts, **given):
        runs.append(real(job_id, who, parts, **given))
        assert real(job_id, "a-host-0", parts, stopping=given["stopping"]) == "succeeded"
        return runs[0]

    monkeypatch.setattr(command, "run_ingest_job", worker_goes_on)
    ran = keepone("ingest", pictures)
    assert (runs, ran.code) == (["not ours"], 3)
    assert ran.out == "1 failed, 1 stored as duplicate, 2 stored as unique\n"
    assert_whole(rows)


def test_put_to_sleep_and_overtaken_it_does_not_cancel_the_job(keepone, pictures, rows, monkeypatch):
    """Ctrl-Z for longer than a lease: the job is another's by then, and is watched."""
    real, ends = ingest_job.run_ingest_job, []

    def overtaken(job_id, _, parts, **given):
        ends.append(real(job_id, "a-host-0", parts, stopping=given["stopping"]))
        return "interrupted"

    monkeypatch.setattr(command, "run_ingest_job", overtaken)
    monkeypatch.setattr(command, "_owner", lambda: "a-host-0")
    assert keepone("ingest", pictures).code == 3
    assert ends == ["succeeded"]
    assert_whole(rows)


def test_progress_is_drawn_on_a_terminal_only(keepone, pictures):
    """Not into a log file or a pipe."""
    assert "pictures" not in keepone("ingest", pictures / "astronaut.jpg").err
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    ran = subprocess.run(
        [sys.executable, "-m", "service.cli", "ingest", pictures / "astronaut.jpg"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
    )
    drawn = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)
    assert (ran.returncode, b"1 referenced" in ran.stdout) == (0, True)
    assert " pictures" in drawn
