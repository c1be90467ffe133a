"""MCP with the settings of an installation. Read when it is first asked for: no start waits for
it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from careplane.access.caller import Caller
from careplane.app.dispatch import App, when_asked
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.interop.mcp.protected import METADATA, PATH
from careplane.kernel.clock import system_clock
from careplane.records.door import Door
from careplane.rest.addressing import Addressing
from careplane.rest.links import Pages
from careplane.rest.watch import Watch

if TYPE_CHECKING:
    from careplane.interop.mcp.server import Server


def mcp_apps(
    settings: Settings,
    key: Keys,
    door: Door,
    resolve: Callable[[str], Caller],
    addressing: Addressing,
    watch: Watch,
) -> dict[str, App]:
    """The application at its addresses; none where it is off."""

    def endpoint() -> App:
        from careplane.interop.mcp.http import Endpoint
        from careplane.interop.mcp.sessions import Sessions

        origins = (one.strip().rstrip("/") for one in settings.mcp_origins.split(","))
        return Endpoint(
            server_of(settings, key, door),
            Sessions(Pages(key.derive("mcp-sessions")), system_clock),
            resolve,
            addressing,
            frozenset(filter(None, origins)),
            settings.max_body_bytes,
            watch,
        )

    application = when_asked(endpoint)
    return {} if settings.mcp == "off" else dict.fromkeys((PATH, METADATA), application)


def server_of(settings: Settings, key: Keys, door: Door) -> Server:
    """What answers, whatever messages come by."""
    from careplane.interop.mcp.catalogue import TOOLS
    from careplane.interop.mcp.server import Server
    from careplane.interop.mcp.tool import Desk

    desk = Desk(door, Pages(key.derive("mcp-cursors")), system_clock)
    return Server(desk, TOOLS, writes=settings.mcp == "write")
