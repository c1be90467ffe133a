"""Pages of consults without a meeting: asking, answering, and what waits."""

from __future__ import annotations

from careplane.web.pages.consults import answering, asking, lists
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/consults", lists.show),
    ("GET", "/consults/new", asking.show),
    ("POST", "/consults/new", asking.send),
    ("GET", "/consults/{id}", answering.show),
    *(("POST", f"/consults/{{id}}/{key}", page) for key, page in answering.CHANGES.items()),
)
"""Where people work with each other."""
