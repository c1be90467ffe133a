"""What guards Tasks, wired. Their courses are read with the first Task that is written."""

from __future__ import annotations

from functools import cache

from careplane.access.caller import Caller
from careplane.access.decide import Decider
from careplane.access.scopes import Permission
from careplane.records.admission import Keep
from careplane.records.bodies import Content
from careplane.search.plan import Nothing
from careplane.storage.ports.records import Version


def tasks_kept(decider: Decider) -> dict[str, Keep]:
    """What guards them, by whatever way they are written."""

    def may(caller: Caller, letter: str, type: str) -> bool:
        return not isinstance(decider.by_right(caller, Permission(letter), type), Nothing)

    @cache
    def guard() -> Keep:
        from careplane.app.courses import COURSES
        from careplane.records.courses import keep

        return keep(COURSES, may)

    def kept(caller: Caller, current: Version | None, content: Content | None) -> None:
        guard()(caller, current, content)

    return {"Task": kept}
