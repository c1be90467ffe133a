"""Every interaction that is offered has a name to be counted by."""

from __future__ import annotations

from careplane.rest.routes import ROUTES
from careplane.rest.watch import INTERACTIONS


def test_every_route_has_a_name_and_no_name_is_without_a_route() -> None:
    offered = {(shape, method) for shape, methods in ROUTES.items() for method in methods}
    assert set(INTERACTIONS) == offered


def test_a_search_has_one_name_by_either_method() -> None:
    for shape in ("", "Type", "Type/id/Type", "Type/id/*"):
        posted = f"{shape}/_search".strip("/")
        assert INTERACTIONS[posted, "POST"] == INTERACTIONS[shape, "GET"]
