"""What a person can give an app, and what is left where boxes are unticked: no more than that."""

from __future__ import annotations

import pytest

from careplane.access.scopes import parse_scope, parse_scopes
from careplane.access.smart.client import Client
from careplane.access.smart.launch.choices import choices, chosen
from careplane.access.smart.launch.offer import Offer, narrower, offer, shared, within
from careplane.access.smart.people import SignedIn
from careplane.access.smart.refusal import Refused
from careplane.storage.ports.records import Tenant

EVERYTHING = "openid fhirUser launch launch/patient launch/encounter offline_access online_access"


def app(scopes: str) -> Client:
    return Client("app", 1, "App", tuple(scopes.split()), "none", 0)


def person(scopes: str, *, lasting: bool = True) -> SignedIn:
    return SignedIn(
        "Practitioner/1", "P", Tenant(1), frozenset({"nurse"}), parse_scopes(scopes), "s", 0, 0,
        lasting=lasting,
    )  # fmt: skip


WITHIN = [
    ("patient/*.cruds", "patient/*.rs", "user/*.cruds", ["patient/*.rs"]),
    ("patient/*.cruds", "patient/*.cruds", "user/*.rs", ["patient/*.rs"]),
    ("user/Observation.rs", "user/*.rs", "patient/*.rs", ["patient/Observation.rs"]),
    ("patient/*.rs", "user/*.rs", "user/*.rs", []),
    ("user/*.rs", "patient/*.rs", "user/*.rs", []),
    ("system/*.rs", "system/*.rs", "system/*.cruds", []),
    ("user/*.rs", "user/*.rs", "user/Patient.r user/Task.s", ["user/Patient.r", "user/Task.s"]),
    (
        "patient/Observation.rs?category=a",
        "patient/Observation.rs?code=b",
        "user/*.rs",
        ["patient/Observation.rs?code=b&category=a"],
    ),
    ("user/Patient.purge", "user/*.cruds", "user/*.cruds", []),
]


@pytest.mark.parametrize(("wanted", "registered", "may", "left"), WITHIN)
def test_both_restrict(wanted: str, registered: str, may: str, left: list[str]) -> None:
    found = within(parse_scope(wanted), parse_scopes(registered), parse_scopes(may))
    assert sorted(map(str, found)) == left


CONTEXTS = [
    (EVERYTHING, EVERYTHING, True, True, "fhirUser launch launch/encounter launch/patient "
     "offline_access openid"),
    (EVERYTHING, EVERYTHING, False, True, "fhirUser launch/patient offline_access openid"),
    (EVERYTHING, EVERYTHING, False, False, "fhirUser launch/patient online_access openid"),
    (EVERYTHING, "openid", True, True, "openid"),
    ("fhirUser profile", EVERYTHING, False, True, ""),
    ("openid nonsense", EVERYTHING, False, True, "openid"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "registered", "launched", "lasting", "left"), CONTEXTS)
def test_contexts(asked: str, registered: str, launched: bool, lasting: bool, left: str) -> None:
    who = person("user/*.rs", lasting=lasting)
    found = offer(asked.split(), app(registered), who, launched=launched)
    assert found.contexts == set(left.split())


OFFER = offer(
    ["openid", "fhirUser", "offline_access", "patient/*.read", "patient/Task.c", "user/Task.rs"],
    app("openid fhirUser offline_access patient/*.cruds user/*.rs"),
    person("user/*.cruds"),
    launched=False,
)
KEYS = [box.key for box in choices(OFFER)]


def test_all_boxes_are_the_whole_offer() -> None:
    assert chosen(OFFER, KEYS) == OFFER
    assert chosen(OFFER, []) == Offer({}, frozenset())
    assert len(KEYS) == len(set(KEYS))


@pytest.mark.parametrize("left_out", KEYS)
def test_without_a_box_something_and_nothing_else_is_gone(left_out: str) -> None:
    left = chosen(OFFER, [key for key in KEYS if key != left_out])
    assert left != OFFER
    assert left.contexts <= OFFER.contexts
    for scope in left.resources:
        assert within(scope, OFFER.resources, parse_scopes("user/*.cruds")) == [scope]
        assert str(scope) != left_out
    assert shared(OFFER, left.words).words == left.words


@pytest.mark.parametrize("word", ["patient/*.c", "user/*.rs", "patient/*.cruds", "launch", "x"])
def test_a_part_is_no_more_than_the_whole(word: str) -> None:
    with pytest.raises(Refused):
        narrower(OFFER, [word])
    assert narrower(OFFER, ["patient/Patient.r", "openid"]).words == ("openid", "patient/Patient.r")
