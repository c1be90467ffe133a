"""The one table of statuses: every kind of error has one, and faults say nothing."""

from __future__ import annotations

import inspect
import json
import logging

import pytest

from careplane.kernel import errors
from careplane.kernel.errors import CareplaneError, Issue
from careplane.rest.negotiate import Form, Style
from careplane.rest.outcome import STATUS, MethodNotAllowed, response_of, status_of
from careplane.rest.render import render
from careplane.search.criterion import UnknownParameter

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, CareplaneError) and kind is not CareplaneError
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_status_of_its_own_or_of_its_family(kind: type[CareplaneError]) -> None:
    family = next(k for k in kind.__mro__ if k in STATUS)
    assert family is not CareplaneError
    assert status_of(kind("Said.")) == STATUS[family]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Stale("x"), 503),
        (errors.Ambiguous("x"), 412),
        (UnknownParameter("x"), 400),
        (MethodNotAllowed("PUT", ("GET",)), 405),
        (KeyError("x"), 500),
    ],
)
def test_statuses(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_issues_become_an_outcome_with_places() -> None:
    issue = Issue("error", "value", "Too long.", "Patient.name[0]")
    response = response_of(errors.Invalid("Wrong.", issues=(issue,)))
    assert json.loads(response.body) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "value",
                "diagnostics": "Too long.",
                "expression": ["Patient.name[0]"],
            }
        ],
    }


def test_a_mistake_of_ours_tells_no_one_but_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def stumble() -> None:
        raise KeyError("Mrs Miller")

    with pytest.raises(KeyError) as caught:
        stumble()
    with caplog.at_level(logging.ERROR):
        response = response_of(caught.value)
    assert response.status == 500
    assert b"Miller" not in response.body
    assert "Miller" not in caplog.text
    assert "KeyError at test_outcome.py" in caplog.text


def test_headers_go_with_the_status() -> None:
    assert dict(response_of(errors.Unauthenticated("x")).headers)[b"www-authenticate"]
    assert dict(response_of(errors.Busy("x")).headers)[b"retry-after"] == b"1"
    full = response_of(errors.Full("x"))
    assert (full.status, full.headers) == (503, [(b"retry-after", b"30")])
    assert b'"no-store"' in full.body
    assert dict(response_of(MethodNotAllowed("PUT", ("GET",))).headers)[b"allow"] == b"GET"


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x0b", "\ud800", "\ufffe"])
@pytest.mark.parametrize("form", list(Form))
def test_a_sign_that_xml_cannot_hold_is_replaced(sign: str, form: Form) -> None:
    issue = Issue("error", "value", f"No parameter a{sign}b.", f"Patient.a{sign}b")
    response = response_of(errors.Incorrect("x", issues=(issue,)))
    _, body = render(response, Style(form), False)
    assert body.decode().count("a\ufffdb") == 2
