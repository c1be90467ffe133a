"""Counts the pages for people as one interaction, `page`."""

from __future__ import annotations

from collections.abc import MutableMapping
from time import perf_counter
from typing import Any

from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.rest.watch import Seen, Watch


def watched(pages: App, watch: Watch) -> App:
    """The same pages, each told of."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                watch(Seen("page"), message["status"], perf_counter() - began)
            await send(message)

        await pages(scope, receive, sending)

    return application
