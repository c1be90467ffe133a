"""The pure parts of people: who can be one, whom that makes the caller, codes, roles of
policies."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from careplane.access.people import codes
from careplane.access.people.codes import Sealer
from careplane.access.people.user import Charge, User, checked, folded, usual_roles
from careplane.access.policy.named import roles_of
from careplane.access.policy.source import rules
from careplane.kernel.errors import Fault, Incorrect
from tests.fhir_house import policies_with

ADA = User("ada", 1, "ada", "Ada", ("Practitioner/ada",), ("nurse",), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"login": ""},
        {"login": "a b"},
        {"login": "a\x00"},
        {"login": "x" * 129},
        {"name": " "},
        {"name": "x\n"},
        {"resources": ()},
        {"resources": ("Device/1",)},
        {"resources": ("Practitioner/",)},
        {"resources": ("Practitioner/a/b",)},
        {"resources": ("Practitioner/a", "Practitioner/b")},
        {"resources": ("Practitioner/a", "RelatedPerson/b")},
        {"resources": tuple(f"RelatedPerson/{n}" for n in range(21))},
        {"roles": tuple(map(str, range(21)))},
    ],
)
def test_who_cannot_be_a_user(change: dict[str, Any]) -> None:
    with pytest.raises(Incorrect):
        checked(replace(ADA, **change))


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "ada "), ("ﬁ@x", "fi@x"), ("STRASSE", "straße"), ("Å", "Å")]
)
def test_logins_that_look_alike_are_one(one: str, other: str) -> None:
    assert folded(one) == folded(other)


CALLERS = [
    (("Practitioner/a",), ("nurse",), None, "Practitioner/a", None, {"user/*.cruds"}),
    (("Practitioner/a",), (), None, "Practitioner/a", None, set()),
    (("Patient/p",), ("patient",), None, "Patient/p", "p", {"patient/*.cruds"}),
    (("Patient/p",), (), None, "Patient/p", "p", set()),
    (("RelatedPerson/r",), ("proxy",), None, "RelatedPerson/r", None, set()),
    (
        ("RelatedPerson/r", "RelatedPerson/s"),
        ("proxy",),
        Charge("RelatedPerson/s", "kid", "Kid"),
        "RelatedPerson/s",
        "kid",
        {"patient/*.cruds"},
    ),
]


@pytest.mark.parametrize(("resources", "roles", "charge", "id", "patient", "scopes"), CALLERS)
def test_whom_a_user_makes_the_caller(
    resources: tuple[str, ...],
    roles: tuple[str, ...],
    charge: Charge | None,
    id: str,
    patient: str | None,
    scopes: set[str],
) -> None:
    user = replace(ADA, resources=resources, roles=roles)
    caller = user.caller(frozenset(roles), charge)
    assert (caller.id, caller.patient, caller.tenant) == (id, patient, 1)
    assert {str(scope) for scope in caller.scopes} == scopes


def test_the_usual_roles() -> None:
    assert usual_roles(("Patient/p",)) == ("patient",)
    assert usual_roles(("RelatedPerson/r",)) == ("proxy",)
    assert usual_roles(("Practitioner/p",)) == usual_roles(()) == ()


def test_the_roles_that_policies_name() -> None:
    ready = roles_of(policies_with().rules)
    assert {"physician", "nurse", "administrator", "patient", "proxy", "unassigned"} <= ready
    text = """permit (principal, action, resource) when { principal in Role::"dietician" };
    forbid (principal in Role::"trainee", action, resource)
    unless { principal in [Role::"mentor", Role::"head"] };"""
    assert roles_of(rules([("own.cedar", text)])) == {"dietician", "trainee", "mentor", "head"}


RFC_6238 = b"12345678901234567890"


@pytest.mark.parametrize(
    ("now", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_vectors_of_rfc_6238(now: int, code: str) -> None:
    from base64 import b32encode

    secret = b32encode(RFC_6238).decode()
    assert codes.step_of(secret, code, now, 0) == now // 30
    assert codes.step_of(secret, f"{code[:3]} {code[3:]}", now, 0) == now // 30
    assert codes.step_of(secret, code, now + 30, 0) == now // 30
    assert codes.step_of(secret, code, now, now // 30) is None
    assert codes.step_of(secret, code, now + 61, 0) is None


def test_recovery_codes_are_many_different_and_easy_to_read() -> None:
    made = codes.recovery_codes()
    assert len(set(made)) == 10
    for code in made:
        assert len(code) == 19
        assert not set(code) & set("01ilo")
    sealer = Sealer(bytes(32))
    assert sealer.digest(made[0], "a") == sealer.digest(made[0].upper().replace("-", " "), "a")
    assert sealer.digest(made[0], "a") != sealer.digest(made[0], "b")


def test_what_is_sealed_is_opened_for_its_purpose_alone() -> None:
    sealer = Sealer(bytes(32))
    sealed = sealer.seal(b"secret", "a")
    assert sealer.opened(sealed, "a") == b"secret"
    assert sealer.seal(b"secret", "a") != sealed
    for box, data, purpose in (
        (sealer, sealed, "b"),
        (Sealer(bytes([1]) * 32), sealed, "a"),
        (sealer, sealed[:-1], "a"),
        (sealer, b"", "a"),
    ):
        with pytest.raises(Fault):
            box.opened(data, purpose)
