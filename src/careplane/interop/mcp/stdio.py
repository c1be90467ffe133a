"""MCP over standard input and output: a message a line each way, for a program that starts this one
(transports, "stdio"). Whoever starts it is the caller; nothing else is written to the output."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import BinaryIO

from careplane.access.caller import Caller
from careplane.interop.mcp import messages
from careplane.interop.mcp.messages import INVALID_REQUEST, Message, Refused
from careplane.interop.mcp.server import Server

Answering = Callable[[Message, bytes], Awaitable[bytes | None]]
"""From a message, and the line that it was, to its answer; None where none is due. Raises
Refused."""


async def serve(source: BinaryIO, sink: BinaryIO, answering: Answering, limit: int) -> None:
    """Answer one line after the other, until there are no more. Lines may have `limit` bytes."""
    while line := await asyncio.to_thread(source.readline, limit + 1):
        if len(line) > limit:
            await asyncio.to_thread(_skip, source, line, limit)
            answer: bytes | None = messages.refusal(
                Refused(INVALID_REQUEST, f"A message may have at most {limit} bytes.")
            )
        elif not line.strip():
            continue
        else:
            answer = await _answered(line, answering)
        if answer is not None:
            sink.write(answer + b"\n")
            sink.flush()


async def _answered(line: bytes, answering: Answering) -> bytes | None:
    message: Message | None = None
    try:
        message = messages.read(line)
        return await answering(message, line)
    except Refused as error:
        is_notification = message is not None and message.id is None
        return None if is_notification else messages.refusal(error)


def _skip(source: BinaryIO, line: bytes, limit: int) -> None:
    """Pass over the rest of a line, in bounded memory."""
    while line and not line.endswith(b"\n"):
        line = source.readline(limit)


def local(server: Server, caller: Caller) -> Answering:
    """Answers of this process. A version with sessions is settled once, by initialize."""
    settled = False

    async def answering(message: Message, line: bytes) -> bytes | None:
        nonlocal settled
        if message.id is None:
            return None
        if message.version is not None:
            return await server.modern(caller, message)
        if message.method == "initialize":
            settled = True
        elif not settled:
            text = "Begin with initialize, or name the version of the protocol in _meta."
            raise Refused(INVALID_REQUEST, text, id=message.id)
        return await server.legacy(caller, message)

    return answering
