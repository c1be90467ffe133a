"""The token endpoint for apps that act for a person: a code or a refresh token becomes an access
token (OAuth 2.1, 4.1.3 and 4.3; SMART App Launch 2.2, Obtain access token)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from careplane.access.caller import Caller
from careplane.access.smart.client import Client
from careplane.access.smart.contexts import OFFLINE, ONLINE, OPENID
from careplane.access.smart.launch.asking import Place
from careplane.access.smart.launch.codes import Codes, Given
from careplane.access.smart.launch.grants import Grants
from careplane.access.smart.launch.identity import id_token, own_resource
from careplane.access.smart.launch.offer import Offer, narrower, offer
from careplane.access.smart.launch.refreshing import Refreshing
from careplane.access.smart.launch.signing import SigningKeys
from careplane.access.smart.people import People, SignedIn
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registry import Clients
from careplane.access.smart.standing import Standing
from careplane.access.smart.tokens import Tokens
from careplane.kernel.clock import Clock
from careplane.storage.ports.records import Tenant

Form = Mapping[str, str]
Answer = dict[str, object]
STYLE = "/smart-style.json"
_OWN_RECORD = "patient"
"""The role whose policies open the record of whoever the token names as patient."""


class Exchange:
    """`seconds` is how long an access token is good, `offline_seconds` how long an app may come
    back with refresh tokens while the person is away."""

    def __init__(
        self,
        codes: Codes,
        refreshing: Refreshing,
        grants: Grants,
        people: People,
        clients: Clients,
        standing: Standing,
        tokens: Tokens,
        keys: SigningKeys,
        clock: Clock,
        seconds: int,
        offline_seconds: int,
    ) -> None:
        self.refreshing = refreshing
        self._codes = codes
        self._grants = grants
        self._people = people
        self._clients = clients
        self._standing = standing
        self._tokens = tokens
        self._keys = keys
        self._clock = clock
        self._seconds = seconds
        self._offline_seconds = offline_seconds

    async def by_code(self, client: Client, form: Form, place: Place) -> tuple[Answer, Caller]:
        """The first tokens. Raises Refused."""
        code = await self._codes.use(
            form.get("code", ""),
            client,
            form.get("redirect_uri", ""),
            form.get("code_verifier", ""),
        )
        given = code.given
        person, left = await self._left(client, given)
        answer, caller = await self._answer(client, given, person, left, place)
        if OPENID in left.contexts:
            answer["id_token"] = await id_token(given, code.nonce, place, self._keys, self._clock)
        if left.contexts & {OFFLINE, ONLINE}:
            offline = self._clock() // 1_000_000 + self._offline_seconds
            until = offline if OFFLINE in left.contexts else given.session_until
            answer["refresh_token"] = await self.refreshing.begin(given, until)
        return answer, caller

    async def by_refresh(self, client: Client, form: Form, place: Place) -> tuple[Answer, Caller]:
        """The next tokens. Raises Refused."""
        following, given = await self.refreshing.use(form.get("refresh_token", ""), client)
        try:
            person, left = await self._left(client, given)
        except Refused:
            await self.refreshing.end(following)
            raise
        if "scope" in form:
            left = narrower(left, form["scope"].split())
        answer, caller = await self._answer(client, given, person, left, place)
        return {**answer, "refresh_token": following}, caller

    async def _left(self, client: Client, given: Given) -> tuple[SignedIn, Offer]:
        """The person, and what it, the app and the grant still allow of what was given."""
        tenant = Tenant(given.person.tenant)
        grant = await self._grants.find(tenant, given.person.id, client.id)
        if grant is None or grant.id != given.grant:
            raise _over("The person has taken back what it allowed.")
        if await self._standing.generation(client.id) != given.generation:
            raise _over("The tokens of this client have been revoked.")
        person = await self._people.now(tenant, given.person.id) if given.lasting else _then(given)
        if person is None:
            raise _over("The person's account is not in use any more.")
        left = offer(given.words, client, person, launched=True)
        if left.empty:
            raise _over("Nothing is left of what was allowed.")
        return person, left

    async def _answer(
        self, client: Client, given: Given, person: SignedIn, left: Offer, place: Place
    ) -> tuple[Answer, Caller]:
        caller = caller_of(given, person, left)
        now = await self._clients.find(client.id)
        if now is None or now.disabled:  # since it was authenticated
            raise Refused("invalid_client", "The client has been disabled.")
        seconds = self._seconds
        if given.session:
            seconds = min(seconds, given.session_until - self._clock() // 1_000_000)
        if seconds <= 0:
            raise _over("The person's session is over.")
        issued = self._tokens.issue(
            caller, seconds, client.id, given.generation, given.ends, left.contexts
        )
        context: dict[str, Any] = {}
        if given.patient and left.wants_patient:
            context = {
                "patient": given.patient,
                "need_patient_banner": True,
                "smart_style_url": place.issuer + STYLE,
                **({"encounter": given.encounter} if given.encounter else {}),
            }
        answer: Answer = {
            "access_token": issued,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": " ".join(left.words),
            **context,
        }
        return answer, caller


def caller_of(given: Given, person: SignedIn, left: Offer) -> Caller:
    """Who the token speaks for. The policies of a patient's role open the record of the patient
    that is named, so the role goes where that is not the person's own. Raises Refused where none is
    left: a caller without a role is restricted by scopes alone."""
    patient = given.patient or person.patient
    roles = person.roles if patient in (None, person.patient) else person.roles - {_OWN_RECORD}
    if person.roles and not roles:
        raise _over("A patient's app is for the patient's own record.")
    caller = Caller(
        person.tenant,
        person.id,
        person.name,
        frozenset(left.resources),
        patient,
        roles,
        person.purpose,
        proved=given.auth_time,
    )
    return replace(caller, scopes=caller.scopes | own_resource(caller, left.contexts))


def _then(given: Given) -> SignedIn:
    """The person as it was when it allowed the app: where there is no account to look up."""
    caller = given.person.caller()
    return SignedIn(
        caller.id, caller.name, caller.tenant, caller.roles, caller.scopes, given.session,
        given.auth_time, given.session_until, caller.patient, purpose=caller.purpose, lasting=False,
    )  # fmt: skip


def _over(text: str) -> Refused:
    return Refused("invalid_grant", text)
