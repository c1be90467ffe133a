"""Which bulk jobs begin: so many at once, so many of a tenant, and in turn between tenants."""

from __future__ import annotations

import pytest

from careplane.interop.bulk.runner import Limits, chosen
from careplane.storage.ports.records import Tenant

A, B, C = Tenant(1), Tenant(2), Tenant(3)
LIMITS = Limits(at_once=4, per_tenant=2)


@pytest.mark.parametrize(
    ("waiting", "running", "begin"),
    [
        ([], [], []),
        ([(A, "1", 1), (A, "2", 2), (A, "3", 3)], [], ["1", "2"]),
        ([(A, "1", 1), (A, "2", 2), (B, "3", 3)], [], ["1", "3", "2"]),
        ([(A, "1", 1), (B, "2", 9)], [(A, "0")], ["2", "1"]),
        ([(A, "1", 1), (A, "2", 2)], [(A, "1")], ["2"]),
        ([(A, "1", 1)], [(A, "8"), (A, "9")], []),
        ([(A, "1", 1)], [(B, "6"), (B, "7"), (C, "8"), (C, "9")], []),
        ([(A, "1", 3), (B, "2", 2), (C, "3", 1)], [(A, "0"), (B, "0")], ["3", "2"]),
    ],
)
def test_what_begins(
    waiting: list[tuple[Tenant, str, int]], running: list[tuple[Tenant, str]], begin: list[str]
) -> None:
    assert [id for _, id, _ in chosen(waiting, running, LIMITS)] == begin
