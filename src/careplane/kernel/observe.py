"""Logs, and what they may hold of an error: its kind and where it happened, never a value, since a
value may be a patient's."""

from __future__ import annotations

import logging
import sys
import traceback
from functools import cached_property


def log(level: str) -> None:
    """Write what is at least this severe to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    handler.addFilter(_means_something)
    handler.addFilter(_names_no_address)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _means_something(record: logging.LogRecord) -> bool:
    """Not of a helper process that has ended: asyncio waits for it in a thread, looks after it as
    the loop ends, and wonders where the one was there before the other."""
    return not record.getMessage().startswith("Unknown child process pid ")


def _names_no_address(record: logging.LogRecord) -> bool:
    """Not httpx, which says each address that it asked, and with it what stands in its query."""
    return record.name != "httpx" or record.levelno > logging.INFO


class _Json(logging.Formatter):
    """Made with the first record: most commands write none, and structlog takes long to read."""

    def format(self, record: logging.LogRecord) -> str:
        return self._made.format(record)

    @cached_property
    def _made(self) -> logging.Formatter:
        import structlog

        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )


def describe(error: BaseException) -> str:
    """`KeyError at search.py:41 in _page < door.py:70 in search`."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}"
        for frame in reversed(frames)
    )
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {places}" + (f"; after {describe(cause)}" if cause else "")
