"""The client against answers that are made up: retries, refusals, links, what is sent."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from careplane.client import (
    AsyncClient,
    Client,
    Elsewhere,
    Refused,
    Retries,
    Unreachable,
    aio,
    resources,
    sync,
)
from careplane.client.frames import frame
from careplane.client.resources import Observation, Patient
from careplane.client.types import CodeableConcept, Quantity
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.kernel.errors import Incorrect, Invalid, Malformed

BASE = "https://records.example.org/fhir"
PATIENT = {"resourceType": "Patient", "id": "p"}
Handler = Callable[[httpx.Request], httpx.Response]


def answering(handler: Handler, **more: Any) -> Client:
    more.setdefault("retries", Retries(first=0.001))
    return Client(BASE, token="t", transport=httpx.MockTransport(handler), **more)


class Answers:
    """One answer after the other; remembers what was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.left = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.left.pop(0)


def busy(status: int = 503, after: str = "0") -> httpx.Response:
    return httpx.Response(status, headers={"retry-after": after})


def ok(tree: Any = PATIENT) -> httpx.Response:
    return httpx.Response(200, json=tree)


def test_a_busy_server_is_asked_again() -> None:
    answers = Answers(busy(503), busy(429), ok())
    assert answering(answers).read(Patient, "p").id == "p"
    assert len(answers.asked) == 3
    assert answers.asked[0].headers["authorization"] == "Bearer t"


def test_what_must_not_be_done_twice_is_not_sent_twice() -> None:
    for call in (
        lambda c: c.create(Patient()),
        lambda c: c.patch(Patient, "p", []),
        lambda c: c.update(Patient(id="p"), if_match="1"),
        lambda c: c.update(Patient(), where={"identifier": "1"}),
        lambda c: c.request("POST", "Patient"),
    ):
        answers = Answers(busy())
        with pytest.raises(Refused) as refused:
            call(answering(answers))
        assert refused.value.status == 503
        assert len(answers.asked) == 1


def test_attempts_end() -> None:
    answers = Answers(*(busy() for _ in range(9)))
    with pytest.raises(Refused):
        answering(answers, retries=Retries(attempts=3)).delete(Patient, "p")
    assert len(answers.asked) == 3


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("999999999999", 30, 30),
        ("Wed, 15 Nov 2994 12:45:26 GMT", 30, 30),
        ("Tue, 15 Nov 1994 12:45:26 GMT", 0, 0),
        ("soon", 0.4, 0.4),
        ("", 0.4, 0.4),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, low: float, high: float) -> None:
    waited = Retries().wait(busy(after=header), 2, repeatable=True)
    assert waited is not None
    assert low <= waited <= high


def test_a_date_to_come_is_waited_for() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    waited = Retries().wait(busy(after=soon), 1, repeatable=True)
    assert waited is not None
    assert 10 < waited <= 20


def test_a_refusal_carries_the_outcome() -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "value", "diagnostics": "No such day.",
             "expression": ["Patient.birthDate"]},
            {"severity": "warning", "code": "informational", "details": {"text": "Also."}},
        ],
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        answering(Answers(httpx.Response(400, json=outcome))).create(Patient())
    error = refused.value
    assert error.status == 400
    assert error.outcome == outcome
    assert [(i.severity, i.text, i.where) for i in error.issues[1:]] == [
        ("error", "No such day.", "Patient.birthDate"),
        ("warning", "Also.", ""),
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b'{"issue":1}', b'{"resourceType":"OperationOutcome","issue":5}'],
)
def test_a_refusal_without_outcome_is_a_refusal(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        answering(Answers(httpx.Response(502, content=content))).read(Patient, "p")
    assert refused.value.text == "The server answers 502."


def test_a_redirection_is_not_followed_with_the_token() -> None:
    answers = Answers(httpx.Response(302, headers={"location": "https://evil.example/"}))
    with pytest.raises(Refused):
        answering(answers).read(Patient, "p")
    assert len(answers.asked) == 1


@pytest.mark.parametrize(
    "link", ["https://evil.example/fhir/Patient?_page=x", "http://records.example.org/fhir/Patient"]
)
def test_a_link_to_another_server_is_not_followed(link: str) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": link}],
    }
    answers = Answers(ok(bundle))
    with pytest.raises(Elsewhere):
        list(answering(answers).search(Patient))
    assert len(answers.asked) == 1


