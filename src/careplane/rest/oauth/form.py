"""A form as OAuth endpoints take it (RFC 6749, 3.2): in the body, bounded, no parameter twice. And
the JSON of a registration (RFC 7591, 3.1)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from careplane.access.smart.refusal import Refused
from careplane.rest.request import Receive

_LONGEST, _MOST = 32_768, 32
_TYPE = "application/x-www-form-urlencoded"


async def read_form(headers: dict[bytes, bytes], query: bytes, receive: Receive) -> dict[str, str]:
    """Its parameters. Those without a value count as left out. Raises Refused."""
    media, _, parameters = headers.get(b"content-type", b"").decode("latin-1").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != _TYPE or charset not in ("", "charset=utf-8"):
        raise _wrong(f"Send {_TYPE}, in UTF-8.")
    if query:
        raise _wrong("Parameters are sent in the body, never in the address.")
    body = await _body(receive)
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict",
            max_num_fields=_MOST,
        )  # fmt: skip
    except ValueError:
        raise _wrong(f"The body is not a form in UTF-8 of at most {_MOST} parameters.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _wrong("A parameter is there twice.")
    return {name: value for name, value in pairs if value}


async def read_json(headers: dict[bytes, bytes], receive: Receive) -> object:
    """A JSON value. Raises Refused."""
    media = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
    if media.strip().lower() != "application/json":
        raise Refused("invalid_client_metadata", "Send application/json.")
    try:
        return json.loads(await _body(receive))
    except (ValueError, RecursionError):
        raise Refused("invalid_client_metadata", "The body is not JSON.") from None


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > _LONGEST:
            raise _wrong(f"The body has more than {_LONGEST} bytes.")
        if message["type"] != "http.request" or not message.get("more_body"):
            return body


def _wrong(text: str) -> Refused:
    return Refused("invalid_request", text)
