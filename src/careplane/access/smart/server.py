"""The authorization server, as far as it needs no browser: what each endpoint does with a form.

Token (RFC 6749, 4.4: client_credentials; SMART App Launch 2.2, Backend Services), introspection
(RFC 7662) and revocation (RFC 7009). HTTP is `rest.oauth`.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.smart.authenticate import Authenticator, Form
from careplane.access.smart.client import Client
from careplane.access.smart.granting import grant
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registry import Clients, Used
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import AUDIENCE, ISSUER, Token, Tokens
from careplane.kernel.errors import Unauthenticated

Answer = dict[str, object]
_LONGEST_TOKEN = 16_384


class AuthorizationServer:
    """`seconds` is how long a client's token is good."""

    def __init__(
        self,
        authenticator: Authenticator,
        clients: Clients,
        used: Used,
        standing: Standing,
        tokens: Tokens,
        seconds: int,
    ) -> None:
        self._authenticator = authenticator
        self._clients = clients
        self._used = used
        self._standing = standing
        self._tokens = tokens
        self._seconds = seconds

    async def authenticate(self, form: Form, basic: str, audience: str) -> Client:
        """The client that sends a form. Raises Refused."""
        return await self._authenticator.client(form, basic, audience)

    async def token(self, client: Client, form: Form) -> tuple[Answer, Caller]:
        """A token for an authenticated client, and whom it speaks for. Raises Refused."""
        kind = form.get("grant_type")
        if kind is None:
            raise Refused("invalid_request", "grant_type is missing; it is client_credentials.")
        if kind != "client_credentials":
            raise Refused("unsupported_grant_type", "The one grant_type is client_credentials.")
        scopes = grant(form.get("scope", ""), client.allowed)
        caller = client.caller(frozenset(scopes))
        generation = await self._standing.generation(client.id)
        now = await self._clients.find(client.id)
        if now is None or now.disabled:  # since it was authenticated
            raise Refused("invalid_client", "The client has been disabled.")
        issued = self._tokens.issue(caller, self._seconds, client.id, generation)
        answer: Answer = {
            "access_token": issued,
            "token_type": "bearer",
            "expires_in": self._seconds,
            "scope": " ".join(sorted(set(scopes.values()))),
        }
        return answer, caller

    async def introspect(self, client: Client, form: Form) -> Answer:
        """What a token says, where it is good and the client may know: it is its own, or the client
        is one that inspects those of its tenant. Raises Refused where there is no token to see."""
        token = await self._token(form)
        if token is None or not _may_see(client, token):
            return {"active": False}
        caller = token.caller
        return {
            "active": True,
            "scope": " ".join(sorted(map(str, caller.scopes))),
            "sub": caller.id,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "jti": token.id,
            "iat": token.issued,
            "exp": token.expires,
            "token_type": "bearer",
            **({"client_id": token.client} if token.client else {}),
            **({"patient": caller.patient} if caller.patient else {}),
        }

    async def revoke(self, client: Client, form: Form) -> str:
        """End a token of this client; its id, empty where it is none that is good (RFC 7009, 2.2).
        Raises Refused for a token of somebody else."""
        token = await self._token(form)
        if token is None:
            return ""
        if token.client != client.id:
            raise Refused("unauthorized_client", "The token was not issued to this client.")
        await self._standing.revoke(token)
        return token.id

    async def sweep(self) -> None:
        """Forget what has ended by itself."""
        await self._standing.sweep()
        await self._used.sweep()

    async def _token(self, form: Form) -> Token | None:
        raw = form.get("token")
        if not raw or len(raw) > _LONGEST_TOKEN:
            raise Refused(
                "invalid_request", f"Name a token of at most {_LONGEST_TOKEN} characters."
            )
        await self._standing.look()
        try:
            return self._tokens.read(raw)
        except Unauthenticated:
            return None


def _may_see(client: Client, token: Token) -> bool:
    if token.client == client.id:
        return True
    return client.inspects and int(token.caller.tenant) == client.tenant
