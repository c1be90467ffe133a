"""A program with the official SDK finds our authorization server by itself, a person allows it, and
it reads what the person may read (MCP 2026-07-28, "Authorization"; RFC 9728, 8414, 7636, 8707)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.interop.mcp.catalogue import TOOLS
from careplane.interop.mcp.http import Endpoint
from careplane.interop.mcp.protected import METADATA, PATH
from careplane.interop.mcp.server import Server
from careplane.interop.mcp.sessions import Sessions
from careplane.interop.mcp.tool import Desk
from careplane.kernel.clock import system_clock
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from tests.launch_house import REDIRECT, Launching, Person, answer, open_launching
from tests.oauth_house import ROOT

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def with_mcp(here: Launching) -> App:
    """The whole of it, and MCP."""
    there = here.there
    endpoint = Endpoint(
        Server(Desk(there.house.door, Pages(bytes(32)), system_clock), TOOLS),
        Sessions(Pages(bytes(32)), system_clock),
        there.tokens.resolve,
        Addressing(ROOT),
        frozenset(),
        100_000,
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        app = endpoint if scope["path"] in (PATH, METADATA) else there.app
        await app(scope, receive, send)

    return application


class Kept:
    """What the program keeps: that it is registered, and its tokens."""

    def __init__(self, client: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull(
            client_id=client,
            redirect_uris=[REDIRECT],
            token_endpoint_auth_method="none",
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("it is registered")


class Browser:
    """Where the program sends its user, and what comes back."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.asked: dict[str, str] = {}
        self.told: dict[str, str] = {}

    async def open(self, address: str) -> None:
        self.asked = dict(parse_qsl(urlsplit(address).query))
        self.told = answer(await self.person.allows(self.asked))

    async def back(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(
            code=self.told["code"], state=self.told["state"], iss=self.told["iss"]
        )


async def test_a_program_is_allowed_by_a_person() -> None:
    async with open_launching() as here, here.person("nurse") as nurse:
        browser, kept = Browser(nurse), Kept("pub")
        signing_in = OAuthClientProvider(
            f"{ROOT}/mcp",
            OAuthClientMetadata(redirect_uris=[REDIRECT], token_endpoint_auth_method="none"),
            kept,
            browser.open,
            browser.back,
        )
        transport = httpx2.ASGITransport(app=with_mcp(here))
        async with (
            httpx2.AsyncClient(transport=transport, base_url=ROOT, auth=signing_in) as http,
            Client(streamable_http_client(f"{ROOT}/mcp", http_client=http)) as client,
        ):
            found = await client.call_tool("search", {"type": "Patient"})
            assert not found.is_error
            assert "Family1" in found.content[0].text  # type: ignore[union-attr]
            refused = await client.call_tool("search", {"type": "Condition"})
            assert refused.is_error, "a nurse may not, whatever the program asked for"
        assert browser.asked["resource"] == f"{ROOT}/mcp"
        assert browser.asked["scope"].split()[0] == "user/*.rs"
        assert kept.tokens is not None
        seen = [
            one.agent for one in await here.there.house.audit() if one.interaction == "search-type"
        ]
        assert seen == ["Practitioner/nurse", "Practitioner/nurse"]


@pytest.mark.parametrize(
    ("resource", "taken"),
    [
        (f"{ROOT}/mcp", True),
        (f"{ROOT}/fhir", True),
        (ROOT, True),
        (f"{ROOT}.evil.example/mcp", False),
        ("https://evil.example/mcp", False),
        ("", False),
    ],
)
async def test_a_token_is_asked_for_this_server(resource: str, taken: bool) -> None:
    async with open_launching() as here, here.person("nurse") as nurse:
        asks = here.app("pub").asks("user/*.rs", aud=None, resource=resource)
        page = await nurse.asked(asks)
        assert (page.status_code == 200) == taken
        if not taken:
            assert answer(page.headers["location"])["error"] == "invalid_request"
        both = here.app("pub").asks("user/*.rs", aud="https://evil.example", resource=resource)
        assert (await nurse.asked(both)).status_code == 303, "aud counts where it is there"
