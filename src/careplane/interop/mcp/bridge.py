"""From standard input and output to a server elsewhere: each line a POST to its `/mcp`, for
programs that can start a command and speak no HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx

from careplane.interop.mcp.messages import INTERNAL_ERROR, Message, Refused
from careplane.interop.mcp.protected import PATH
from careplane.interop.mcp.stdio import Answering

_SESSION = "mcp-session-id"
_SECONDS = 120


def remote(http: httpx.AsyncClient, base: str, token: str) -> Answering:
    """Answers of the server at `base`, with or without `/fhir`, to the bearer of a token."""
    address = base.rstrip("/").removesuffix("/fhir") + PATH
    session: dict[str, str] = {}

    async def answering(message: Message, line: bytes) -> bytes | None:
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **(session if message.version is None else _repeated(message)),
        }
        try:
            got = await http.post(address, content=line, headers=headers, timeout=_SECONDS)
        except httpx.HTTPError as error:
            text = f"The server cannot be reached: {type(error).__name__}."
            raise Refused(INTERNAL_ERROR, text, id=message.id) from None
        if message.method == "initialize" and _SESSION in got.headers:
            session[_SESSION] = got.headers[_SESSION]
        return None if message.id is None else _answer(got, message)

    return answering


def _repeated(message: Message) -> dict[str, str]:
    """The headers that say what the message says (2026-07-28, "Request Metadata")."""
    named = message.params.get("name", message.params.get("uri"))
    headers = {"mcp-protocol-version": str(message.version), "mcp-method": message.method}
    if isinstance(named, str):
        headers["mcp-name"] = named
    return {name: _encoded(value) for name, value in headers.items()}


def _encoded(value: str) -> str:
    plain = value.isascii() and value.isprintable() and value == value.strip()
    if plain and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def _answer(got: httpx.Response, message: Message) -> bytes:
    """The line of an answer; one without the id of the request is about the request."""
    try:
        said: Any = json.loads(got.content)
    except ValueError:
        said = None
    if isinstance(said, dict) and said.get("id") == message.id:
        return got.content
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        code, text = error.get("code", INTERNAL_ERROR), error.get("message", "")
        raise Refused(code, text, error.get("data"), message.id)
    text = f"The server answered with the status {got.status_code}, and nothing that is MCP."
    raise Refused(INTERNAL_ERROR, text, id=message.id)
