"""What MCP answers to messages, headers and arguments that are wrong: a status, a code, and words
that say what to do."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from careplane.interop.mcp import stdio
from careplane.interop.mcp.bridge import remote
from careplane.interop.mcp.catalogue import TOOLS
from careplane.interop.mcp.server import Server
from careplane.interop.mcp.tool import DATA, Desk
from careplane.interop.mcp.versions import CAPABILITIES, MODERN, VERSION
from careplane.kernel.clock import system_clock
from careplane.rest.links import Pages
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import patient
from tests.mcp_house import META, There, calling, message, of_old, open_mcp

pytestmark = pytest.mark.anyio


@pytest.fixture
async def there() -> AsyncIterator[There]:
    async with open_mcp(MemoryStore(system_clock), writes=True) as there:
        await there.house.put(patient("p"))
        yield there


DEEP = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 500 + b"]" * 500 + b"}"
MESSAGES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", -32700, "not JSON"),
    "no JSON": (b"{", -32700, "not JSON"),
    "no UTF-8": (b'{"a":"\xff"}', -32700, "not JSON"),
    "too deep": (DEEP, -32700, "levels"),
    "a name twice": (b'{"jsonrpc":"2.0","jsonrpc":"2.0"}', -32700, "twice"),
    "a text": (b'"ping"', -32600, "object"),
    "a batch": (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, "one message at a time"),
    "JSON-RPC 1": (b'{"id":1,"method":"ping"}', -32600, "jsonrpc"),
    "no method": (b'{"jsonrpc":"2.0","id":1}', -32600, "method"),
    "a response": (b'{"jsonrpc":"2.0","id":1,"result":{}}', -32600, "responses are not taken"),
    "null for an id": (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, "'id'"),
    "true for an id": (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, "'id'"),
    "a long id": (
        json.dumps({"jsonrpc": "2.0", "id": "x" * 201, "method": "ping"}).encode(), -32600, "'id'"
    ),
    "parameters in a list": (
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602, "'params'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_that_is_none(there: There, name: str) -> None:
    raw, code, text = MESSAGES[name]
    before = len(await there.house.audit())
    answer = await there.of("system/*.rs").post(raw)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert text in answer.json()["error"]["message"]
    assert len(await there.house.audit()) == before + 1


def without(key: str) -> dict[str, Any]:
    return message("tools/list", _meta={k: v for k, v in META.items() if k != key})


OTHER = message("tools/list", _meta={**META, VERSION: "1900-01-01"})
READ = calling("read", type="Patient", id="p")
WRONG: dict[str, tuple[dict[str, Any], dict[str, str], int, int, str]] = {
    "another version": (OTHER, {"mcp_protocol_version": "1900-01-01"}, 400, -32022, "not spoken"),
    "another version in the header": (
        message("tools/list"), {"mcp_protocol_version": "2025-11-25"}, 400, -32020, "MCP-Protocol"
    ),
    "no version in the header": (
        message("tools/list"), {"mcp_protocol_version": ""}, 400, -32020, "is missing"
    ),
    "an unknown version in the header alone": (
        of_old("tools/list"), {"mcp_protocol_version": "1900-01-01"}, 400, -32022, "not spoken"
    ),
    "no version in the message": (
        of_old("tools/list"), {"mcp_protocol_version": MODERN}, 400, -32602, "_meta"
    ),
    "no capabilities": (without(CAPABILITIES), {}, 400, -32602, "capabilities"),
    "another method in the header": (
        message("tools/list"), {"mcp_method": "tools/call"}, 400, -32020, "Mcp-Method"
    ),
    "no name in the header": (READ, {"mcp_name": ""}, 400, -32020, "Mcp-Name is missing"),
    "another name in the header": (READ, {"mcp_name": "search"}, 400, -32020, "something else"),
    "a name that is no base64": (READ, {"mcp_name": "=?base64?%?="}, 400, -32020, "Mcp-Name"),
    "a method that was taken out": (message("ping"), {}, 404, -32601, "no method"),
    "a method that never was": (message("x" * 500), {}, 404, -32601, "no method"),
    "a tool that is none": (calling("delete"), {}, 400, -32602, "there are search, read"),
    "a tool without a name": (
        message("tools/call"), {"mcp_name": "read"}, 400, -32020, "something else"
    ),
    "a resource of another kind": (
        message("resources/read", uri="file:///etc/passwd"), {}, 400, -32602, "fhir:///Patient/17"
    ),
    "no session": (of_old("tools/list"), {}, 400, -32600, "begin with initialize"),
    "a form": (READ, {"content_type": "text/plain"}, 415, -32600, "application/json"),
    "XML wanted": (READ, {"accept": "application/xml"}, 406, -32600, "Accept"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_does_not_fit(there: There, name: str) -> None:
    said, headers, status, code, text = WRONG[name]
    before = len(await there.house.audit())
    answer = await there.of("system/*.rs").post(said, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert text in answer.json()["error"]["message"]
    (kept,) = (await there.house.audit())[before:]
    assert kept.outcome == "4"


async def test_a_name_may_be_encoded_in_the_header(there: There) -> None:
    answer = await there.of("system/*.rs").post(READ, mcp_name="=?base64?cmVhZA==?=")
    assert answer.json()["result"]["isError"] is False


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
async def test_only_post_is_offered(there: There, method: str) -> None:
    answer = await there.http.request(method, "/mcp")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


async def test_a_session_settles_a_version_that_both_speak(there: There) -> None:
    me = there.of("system/*.rs")
    for wanted, settled in (
        ("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25"),
        (MODERN, "2025-11-25"), ("nonsense", "2025-11-25"), (None, "2025-11-25"),
    ):  # fmt: skip
        answer = await me.post(of_old("initialize", protocolVersion=wanted))
        assert answer.json()["result"]["protocolVersion"] == settled
        id = answer.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await me.post(ready, mcp_session_id=id)).status_code == 202
        other = "2025-06-18" if settled == "2025-11-25" else "2025-11-25"
        got = await me.post(of_old("ping"), mcp_session_id=id, mcp_protocol_version=settled)
        assert got.json()["result"] == {}
        got = await me.post(of_old("ping"), mcp_session_id=id, mcp_protocol_version=other)
        assert got.status_code == 400
        unknown = await me.post(of_old("nothing"), mcp_session_id=id)
        assert unknown.status_code == 200, "404 would mean that the session is over"
        assert unknown.json()["error"]["code"] == -32601


ARGUMENTS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no type": ("search", {}, "invalid", "Name the type"),
    "no such type": ("search", {"type": "Nonsense"}, "not-found", "not a FHIR R4 resource type"),
    "no such parameter": (
        "search", {"type": "Patient", "parameters": {"x": "1"}}, "not-supported", "no search param"
    ),
    "our own parameters": (
        "search", {"type": "Patient", "parameters": {"_count": "5"}}, "invalid", "'count'"
    ),
    "too many": ("search", {"type": "Patient", "count": 51}, "value", "<= 50"),
    "a count of text": ("search", {"type": "Patient", "count": "5"}, "value", "`int`"),
    "many parameters": (
        "search", {"type": "Patient", "parameters": {f"p{n}": "x" for n in range(31)}},
        "invalid", "30 parameters",
    ),
    "a long value": (
        "search", {"type": "Patient", "parameters": {"name": "x" * 2001}}, "value", "2000"
    ),
    "an argument that is none": ("read", {"type": "Patient", "id": "p", "x": 1}, "value", "`x`"),
    "no id": ("read", {"type": "Patient"}, "value", "`id`"),
    "a negative version": ("read", {"type": "Patient", "id": "p", "version": -1}, "value", ">= 0"),
    "no such version": (
        "read", {"type": "Patient", "id": "p", "version": 9}, "not-found", "Patient"
    ),
    "no such record": ("history", {"type": "Patient", "id": "q"}, "not-found", "Patient"),
    "a history of nothing": ("history", {}, "invalid", "type and the id"),
    "a forged cursor": ("history", {"cursor": "AAAA"}, "invalid", "not of this server"),
    "the cursor of another tool": (
        "search", {"cursor": "history"}, "invalid", "not of this server"
    ),
    "no patient": ("summary", {}, "invalid", "Name the patient"),
    "a resource of no type": ("validate", {"resource": {}}, "invalid", "resourceType"),
    "a resource that is a text": ("validate", {"resource": "x"}, "value", "`object`"),
    "a profile that is none": (
        "validate", {"resource": {"resourceType": "Patient"}, "profiles": ["x"]}, "value", "regex"
    ),
    "a mode that is none": (
        "validate", {"resource": {"resourceType": "Patient"}, "mode": "x"}, "value", "enum"
    ),
    "no such code system": (
        "terminology_lookup", {"system": "http://x", "code": "y"}, "not-found", "http://x"
    ),
    "no such value set": ("terminology_expand", {"value_set": "http://x"}, "not-found", "http://x"),
    "too many codes": (
        "terminology_expand", {"value_set": "http://x", "count": 201}, "value", "<= 200"
    ),
    "no such map": (
        "terminology_translate",
        {"system": "http://x", "code": "y", "concept_map": "http://x/map"}, "not-found", "",
    ),
    "an invalid resource": (
        "create", {"resource": {"resourceType": "Patient", "gender": 1}}, "", "gender"
    ),
    "another id": (
        "update", {"type": "Patient", "id": "p", "version": 1, "elements": {"id": "q"}},
        "invalid", "cannot be changed",
    ),
    "nothing to change": (
        "update", {"type": "Patient", "id": "p", "version": 1, "elements": {}}, "value", "length"
    ),
    "a version that is over": (
        "update", {"type": "Patient", "id": "p", "version": 7, "elements": {"gender": "male"}},
        "conflict", "version",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_an_argument_that_is_wrong(there: There, name: str) -> None:
    tool, taken, code, text = ARGUMENTS[name]
    me = there.of("system/*.cruds")
    if taken.get("cursor") == "history":
        await there.house.put(patient("p", gender="other"))
        found = await me.call("history", type="Patient", id="p", count=1)
        taken = {"cursor": found["next"]}
    before = len(await there.house.audit())
    issue = await me.fails(tool, **taken)
    assert issue["severity"] == "error"
    assert not code or issue["code"] == code, issue
    said = json.dumps(issue)
    assert text in said, said
    (kept,) = (await there.house.audit())[before:]
    assert kept.outcome == "4"


async def test_what_is_long_is_left_out_and_named(there: There) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">p</div>'
    photo = [{"contentType": "image/png", "data": "A" * 4000}, {"title": "short"}]
    await there.house.put(
        patient("p", text={"status": "additional", "div": div}, photo=photo, multipleBirthInteger=1)
    )
    me = there.of("system/*.rs")
    read = await me.call("read", type="Patient", id="p")
    assert read["omitted"] == [{"reference": "Patient/p", "elements": ["text", "photo[0].data"]}]
    assert read["resource"]["photo"] == [{"contentType": "image/png"}, {"title": "short"}]
    text = await me.call("read", type="Patient", id="p", elements=["text"])
    assert text["resource"]["text"]["div"] == div


async def test_an_answer_has_bounds(there: There) -> None:
    notes = [{"text": "x" * 1900} for _ in range(40)]
    large = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "note": notes}
    for id in ("a", "b"):
        await there.house.put({**large, "id": id})
    me = there.of("system/*.rs")
    found = await me.call("search", type="Condition", parameters={"_sort": "_id"})
    assert found["without_room"] == ["Condition/a", "Condition/b"]
    issue = await me.fails("read", type="Condition", id="a")
    assert issue["code"] == "too-long"
    assert "elements" in issue["diagnostics"]
    part = await me.call("read", type="Condition", id="a", elements=["subject"])
    assert "note" not in part["resource"]
    assert (await me.call("history", type="Condition", id="a"))["versions"][0]["version"] == 1


async def test_numbers_keep_their_digits(there: There) -> None:
    raw = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        b'"subject":{"reference":"Patient/p"},"valueQuantity":{"value":1.00,"unit":"g"}}'
    )
    await there.house.http.put("Observation/o", content=raw)
    answer = await there.of("system/*.rs").post(calling("read", type="Observation", id="o"))
    assert '"value":1.00' in answer.text
    short = await there.of("system/*.rs").call("summary", patient="p")
    assert short["results"]["lines"][0]["detail"] == "1.00 g"


def test_tools_that_show_contents_say_that_these_are_data() -> None:
    showing = {"search", "read", "summary", "history"}
    assert {tool.name for tool in TOOLS if tool.description.endswith(DATA)} == showing


LINES: dict[str, tuple[bytes, bytes]] = {
    "an empty line": (b"\n", b""),
    "no JSON": (b"nonsense\n", b"-32700"),
    "a notification": (b'{"jsonrpc":"2.0","method":"notifications/cancelled"}\n', b""),
    "a wrong notification": (b'{"jsonrpc":"2.0","method":5}\n', b"-32600"),
    "before initialize": (b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n', b"initialize"),
    "after initialize": (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n'
        b'{"jsonrpc":"2.0","id":2,"method":"ping"}\n',
        b'"id":2,"result":{}',
    ),
    "a long line, and one after it": (
        b"x" * 50_000 + b'\n{"jsonrpc":"2.0","id":1,"method":"initialize"}\n', b"at most 1000 bytes"
    ),
    "no end of the line": (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}', b"-32600"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
async def test_lines_of_standard_input(there: There, name: str) -> None:
    sent, said = LINES[name]
    sink = io.BytesIO()
    server = Server(Desk(there.house.door, Pages(bytes(32)), system_clock), TOOLS)
    answering = stdio.local(server, there.house.caller("system/*.rs"))
    await stdio.serve(io.BytesIO(sent), sink, answering, 1000)
    assert said in sink.getvalue()
    assert bool(sink.getvalue()) == bool(said)
    for line in sink.getvalue().splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"


async def bridged(http: httpx.AsyncClient, token: str, said: dict[str, Any]) -> dict[str, Any]:
    """The one line that comes back by way of a server elsewhere."""
    sink = io.BytesIO()
    source = io.BytesIO(json.dumps(said).encode() + b"\n")
    await stdio.serve(source, sink, remote(http, "https://hospital.test/fhir/", token), 10_000)
    return json.loads(sink.getvalue())  # type: ignore[no-any-return]


def answering(status: int, content: bytes) -> httpx.AsyncClient:
    """A server that says the same to everything."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=content))
    return httpx.AsyncClient(transport=transport)


async def test_a_bridge_says_why_there_is_no_answer(there: There) -> None:
    token = there.of("system/*.rs").token
    good = await bridged(there.http, token, READ)
    assert good["result"]["structuredContent"]["resource"]["id"] == "p"
    refused = await bridged(there.http, "nonsense", READ)
    assert refused["id"] == READ["id"]
    assert "not one that this server issued" in refused["error"]["message"]
    async with answering(502, b"<html>") as broken:
        assert "status 502" in (await bridged(broken, token, READ))["error"]["message"]
    async with answering(200, b'{"id":"another"}') as strange:
        assert "nothing that is MCP" in (await bridged(strange, token, READ))["error"]["message"]

    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(down)) as nowhere:
        said = (await bridged(nowhere, token, READ))["error"]["message"]
        assert said == "The server cannot be reached: ConnectError."


async def test_a_bridge_repeats_names_that_no_header_can_hold(there: There) -> None:
    said = message("resources/read", uri="fhir:///Patient/ä")
    refused = await bridged(there.http, there.of("system/*.rs").token, said)
    assert "fhir:///Patient/17" in refused["error"]["message"], "no mismatch of headers"
