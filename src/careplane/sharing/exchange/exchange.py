"""Referrals between institutions of one installation: sent, taken in by a person, and what becomes
of them said back. Each side keeps a record of its own; its trail has what left and what came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from careplane.access.caller import Caller, acts_as_patient
from careplane.access.fresh import is_person
from careplane.access.scopes import Permission, parse_scopes
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.sharing.exchange import package, steps
from careplane.sharing.exchange.intake import Intake
from careplane.sharing.exchange.partner import Partner, Partners
from careplane.sharing.ips.summaries import Summaries
from careplane.storage.ports.records import Tenant

_READING: Final = frozenset({Permission.READ, Permission.SEARCH})
_SERVICE: Final = parse_scopes("system/Task.rs system/DocumentReference.rs")
_DOCUMENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes with a referral: the International Patient Summary, documents by id. `agreed`: the
    patient has agreed that it goes there."""

    summary: bool
    documents: tuple[str, ...]
    agreed: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """Over the door of an installation. Roles of `programs` (42 CFR Part 2) open nothing of what is
    sent: that leaves where a Consent lets it alone."""

    door: Door
    summaries: Summaries
    partners: Partners
    clock: Clock
    new_id: NewId
    programs: frozenset[str] = frozenset()

    def partner(self, tenant: Tenant, task: Tree) -> Partner | None:
        """The institution that a referral is addressed to, where both have agreed; else None."""
        owner = str(task.get("owner", {}).get("reference", ""))
        if steps.code(task) != steps.SENT or self.is_incoming(tenant, task):
            return None
        return next((one for one in self.partners.of(tenant) if one.reference == owner), None)

    def is_incoming(self, tenant: Tenant, task: Tree) -> bool:
        """Whether it was sent by another institution."""
        value = steps.exchanged(task)
        return bool(value) and not value.startswith(f"{int(tenant)}-")

    async def send(self, caller: Caller, id: str, wish: Wish, base: str) -> None:
        """Send a referral with what was chosen. Raises Incorrect without the patient's agreement,
        Forbidden, NotFound, TooLarge, Conflict where it is not open, or not addressed to an
        institution that has agreed."""
        if acts_as_patient(caller) or not is_person(caller):
            raise Forbidden("Referrals are sent by people who work here.")
        if not wish.agreed:
            raise Incorrect("It is sent when the patient has agreed to it.")
        task = await self._read(caller, "Task", id)
        partner, myself = self.partner(caller.tenant, task), self.partners.myself(caller.tenant)
        if partner is None or myself is None or task.get("status") not in steps.OPEN:
            raise Conflict("This referral is not to be sent to another institution, or has ended.")
        if str(task.get("requester", {}).get("reference", "")) != caller.id:
            raise Forbidden("Who refers sends it.")
        now, mark = format_instant(self.clock()), f"{int(caller.tenant)}-{id}"
        request = str(task["focus"]["reference"]).removeprefix("ServiceRequest/")
        packed = await self._packed(caller, partner, request, wish, base, now)
        await self._leaves(caller, partner, id, mark, now)
        coming = self._as(partner.tenant, myself)
        new = self.new_id()
        look = c.Look("known", "Task", f"identifier={steps.EXCHANGE}|{mark}", 5)

        def decide(seen: c.Seen) -> c.Decided:
            if seen.found["known"]:
                return c.Decided()
            made = steps.incoming(task, mark, myself.party(), packed, now)
            return c.Decided((c.Write("Task", new, made, own=False),), about=f"Task/{new}")

        asks = (lambda seen: c.Asking(looks=(look,)),)
        await self.door.act(coming, c.Act("$receive-referral", asks, decide))

    @property
    def intake(self) -> Intake:
        """What came in here."""
        return Intake(self.door, self.clock, self.new_id, self.follow)

    async def follow(self, tenant: Tenant, task: Tree) -> None:
        """Say at one side what has happened at the other, whichever this Task is of; nothing for a
        referral that was not sent, or where the agreement has ended."""
        number, _, id = steps.exchanged(task).partition("-")
        if not number.isdigit() or not id:
            return
        sender = self.partners.myself(Tenant(int(number)))
        if sender is None:
            return
        if tenant == sender.tenant:
            receiver = self.partner(tenant, task)
        else:
            agreed = self.partners.of(sender.tenant)
            receiver = next((one for one in agreed if one.tenant == tenant), None)
        if receiver is None:
            return
        sent = await self._side(sender, receiver, f"{number}-{id}")
        received = await self._side(receiver, sender, f"{number}-{id}")
        if sent is None or received is None:
            return
        if str(sent["id"]) != id or self.partner(sender.tenant, sent) != receiver:
            return  # not what was sent there, whatever a Task says of itself
        if steps.is_newer(received, sent):
            await self._tell(receiver, sender, sent, received)
        elif steps.is_newer(sent, received):
            await self._tell(sender, receiver, received, sent)

    async def _side(self, at: Partner, coming: Partner, mark: str) -> Tree | None:
        """The Task at one side, as the other side sees it."""
        pairs = (("identifier", f"{steps.EXCHANGE}|{mark}"), ("_count", "5"))
        found = await self.door.search(self._as(at.tenant, coming), c.Search("Task", pairs))
        sides = sorted((json.parse(whole(one)) for one in found.matches), key=steps.is_waiting)
        return sides[0] if sides else None

    async def _tell(self, teller: Partner, to: Partner, here: Tree, there: Tree) -> None:
        """Bring the Task `here` of `to` up to what `there` is of `teller`, with its reports."""
        id, key = str(here["id"]), ("Task", str(here["id"]))
        coming = self._as(to.tenant, teller)
        request = str(here.get("focus", {}).get("reference", "")).removeprefix("ServiceRequest/")
        patient = str(here.get("for", {}).get("reference", "")).removeprefix("Patient/")
        fresh = [] if steps.reports(here) else steps.reports(there)
        found = []
        for one in fresh[:_DOCUMENTS] if patient else ():
            tree = await self._read(self._as(teller.tenant, to), "DocumentReference", one)
            made = package.document(tree, {})
            found.append((self.new_id(), package.filed(made, patient, teller.title, request)))
        order = ("ServiceRequest", request)

        def decide(seen: c.Seen) -> c.Decided:
            held = seen.records.get(key)
            if held is None or not steps.is_newer(there, held):
                return c.Decided()
            moved = steps.told(held, there)
            writes = []
            for new, tree in found:
                moved = steps.reported(moved, new)
                writes.append(c.Write("DocumentReference", new, tree, own=False))
            writes.append(c.Write("Task", id, moved, own=False))
            asked = seen.records.get(order)
            if found and asked is not None and asked.get("status") == "active":
                done = {**asked, "status": "completed"}
                writes.append(c.Write(*order, done, own=False))
            return c.Decided(tuple(writes), about=f"Task/{id}")

        reads = (key, order) if request else (key,)
        asks = (lambda seen: c.Asking(reads=reads),)
        await self.door.act(coming, c.Act("$referral-news", asks, decide))

    async def _leaves(self, caller: Caller, partner: Partner, id: str, mark: str, now: str) -> None:
        """Note in the record that it goes, and that the patient has agreed: before it goes."""
        key, new = ("Task", id), self.new_id()

        def decide(seen: c.Seen) -> c.Decided:
            held = seen.records.get(key)
            if held is None:
                raise NotFound("There is no such referral that you may change.")
            agreed = _agreed(held, partner, caller, now)
            return c.Decided(
                (c.Write("Task", id, steps.sent(held, mark, partner.party(), now)),
                 c.Write("Consent", new, agreed, own=False)),
                about=f"Task/{id} to {partner.reference}",
            )  # fmt: skip

        asks = (lambda seen: c.Asking(changes=(key,)),)
        await self.door.act(caller, c.Act("$send-referral", asks, decide))

    async def _packed(
        self, caller: Caller, partner: Partner, request: str, wish: Wish, base: str, now: str
    ) -> str:
        """What is sent: as policies show it to the sender, whose relation to the patient counts,
        and as Consents let the receiver see it."""
        going = replace(
            caller, id=partner.reference, name=partner.title, roles=caller.roles - self.programs,
            principal=caller.principal or caller.id,
            scopes=frozenset(
                replace(one, permissions=one.permissions & _READING) for one in caller.scopes
            ),
        )  # fmt: skip
        order = await self._read(going, "ServiceRequest", request)
        who = str(order["subject"]["reference"]).removeprefix("Patient/")
        patient = await self._read(going, "Patient", who)
        documents = [await self._document(going, who, one) for one in wish.documents[:_DOCUMENTS]]
        if wish.summary:
            bundle = await self.summaries.of(going, who, base)
            documents.insert(0, package.summary(bundle, now))
        return package.packed(order, patient, documents, now)

    async def _document(self, going: Caller, patient: str, id: str) -> Tree:
        tree = await self._read(going, "DocumentReference", id)
        if tree.get("subject", {}).get("reference") != f"Patient/{patient}":
            raise NotFound("This patient has no such document.")
        files = {}
        for one in tree.get("content", ()):
            place = str(one["attachment"].get("url", ""))
            if place.startswith("Binary/"):
                held = await self._read(going, "Binary", place.removeprefix("Binary/"))
                files[place] = str(held.get("data", ""))
        return package.document(tree, files)

    async def _read(self, caller: Caller, type: str, id: str) -> Tree:
        return json.parse(whole(await self.door.read(caller, c.Read(type, id))))

    @staticmethod
    def _as(tenant: Tenant, partner: Partner) -> Caller:
        """As whom an institution comes to another one."""
        return Caller(tenant, partner.reference, partner.title, _SERVICE)


def _agreed(task: Tree, partner: Partner, caller: Caller, now: str) -> Tree:
    """That the patient agrees. Its scope is no question of who may see the record, so it opens and
    closes none."""
    loinc = {"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}
    text = (
        "The patient agrees that this referral, and what goes with it, is sent to this institution."
    )
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": "urn:careplane:consent", "code": "referral-exchange",
                              "display": "Referral to another institution"}]},
        "category": [{"coding": [loinc]}],
        "patient": {"reference": str(task["for"]["reference"])},
        "dateTime": now,
        "performer": [{"reference": caller.id, "display": caller.name}],
        "policyRule": {"text": text},
        "provision": {"type": "permit", "actor": [{
            "role": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "code": "IRCP", "display": "information recipient"}]},
            "reference": partner.party(),
        }]},
    }  # fmt: skip
