"""The authorization endpoint without its pages: a request, a person, and what comes of both (OAuth
2.1, 4.1; SMART App Launch 2.2)."""

from __future__ import annotations

from msgspec import Struct

from careplane.access.kept import kept
from careplane.access.smart.client import Client
from careplane.access.smart.contexts import LAUNCH, ONLINE
from careplane.access.smart.launch import asking
from careplane.access.smart.launch.asking import Asked, Place
from careplane.access.smart.launch.codes import Codes, Given
from careplane.access.smart.launch.grants import Grants
from careplane.access.smart.launch.launches import Launch, Launches
from careplane.access.smart.launch.offer import Offer, offer, shared
from careplane.access.smart.people import People, SignedIn
from careplane.access.smart.refusal import Refused
from careplane.access.smart.registration import is_claimed
from careplane.access.smart.registry import Clients
from careplane.access.smart.standing import Standing
from careplane.kernel.clock import Clock
from careplane.kernel.ids import secret_id


class Considered(Struct, frozen=True):
    """A request that a person looks at. `launch` is the chart that the app was opened from;
    `patient` is empty as long as none is chosen."""

    asked: Asked
    person: SignedIn
    offer: Offer
    launch: Launch | None
    patient: str

    @property
    def must_choose(self) -> bool:
        """Whether a patient is to be chosen before anything is given."""
        return self.offer.wants_patient and not self.patient


class Authorization:
    """What pages ask. Errors are Refused for the person, Returned for the app."""

    def __init__(
        self,
        clients: Clients,
        launches: Launches,
        grants: Grants,
        codes: Codes,
        people: People,
        standing: Standing,
        clock: Clock,
    ) -> None:
        self.clients = clients
        self.launches = launches
        self.grants = grants
        self.people = people
        self._codes = codes
        self._standing = standing
        self._clock = clock

    async def asked(self, query: str, place: Place) -> Asked:
        """The request in a query string."""
        return await asking.read(query, self.clients, place)

    def is_fresh(self, asked: Asked, person: SignedIn) -> bool:
        """Whether the person has signed in as lately as the app wants (OpenID Connect Core 1.0,
        3.1.2.1)."""
        if asked.fresh is None:
            return True
        return self._clock() // 1_000_000 - person.auth_time <= asked.fresh

    async def considered(self, asked: Asked, person: SignedIn, chosen: str) -> Considered:
        """What the person could give; `chosen` is the patient that it has picked, if any. Whether
        it may see that one is for the page to find out, by reading it."""
        if int(person.tenant) != asked.client.tenant:
            raise asked.refusal("access_denied", "The app is of another institution.")
        found = offer(asked.words, asked.client, person, launched=bool(asked.launch))
        launch = None
        if asked.launch:
            if LAUNCH not in found.contexts:
                raise asked.refusal("invalid_scope", "A launch needs the scope launch.")
            try:
                launch = await self.launches.look(asked.launch, asked.client, person)
            except Refused as error:
                raise asked.refusal(error.error, error.text) from None
        if found.empty:
            raise asked.refusal("invalid_scope", "None of these scopes is one that could be given.")
        return Considered(
            asked, person, found, launch, self._patient(found, person, launch, chosen)
        )

    def _patient(self, found: Offer, person: SignedIn, launch: Launch | None, chosen: str) -> str:
        if launch is not None:
            return launch.patient
        if not found.wants_patient:
            return ""
        if person.patient is not None:
            return person.patient
        if len(person.patients) == 1:
            return person.patients[0]
        if person.patients and chosen not in person.patients:
            return ""
        return chosen

    async def remembered(self, considered: Considered) -> Offer | None:
        """What the person has allowed of this before, where it need not be asked again: an app that
        nobody else can pretend to be (RFC 6749, 10.2; RFC 8252, 8.6)."""
        asked, person = considered.asked, considered.person
        certain = not asked.client.public or is_claimed(asked.redirect_uri)
        if "consent" in asked.prompt or not certain:
            return None
        grant = await self.grants.find(person.tenant, person.id, asked.client.id)
        whose = considered.patient if person.patient or person.patients else ""
        if grant is None or not grant.covers(considered.offer.words, whose):
            return None
        left = shared(considered.offer, grant.scopes)
        return None if left.empty else left

    async def approve(self, considered: Considered, allowed: Offer) -> str:
        """The address of the app, with a code for what the person allows."""
        asked, person = considered.asked, considered.person
        if allowed.empty:
            raise self.denied(asked)
        if considered.launch is not None:
            try:
                await self.launches.use(asked.launch)
            except Refused as error:
                raise asked.refusal(error.error, error.text) from None
        generation = await self._standing.generation(asked.client.id)
        grant = await self.grants.give(
            person.tenant,
            person.id,
            asked.client.id,
            considered.offer.words,
            allowed.words,
            considered.patient,
        )
        bound = ONLINE in allowed.contexts or not person.lasting
        given = Given(
            person=kept(person.caller()),
            lasting=person.lasting,
            client=asked.client.id,
            generation=generation,
            grant=grant.id,
            family=secret_id(),
            session=person.session if bound else "",
            session_until=person.until,
            words=allowed.words,
            patient=considered.patient,
            encounter=considered.launch.encounter if considered.launch else "",
            auth_time=person.auth_time,
            amr=person.amr,
        )
        code = await self._codes.make(given, asked.redirect_uri, asked.challenge, asked.nonce)
        return asked.answer(code=code)

    def denied(self, asked: Asked) -> asking.Returned:
        """What the app is told where the person does not want it."""
        return asked.refusal("access_denied", "The person has not allowed it.")

    async def session_over(self, person: SignedIn) -> None:
        """The person has signed out: what apps hold for as long as the session lasts is over."""
        if person.session:
            await self._standing.end(person.session)

    async def launched(self, tenant: int) -> list[Client]:
        """The apps that can be opened from a chart."""
        found = await self.clients.all()
        return [
            one for one in found if one.launch_url and not one.disabled and one.tenant == tenant
        ]
