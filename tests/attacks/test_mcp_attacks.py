"""Attacks by way of MCP: without a token, with one of somebody else or of too little, from a page
of another site, in the session of another, with messages made to hurt."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Fault
from careplane.rest.addressing import Addressing
from careplane.storage.engines.memory import MemoryStore
from careplane.storage.ports.records import Tenant
from tests.consent_house import consent
from tests.fhir_house import TENANT, observation, patient
from tests.mcp_house import LIMIT, ROOT, There, calling, message, of_old, open_mcp

pytestmark = pytest.mark.anyio
MARK = "Zyx"
NOBODY = Tenant(0)
RECORDS: list[dict[str, Any]] = [
    patient("mine", name=[{"family": "Abc"}]),
    patient("other", name=[{"family": MARK}]),
    observation("own", "mine"),
    observation("theirs", "other", valueString=MARK),
]
ASKING: dict[str, dict[str, Any]] = {
    "read": {"type": "Patient", "id": "other"},
    "read a version": {"type": "Patient", "id": "other", "version": 1},
    "history": {"type": "Patient", "id": "other"},
    "summary": {"patient": "other"},
    "search": {"type": "Observation", "parameters": {"patient": "other"}},
    "search all": {"type": "Patient"},
    "search chained": {"type": "Observation", "parameters": {"patient.name": MARK}},
    "search included": {
        "type": "Observation", "parameters": {"_id": "theirs", "_include": "Observation:subject"}
    },
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there() -> AsyncIterator[There]:
    async with open_mcp(MemoryStore(system_clock), writes=True) as there:
        for record in RECORDS:
            await there.house.put(record)
        yield there


async def told(there: There, tenant: Tenant) -> tuple[str, str]:
    """Who was refused what, the last time."""
    last = (await there.house.audit(tenant))[-1]
    return last.agent, last.interaction


BEARERS = {
    "none": ("", 'resource_metadata="https://hospital.test/.well-known'),
    "another scheme": ("Basic abc", 'scope="user/*.rs"'),
    "nonsense": ("Bearer abc", 'error="invalid_token"'),
    "of somebody else's key": (
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        'error="invalid_token"',
    ),
}


@pytest.mark.parametrize("name", BEARERS)
async def test_without_a_good_token_nothing_is_said(there: There, name: str) -> None:
    token, challenge = BEARERS[name]
    for said in (message("tools/list"), of_old("initialize"), calling("read", **ASKING["read"])):
        answer = await there.of("system/*.rs").post(said, authorization=token)
        assert answer.status_code == 401
        assert challenge in answer.headers["www-authenticate"]
        assert "result" not in answer.json()
    assert await told(there, NOBODY) == ("", "POST")


async def test_a_token_that_was_revoked_or_is_over_is_no_token(there: There) -> None:
    over = there.by(there.house.caller("system/*.rs"), seconds=0)
    assert (await over.post(message("tools/list"))).status_code == 401
    me = there.of("system/*.rs")
    assert (await me.post(message("tools/list"))).status_code == 200
    there.house.tokens._is_revoked = lambda token: True
    revoked = await me.post(message("tools/list"))
    assert revoked.status_code == 401
    assert "revoked" in revoked.json()["error"]["message"]


@pytest.mark.parametrize("name", ASKING)
async def test_a_patients_token_shows_no_other_patient(there: There, name: str) -> None:
    tool = name.split()[0]
    free = json.dumps(await there.of("system/*.rs").call(tool, **ASKING[name]))
    assert MARK in free, "else the attack would prove nothing"
    result = await there.of("patient/*.rs", "mine").result(tool, **ASKING[name])
    assert MARK not in json.dumps(result)
    if tool != "search":
        assert "not-found" in result["content"][0]["text"]


async def test_an_attachment_of_another_patient_is_not_there(there: There) -> None:
    me = there.of("patient/*.rs", "mine")
    own = await me.post(message("resources/read", uri="fhir:///Patient/mine"))
    assert own.status_code == 200
    other = await me.post(message("resources/read", uri="fhir:///Patient/other"))
    absent = await me.post(message("resources/read", uri="fhir:///Patient/absent"))
    assert other.json()["error"] == absent.json()["error"]
    listed = (await me.post(message("resources/list"))).json()["result"]["resources"]
    assert [one["uri"] for one in listed] == ["fhir:///Patient/mine"]


async def test_what_a_scope_does_not_have_is_forbidden_and_a_summary_says_so(there: There) -> None:
    me = there.of("system/Patient.rs system/Observation.rs")
    assert (await me.fails("search", type="Condition"))["code"] == "forbidden"
    assert (await there.of("system/Condition.rs").fails("summary", patient="mine"))[
        "code"
    ] == "forbidden"
    short = await me.call("summary", patient="mine")
    assert short["problems"] == {"lines": [], "withheld": ["Condition"]}
    assert [line["reference"] for line in short["results"]["lines"]] == ["Observation/own"]
    assert short["results"]["withheld"] == ["DiagnosticReport"]


async def test_what_a_consent_denies_is_not_there(there: There) -> None:
    me = there.of("system/*.rs")
    assert (await me.call("summary", patient="other"))["patient"]["name"] == MARK
    await there.house.put(consent("no", "other", {"type": "deny"}))
    assert (await me.fails("summary", patient="other"))["code"] == "not-found"
    found = await me.call("search", type="Patient")
    assert [one["id"] for one in found["matches"]] == ["mine"]


NEW = {"resourceType": "Patient", "name": [{"family": MARK}]}
CHANGE = {"type": "Patient", "id": "mine", "version": 1, "elements": {"gender": "other"}}


async def test_who_may_only_read_writes_nothing(there: There) -> None:
    reader = there.of("system/*.rs")
    listed = (await reader.post(message("tools/list"))).json()["result"]["tools"]
    assert not {"create", "update"} & {one["name"] for one in listed}
    before = await there.house.stored()
    assert (await reader.fails("create", resource=NEW))["code"] == "forbidden"
    assert (await reader.fails("update", **CHANGE))["code"] == "forbidden"
    assert await there.house.stored() == before
    own = there.of("patient/*.cruds", "mine")
    assert (await own.fails("update", **{**CHANGE, "id": "other"}))["code"] in (
        "not-found",
        "forbidden",
    )
    assert (await own.call("update", **CHANGE))["version"] == 2


async def test_without_the_setting_nobody_writes() -> None:
    async with open_mcp(MemoryStore(system_clock)) as there:
        await there.house.put(patient("mine"))
        writer = there.of("system/*.cruds")
        for tool, taken in (("create", {"resource": NEW}), ("update", CHANGE)):
            answer = await writer.post(calling(tool, **taken))
            assert answer.json()["error"]["code"] == -32602
        assert await there.house.stored() == 1


async def test_a_cursor_shows_its_finder_only_what_he_may_see(there: There) -> None:
    first = await there.of("system/*.rs").call("search", type="Patient", count=1)
    assert first["matches"][0]["id"] == "mine" or MARK in json.dumps(first)
    me = there.of("patient/*.rs", "mine")
    followed = await me.call("search", cursor=first["next"])
    assert MARK not in json.dumps(followed)
    forged = first["next"][:-4] + "AAAA"
    assert "not of this server" in (await me.fails("search", cursor=forged))["diagnostics"]


ORIGINS = {
    "our own": (ROOT, Addressing(ROOT), 200),
    "one that the operator names": ("https://assistant.test", Addressing(ROOT), 200),
    "another site": ("https://evil.example", Addressing(ROOT), 403),
    "our name over plain HTTP": ("http://hospital.test", Addressing(ROOT), 403),
    "another port": (f"{ROOT}:444", Addressing(ROOT), 403),
    "no site": ("null", Addressing(ROOT), 403),
    "a name that was bound anew to us": (ROOT, Addressing(), 403),
}


@pytest.mark.parametrize("name", ORIGINS)
async def test_pages_of_other_sites_are_refused(name: str) -> None:
    origin, addressing, status = ORIGINS[name]
    async with open_mcp(MemoryStore(system_clock), addressing=addressing) as there:
        me = there.of("system/*.rs")
        answer = await me.post(message("tools/list"), origin=origin)
        assert answer.status_code == status
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if status == 200 else None)
        asked = await there.http.request("OPTIONS", "/mcp", headers={"origin": origin})
        assert asked.status_code == (204 if status == 200 else 403)
        if status == 403:
            assert await told(there, NOBODY) == ("", "OPTIONS")


async def begun(me: Any) -> str:
    """The id of a new session."""
    answer = await me.post(of_old("initialize", protocolVersion="2025-11-25"))
    assert answer.status_code == 200
    return str(answer.headers["mcp-session-id"])


async def test_the_session_of_another_is_no_session(there: There) -> None:
    me = there.of("patient/*.rs", "mine")
    mine = await begun(me)
    asked = of_old("tools/call", name="read", arguments={"type": "Patient", "id": "mine"})
    again = there.of("patient/*.rs", "mine")
    assert (await again.post(asked, mcp_session_id=mine)).status_code == 200, "a token anew"
    thieves = (
        there.of("patient/*.rs", "other"),
        there.of("system/*.rs"),
        there.by(there.house.caller("patient/*.rs", "mine").__class__(
            Tenant(2), "client/test", "Test", frozenset(), "mine")),
    )  # fmt: skip
    for thief in thieves:
        answer = await thief.post(asked, mcp_session_id=mine)
        assert answer.status_code == 404
        assert "begin with initialize" in answer.json()["error"]["message"]
    for forged in ("", "x", mine[:-4] + "AAAA", mine + "A" * 200_000):
        answer = await me.post(asked, mcp_session_id=forged)
        assert answer.status_code in (400, 404)
        assert "result" not in answer.json()


async def test_a_session_ends() -> None:
    now = [system_clock()]
    async with open_mcp(MemoryStore(system_clock), clock=lambda: now[0]) as there:
        me = there.by(there.house.caller("system/*.rs"), seconds=90_000)
        mine = await begun(me)
        assert (await me.post(of_old("ping"), mcp_session_id=mine)).status_code == 200
        now[0] += 12 * 3_600_000_000
        assert (await me.post(of_old("ping"), mcp_session_id=mine)).status_code == 404


async def test_large_requests_are_refused_before_they_are_read(there: There) -> None:
    me = there.of("system/*.rs")
    large = calling("search", type="Patient", parameters={"name": "x" * LIMIT})
    assert (await me.post(large)).status_code == 413
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 10_000

    headers = {"authorization": f"Bearer {me.token}", "content-type": "application/json"}
    answer = await there.http.post("/mcp", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent * 10_000 < 3 * LIMIT
    assert await told(there, TENANT) == ("client/test", "POST")


class Mute(MemoryStore):
    """Keeps no audit record, once it is told so."""

    mute = False

    async def append(self, tenant: Tenant, record: bytes) -> None:
        if self.mute:
            raise Fault("The audit store is broken.")
        await super().append(tenant, record)


async def test_without_its_audit_record_no_answer_leaves() -> None:
    store = Mute(system_clock)
    async with open_mcp(store) as there:
        for record in RECORDS:
            await there.house.put(record)
        me = there.of("system/*.rs")
        session = await begun(me)
        store.mute = True
        for name, taken in ASKING.items():
            result = await me.result(name.split()[0], **taken)
            assert result["isError"]
            assert MARK not in json.dumps(result)
        for said in (message("resources/read", uri="fhir:///Patient/other"), message("nothing")):
            assert (await me.post(said)).json()["error"]["code"] == -32603
        old = await me.post(
            of_old("resources/read", uri="fhir:///Patient/x"), mcp_session_id=session
        )
        assert old.json()["error"]["code"] == -32603


async def test_each_call_is_in_the_trail_as_what_it_is(there: There) -> None:
    me = there.of("system/*.cruds")
    wanted = {
        "read": ("read", {"type": "Patient", "id": "mine"}),
        "vread": ("read", {"type": "Patient", "id": "mine", "version": 1}),
        "search-type": ("search", {"type": "Patient"}),
        "history-instance": ("history", {"type": "Patient", "id": "mine"}),
        "$validate": ("validate", {"resource": NEW}),
        "create": ("create", {"resource": NEW}),
        "patch": ("update", CHANGE),
        "$lookup": ("terminology_lookup", {"system": "http://hl7.org/fhir/administrative-gender",
                                           "code": "male"}),
    }  # fmt: skip
    for interaction, (tool, taken) in wanted.items():
        before = len(await there.house.audit())
        await me.call(tool, **taken)
        (kept,) = (await there.house.audit())[before:]
        assert (kept.interaction, kept.agent) == (interaction, "client/test")


async def test_who_asks_how_to_ask_is_told(there: There) -> None:
    found = await there.http.get("/.well-known/oauth-protected-resource/mcp")
    assert found.json()["resource"] == f"{ROOT}/mcp"
    assert found.json()["authorization_servers"] == [ROOT]
    assert found.headers["access-control-allow-origin"] == "*"
    async with open_mcp(MemoryStore(system_clock), addressing=Addressing()) as unnamed:
        said: httpx.Response = await unnamed.http.get("/.well-known/oauth-protected-resource/mcp")
        assert "authorization_servers" not in said.json(), "the Host header could name any"
