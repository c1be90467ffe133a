"""Which versions of the protocol are spoken, and what tells them apart.

Since 2026-07-28 each request says its version in `_meta` and stands alone ("Versioning and
Compatibility"); before, a handshake (`initialize`) settled it for a session.
"""

from __future__ import annotations

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18")
"""The newest first; it is what a client is offered that asks for one we do not speak."""
SUPPORTED = (MODERN, *LEGACY)

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SERVER = "io.modelcontextprotocol/serverInfo"
"""Keys of `_meta`."""
