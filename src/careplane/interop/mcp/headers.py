"""Headers that repeat what a message says, for whoever passes it on (2026-07-28, "Request
Metadata"): they must be there, and must say the same."""

from __future__ import annotations

import base64
import binascii

from careplane.interop.mcp.messages import HEADER_MISMATCH, Message, Refused

VERSION = b"mcp-protocol-version"
_METHOD, _NAME = b"mcp-method", b"mcp-name"
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_BEGIN, _END = "=?base64?", "?="


def check(headers: dict[bytes, bytes], message: Message) -> None:
    """Raises Refused where one is missing or says something else."""
    wanted = {VERSION: message.version, _METHOD: message.method}
    if message.method in _NAMED:
        wanted[_NAME] = message.params.get(_NAMED[message.method])
    for name, value in wanted.items():
        found = _decoded(headers.get(name))
        if found is None or found != value:
            what = "is missing" if name not in headers else "says something else than the message"
            title = name.decode().title().replace("Mcp-Protocol", "MCP-Protocol")
            raise Refused(HEADER_MISMATCH, f"The header {title} {what}.", id=message.id)


def _decoded(raw: bytes | None) -> str | None:
    """The text of a header; None where it is not there or cannot be read ("Value Encoding")."""
    if raw is None:
        return None
    text = raw.decode("latin-1").strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        return text if text.isascii() and text.isprintable() else None
    try:
        return base64.b64decode(text[len(_BEGIN) : -len(_END)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
