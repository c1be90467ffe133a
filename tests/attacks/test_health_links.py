"""Attacks on health links: guesses, replays, altered tickets, another's link, huge manifests,
addresses, and what an opened link may read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from careplane.access.consent.consents import House as Choices
from careplane.rest.links import Pages
from careplane.sharing.links.application import FILE, MANIFEST
from careplane.sharing.links.link import Link
from careplane.storage.engines.memory import MemoryState
from tests.fhir_house import TENANT
from tests.sharing_house import PATIENT, Sharing, open_sharing, opened, payload

pytestmark = pytest.mark.anyio
CODE = "correct horse"
CATEGORY = {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def sharing() -> AsyncIterator[Sharing]:
    async with open_sharing(MemoryState(), consent=Choices()) as made:
        yield made


async def content(sharing: Sharing, link: Link) -> dict[str, Any]:
    answer = await sharing.ask(link)
    return opened(answer.json()["files"][0]["embedded"], link.key)[1]


async def test_a_wrong_and_a_missing_passcode_open_nothing(sharing: Sharing) -> None:
    link = await sharing.make(passcode=CODE)
    for passcode in ("", CODE.upper(), CODE + "x", None):
        more = {} if passcode is None else {"passcode": passcode}
        answer = await sharing.ask(link, **more)
        assert answer.status_code == 401
        assert list(answer.json()) == ["remainingAttempts"]
    assert (await sharing.ask(link)).json() == {"remainingAttempts": 2}, "asking is no guess"
    assert (await sharing.ask(link, passcode=f" {CODE} ")).status_code == 200


async def test_what_does_not_open_looks_the_same(sharing: Sharing) -> None:
    ended, off = await sharing.make(), await sharing.make(seconds=60)
    await sharing.shares.revoke(PATIENT, "p", ended.id)
    sharing.clock.now += 61_000_000
    answers = [await sharing.ask(ended), await sharing.ask(off)]
    answers.append(await sharing.web.post(MANIFEST + "A" * 43, json={"recipient": "x"}))
    answers.append(await sharing.web.post(MANIFEST + ended.id, json={"recipient": "x"}))
    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}


async def test_a_link_ends_with_the_right_of_who_made_it(sharing: Sharing) -> None:
    link = await sharing.make()
    sharing.standing.add(PATIENT.id)
    assert (await sharing.ask(link)).status_code == 404


async def test_a_link_dies_with_the_record(sharing: Sharing) -> None:
    link = await sharing.make()
    gone = await sharing.house.http.delete("Patient/p")
    assert gone.status_code in (200, 204)
    assert (await sharing.ask(link)).status_code == 404
    (found,) = await sharing.shares.of(PATIENT, "p")
    assert found.ended == "gone"


async def test_tickets_are_of_one_link_and_one_server_and_end(sharing: Sharing) -> None:
    link = await sharing.make()
    ticket = (await sharing.ask(link, embeddedLengthMax=0)).json()["files"][0]["location"]
    assert (await sharing.web.get(ticket)).status_code == 200
    forged = Pages(b"x" * 32).seal(link)
    altered = ticket[:-3] + ("AAA" if ticket[-3:] != "AAA" else "BBB")
    for bad in (FILE + forged, altered, FILE, FILE + link.secret):
        assert (await sharing.web.get(bad)).status_code == 404
    sharing.clock.now += 601 * 1_000_000
    assert (await sharing.web.get(ticket)).status_code == 404


async def test_a_file_is_fetched_directly_only_from_a_link_that_says_so(sharing: Sharing) -> None:
    plain, direct = await sharing.make(), await sharing.make(direct=True)
    assert payload(direct)["flag"] == "LU"
    ask = "?recipient=Dr.%20R"
    assert (await sharing.web.get(MANIFEST + plain.secret + ask)).status_code == 404
    answer = await sharing.web.get(MANIFEST + direct.secret + ask)
    assert answer.headers["content-type"] == "application/jose"
    assert opened(answer.text, direct.key)[1]["type"] == "document"
    assert (await sharing.web.get(MANIFEST + direct.secret)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"recipient":""}',
        b'{"recipient":" \\u2028 "}',
        b'{"recipient":7}',
        b'{"recipient":"x","embeddedLengthMax":-1}',
        b'{"recipient":"x","embeddedLengthMax":"much"}',
        b'{"recipient":"' + b"x" * 5000 + b'"}',
        b'{"a":' * 600 + b"1" + b"}" * 600,
    ],
)
async def test_manifest_requests_that_are_none_are_refused(sharing: Sharing, body: bytes) -> None:
    link = await sharing.make()
    answer = await sharing.web.post(MANIFEST + link.secret, content=body)
    assert answer.status_code == 400
    assert (await sharing.shares.of(PATIENT, "p"))[0].opened == 0


async def test_an_address_may_ask_only_so_often(sharing: Sharing) -> None:
    codes = [
        (await sharing.web.post(MANIFEST + "A" * 43, json={"recipient": "x"})).status_code
        for _ in range(70)
    ]
    assert codes == [404] * 60 + [429] * 10
    answer = await sharing.web.post(MANIFEST + "A" * 43, json={"recipient": "x"})
    assert int(answer.headers["retry-after"]) > 0
    sharing.clock.now += 60_000_000
    assert (await sharing.web.get(MANIFEST + "A" * 43 + "?recipient=x")).status_code == 404


async def test_other_sites_may_read_and_bring_no_cookies(sharing: Sharing) -> None:
    link = await sharing.make()
    asked = await sharing.web.options(MANIFEST + link.secret)
    answer = await sharing.ask(link)
    for one in (asked, answer):
        assert one.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in one.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_who_opens_a_link_only_reads_and_only_what_everybody_may(sharing: Sharing) -> None:
    link = await sharing.make()
    shown = {one["resource"]["resourceType"] for one in (await content(sharing, link))["entry"]}
    assert "Condition" in shown
    keep_back = {
        "resourceType": "Consent", "id": "no", "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope",
                              "code": "patient-privacy"}]},
        "category": [CATEGORY], "patient": {"reference": "Patient/p"},
        "dateTime": "2026-01-01", "policy": [{"uri": "urn:policy"}],
        "provision": {"type": "deny", "class": [
            {"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]},
    }  # fmt: skip
    await sharing.house.put(keep_back)
    shown = {one["resource"]["resourceType"] for one in (await content(sharing, link))["entry"]}
    assert "Condition" not in shown, "what a patient keeps back from everybody is kept back here"
    own = await sharing.house.client_of(PATIENT).get("Patient/p/$summary")
    assert any(one["resource"]["resourceType"] == "Condition" for one in own.json()["entry"])


async def test_each_opening_is_in_the_audit_trail_and_no_secret_is(sharing: Sharing) -> None:
    link = await sharing.make(passcode=CODE)
    await sharing.ask(link, passcode="wrong one")
    await sharing.ask(link, passcode=CODE)
    trail = await sharing.house.audit(TENANT)
    opened_by = [one for one in trail if one.agent == f"link/{link.id}.1"]
    assert {one.purpose for one in opened_by} == {"PATRQT"}
    assert all("p" in one.patients for one in opened_by if one.interaction == "read")
    assert any(one.interaction == "search-type" for one in opened_by)
    (refused,) = [one for one in trail if one.agent == f"link/{link.id}.0"]
    assert refused.detail == "WrongPasscode"
    for one in trail:
        assert link.secret not in repr(one)
        assert CODE not in repr(one)
    names = await sharing.shares.visitors(TENANT, "p")
    assert names[f"link/{link.id}.1"] == ("Dr. R", "")


async def test_names_of_visitors_stay_one_line(sharing: Sharing) -> None:
    link = await sharing.make()
    await sharing.ask(link, recipient="Dr. R\n\x00 forged\u202e " + "x" * 150)
    (opening,) = (await sharing.shares.of(PATIENT, "p"))[0].openings
    assert opening.recipient.startswith("Dr. R forged")
    assert len(opening.recipient) == 100


async def test_what_is_kept_says_nothing_without_the_key(sharing: Sharing) -> None:
    link = await sharing.make(passcode=CODE, label="My cardiologist")
    state = sharing.house.state
    for space in ("health-links", "health-link-secrets"):
        for _, entry in await state.scan(None, space):
            for secret in (link.secret, link.key, CODE, "cardiologist"):
                assert secret.encode() not in entry.value
                assert secret not in entry.key
