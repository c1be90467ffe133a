"""The ways of the patient's portal: what its menu leads to, as far as this installation has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.routing import BaseRoute, Match

from careplane.web.i18n import mark

_ANY = "/{path:path}"


@dataclass(frozen=True, slots=True)
class Way:
    """An entry of the menu. `type` is a type of record without which it is not offered; `bar` says
    whether it stands in the bar of a phone."""

    key: str
    path: str
    name: str
    icon: str
    type: str = ""
    bar: bool = False


_WAYS = (
    Way("home", "/", mark("Home"), "home", bar=True),
    Way("results", "/my/results", mark("Test results"), "results", "Observation", bar=True),
    Way("visits", "/my/visits", mark("Visits"), "today", "Appointment", bar=True),
    Way("messages", "/messages", mark("Messages"), "messages", "Communication"),
    Way("consults", "/consults", mark("Ask without a visit"), "consults", "Task"),
    Way("medicines", "/my/medicines", mark("Medicines"), "medications", "MedicationRequest",
        bar=True),
    Way("forms", "/forms", mark("Forms"), "forms", "QuestionnaireResponse"),
    Way("health", "/my/health", mark("My health"), "vitals", "Condition"),
    Way("documents", "/my/documents", mark("Send a document"), "documents", "DocumentReference"),
    Way("share", "/patients/{patient}/share", mark("Share my record"), "share"),
    Way("access", "/patients/{patient}/access", mark("Who opened my record"), "access",
        "AuditEvent"),
    Way("apps", "/apps", mark("Apps I allowed"), "apps"),
    Way("consent", "/patients/{patient}/consent", mark("What I share and keep back"), "consent",
        "Consent"),
    Way("proxies", "/my/proxies", mark("Who acts for me"), "people", "RelatedPerson"),
    Way("correct", "/my/corrections", mark("Something is wrong"), "warning"),
    Way("chart", "/patients/{patient}", mark("The whole record"), "records"),
    Way("security", "/security", mark("My sign-in"), "lock"),
)  # fmt: skip

_OWN = frozenset({"consent", "proxies"})
"""What is the patient's own to decide."""
_LITTLE = frozenset({"home", "visits", "health", "security"})
"""What the parent of an adolescent sees."""


def ways(
    leads: Callable[[str], bool],
    patient: str,
    offers: Callable[[str], bool],
    *,
    proxy: bool,
    narrow: bool,
) -> tuple[Way, ...]:
    """Those that a patient has here, with their addresses, and who acts for one (`proxy`; `narrow`
    where that is a parent who sees little). `leads` tells whether a page answers at an address,
    `offers` whether records of a type may be seen."""
    found = []
    for way in _WAYS:
        path = way.path.replace("{patient}", patient)
        if (proxy and way.key in _OWN) or (narrow and way.key not in _LITTLE):
            continue
        if leads(path) and (not way.type or offers(way.type)):
            found.append(Way(way.key, path, way.name, way.icon, way.type, way.bar))
    return tuple(found)


def answers(routes: Sequence[BaseRoute], path: str, method: str) -> bool:
    """Whether one of these routes has a page of its own there: some depend on what is set up."""
    scope = {"type": "http", "path": path, "root_path": "", "method": method}
    own = (route for route in routes if getattr(route, "path", "") != _ANY)
    return any(route.matches(scope)[0] is Match.FULL for route in own)
