"""The ready roles are not checked at each start, since they are checked here."""

from __future__ import annotations

from careplane.access.policy.policies import Policies
from careplane.access.policy.source import rules, shipped
from tests.fhir_house import RELATIONS


def test_each_ready_policy_can_be_made_part_of_a_search_and_is_about_something() -> None:
    found = rules(sorted(shipped().items()))
    assert len(found) >= 20
    Policies(found, RELATIONS)
