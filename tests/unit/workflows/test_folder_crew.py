"""Processes that look at a large folder: in order, apart from this one, and gone with it."""

import os
import select
import subprocess
import sys

import pytest

from service.workflows.folder_crew import Crew, LostCrewError, batched

WHERE = "__import__('os').getpid()"
"""The crew's pool is a dict here, and what it is asked to look at an expression."""


def test_what_is_made_comes_in_order_from_other_processes():
    made = list(Crew(2, dict).each(eval, [f"({number}, {WHERE})" for number in range(100)]))
    assert [number for number, _ in made] == list(range(100))
    assert os.getpid() not in {process for _, process in made}


def test_several_processes_work_at_once(tmp_path):
    """A pipe can be opened for reading only while somebody else opens it for writing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reads, writes = f"open({str(pipe)!r}).read()", f"open({str(pipe)!r}, 'w').write('met')"
    assert list(Crew(2, dict).each(eval, [reads, *["0"] * 15, writes])) == ["met", *[0] * 15, 3]


def test_a_defect_met_by_a_process_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(Crew(2, dict).each(eval, ["1", "1 / 0"]))


def test_a_process_that_ends_is_told_of():
    with pytest.raises(LostCrewError):
        list(Crew(2, dict).each(eval, ["__import__('os')._exit(3)"]))


def test_a_crew_ends_with_who_called_it():
    """Killed outright, it cannot tell its crew, and the crew must not stay behind."""
    asked = [WHERE] * 32 + ["__import__('time').sleep(600)"] * 64
    code = (
        "from service.workflows.folder_crew import Crew\n"
        f"for made in Crew(2, dict).each(eval, {asked!r}): print(made, flush=True)"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    watched = {os.pidfd_open(int(caller.stdout.readline())) for _ in range(32)}
    caller.kill()
    caller.wait()
    caller.stdout.close()
    for process in watched:
        ended, _, _ = select.select([process], [], [], 60)
        os.close(process)
        assert ended


def test_few_files_call_no_crew():
    assert not Crew(2, dict).is_worth_it(399)
    assert Crew(2, dict).is_worth_it(400)
    assert not Crew(1, dict).is_worth_it(10_000)


def test_parts_of_a_sequence_lose_none():
    assert list(batched("abcde", 2)) == ["ab", "cd", "e"]
    assert list(batched("", 2)) == []
