"""What an app asks for at the authorization endpoint (SMART App Launch 2.2, Request Authorization
Code; RFC 6749, 4.1.1; RFC 7636), read and checked before anybody is asked anything.

As long as it is not certain that the redirect URI is the app's own, an error is for the person
(`Refused`); from then on it goes to the app (`Returned`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from careplane.access.smart.client import Client
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registry import Clients

LONGEST = 8192
_MOST = 32
_LONGEST_STATE, _LONGEST_NONCE, _LONGEST_SCOPE, _MOST_SCOPES = 2000, 255, 4096, 64
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_JUST_NOW = 60
"""`prompt=login` wants a sign-in of at most so many seconds ago."""


class Place(Struct, frozen=True):
    """Where this server is: `issuer` is its own address, `fhir` that of its FHIR interface."""

    issuer: str
    fhir: str


class Asked(Struct, frozen=True):
    """A request that may be answered at its redirect URI. `words` are the scopes as they were
    written; `fresh` is how old a sign-in may be at most, in seconds, None for any age."""

    client: Client
    place: Place
    redirect_uri: str
    state: str
    challenge: str
    words: tuple[str, ...]
    launch: str
    nonce: str
    prompt: frozenset[str]
    fresh: int | None

    @property
    def silent(self) -> bool:
        """Whether no page may be shown."""
        return "none" in self.prompt

    def answer(self, **parameters: str) -> str:
        """The address of the app with an answer, as RFC 6749, 4.1.2 and RFC 9207 have it."""
        return answer(self.redirect_uri, self.state, self.place.issuer, parameters)

    def refusal(self, error: str, text: str) -> Returned:
        """An error that the app is told."""
        return Returned(error, text, self.answer(error=error, error_description=text))


class Returned(Refused):
    """An error for the app; `address` is where it is told."""

    def __init__(self, error: str, text: str, address: str) -> None:
        super().__init__(error, text)
        self.address = address


def answer(redirect_uri: str, state: str, issuer: str, parameters: dict[str, str]) -> str:
    """A redirect URI, whose own query stays, with an answer."""
    parts = urlsplit(redirect_uri)
    said = urlencode({**parameters, **({"state": state} if state else {}), "iss": issuer})
    query = f"{parts.query}&{said}" if parts.query else said
    return urlunsplit(parts._replace(query=query))


def parameters(query: str) -> dict[str, str]:
    """Those of a request, none twice (RFC 6749, 3.1). Raises Refused."""
    if len(query) > LONGEST:
        raise Refused("invalid_request", f"The request has more than {LONGEST} characters.")
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, strict_parsing=bool(query), errors="strict",
            max_num_fields=_MOST,
        )  # fmt: skip
    except ValueError:
        raise Refused("invalid_request", "The request is no query in UTF-8.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("invalid_request", "A parameter is there twice.")
    return {name: value for name, value in found.items() if value}


async def read(query: str, clients: Clients, place: Place) -> Asked:
    """The request in a query string. Raises Refused, or Returned once that is safe."""
    given = parameters(query)
    if not place.issuer:
        raise Refused(
            "invalid_request",
            "This server has not been told its own address; its operator sets CAREPLANE_BASE_URL.",
        )
    client = await clients.find(given.get("client_id", ""))
    if client is None or client.disabled or not client.redirect_uris:
        raise Refused("invalid_request", "No app is registered here by the client_id that asks.")
    redirect_uri = given.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise Refused(
            "invalid_request",
            "The app wants its answer sent to an address that it is not registered with. "
            "redirect_uri must be one of those, to the letter.",
        )
    return _checked(given, client, redirect_uri, place)


def _checked(given: dict[str, str], client: Client, redirect_uri: str, place: Place) -> Asked:
    state = given.get("state", "")
    known = state if len(state) <= _LONGEST_STATE else ""
    for error, text in _problems(given, place):
        said = {"error": error, "error_description": text}
        raise Returned(error, text, answer(redirect_uri, known, place.issuer, said))
    prompt = frozenset(given.get("prompt", "").split())
    ages = [int(given["max_age"])] if "max_age" in given else []
    ages += [_JUST_NOW] if "login" in prompt else []
    return Asked(
        client,
        place,
        redirect_uri,
        state,
        given["code_challenge"],
        tuple(dict.fromkeys(given["scope"].split())),
        given.get("launch", ""),
        given.get("nonce", ""),
        prompt,
        min(ages, default=None),
    )


def _is_for(place: Place, given: dict[str, str]) -> bool:
    """Whether the app wants to speak with this server: `aud` is its FHIR address (SMART App Launch
    2.2); without that, `resource` is any of its addresses (RFC 8707)."""
    if "aud" in given or "resource" not in given:
        return given.get("aud", "").removesuffix("/") == place.fhir
    return f"{given['resource']}/".startswith(f"{place.issuer}/")


def _problems(given: dict[str, str], place: Place) -> Sequence[tuple[str, str]]:
    """What is wrong, the gravest first."""
    prompt = set(given.get("prompt", "").split())
    words = given.get("scope", "").split()
    max_age = given.get("max_age", "0")
    checks = (
        ("request" in given, "request_not_supported", "Parameters are sent as such, in no JWT."),
        ("request_uri" in given, "request_uri_not_supported", "Parameters are sent as such."),
        ("response_type" not in given, "invalid_request", "response_type is missing; it is code."),
        (
            given.get("response_type") != "code",
            "unsupported_response_type",
            "The one response_type is code.",
        ),
        (
            given.get("response_mode", "query") != "query",
            "invalid_request",
            "The one response_mode is query.",
        ),
        (
            "code_challenge" not in given,
            "invalid_request",
            "code_challenge is missing: every app uses PKCE (RFC 7636).",
        ),
        (
            given.get("code_challenge_method") != "S256",
            "invalid_request",
            "code_challenge_method is S256, and is named.",
        ),
        (
            not _CHALLENGE.fullmatch(given.get("code_challenge", "")),
            "invalid_request",
            "code_challenge is the base64url of a SHA-256, 43 characters.",
        ),
        (
            not _is_for(place, given),
            "invalid_request",
            f"aud is the FHIR address of the server that the app wants to speak with: {place.fhir}",
        ),
        (
            not 0 < len(given.get("state", "")) <= _LONGEST_STATE,
            "invalid_request",
            f"state has 1 to {_LONGEST_STATE} characters.",
        ),
        (
            len(given.get("nonce", "")) > _LONGEST_NONCE,
            "invalid_request",
            f"nonce has at most {_LONGEST_NONCE} characters.",
        ),
        (
            not 0 < len(words) <= _MOST_SCOPES or len(given.get("scope", "")) > _LONGEST_SCOPE,
            "invalid_scope",
            f"Name 1 to {_MOST_SCOPES} scopes, such as launch/patient patient/Observation.rs.",
        ),
        (
            not prompt <= _PROMPTS or ("none" in prompt and len(prompt) > 1),
            "invalid_request",
            "prompt is none, or some of login, consent and select_account.",
        ),
        (
            not (max_age.isascii() and max_age.isdigit() and len(max_age) < 10),
            "invalid_request",
            "max_age is a number of seconds.",
        ),
    )
    return [(error, text) for wrong, error, text in checks if wrong]
