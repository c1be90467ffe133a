"""Puts the demo into a store, or moves its story to another day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from msgspec.structs import replace as replaced

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.app.build import Careplane, build
from careplane.app.demo import neighbour
from careplane.app.demo.roles import roles
from careplane.app.settings import Settings
from careplane.app.tenancy.partners import Agreements, as_partner
from careplane.care import tasks
from careplane.care.orders.catalogue import shipped
from careplane.care.orders.orders import Orders
from careplane.care.orders.request import Wanted
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import NotFound
from careplane.kernel.ids import new_id, secret_id
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.sharing.exchange.exchange import Exchange, Wish
from careplane.sharing.exchange.partner import Partner, organization
from careplane.sharing.ips.summaries import Summaries

_STAYS = frozenset({"Communication"})
"""Types of which nothing changes once it was sent."""


async def loaded(settings: Settings, bundles: Iterable[bytes]) -> int:
    """Carry out transactions, and make the neighbour of the hospital where it is not there; how
    many resources were written of the hospital's own."""
    here = build(settings, for_long=True)
    count = 0
    try:
        for raw in bundles:
            left = await _without_what_stays(here.door, here.operator, raw)
            done = await here.door.process(here.operator, c.Process(left))
            count += len(done.answers)
        try:
            await here.tenancy.register.get(neighbour.INSTITUTION.name)
        except NotFound:
            await _beside(here)
    finally:
        await here.close()
    return count


async def _without_what_stays(door: Door, operator: Caller, raw: bytes) -> bytes:
    """The Bundle without the messages that are there: they were sent on the day that they were."""
    bundle = json.parse(raw)
    keys = [(str(e["resource"]["resourceType"]), str(e["resource"]["id"])) for e in bundle["entry"]]
    sent = tuple(key for key in keys if key[0] in _STAYS)
    if not sent:
        return raw
    there = {(v.type, v.id) for v in await door.read_many(operator, c.ReadMany(sent))}
    entries = [e for e, key in zip(bundle["entry"], keys, strict=True) if key not in there]
    return json.dump({**bundle, "entry": entries})


async def _beside(here: Careplane) -> None:
    """A practice that exchanges referrals with the hospital: one has come in from there and waits
    to be taken in, one waits here to be sent there."""
    hospital, practice = await _agreed(here)
    known = await _read(here.door, here.operator, "Patient", neighbour.WHOM)
    today = datetime.now(UTC).date().isoformat()
    at_practice = replace(here.operator, tenant=practice.tenant)
    for operator, other in ((here.operator, practice), (at_practice, hospital)):
        tree = organization(other)
        await here.door.update(operator, c.Update("Organization", tree["id"], json.dump(tree)))
    await here.door.process(at_practice, c.Process(neighbour.bundle(known, today)))
    doctor = Caller(
        practice.tenant, f"Practitioner/{neighbour.DOCTOR}", neighbour.NAME,
        parse_scopes("user/*.cruds"), None, frozenset({"physician"}),
    )  # fmt: skip
    came = Wanted(neighbour.PATIENT, priority="urgent", words=neighbour.WHY)
    task = await _referred(here.door, doctor, hospital, "to-cardiology", came)
    agreements = Agreements(here.tenancy.known)
    summaries = Summaries(here.door, system_clock, secret_id)
    exchange = Exchange(here.door, summaries, agreements, system_clock, new_id)
    base = here.tenancy.told_of(practice.tenant)
    await exchange.send(doctor, task, Wish(True, (neighbour.LETTER,), True), base)
    physician = next(one.caller for one in roles(hospital.tenant) if one.key == "physician")
    leaves = Wanted("devin-bailey", words="Heart failure: to live on less salt, with his wife")
    await _referred(here.door, physician, practice, "to-nutrition-counselling", leaves)


async def _agreed(here: Careplane) -> tuple[Partner, Partner]:
    """Both institutions, which have agreed with each other."""
    register = here.tenancy.register
    first = (await register.all())[0]
    added = await register.add(replaced(neighbour.INSTITUTION, exchanges=(first.number,)))
    named = await register.change(
        first.name,
        lambda one: replaced(one, title=neighbour.HOSPITAL, exchanges=(added.number,)),
    )
    await here.tenancy.known.look()
    return as_partner(named), as_partner(added)


async def _referred(door: Door, caller: Caller, to: Partner, item: str, wanted: Wanted) -> str:
    """A referral by a caller; the id of its Task."""
    asked = replace(wanted, performer=to.reference, performer_name=to.title)
    orders = Orders(door, system_clock, new_id)
    (id,) = await orders.place(caller, asked, [shipped().items[item]])
    pairs = (("focus", f"ServiceRequest/{id}"), ("code", f"{tasks.CODES}|referral"))
    found = await door.search(caller, c.Search("Task", pairs))
    return str(json.parse(whole(found.matches[0]))["id"])


async def _read(door: Door, caller: Caller, type: str, id: str) -> Tree:
    return json.parse(whole(await door.read(caller, c.Read(type, id))))
