"""Trees of provisions: a table of Consents, callers and records against what comes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from careplane.access.consent.leaves import leaves, verdict
from careplane.access.consent.rule import Given, Reading, Stated, may_name_groups, stated
from careplane.access.consent.terms import Asking
from careplane.records.bodies import accept
from careplane.search.extract import extract
from careplane.search.match import NoWorld, Subject, matches
from tests.consent_house import LEVEL, REASON, TYPES_SYSTEM, actor, coding, consent, labels
from tests.fhir_house import DATA, observation
from tests.policy_house import Record, to

NOW = 1_790_000_000_000_000  # 2026
ME = actor("Practitioner/me")
OTHER = actor("Practitioner/other")
OBSERVATION = {"class": [coding(TYPES_SYSTEM, "Observation")]}
CONDITION = {"class": [coding(TYPES_SYSTEM, "Condition")]}
NAMELESS = {"role": {"coding": [{"code": "IRCP"}]}, "reference": {"display": "Dr. Nobody"}}


def deny(*inner: Record, **more: Any) -> Record:
    return {"type": "deny", **({"provision": list(inner)} if inner else {}), **more}


def permit(*inner: Record, **more: Any) -> Record:
    return {**deny(*inner, **more), "type": "permit"}


def nested(depth: int) -> Record:
    """Deny and permit in turns, `depth` of them."""
    inner: Record | None = None
    for n in range(depth, 0, -1):
        inner = (permit if n % 2 else deny)(*([inner] if inner else []))
    assert inner is not None
    return inner


# Provisions of Consents, oldest first; what they come to for an Observation and Practitioner/me.
TABLE: dict[str, tuple[list[Record], str]] = {
    "nothing": ([], "-"),
    "a denial": ([deny()], "deny"),
    "a denial of somebody else": ([deny(actor=[OTHER])], "-"),
    "a denial of me": ([deny(actor=[OTHER, ME])], "deny"),
    "a denial of other data": ([deny(**CONDITION)], "-"),
    "an exception": ([deny(permit(actor=[ME]))], "permit"),
    "an exception for somebody else": ([deny(permit(actor=[OTHER]))], "deny"),
    "an exception from the exception": ([deny(permit(deny(**OBSERVATION), actor=[ME]))], "deny"),
    "an exception within what does not apply": ([permit(deny(), actor=[OTHER])], "-"),
    "of two side by side the denial": ([permit(permit(), deny())], "deny"),
    "a denial beside a deeper permission": ([deny(permit(permit()), deny())], "deny"),
    "three levels": ([nested(3)], "permit"),
    "four levels": ([nested(4)], "deny"),
    "thirty-two levels": ([nested(33)], "permit"),
    "more than can be followed": ([nested(37)], "deny"),
    "a denial and a permission alike, newer": ([deny(), permit()], "permit"),
    "a denial and a permission alike, older": ([permit(), deny()], "deny"),
    "a more specific permission, older": ([permit(actor=[ME]), deny()], "permit"),
    "a more specific denial, older": ([deny(actor=[ME]), permit()], "deny"),
    "neither is more specific": ([deny(actor=[ME]), permit(**OBSERVATION)], "deny"),
    "both kinds are more specific than one": (
        [permit(actor=[ME], **OBSERVATION), deny(**OBSERVATION)], "permit"),
    "a third Consent denies again": ([deny(), permit(actor=[ME]), deny(actor=[ME])], "deny"),
    "kinds around count": ([deny(), permit(permit(**OBSERVATION), actor=[OTHER])], "deny"),
    "a purpose that includes mine": ([deny(purpose=[coding(REASON, "TREAT")])], "deny"),
    "another purpose": ([deny(purpose=[coding(REASON, "HRESCH")])], "-"),
    "another action": ([deny(action=[{"coding": [coding("x", "correct")]}])], "-"),
    "this action": ([deny(action=[{"coding": [coding("x", "disclose")]}])], "deny"),
    "somebody who is only named, denied": ([deny(actor=[NAMELESS])], "deny"),
    "somebody who is only named, permitted": ([deny(), permit(actor=[NAMELESS])], "deny"),
    "a class that is none, denied": ([deny(**{"class": [coding("x", "?")]})], "deny"),
    "a class that is none, permitted": ([permit(**{"class": [coding("x", "?")]})], "-"),
    "data without a code, denied": ([deny(code=[{"text": "Secrets"}])], "deny"),
    "data without a code, permitted": ([permit(code=[{"text": "Secrets"}])], "-"),
    "over": ([deny(period={"end": "2020"})], "-"),
    "not yet": ([deny(period={"start": "2030"})], "-"),
    "in force": ([deny(period={"start": "2020", "end": "2030"})], "deny"),
    "an exception that is over": ([deny(permit(period={"end": "2020"}))], "deny"),
    "a level above, permitted": ([permit(securityLabel=[coding(LEVEL, "V")])], "permit"),
    "its level, permitted": ([permit(securityLabel=[coding(LEVEL, "R")])], "permit"),
    "a level below, permitted": ([permit(securityLabel=[coding(LEVEL, "N")])], "-"),
    "a level above, denied": ([deny(securityLabel=[coding(LEVEL, "V")])], "-"),
    "its level, denied": ([deny(securityLabel=[coding(LEVEL, "R")])], "deny"),
    "a level below, denied": ([deny(securityLabel=[coding(LEVEL, "N")])], "deny"),
    "its author": (
        [deny(data=[{"meaning": "authoredby", "reference": to("Practitioner/a")}])], "deny"),
    "another author": (
        [deny(data=[{"meaning": "authoredby", "reference": to("Practitioner/b")}])], "-"),
    "what it depends on": (
        [deny(data=[{"meaning": "dependents", "reference": to("Encounter/e")}])], "deny"),
    "its own day": ([permit(dataPeriod={"start": "2024-03-01", "end": "2024-03-03"})], "permit"),
    "a part of its day, permitted": ([permit(dataPeriod={"start": "2024-03-02T12:00:00Z"})], "-"),
    "a part of its day, denied": ([deny(dataPeriod={"start": "2024-03-02T12:00:00Z"})], "deny"),
}  # fmt: skip
RECORD = observation("o", "p", effectiveDateTime="2024-03-02", meta=labels("R"),
                     performer=[to("Practitioner/a")], encounter=to("Encounter/e"))  # fmt: skip


def given(tree: Record) -> Given | None:
    return reading().given(written(tree))[0]


def reading() -> Reading:
    return Reading(NOW, lambda name: frozenset({name}))


def written(tree: Record) -> Stated:
    return stated(json.dumps(tree).encode())


@pytest.mark.parametrize("name", TABLE)
def test_what_provisions_come_to(name: str) -> None:
    provisions, wanted = TABLE[name]
    read = [given(consent(f"c{n}", "p", one)) for n, one in enumerate(provisions)]
    asking = Asking("Practitioner/me", frozenset({"ETREAT", "TREAT"}),
                    frozenset({"access", "use", "disclose"}))  # fmt: skip
    found = verdict(leaves([one.said for one in read if one], asking, DATA, "Observation"))
    rows = accept(extract, json.dumps(RECORD).encode(), "Observation").rows
    subject = Subject("Observation", "o", 0, rows)
    denied, permitted = (matches(n, subject, NoWorld()) for n in (found.denied, found.permitted))
    assert (denied, permitted) == (wanted == "deny", wanted == "permit")


@pytest.mark.parametrize(("rule", "wanted"), [("OPTIN", True), ("OPTOUT", False), ("OTHER", None)])
def test_a_first_provision_without_a_type_has_that_of_the_policy(
    rule: str, wanted: bool | None
) -> None:
    tree = consent("c", "p", {}, policyRule={"coding": [{"code": rule}]})
    found = given(tree)
    assert found is not None
    assert found.said.root.permits is wanted


def test_a_consent_is_read_anew_when_a_period_begins_or_ends() -> None:
    read = reading()
    _, lasts = read.given(written(consent("c", "p", deny())))
    assert lasts
    ends = written(consent("c", "p", deny(period={"end": "2030-01-01"})))
    assert [read.given(ends)[1] for _ in range(2)] == [False, False]
    assert read.ends == 1_893_542_400_000_000  # the day counts whole


def test_consents_that_say_the_same_are_read_once() -> None:
    """But for whose they are, and from when."""
    read = reading()
    some = [consent(f"c{n}", f"p{n}", deny(), dateTime=f"2020-01-0{n}") for n in (1, 2)]
    one, other = (read.given(written(tree))[0] for tree in some)
    assert one is not None
    assert other is not None
    assert one.said is other.said
    assert (one.patient, other.patient) == ("p1", "p2")
    assert one.when < other.when


@pytest.mark.parametrize(
    "more",
    [{"status": "inactive"}, {"patient": {"display": "Ada"}}, {"patient": to("Group/p")},
     {"scope": {"coding": [{"code": "adr"}]}}, {"provision": {"period": {"end": "2000-01-01"}}}],
    ids=str,
)  # fmt: skip
def test_a_consent_that_bears_on_nothing_says_nothing(more: Record) -> None:
    assert given(consent("c", "p", deny()) | more) is None


@pytest.mark.parametrize(
    ("reference", "may"),
    [("CareTeam/t", True), ("http://x.test/fhir/Organization/o", True), ("Practitioner/d", False)],
)
def test_groups_are_looked_for_however_a_reference_is_written(reference: str, may: bool) -> None:
    groups = ("CareTeam/", "Organization/")
    tree = consent("c", "p", deny(actor=[actor(reference)]))
    assert may_name_groups(written(tree), groups) == may
    escaped = json.dumps(tree).replace("/", "\\/").encode()
    assert may_name_groups(stated(escaped), groups)
