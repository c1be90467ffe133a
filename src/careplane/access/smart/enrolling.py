"""Apps that register themselves (RFC 7591), by an invitation of an operator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from careplane.access.smart.client import Client, Method
from careplane.access.smart.contexts import CONTEXTS, contexts_of, resources_of
from careplane.access.smart.granting import narrowed
from careplane.access.smart.invitations import Invitation, Invitations
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registrar import Registrar
from careplane.kernel.errors import Incorrect
from careplane.kernel.ids import new_id

Metadata = Mapping[str, Any]
_METHODS: dict[str, Method] = {
    "none": "none",
    "client_secret_basic": "client_secret",
    "client_secret_post": "client_secret",
    "private_key_jwt": "private_key_jwt",
}
_CODE, _REFRESH, _OWN = "authorization_code", "refresh_token", "client_credentials"
_GRANTS = frozenset({_CODE, _REFRESH, _OWN})


class Enrolling:
    """The client registration endpoint."""

    def __init__(self, invitations: Invitations, registrar: Registrar) -> None:
        self._invitations = invitations
        self._registrar = registrar

    async def register(self, token: str, metadata: object) -> tuple[Client, dict[str, Any]]:
        """Register a client; it, and what it is told (RFC 7591, 3.2.1). Raises Refused:
        invalid_token, invalid_redirect_uri or invalid_client_metadata."""
        invitation = await self._invitations.find(token)
        if invitation is None:
            raise _uninvited()
        if not isinstance(metadata, dict):
            raise _wrong("The metadata of a client is a JSON object.")
        client = _client(metadata, invitation)
        try:
            self._registrar.check(client)
        except Incorrect as error:
            about = "redirect_uri" if "redirect URI" in error.text else "client_metadata"
            raise Refused(f"invalid_{about}", error.text) from None
        if not await self._invitations.use(token):
            raise _uninvited()
        made, secret = await self._registrar.add(client)
        return made, _told(made, secret, metadata)


def _client(metadata: Metadata, invitation: Invitation) -> Client:
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in _METHODS:
        raise _wrong(f"token_endpoint_auth_method is one of {', '.join(_METHODS)}.")
    redirects = _texts(metadata, "redirect_uris")
    grants = set(_texts(metadata, "grant_types") or ((_CODE,) if redirects else (_OWN,)))
    if not grants <= _GRANTS:
        raise _wrong(f"grant_types are some of {', '.join(sorted(_GRANTS))}.")
    if not set(_texts(metadata, "response_types")) <= {"code"}:
        raise _wrong("The one of response_types is code.")
    if (_CODE in grants) != bool(redirects):
        raise Refused(
            "invalid_redirect_uri", f"redirect_uris go with the grant type {_CODE}, one needs both."
        )
    jwks = metadata.get("jwks")
    if jwks is not None and not isinstance(jwks, dict):
        raise _wrong("jwks is a JWK Set.")
    logo = _text(metadata, "logo_uri")
    return Client(
        id=new_id(),
        tenant=invitation.tenant,
        name=_text(metadata, "client_name") or "App",
        scopes=_scopes(_text(metadata, "scope"), invitation, grants),
        method=_METHODS[method],
        created=0,
        jwks=json.dumps(jwks).encode() if jwks is not None else b"",
        jwks_uri=_text(metadata, "jwks_uri"),
        redirect_uris=redirects,
        launch_url=_text(metadata, "launch_url"),
        logo=logo if logo.startswith("data:") else "",
        invitation=invitation.id,
    )


def _scopes(asked: str, invitation: Invitation, grants: set[str]) -> tuple[str, ...]:
    """What the app asks for, as far as the invitation goes; all of that where it does not say."""
    words = asked.split() or invitation.scopes
    try:
        wanted = resources_of(words)
    except Incorrect as error:
        raise _wrong(error.text[:500]) from None
    if _OWN not in grants:
        wanted = tuple(one for one in wanted if one.context != "system")
    limits = resources_of(invitation.scopes)
    both = (narrowed(one, limit) for one in wanted for limit in limits)
    contexts = contexts_of(words) & contexts_of(invitation.scopes)
    if _CODE not in grants:
        contexts = frozenset()
    return tuple(
        sorted({*(str(one) for one in both if one is not None), *contexts.intersection(CONTEXTS)})
    )


def _told(client: Client, secret: str, metadata: Metadata) -> dict[str, Any]:
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    told: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": client.created // 1_000_000,
        "client_name": client.name,
        "token_endpoint_auth_method": method,
        "scope": " ".join(client.scopes),
        "grant_types": [_CODE, _REFRESH] if client.redirect_uris else [_OWN],
    }
    if client.redirect_uris:
        told |= {"redirect_uris": list(client.redirect_uris), "response_types": ["code"]}
        if any(one.context == "system" for one in client.allowed):
            told["grant_types"].append(_OWN)
    if secret:
        told |= {"client_secret": secret, "client_secret_expires_at": 0}
    if client.jwks:
        told["jwks"] = json.loads(client.jwks)
    for name, value in (("jwks_uri", client.jwks_uri), ("launch_url", client.launch_url)):
        if value:
            told[name] = value
    return told


def _text(metadata: Metadata, name: str) -> str:
    value = metadata.get(name, "")
    if not isinstance(value, str):
        raise _wrong(f"{name} is a text.")
    return value


def _texts(metadata: Metadata, name: str) -> tuple[str, ...]:
    value = metadata.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(f"{name} is a list of texts.")
    return tuple(value)


def _wrong(text: str) -> Refused:
    return Refused("invalid_client_metadata", text)


def _uninvited() -> Refused:
    return Refused(
        "invalid_token",
        "Registration needs an initial access token that is good; ask the operator.",
    )
