"""Until when, and how far, a RelatedPerson acts for a patient."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from careplane.access.people.standing import PROXY_EXTENSION, Ages, rights
from careplane.access.people.user import Charge, User
from careplane.kernel.errors import Incorrect

TODAY = date(2027, 3, 14)
AGES = Ages(12, 18)


def related(code: str = "PRN", **more: Any) -> dict[str, Any]:
    return {"active": True, "relationship": [{"coding": [{"code": code}]}], **more}


def given(rights: str, *, invited: bool = False) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"url": "rights", "valueCode": rights}]
    parts += [{"url": "invited", "valueBoolean": True}] if invited else []
    return [{"url": PROXY_EXTENSION, "extension": parts}]


@pytest.mark.parametrize(
    ("tree", "born", "expected"),
    [
        (related(), "2020-01-01", "read"),
        (related(extension=given("act")), "2020-01-01", "act"),
        (related(extension=given("everything")), "2020-01-01", "read"),
        (related(active=False), "2020-01-01", ""),
        ({"relationship": []}, "2020-01-01", ""),
        # parents, by the age of the child
        (related(), "2015-03-15", "read"),
        (related(), "2015-03-14", "narrow"),
        (related(extension=given("act")), "2015-03-14", "narrow"),
        (related(), "2009-03-15", "narrow"),
        (related(), "2009-03-14", ""),
        (related("MTH"), "1990-01-01", ""),
        (related("GUARD"), "1990-01-01", ""),
        (related(), "2009", ""),
        (related(), "2009-03", ""),
        (related(), "", "read"),
        # others, and who was invited
        (related("CHILD"), "1940-01-01", "read"),
        (related("HPOWATT", extension=given("act")), "1940-01-01", "act"),
        (related(extension=given("act", invited=True)), "1990-01-01", "act"),
        # the period
        (related("SPS", period={"start": "2027-03-14", "end": "2027-03-14"}), "1990", "read"),
        (related("SPS", period={"start": "2027-03-15"}), "1990", ""),
        (related("SPS", period={"end": "2027-03-13"}), "1990", ""),
        (related("SPS", period={"end": "2027-03"}), "1990", "read"),
        (related("SPS", period={"end": "2027"}), "1990", "read"),
        (related("SPS", period={"start": "2028"}), "1990", ""),
        (related("SPS", period={"end": "2027-03-13T23:00:00Z"}), "1990", ""),
    ],
)
def test_rights(tree: dict[str, Any], born: str, expected: str) -> None:
    assert rights(tree, {"birthDate": born} if born else {}, TODAY, AGES) == expected


def test_without_ages_parents_stay() -> None:
    assert rights(related(), {"birthDate": "1990-01-01"}, TODAY, Ages(0, 0)) == "read"
    assert rights(related(), {"birthDate": "2012-01-01"}, TODAY, Ages(0, 18)) == "read"


def test_what_narrows_does_so_before_it_ends() -> None:
    with pytest.raises(Incorrect, match="PROXY_NARROWS_AT"):
        Ages(19, 18)


@pytest.mark.parametrize(
    ("rights", "roles", "expected"),
    [
        ("read", {"proxy"}, {"proxy"}),
        ("act", {"proxy"}, {"proxy", "acting-proxy"}),
        ("narrow", {"proxy"}, {"narrow-proxy"}),
        ("act", set(), set()),
        ("act", {"interpreter"}, {"interpreter"}),
    ],
)
def test_rights_become_roles(rights: str, roles: set[str], expected: set[str]) -> None:
    user = User("u", 1, "u", "U", ("RelatedPerson/r",), tuple(roles), 0)
    charge = Charge("RelatedPerson/r", "p", "P", rights)
    assert user.caller(frozenset(roles), charge).roles == expected
