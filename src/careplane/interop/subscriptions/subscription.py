"""A Subscription of the backport as a value: read out of the resource, with all that can be wrong
with it said at once where it stands."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.elements import extensions, single, value, wrong
from careplane.kernel.errors import Unsupported

Kind: TypeAlias = Literal["rest-hook", "websocket", "email", "message"]
Content: TypeAlias = Literal["empty", "id-only", "full-resource"]
Status: TypeAlias = Literal["requested", "active", "error", "off"]
KINDS: tuple[Kind, ...] = ("rest-hook", "websocket", "email", "message")
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")
JSON, XML = "application/fhir+json", "application/fhir+xml"
_MIMES = {JSON: JSON, "application/json": JSON, XML: XML, "application/xml": XML}
_TIMEOUT, _MOST_TIMEOUT = 10, 60
_COUNT, _MOST_COUNT = 20, 100
LEAST_HEARTBEAT = 5
_MOST_HEADERS, _LONGEST = 20, 4000
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}):[ \t]*([\x20-\x7e\t]*)")
_OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade"}
    | {"te", "trailer", "keep-alive", "expect", "content-encoding", "proxy-connection"}
    | {"proxy-authorization", "proxy-authenticate"}
)
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


class Subscription(Struct, frozen=True):
    """Who is told of what. `headers` are names and values for an HTTP channel; `timeout` and
    `heartbeat` (0: none) are seconds; `end` is in microseconds since 1970, None for open."""

    id: str
    status: Status
    topic: str
    filters: tuple[str, ...]
    kind: Kind
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    mime: str
    content: Content
    timeout: int
    heartbeat: int
    count: int
    end: int | None
    owner: str


def read(tree: Tree, id: str) -> Subscription:
    """Of a resource that is valid R4. Raises Invalid or Unsupported."""
    criteria = tree.get("criteria")
    if not isinstance(criteria, str) or ":" not in criteria or criteria[:1].isupper():
        raise Unsupported(
            "Subscriptions are topic-based here: criteria is the address of a topic, and filters "
            "stand in its extension backport-filter-criteria."
        )
    channel = tree["channel"]
    kind = _kind(channel)
    content = _content(channel, kind)
    filters = tuple(value(one) for one in extensions(tree.get("_criteria"), names.FILTER))
    if not all(isinstance(one, str) for one in filters):
        raise wrong("A filter is a valueString.", "Subscription.criteria.extension")
    return Subscription(
        id,
        cast(Status, tree.get("status")),
        criteria,
        filters,
        kind,
        _endpoint(channel, kind),
        _headers(channel),
        _mime(channel, kind),
        content,
        _number(channel, names.TIMEOUT, _TIMEOUT, 1, _MOST_TIMEOUT),
        _number(channel, names.HEARTBEAT, 0, LEAST_HEARTBEAT, 10_000_000),
        min(_number(channel, names.MAX_COUNT, _COUNT, 1, 1_000_000), _MOST_COUNT),
        _end(tree),
        str(single(tree, names.OWNER) or ""),
    )


def _kind(channel: Tree) -> Kind:
    if extensions(channel.get("_type"), names.CHANNEL_TYPE):
        raise Unsupported("Custom channel types are not offered.")
    kind = channel.get("type")
    if kind not in KINDS:
        raise Unsupported(f"The channel is one of {', '.join(KINDS)}.")
    return cast(Kind, kind)


def _content(channel: Tree, kind: Kind) -> Content:
    where = "Subscription.channel.payload.extension"
    content = single(channel.get("_payload"), names.CONTENT)
    if content is None and kind == "email":
        return "empty"
    if content not in CONTENTS:
        text = f"backport-payload-content is needed, one of {', '.join(CONTENTS)}."
        raise wrong(text, where)
    if kind == "email" and content != "empty":
        text = "Mail is not a secure channel: an e-mail carries 'empty' content only."
        raise wrong(text, where)
    return cast(Content, content)


def _endpoint(channel: Tree, kind: Kind) -> str:
    where = "Subscription.channel.endpoint"
    endpoint = channel.get("endpoint")
    if kind == "websocket":
        return ""
    if not isinstance(endpoint, str) or len(endpoint) > _LONGEST:
        raise wrong(f"A {kind} channel needs an endpoint.", where)
    if kind == "email":
        address = unquote(endpoint.removeprefix("mailto:"))
        if not _MAIL.fullmatch(address):
            raise wrong("The endpoint of an email channel is mailto:name@domain.", where)
        return address
    return _url(endpoint, where)


def _url(endpoint: str, where: str) -> str:
    try:
        parts = urlsplit(endpoint)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username is not None or not endpoint.isascii():
        raise wrong("The endpoint is an http or https address without user and password.", where)
    return endpoint


def _headers(channel: Tree) -> tuple[tuple[str, str], ...]:
    where = "Subscription.channel.header"
    lines = [line for line in channel.get("header", []) if isinstance(line, str)]
    if len(lines) > _MOST_HEADERS:
        raise wrong(f"A channel has at most {_MOST_HEADERS} headers.", where)
    found = []
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None or len(line) > _LONGEST:
            raise wrong("A header is one line of ASCII, 'Name: value'.", where)
        if match[1].lower() in _OURS:
            raise wrong(f"The header {match[1]} is set by the server.", where)
        found.append((match[1], match[2].strip()))
    return tuple(found)


def _mime(channel: Tree, kind: Kind) -> str:
    given = channel.get("payload")
    if kind == "email" and given in (None, "text/plain"):
        return "text/plain"
    mime = _MIMES.get(str(given).partition(";")[0].strip())
    if mime is None or kind == "email":
        offered = "text/plain" if kind == "email" else f"{JSON} or {XML}"
        raise wrong(
            f"The payload of a {kind} channel is {offered}.", "Subscription.channel.payload"
        )
    return mime


def _number(channel: Tree, url: str, default: int, least: int, most: int) -> int:
    found = single(channel, url)
    if found is None or (found == 0 and default == 0):
        return default
    if type(found) is not int or not least <= found <= most:
        name = url.rpartition("/")[2]
        raise wrong(f"{name} is a whole number from {least} to {most}.", "Subscription.channel")
    return found


def _end(tree: Tree) -> int | None:
    end = tree.get("end")
    if not isinstance(end, str):
        return None
    return int(datetime.fromisoformat(end).timestamp() * 1_000_000)
