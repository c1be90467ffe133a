"""What the pages of the portal share: whose record it is, and how to ask for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from careplane.access.people.user import ACTING_PROXY, NARROW_PROXY, PROXY
from careplane.kernel.errors import Unsupported
from careplane.web.portal import Portal
from careplane.web.reader import Pairs
from careplane.web.visit import Handler, Visit, redirect

MANY = 400
Own = Callable[[Visit, str], Awaitable[Response]]
"""A page about the patient in whose name the visitor acts."""


def own(page: Own) -> Handler:
    """A page for who acts as a patient or for one; others go home."""

    async def show(visit: Visit) -> Response:
        if visit.caller is None or visit.caller.patient is None:
            return redirect("/")
        return await page(visit, visit.caller.patient)

    return show


def may_act(visit: Visit) -> bool:
    """Whether to show forms: a proxy who may only look has none. The door decides."""
    roles = visit.caller.roles if visit.caller else frozenset()
    return not roles & {PROXY, NARROW_PROXY} or ACTING_PROXY in roles


def portal_of(visit: Visit) -> Portal:
    """Raises Unsupported where the portal only shows."""
    if visit.web.portal is None:
        raise Unsupported("This server takes nothing in by the portal.")
    return visit.web.portal


def of(patient: str, *more: tuple[str, str], count: int = MANY) -> Pairs:
    """A search about a patient."""
    return [("patient", patient), *more, ("_count", str(count))]


def is_id(text: str) -> bool:
    """Whether it can be the id of a resource (R4 2.24.0.1)."""
    return bool(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", text))


def references(tree: dict[str, Any], *names: str) -> list[str]:
    """What these elements of a resource refer to."""
    found: list[str] = []
    for name in names:
        value = tree.get(name, ())
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and "reference" in one:
                found.append(str(one["reference"]))
    return found
