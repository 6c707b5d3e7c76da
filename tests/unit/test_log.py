"""Log lines as machines and people read them."""

import json
import logging
from pathlib import Path

import pytest

from service import log

pytestmark = pytest.mark.usefixtures("logging_kept")


@pytest.fixture
def lines(capsys):
    """What was written to standard error, by line; nothing may go to standard output."""

    def run():
        written = capsys.readouterr()
        assert written.out == ""
        return written.err.splitlines()

    return run


def test_a_json_line_is_one_event_with_its_facts(lines):
    """Time in UTC, level in lower case, the facts beside them."""
    log.configure("json", "info")
    log.event("request", request_id="req_1", method="POST", status=200, ms=12.5, key_id=None)
    (line,) = map(json.loads, lines())
    assert line.pop("time").endswith("Z")
    expected = {"level": "info", "event": "request", "request_id": "req_1", "method": "POST", "status": 200, "ms": 12.5}
    assert line == expected | {"key_id": None}


def test_a_text_line_leaves_out_what_is_unknown(lines):
    """Short enough to read on a terminal."""
    log.configure("text", "info")
    log.event("request", method="POST", status=200, key_id=None)
    (line,) = lines()
    assert line.endswith("info    request method=POST status=200")


def test_without_a_terminal_lines_are_json(lines):
    """`auto` looks at standard error, which pytest has captured."""
    log.configure("auto", "info")
    log.event("started")
    assert json.loads(lines()[0])["event"] == "started"


def test_a_lower_level_is_not_logged(lines):
    """The setting is the least level that is."""
    log.configure("text", "warning")
    log.event("quiet")
    log.event("loud", level=logging.ERROR)
    (line,) = lines()
    assert "error   loud" in line


WENT_WRONG = "ValueError: invalid literal for int() with base 10: 'what went wrong'"


def failed():
    try:
        int("what went wrong")
    except ValueError as error:
        return error


def test_a_traceback_stays_in_its_json_line(lines):
    """One event, one line, however deep it failed."""
    log.configure("json", "info")
    log.event("request", level=logging.ERROR, error=failed(), status=500)
    (line,) = map(json.loads, lines())
    assert line["status"] == 500
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith(WENT_WRONG)


def test_a_traceback_follows_its_text_line(lines):
    """For people, in the usual shape."""
    log.configure("text", "info")
    log.event("request", level=logging.ERROR, error=failed())
    first, *rest = lines()
    assert "error   request" in first
    assert (rest[0], rest[-1]) == ("Traceback (most recent call last):", WENT_WRONG)


class Unprintable:
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


@pytest.mark.parametrize("kind", ["json", "text"])
@pytest.mark.parametrize(
    "value",
    [b"\xff", Path("x"), {1, 2}, {"a": (1, 2)}, {(1, 2): 3}, float("nan"), "two\nlines", "\ud800", Unprintable()],
)
def test_an_odd_fact_never_breaks_the_request_that_logs_it(lines, kind, value):
    """At worst the line is lost, and logging says so; nothing is raised, and the next line comes through."""
    log.configure(kind, "info")
    log.event("odd", fact=value)
    log.event("next")
    assert "next" in lines()[-1]


def test_a_fact_that_json_does_not_know_is_written_as_text(lines):
    """A path, a set or an exception costs no line."""
    log.configure("json", "info")
    log.event("odd", path=Path("x"), cause=ValueError("why"))
    (line,) = map(json.loads, lines())
    assert (line["path"], line["cause"]) == ("x", "why")


def test_lines_of_libraries_come_in_the_same_format(lines):
    """The server's own messages are read by the same machine."""
    log.configure("json", "info")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("alembic").info("Context impl")
    assert [json.loads(line)["event"] for line in lines()] == ["Started server process [7]"]
