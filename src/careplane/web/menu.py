"""The menu of those who work here: what is done every day stands open, the rest in groups.

Patients have `ways` instead.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from careplane.web.i18n import mark


@dataclass(frozen=True, slots=True)
class Entry:
    """`needs` is a feature without which it is not offered; `counts` the address of a number that
    is shown beside it."""

    path: str
    name: str
    icon: str
    needs: str = ""
    counts: str = ""

    def is_at(self, here: str) -> bool:
        """Whether a page is this entry's."""
        return here == self.path or (self.path != "/" and here.startswith(f"{self.path}/"))


@dataclass(frozen=True, slots=True)
class Group:
    """`title` is empty for what stands open always; `key` names it on the page."""

    key: str
    title: str
    entries: tuple[Entry, ...]
    open: bool = False


_GROUPS = (
    Group("daily", "", (
        Entry("/", mark("Today"), "today"),
        Entry("/patients", mark("Patients"), "people"),
        Entry("/desk", mark("Calendar"), "today", "desk"),
        Entry("/messages", mark("Messages"), "messages", "talk", "/messages/unread"),
        Entry("/consults", mark("Consults"), "consults", "talk"),
        Entry("/tasks", mark("Tasks"), "tasks", "tasks"),
        Entry("/referrals", mark("Referrals"), "referrals", "clinic"),
        Entry("/emergency", mark("Emergency access"), "warning", "emergency"),
    ), open=True),
    Group("administration", mark("Administration"), (
        Entry("/audit", mark("Audit"), "access", "audit"),
        Entry("/people", mark("Accounts"), "people", "accounts"),
        Entry("/clients", mark("Clients"), "records", "accounts"),
    ), open=True),
    Group("records", mark("Records and forms"), (
        Entry("/records", mark("All records"), "records"),
        Entry("/questionnaires", mark("Questionnaires"), "forms", "questionnaires"),
        Entry("/apps", mark("Apps"), "apps", "apps"),
    )),
    Group("definitions", mark("Definitions"), (
        Entry("/terminology", mark("Terminology"), "terms"),
        Entry("/packages", mark("Packages"), "package"),
        Entry("/validator", mark("Validator"), "check"),
    )),
)  # fmt: skip


def groups(features: Container[str], here: str) -> tuple[Group, ...]:
    """Those that somebody has here; a group is open where one is in it."""
    found = []
    for group in _GROUPS:
        entries = tuple(one for one in group.entries if not one.needs or one.needs in features)
        is_open = group.open or any(one.is_at(here) for one in entries)
        if entries:
            found.append(Group(group.key, group.title, entries, is_open))
    return tuple(found)
