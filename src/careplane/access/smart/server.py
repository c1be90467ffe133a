"""The authorization server, as far as it needs no browser: what each endpoint does with a form.

Token (RFC 6749; SMART App Launch 2.2: Backend Services here, apps in `launch/exchange`),
introspection (RFC 7662), revocation (RFC 7009) and userinfo (OpenID Connect Core 1.0, 5.3). HTTP is
`rest.oauth`.
"""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.smart.authenticate import Authenticator, Form
from careplane.access.smart.client import Client
from careplane.access.smart.contexts import OPENID
from careplane.access.smart.granting import grant
from careplane.access.smart.launch.asking import Place
from careplane.access.smart.launch.codes import Given
from careplane.access.smart.launch.exchange import Exchange
from careplane.access.smart.launch.identity import claims_of
from careplane.access.smart.refusal import Refused, invalid_client
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
        exchange: Exchange,
        seconds: int,
    ) -> None:
        self._authenticator = authenticator
        self._clients = clients
        self._used = used
        self._standing = standing
        self._tokens = tokens
        self._exchange = exchange
        self._seconds = seconds

    async def authenticate(self, form: Form, basic: str, audience: str) -> Client:
        """The client that sends a form. Raises Refused. A refresh token says by itself which public
        client it was given to: some leave their client_id away."""
        names_itself = basic or {"client_id", "client_assertion"} & form.keys()
        if form.get("grant_type") == "refresh_token" and not names_itself:
            token = form.get("refresh_token", "")
            form = {**form, "client_id": await self._exchange.refreshing.client_of(token)}
        return await self._authenticator.client(form, basic, audience)

    async def token(self, client: Client, form: Form, place: Place) -> tuple[Answer, Caller]:
        """A token for an authenticated client, and whom it speaks for. Raises Refused."""
        match form.get("grant_type"):
            case "authorization_code" | "refresh_token" if not client.redirect_uris:
                raise Refused("unauthorized_client", "The client does not act for people.")
            case "authorization_code":
                return await self._exchange.by_code(client, form, place)
            case "refresh_token":
                return await self._exchange.by_refresh(client, form, place)
            case "client_credentials":
                return await self._by_credentials(client, form)
            case None:
                raise Refused("invalid_request", "grant_type is missing.")
        raise Refused(
            "unsupported_grant_type",
            "grant_type is authorization_code, refresh_token or client_credentials.",
        )

    async def _by_credentials(self, client: Client, form: Form) -> tuple[Answer, Caller]:
        if client.public:
            raise Refused("unauthorized_client", "A public client proves nothing by itself.")
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

    async def introspect(self, client: Client, form: Form, place: Place) -> Answer:
        """What a token says, where it is good and the client may know: it is its own, or the client
        is one that inspects those of its tenant. Raises Refused where there is no token to see."""
        if client.public:
            raise invalid_client()
        raw = _named(form)
        token = await self._token(raw)
        if token is None:
            return await self._introspect_refresh(client, raw, place)
        caller = token.caller
        if not _may_see(client, token.client, int(caller.tenant)):
            return {"active": False}
        scopes = (*sorted(token.contexts), *sorted(map(str, caller.scopes)))
        return {
            "active": True,
            "scope": " ".join(scopes),
            "iss": place.issuer or ISSUER,
            "aud": AUDIENCE,
            "jti": token.id,
            "iat": token.issued,
            "exp": token.expires,
            "token_type": "bearer",
            **claims_of(caller.id, caller.name, token.contexts, place),
            **({"client_id": token.client} if token.client else {}),
            **({"patient": caller.patient} if caller.patient else {}),
        }

    async def _introspect_refresh(self, client: Client, raw: str, place: Place) -> Answer:
        found = await self._exchange.refreshing.seen(raw)
        if found is None:
            return {"active": False}
        given, until = found
        if not _may_see(client, given.client, given.person.tenant):
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(given.words),
            "iss": place.issuer,
            "exp": until,
            "client_id": given.client,
            **claims_of(given.person.id, given.person.name, frozenset(given.words), place),
        }

    async def revoke(self, client: Client, form: Form) -> str:
        """End a token of this client; its id, empty where it is none that is good (RFC 7009, 2.2).
        A refresh token takes its access tokens along. Raises Refused for a token of somebody
        else."""
        raw = _named(form)
        token = await self._token(raw)
        if token is not None:
            _require_own(client, token.client)
            await self._standing.revoke(token)
            return token.id
        found = await self._exchange.refreshing.seen(raw)
        if found is None:
            return ""
        given: Given = found[0]
        _require_own(client, given.client)
        await self._exchange.refreshing.end(raw)
        return given.family

    async def userinfo(self, raw: str, place: Place) -> tuple[Answer, Caller]:
        """What the bearer of a token may know of the person, and who that is. Raises
        Unauthenticated, Busy or Refused (insufficient_scope)."""
        token = self._tokens.read(raw)
        if OPENID not in token.contexts:
            raise Refused("insufficient_scope", "The token has no scope openid.")
        caller = token.caller
        return claims_of(caller.id, caller.name, token.contexts, place), caller

    async def sweep(self) -> None:
        """Forget what has ended by itself."""
        await self._standing.sweep()
        await self._used.sweep()

    async def _token(self, raw: str) -> Token | None:
        await self._standing.look()
        try:
            return self._tokens.read(raw)
        except Unauthenticated:
            return None


def _named(form: Form) -> str:
    raw = form.get("token")
    if not raw or len(raw) > _LONGEST_TOKEN:
        raise Refused("invalid_request", f"Name a token of at most {_LONGEST_TOKEN} characters.")
    return raw


def _may_see(client: Client, owner: str, tenant: int) -> bool:
    return owner == client.id or (client.inspects and tenant == client.tenant)


def _require_own(client: Client, owner: str) -> None:
    if owner != client.id:
        raise Refused("unauthorized_client", "The token was not issued to this client.")
