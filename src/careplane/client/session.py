"""What both clients share around a call: the address, the headers, the token, the refusals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from careplane.client.calls import JSON, Call
from careplane.client.errors import Elsewhere, Unreachable, refused
from careplane.kernel.errors import Incorrect

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Token = str | Callable[[], str]
"""A bearer token, or what gives the present one."""
_PORTS = {"http": 80, "https": 443}


class Session:
    """Where the server is, and who asks."""

    def __init__(self, base: str, token: Token | None) -> None:
        if urlsplit(base).scheme not in _PORTS:
            raise Incorrect("The base is an address such as https://records.example.org/fhir.")
        self.base = base.rstrip("/")
        self._token = token

    def arguments(self, call: Call[Any]) -> dict[str, Any]:
        """What httpx needs to send a call. Raises Elsewhere for a link to another server."""
        headers = {"Accept": JSON, **call.headers}
        token = self._token() if callable(self._token) else self._token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return {
            "method": call.method,
            "url": self._url(call.path),
            "headers": headers,
            **({"params": call.params} if call.params else {}),
            **({} if call.body is None else {"content": call.body}),
        }

    def _url(self, path: str) -> str:
        if not urlsplit(path).scheme:
            return f"{self.base}/{path.lstrip('/')}" if path else self.base
        if _origin(path) != _origin(self.base):
            raise Elsewhere(
                "A link of the answer leads to another server, and is not followed; set "
                "CAREPLANE_BASE_URL there to the address by which it is reached."
            )
        return path


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def described(method: F, call: Callable[..., Call[Any]]) -> F:
    """A method with the name, description and parameters of the function whose call it sends."""
    found = inspect.signature(call)
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    update_wrapper(method, call)
    del method.__wrapped__  # type: ignore[attr-defined]  # a method has one parameter more
    method.__signature__ = found.replace(  # type: ignore[attr-defined]
        parameters=[self, *found.parameters.values()], return_annotation=found.empty
    )
    return method


def understood(call: Call[T], answer: httpx.Response) -> T:
    """What a call makes of its answer. Raises Refused for an error, and for a redirection, which
    no FHIR interaction has."""
    if answer.status_code >= 300 and answer.status_code != 304:
        raise refused(answer)
    return call.understand(answer)


def unreachable(base: str, error: httpx.HTTPError) -> Unreachable:
    """The error of a server that does not answer."""
    return Unreachable(f"{base} does not answer: {error or type(error).__name__}.")
