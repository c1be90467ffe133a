"""A witness over HTTP: POST /add-checkpoint (c2sp.org/tlog-witness)."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Fault,
    Forbidden,
    Incorrect,
    NotFound,
    TooLarge,
)
from careplane.ledger.formats import submission
from careplane.ledger.witness.witness import Elsewhere, Inconsistent, Witness

_SECONDS = 10.0
_STATUS: tuple[tuple[type[CareplaneError], int], ...] = (
    (Inconsistent, 422),
    (TooLarge, 413),
    (Incorrect, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Fault, 500),
)


def application(witness: Witness) -> Starlette:
    """What a witness answers."""

    async def add(request: Request) -> Response:
        try:
            async with asyncio.timeout(_SECONDS):
                data = await _body(request)
            return _plain(await witness.add(data))
        except Elsewhere as error:
            size = f"{error.size}\n".encode()
            return Response(size, 409, headers={"content-type": submission.SIZE_TYPE})
        except CareplaneError as error:
            status = next(code for kind, code in _STATUS if isinstance(error, kind))
            return _plain(f"{error.text}\n".encode(), status)
        except (TimeoutError, ClientDisconnect):
            return _plain(b"The request took too long.\n", 408)

    async def live(request: Request) -> Response:
        return _plain(b"live\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/livez", live, methods=["GET"]),
        ]
    )


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > submission.MOST_BYTES:
            raise TooLarge(f"A submission has at most {submission.MOST_BYTES:,} bytes.")
        parts.append(part)
    return b"".join(parts)


def _plain(data: bytes, status: int = 200) -> Response:
    return Response(data, status, media_type="text/plain")
