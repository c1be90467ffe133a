"""Which jobs of a lane begin: so many at once, so many of a tenant, and in turn between tenants."""

from __future__ import annotations

import pytest

from careplane.records.jobs.job import Waiting
from careplane.records.jobs.lane import Lane
from careplane.records.jobs.runner import chosen
from careplane.storage.ports.records import Tenant

A, B, C = Tenant(1), Tenant(2), Tenant(3)
LANE = Lane("bulk", at_once=4, each=2, most_open=100)


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
    queue = [Waiting(*one, "bulk") for one in waiting]
    assert [one.id for one in chosen(queue, running, LANE)] == begin
