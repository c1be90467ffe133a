"""JSON-RPC 2.0 as MCP has it: one message at a time, an id that is a text or an integer.

Bytes are parsed as strictly as a resource is: numbers keep their digits, depth is bounded.
"""

from __future__ import annotations

from typing import Any

import msgspec

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.mcp.versions import VERSION
from careplane.kernel.errors import Incorrect, Malformed

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32601, -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
"""Of MCP (2026-07-28, "Error Codes")."""
NOT_FOUND_OF_OLD = -32002
"""A resource that is not there, up to 2025-11-25."""
FAULT = "The server failed; the operator finds the reason in its log."

Id = str | int | None
_LONGEST_ID = 200
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Refused(Incorrect):
    """A message that cannot be answered with a result. `number` is the code of JSON-RPC or MCP;
    `id` is that of the message, None where it could not be read."""

    def __init__(self, number: int, text: str, data: object = None, id: Id = None) -> None:
        super().__init__(text)
        self.number, self.data, self.id = number, data, id


class Message(msgspec.Struct, frozen=True):
    """A request, or a notification where `id` is None."""

    method: str
    params: Tree
    id: Id

    @property
    def meta(self) -> Tree:
        """What the request says of itself."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}

    @property
    def version(self) -> object:
        """The protocol version that it names; None for one of a session."""
        return self.meta.get(VERSION)


def read(raw: bytes) -> Message:
    """The message in a body or a line. Raises Refused."""
    try:
        found = json.parse_value(raw)
    except Malformed as error:
        raise Refused(PARSE_ERROR, f"The message is not JSON: {error.text}.") from None
    if isinstance(found, list):
        raise Refused(INVALID_REQUEST, "Send one message at a time; batches are not taken.")
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, 'A message is an object with "jsonrpc": "2.0".')
    id = _id(found)
    if not isinstance(found.get("method"), str):
        raise Refused(
            INVALID_REQUEST, "A request names its method; responses are not taken.", id=id
        )
    params = found.get("params", {})
    if not isinstance(params, dict):
        raise Refused(INVALID_PARAMS, "'params' is an object.", id=id)
    return Message(found["method"], params, id)


def _id(found: dict[str, Any]) -> Id:
    if "id" not in found:
        return None
    id = found["id"]
    is_text = isinstance(id, str) and len(id) <= _LONGEST_ID
    if is_text or (isinstance(id, int) and not isinstance(id, bool)):
        return id  # type: ignore[no-any-return]
    raise Refused(
        INVALID_REQUEST, f"'id' is an integer, or a text of at most {_LONGEST_ID} characters."
    )


def result(id: Id, value: object) -> bytes:
    """The response to a request that was answered."""
    return _encode({"jsonrpc": "2.0", "id": id, "result": value})


def refusal(error: Refused) -> bytes:
    """The response to one that was not."""
    said: Tree = {"code": error.number, "message": error.text}
    if error.data is not None:
        said["data"] = error.data
    id = {} if error.id is None else {"id": error.id}
    return _encode({"jsonrpc": "2.0", **id, "error": said})
