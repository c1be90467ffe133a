"""What browsers and proxies are told, and what they cannot be made to do: every kind of address."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from careplane.app import keys
from careplane.app.asgi import create
from careplane.app.build import build
from careplane.app.settings import Settings
from tools.bench import server

pytestmark = pytest.mark.anyio
ADDRESSES = (
    "/", "/sign-in", "/docs", "/nowhere", "/patients", "/static/careplane.css", "/static/nothing",
    "/fhir/metadata", "/fhir/Patient/x", "/fhir/Patient?name=x", "/fhir/Nonsense", "/fhir/_bulk/x",
    "/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration", "/openapi.json",
    "/oauth/token", "/oauth/jwks", "/oauth/authorize", "/oauth/userinfo", "/livez", "/readyz",
    "/mcp", "/.well-known/oauth-protected-resource/mcp",
    "/ledger/checkpoint", "/ledger/nothing", "/t/nobody/fhir/metadata",
)  # fmt: skip
ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    data = tmp_path / "data"
    keys.create(data)
    here = build(Settings(data=data, demo=True))
    transport = httpx.ASGITransport(here.asgi)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield client
    finally:
        await here.close()


@pytest.mark.parametrize("address", ADDRESSES)
async def test_each_answer_guards_itself(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.get(address)
    policy = answer.headers["content-security-policy"]
    for directive in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert "access-control-allow-credentials" not in answer.headers
    assert not answer.content or "content-type" in answer.headers


@pytest.mark.parametrize("address", ["/fhir/Patient/x", "/patients", "/oauth/token", "/readyz"])
async def test_what_is_private_is_in_no_cache(http: httpx.AsyncClient, address: str) -> None:
    said = (await http.get(address)).headers["cache-control"]
    assert "no-store" in said or {"private", "no-cache"} <= set(said.split(", "))


async def test_the_interface_takes_no_cookie(http: httpx.AsyncClient) -> None:
    page = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    entered = await http.post("/sign-in", data={"role": "physician"}, headers=page)
    assert entered.status_code == 303
    assert http.cookies
    assert (await http.get("/patients")).status_code == 200
    assert (await http.get("/fhir/Patient")).status_code == 401
    assert (await http.post("/fhir/Patient", content=b"{}")).status_code == 401


@pytest.mark.parametrize("address", ["/sign-out", "/audit/x", "/emergency/x", "/act-for"])
async def test_what_changes_something_is_no_get(http: httpx.AsyncClient, address: str) -> None:
    assert (await http.get(address)).status_code in (303, 404, 405)
    page = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await http.post(address, headers=page)).status_code in (403, 404, 405)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CAREPLANE_BASE_URL": "https://records.example.org"}, True),
        ({"CAREPLANE_BASE_URL": ""}, False),
    ],
)
async def test_https_stays_https(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    expected: bool,
) -> None:
    data = tmp_path / "data"
    keys.create(data)
    for name, value in {"CAREPLANE_DATA": str(data), **environment}.items():
        monkeypatch.setenv(name, value)
    transport = httpx.ASGITransport(create())
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for address in ("/livez", "/fhir/metadata", "/sign-in"):
            said = (await client.get(address)).headers.get("strict-transport-security", "")
            assert said == ("max-age=31536000; includeSubDomains" if expected else "")


SMUGGLED = (
    b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
    b"\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    b"GET /livez HTTP/1.1\r\nHost: x\r\nX: a\rSet-Cookie: b\r\n\r\n",
    b"TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n",
)


@pytest.mark.slow
def test_the_server_takes_no_smuggled_request(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    with server.serving(data) as running:
        port = int(running.base.split(":")[2].split("/")[0])
        for raw in SMUGGLED:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            status = int(answer.split(b" ", 2)[1]) if answer else 400
            assert status >= 400, raw
            assert answer.count(b"HTTP/1.1 200") == 0, raw
