"""Each interaction as a value: what is sent, and what is made of the answer (FHIR R4, 3.1.0).

Nothing here touches the network. `sync` and `aio` send what is made here: a method of theirs has
the parameters and the description of the function here that it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from careplane.client import pages
from careplane.client.pages import Page, Versions
from careplane.client.retries import idempotent
from careplane.client.transaction import Outcome, Transaction, outcomes
from careplane.client.wire import Pairs, Parameters, R, decode, decode_any, encode, name, pairs
from careplane.fhir.generated.structs.parameters import Parameters as ParametersResource
from careplane.fhir.structs import Struct
from careplane.kernel.errors import Incorrect

T = TypeVar("T")
JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_LONG = 2000
"""Bytes of a query above which a search goes by POST."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `path` is below the base, or a whole link of the server's."""

    method: str
    path: str
    understand: Callable[[httpx.Response], T]
    params: Pairs = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False


def read(type: type[R], id: str) -> Call[R]:
    """The current version of a resource."""
    return _get(_at(type, id), lambda answer: decode(type, answer.content))


def vread(type: type[R], id: str, version: str) -> Call[R]:
    """One version of a resource."""
    path = f"{_at(type, id)}/_history/{quote(version, safe='')}"
    return _get(path, lambda answer: decode(type, answer.content))


def create(resource: R, *, if_none_exist: str | None = None) -> Call[R]:
    """Create; with criteria only if nothing matches. The resource as it was stored, or what
    matches."""
    headers = {} if if_none_exist is None else {"If-None-Exist": if_none_exist}
    kind = type(resource)
    return _write("POST", name(kind), kind, encode(resource), headers, repeatable=bool(headers))


def update(resource: R, *, if_match: str | None = None, where: Parameters | None = None) -> Call[R]:
    """Update by id, or what matches; with `if_match` only that version."""
    kind, id = type(resource), getattr(resource, "id", None)
    if where is None and not id:
        raise Incorrect("An update needs a resource with an id, or criteria.")
    path = name(kind) if where is not None else _at(kind, str(id))
    once = where is not None or if_match is not None  # what was done may no longer match
    return _write(
        "PUT", path, kind, encode(resource), _tag(if_match), pairs(where), repeatable=not once
    )


def patch(
    type: type[R],
    id: str | None,
    change: Sequence[Mapping[str, Any]] | ParametersResource,
    *,
    if_match: str | None = None,
    where: Parameters | None = None,
) -> Call[R]:
    """Apply a JSON Patch (RFC 6902), or Parameters as a FHIRPath Patch."""
    if (id is None) == (where is None):
        raise Incorrect("A patch goes to an id or to what matches criteria; give one of them.")
    fhirpath = isinstance(change, ParametersResource)
    media = JSON if fhirpath else "application/json-patch+json"
    body = msgspec.json.Encoder(decimal_format="number").encode(change)
    path = name(type) if id is None else _at(type, id)
    headers = _tag(if_match) | {"Content-Type": media}
    return _write("PATCH", path, type, body, headers, pairs(where))


def delete(
    type: type[Struct],
    id: str | None = None,
    *,
    if_match: str | None = None,
    where: Parameters | None = None,
) -> Call[None]:
    """Delete by id, or the one that matches."""
    if (id is None) == (where is None):
        raise Incorrect("A delete goes to an id or to what matches criteria; give one of them.")
    path = name(type) if id is None else _at(type, id)
    return Call(
        "DELETE", path, lambda _: None, pairs(where), _tag(if_match), repeatable=if_match is None
    )


def search(type: type[R], found: Pairs, strict: bool) -> Call[Page[R]]:
    """The first page; what is too long for an address goes as a form."""
    handling = {"Prefer": "handling=strict" if strict else "handling=lenient"}

    def understand(answer: httpx.Response) -> Page[R]:
        return pages.page(type, answer.content)

    encoded = urlencode(found).encode()
    if len(encoded) <= _LONG:
        return Call("GET", name(type), understand, found, handling, repeatable=True)
    headers = {**handling, "Content-Type": _FORM}
    return Call("POST", f"{name(type)}/_search", understand, [], headers, encoded, repeatable=True)


def further(type: type[R], link: str) -> Call[Page[R]]:
    """The page that a link leads to."""
    return _get(link, lambda answer: pages.page(type, answer.content))


def history(type: type[R], id: str | None, criteria: Parameters | None) -> Call[Versions[R]]:
    """The latest versions of a resource or a type."""
    path = f"{name(type) if id is None else _at(type, id)}/_history"
    return _get(path, lambda answer: pages.versions(type, answer.content), pairs(criteria))


def earlier(type: type[R], link: str) -> Call[Versions[R]]:
    """The page of a history that a link leads to."""
    return _get(link, lambda answer: pages.versions(type, answer.content))


def send(transaction: Transaction) -> Call[list[Outcome]]:
    """Send a transaction or batch; what became of each entry."""
    return Call(
        "POST", "", lambda answer: outcomes(answer.content), [],
        {"Content-Type": JSON, "Prefer": "return=representation"}, transaction.bundle(),
    )  # fmt: skip


def operation(
    code: str,
    type: type[Struct] | None = None,
    id: str | None = None,
    *,
    body: Struct | None = None,
    parameters: Parameters | None = None,
) -> Call[Struct]:
    """Call `$code` of the system, of a type or of a resource: GET, or POST with a body."""
    found = pairs(parameters)
    place = "" if type is None else name(type) if id is None else _at(type, id)
    path = f"{place}/${code.removeprefix('$')}".lstrip("/")
    if body is None:
        return _get(path, lambda answer: decode_any(answer.content), found)
    headers = {"Content-Type": JSON}
    return Call(
        "POST", path, lambda answer: decode_any(answer.content), found, headers, encode(body)
    )


def request(
    method: str,
    path: str,
    *,
    parameters: Parameters | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Call[httpx.Response]:
    """Anything else, below the base; the answer as it came, unless it is an error."""
    found, again = pairs(parameters), idempotent(method)
    return Call(method, path, lambda answer: answer, found, headers or {}, body, repeatable=again)


def _get(
    path: str, understand: Callable[[httpx.Response], T], params: Pairs | None = None
) -> Call[T]:
    return Call("GET", path, understand, params or [], repeatable=True)


def _write(
    method: str,
    path: str,
    type: type[R],
    body: bytes,
    headers: Mapping[str, str],
    params: Pairs | None = None,
    *,
    repeatable: bool = False,
) -> Call[R]:
    sent = {"Content-Type": JSON, "Prefer": "return=representation", **headers}
    return Call(
        method,
        path,
        lambda answer: decode(type, answer.content),
        params or [],
        sent,
        body,
        repeatable,
    )


def _at(type: type[Struct], id: str) -> str:
    if not id:
        raise Incorrect("The id is empty.")
    return f"{name(type)}/{quote(id, safe='')}"


def _tag(if_match: str | None) -> dict[str, str]:
    return {} if if_match is None else {"If-Match": f'W/"{if_match}"'}
