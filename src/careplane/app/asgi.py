"""What a worker process runs: the application, built from its environment, closed at its end."""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable

from careplane.app.build import build
from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.app.settings import Settings
from careplane.fhir import validation

_SWITCH_SECONDS = 0.0002
"""The store's writer gives up the interpreter at every statement; with the default of 5 ms a busy
event loop would hand it back late (docs/store.md)."""
_COMMON = ("Patient", "Observation", "Encounter", "Condition")
_YOUNG_OBJECTS = 50_000
"""Requests leave few cycles behind: the collector may look less often."""


def create() -> App:
    """The application of this process."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    here = build(Settings())
    validation.prepare(*_COMMON)
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, here.close)
        else:
            await here.asgi(scope, receive, send)

    return application


async def _lifespan(receive: Receive, send: Send, close: Callable[[], Awaitable[None]]) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await close()
    await send({"type": "lifespan.shutdown.complete"})
