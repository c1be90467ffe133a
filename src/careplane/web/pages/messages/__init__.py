"""Pages of secure messages: what waits for somebody, one thread, and writing a new one."""

from __future__ import annotations

from careplane.web.pages.messages import lists, reading, writing
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/messages", lists.show),
    ("GET", "/messages/unread", lists.unread),
    ("GET", "/messages/new", writing.show),
    ("POST", "/messages/new", writing.send),
    ("GET", "/messages/{id}", reading.show),
    ("POST", "/messages/{id}", reading.reply),
    *(("POST", f"/messages/{{id}}/{key}", page) for key, page in reading.CHANGES.items()),
)
"""Where there are messages."""
