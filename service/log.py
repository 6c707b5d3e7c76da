"""Log lines: one event, its facts, nothing else. JSON for machines, `key=value` on a terminal.

Keys, file names' paths and pictures never reach a log line; a request is one canonical line with its id.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

LOGGER = logging.getLogger("keepone")


def configure(log_format: Literal["auto", "json", "text"], level: str) -> None:
    """Send all log lines of this process to standard error in one format."""
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if as_json else _TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Our canonical line stands in for the server's; its other messages pass through the same format.
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in ("alembic", "PIL", "httptools"):
        logging.getLogger(name).setLevel(logging.WARNING)


def event(name: str, *, level: int = logging.INFO, error: BaseException | None = None, **facts: Any) -> None:
    """Log one event with its facts."""
    LOGGER.log(level, name, extra={"facts": facts}, exc_info=error)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        words = [_time(record)[11:23], f"{record.levelname.lower():7}", record.getMessage()]
        line = " ".join([*words, *(f"{name}={_word(value)}" for name, value in facts.items() if value is not None)])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _word(value: object) -> str:
    """A value on a text line: one that holds spaces, line ends or other control characters is quoted."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
