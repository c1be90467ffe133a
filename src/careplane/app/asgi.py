"""What a worker process runs: the application, built from its environment, closed at its end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from careplane.app import interpreter
from careplane.app.build import Careplane, build
from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.app.operations import reports
from careplane.app.operations.drain import DRAIN
from careplane.app.operations.reports import Reporter
from careplane.app.settings import Settings
from careplane.app.tls import strict
from careplane.app.turns import in_turns
from careplane.kernel import observe


def create() -> App:
    """The application of this process."""
    settings = Settings()
    observe.log(settings.log_level)
    here = build(settings, for_long=True)
    asgi = in_turns(strict(here.asgi) if _over_https(settings) else here.asgi)
    interpreter.settle()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, here)
        else:
            await asgi(scope, receive, send)

    return application


def _over_https(settings: Settings) -> bool:
    """Whether clients come over TLS, of our own or of a proxy before us."""
    return bool(settings.tls_cert) or settings.base_url.startswith("https://")


async def _lifespan(receive: Receive, send: Send, here: Careplane) -> None:
    await receive()
    await here.authorizing.standing.watch()
    await here.tenancy.known.watch()
    await here.people.changes.watch()
    await send({"type": "lifespan.startup.complete"})
    warming = asyncio.create_task(here.warm())
    here.background.start()
    here.usage.start()
    asyncio.get_running_loop().add_signal_handler(DRAIN, here.traffic.drain)
    folder = os.environ.get(reports.ENVIRONMENT)
    reporter = Reporter(Path(folder), here.snapshot) if folder else None
    if reporter:
        await reporter.start()
    await receive()
    await asyncio.wait([warming])
    if reporter:
        await reporter.stop()
    await here.close()
    await send({"type": "lifespan.shutdown.complete"})
