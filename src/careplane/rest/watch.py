"""What a request was, for whoever counts: its interaction by name, never its address, and the
number of its tenant. Neither says anything of a patient (FHIR R4, 3.1.0 names the interactions)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

UNKNOWN = "unknown"


class Seen(Struct):
    """Filled in as a request is understood. `entries`: of a Bundle that was processed."""

    interaction: str = UNKNOWN
    tenant: int = 0
    entries: int = 0


Watch = Callable[[Seen, int, float], None]
"""Is told of a request, its status and the seconds until its answer was ready. Must not fail."""


def nobody_watches(seen: Seen, status: int, seconds: float) -> None:
    """A Watch for a house without an operator."""


_SEARCHES = ("_search", "Type/_search", "Type/id/*/_search", "Type/id/Type/_search")
_LOOKS = {
    "": "search-system",
    "_history": "history-system",
    "Type": "search-type",
    "Type/_history": "history-type",
    "Type/id": "read",
    "Type/id/_history": "history-instance",
    "Type/id/_history/vid": "vread",
    "Type/id/*": "search-compartment",
    "Type/id/Type": "search-compartment",
}
INTERACTIONS: dict[tuple[str, str], str] = {
    **{(shape, method): name for shape, name in _LOOKS.items() for method in ("GET", "HEAD")},
    **{(shape, "POST"): _LOOKS[shape.removesuffix("/_search")] for shape in _SEARCHES[1:]},
    ("_search", "POST"): "search-system",
    ("", "POST"): "transaction",
    ("Type", "POST"): "create",
    ("Type", "PUT"): "update",
    ("Type", "PATCH"): "patch",
    ("Type", "DELETE"): "delete",
    ("Type/id", "PUT"): "update",
    ("Type/id", "PATCH"): "patch",
    ("Type/id", "DELETE"): "delete",
}
"""By the shape of an address (routes.ROUTES) and the method. `transaction` is a batch as well."""