def test_no_server_is_said_in_words() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unreachable, match="does not answer"):
        answering(gone).read(Patient, "p")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"nonsense", Malformed),
        (b'{"resourceType":"Observation","status":"final","code":{"text":"x"}}', Invalid),
        (b'{"resourceType":"Patient","surprise":1}', Invalid),
        (b'{"resourceType":"Nonsense"}', Invalid),
        (b"[]", Invalid),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        answering(Answers(httpx.Response(200, content=content))).read(Patient, "p")


def test_digits_are_kept_both_ways() -> None:
    raw = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    answers = Answers(httpx.Response(200, content=raw), httpx.Response(200, content=raw))
    client = answering(answers)
    observation = client.read(Observation, "o")
    assert observation.valueQuantity is not None
    assert str(observation.valueQuantity.value) == "1.00"
    client.update(observation)
    assert b'"value":1.00' in answers.asked[1].content


def test_parameters_as_they_arrive() -> None:
    empty = {"resourceType": "Bundle", "type": "searchset"}
    answers = Answers(ok(empty), ok(empty))
    client = answering(answers)
    found = client.search(
        Observation, {"code:in": "urn:x"}, date=["ge2020", "lt2021"], value_quantity=Decimal("5.40")
    )
    assert list(found) == []
    assert answers.asked[0].url.params.multi_items() == [
        ("code:in", "urn:x"), ("date", "ge2020"), ("date", "lt2021"), ("value-quantity", "5.40"),
    ]  # fmt: skip
    assert answers.asked[0].headers["prefer"] == "handling=strict"
    list(client.search(Patient, _id=",".join(f"patient-{n}" for n in range(500))))
    assert answers.asked[1].method == "POST"
    assert answers.asked[1].url.path == "/fhir/Patient/_search"


def test_ids_cannot_leave_their_place_in_the_address() -> None:
    answers = Answers(ok())
    answering(answers).read(Patient, "../metadata?x=#")
    assert answers.asked[0].url.raw_path == b"/fhir/Patient/..%2Fmetadata%3Fx%3D%23"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: c.update(Patient()),
        lambda c: c.delete(Patient),
        lambda c: c.delete(Patient, "1", where={"a": "b"}),
        lambda c: c.patch(Patient, None, []),
        lambda c: c.read(Patient, ""),
        lambda c: c.read(Quantity, "1"),
        lambda c: Client("records.example.org"),
    ],
)
def test_a_call_that_cannot_be_meant(wrong: Callable[[Client], Any]) -> None:
    with pytest.raises(Incorrect):
        wrong(answering(Answers()))


def test_both_clients_have_the_same_methods() -> None:
    for one, other in ((Client, AsyncClient), (sync.Matches, aio.Matches)):
        assert _signatures(one) == _signatures(other)


def _signatures(kind: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in vars(kind).items()
        if callable(method) and not name.startswith("_")
    }


def test_every_resource_type_has_its_class() -> None:
    source = inspect.getsource(resources)
    named = set(re.findall(r"(\w+) as \1\b", source))
    assert named == set(RESOURCE_TYPES)
    assert resources.Patient is Patient
    with pytest.raises(AttributeError):
        _ = resources.Patients


def rows(*trees: Any) -> list[bytes]:
    return [json.dumps(tree).encode() for tree in trees]


def test_a_table_keeps_decimals_and_lists() -> None:
    raw = [
        b'{"resourceType":"Observation","id":"a","valueQuantity":{"value":1.25}}',
        b'{"resourceType":"Observation","id":"b","valueQuantity":{"value":3},"identifier":[{"value":"x"},{"value":"y"}]}',
        b'{"resourceType":"Observation","id":"c"}',
    ]
    columns = {"id": "id", "value": "value.value", "more": "identifier.value", "none": "issued",
               "high": "value.value > 2"}  # fmt: skip
    table = frame(raw, columns)
    assert table["value"].to_list() == [Decimal("1.25"), Decimal("3.00"), None]
    assert table["more"].to_list() == [[], ["x", "y"], []]
    assert table["none"].to_list() == [None, None, None]
    assert table["high"].to_list() == [False, True, None]
    assert frame([], {"id": "id"}).shape == (0, 1)


def test_a_column_is_of_values_not_of_elements() -> None:
    with pytest.raises(Incorrect, match="name"):
        frame(rows({"resourceType": "Patient", "name": [{"family": "x"}]}), {"name": "name"})


def test_a_resource_is_made_from_classes() -> None:
    answers = Answers(ok({"resourceType": "Observation", "status": "final", "code": {"text": "x"}}))
    answering(answers).create(Observation(status="final", code=CodeableConcept(text="x")))
    assert json.loads(answers.asked[0].content)["code"] == {"text": "x"}
