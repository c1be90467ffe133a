"""Pages of tasks: what somebody is to do, one task, and a new one."""

from __future__ import annotations

from careplane.web.pages.tasks import doing, lists, making
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/tasks", lists.show),
    ("GET", "/tasks/new", making.show),
    ("POST", "/tasks/new", making.make),
    ("GET", "/tasks/{id}", doing.show),
    *(("POST", f"/tasks/{{id}}/{key}", page) for key, page in doing.CHANGES.items()),
)
"""Where people work with each other."""
