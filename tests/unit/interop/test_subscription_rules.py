"""What fires, what is found, how long is waited, where may be sent: tables."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.access.kept import KeptCaller, kept
from careplane.fhir.codec import envelope, json
from careplane.fhir.structs import decoder
from careplane.interop.subscriptions.backoff import LONGEST, delay
from careplane.interop.subscriptions.filters import nodes_of
from careplane.interop.subscriptions.index import Index, handles
from careplane.interop.subscriptions.matching import Happening, fires, rules_of
from careplane.interop.subscriptions.owner import opened
from careplane.interop.subscriptions.reach import Reach, Unreachable
from careplane.interop.subscriptions.topic import Allowed, Topic, Trigger
from careplane.kernel.errors import CareplaneError, Invalid
from careplane.rest.links import Pages
from careplane.search.criterion import Setting
from careplane.search.extract import extract
from careplane.search.match import Subject
from careplane.search.registry import r4_registry
from careplane.storage.ports.records import Version
from tests.fhir_house import TENANT, observation

SETTING = Setting(r4_registry(), "http://a.test/fhir")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _version(resource: dict[str, Any], number: int, method: str) -> Version:
    body = b"" if method == "DELETE" else envelope.split(json.dump(resource))
    return Version("Observation", "o1", number, 1_000_000, method, body, number)  # type: ignore[arg-type]


def _subject(resource: dict[str, Any]) -> Subject:
    struct = decoder("Observation").decode(json.dump(resource))
    return Subject("Observation", "o1", 1_000_000, extract(struct))


def happening(before: str | None, after: str | None) -> Happening:
    """An Observation that goes from one status to another; None where there is none."""
    was = observation("o1", "p1", "1") | {"status": before}
    now = observation("o1", "p1", "1") | {"status": after}
    number = 2 if before else 1
    method = "DELETE" if after is None else "PUT"
    return Happening(
        _version(now, number, method),
        _subject(now) if after else None,
        _subject(was) if before else None,
        _version(was, 1, "PUT") if before else None,
    )


FINAL = {"previous": "status:not=final", "current": "status=final"}
NEWLY = "%previous.status != 'final' and %current.status = 'final'"


@pytest.mark.parametrize(
    ("trigger", "before", "after", "expected"),
    [
        ({}, None, "final", True),
        ({}, "final", None, True),
        ({"interactions": frozenset({"create"})}, None, "final", True),
        ({"interactions": frozenset({"create"})}, "preliminary", "final", False),
        ({"interactions": frozenset({"delete"})}, "final", None, True),
        ({"current": "status=final"}, None, "final", True),
        ({"current": "status=final"}, None, "preliminary", False),
        ({"current": "status=final"}, "final", None, False),
        ({"current": "status=final", "on_delete": True}, "final", None, True),
        ({"previous": "status=final"}, None, "final", False),
        ({"previous": "status=final", "on_create": True}, None, "final", True),
        ({"previous": "status=final"}, "final", "amended", True),
        ({**FINAL, "both": True}, "preliminary", "final", True),
        ({**FINAL, "both": True}, "final", "final", False),
        ({**FINAL, "both": True}, None, "final", False),
        ({**FINAL, "both": True, "on_create": True}, None, "final", True),
        (FINAL, "final", "final", True),
        (FINAL, "final", "amended", False),
        ({"fhirpath": NEWLY}, "preliminary", "final", True),
        ({"fhirpath": NEWLY}, "final", "final", False),
        ({"fhirpath": "%previous.empty()"}, None, "final", True),
        ({"fhirpath": "%current.empty() and %previous.exists()"}, "final", None, True),
        ({"fhirpath": "status"}, None, "final", False),
        ({"fhirpath": "code.coding.code + 1"}, None, "final", False),
        ({"current": "status=final", "fhirpath": "status = 'x'"}, None, "final", False),
    ],
)
def test_a_trigger(
    trigger: dict[str, Any], before: str | None, after: str | None, expected: bool
) -> None:
    (rule,) = rules_of(SETTING, Topic("t", "t", (Trigger("Observation", **trigger),)))
    assert fires(rule, happening(before, after), 0) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("patient=Patient/p1", True),
        ("patient=Patient/p2", False),
        ("patient=Patient/p1,Patient/p2", True),
        ("code=http://loinc.org|1", True),
        ("code=http://other|1", True),  # a handle may say too much: the filter is checked after it
        ("code=2", False),
        ("_id=o1", True),
        ("_id=o2", False),
        ("date=gt2020", True),  # nothing to stand under: every Observation is looked at
        ("status:not=final", True),
        ("code=2&patient=p1", True),
        ("code=1&patient=p2", False),
    ],
)
def test_candidates(query: str, expected: bool) -> None:
    topic = Topic("t", "t", (Trigger("Observation"),))
    index = Index()
    nodes = nodes_of(SETTING, topic, (f"Observation?{query}",))
    index.put("s", {"Observation": ("create",)}, nodes)
    subject = _subject(observation("o1", "p1", "1"))
    assert ("s" in index.candidates(subject, ("create",))) is expected
    assert not index.candidates(subject, ("delete",))
    index.drop("s")
    assert not index.watches("Observation")


def test_a_patient_tells_more_than_a_code() -> None:
    topic = Topic("t", "t", (Trigger("Observation"),))
    nodes = nodes_of(SETTING, topic, ("code=1", "patient=p1"))
    found = handles(nodes["Observation"])
    assert found == {("Observation.subject", "Patient", "p1")} or found == {
        ("Observation.patient", "Patient", "p1")
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Observation?code=1", ""),
        ("code=1", ""),
        ("Observation?date=gt2020-01-01", ""),
        ("Observation?date=lt2020-01-01", "modifier"),
        ("Observation?code:not=1", "modifier"),
        ("Observation?status=final", "cannot be filtered"),
        ("Patient?name=x", "nothing of Patient"),
        ("Observation?date=gtnonsense", "filter of Observation"),
    ],
)
def test_what_a_topic_can_be_filtered_by(text: str, problem: str) -> None:
    allowed = {"Observation": {"code": Allowed(), "date": Allowed(frozenset({"gt"}))}}
    topic = Topic("t", "t", (Trigger("Observation"),), allowed)
    if not problem:
        assert nodes_of(SETTING, topic, (text,))
        return
    with pytest.raises(CareplaneError, match=problem):
        nodes_of(SETTING, topic, (text,))


@pytest.mark.parametrize(
    ("fails", "chance", "expected"),
    [
        (0, 0.5, 0.0),
        (1, 0.0, 0.5),
        (1, 1.0, 1.0),
        (2, 1.0, 2.0),
        (5, 0.0, 8.0),
        (12, 1.0, 2048.0),
        (13, 1.0, LONGEST),
        (10_000, 0.0, LONGEST / 2),
    ],
)
def test_back_off(fails: int, chance: float, expected: float) -> None:
    assert delay(fails, chance) == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "addresses", "expected"),
    [
        ("https://good.example.org/x", ["93.184.216.34"], "93.184.216.34"),
        ("https://bad.example.org/x", ["93.184.216.34", "127.0.0.1"], None),
        ("https://bad.example.org/x", ["fe80::1%eth0"], None),
        ("https://none.example.org/x", [], None),
        ("http://good.example.org/x", ["93.184.216.34"], None),
        ("https://inside.example.org/x", ["10.0.0.7"], "10.0.0.7"),
    ],
)
async def test_where_it_may_send(url: str, addresses: list[str], expected: str | None) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        assert port == (443 if url.startswith("https") else 80)
        return addresses

    reach = Reach(frozenset({"inside.example.org"}), resolve=resolve)
    if expected:
        assert await reach.address(url) == expected
        return
    with pytest.raises(Unreachable):
        await reach.address(url)


def test_a_seal_is_opened_by_its_key_alone() -> None:
    from careplane.access.caller import Caller
    from careplane.access.scopes import parse_scopes

    caller = Caller(TENANT, "client/a", "A", parse_scopes("patient/*.rs"), "p1")
    here, there = Pages(bytes(32)), Pages(bytes([1]) * 32)
    text = here.seal(kept(caller))
    assert opened(here, text) == caller
    assert opened(there, text) is None
    assert opened(here, text[:-4] + "AAAA") is None
    assert opened(here, "") is None
    assert here.open(text, KeptCaller).caller() == caller


def test_criteria_that_cannot_be_read_are_no_topic() -> None:
    wrong = Topic("t", "t", (Trigger("Observation", current="nonsense=1"),))
    with pytest.raises(Invalid, match="no search parameter"):
        rules_of(SETTING, wrong)
