"""Which application a request goes to, and when one is made."""

from __future__ import annotations

import pytest

from careplane.app.dispatch import App, Receive, Scope, Send, when_asked


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_an_application_is_made_once_with_its_first_request() -> None:
    made: list[str] = []
    asked: list[str] = []

    def make() -> App:
        made.append("made")

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            asked.append(scope["path"])

        return application

    async def nothing(*_: object) -> dict[str, object]:
        raise AssertionError("nobody asks for more")

    application = when_asked(make)
    assert made == []
    for path in ("/", "/patients"):
        await application({"type": "http", "path": path}, nothing, nothing)
    assert (made, asked) == (["made"], ["/", "/patients"])
