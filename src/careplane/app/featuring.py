"""What an installation does over its door, wired: each room once, with what it asks of others."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.people.people import People
from careplane.access.tenants.institution import FIRST
from careplane.app.auditing import Auditing, auditing
from careplane.app.authorizing import Authorizing, authorizing, joined, sessions_of
from careplane.app.bulk import bulk_of
from careplane.app.caring import forms_of, prescribing_of
from careplane.app.consenting import break_glass
from careplane.app.founding import Founded
from careplane.app.peopling import peopling
from careplane.app.scheduling import Scheduling, scheduling
from careplane.app.sharing import Sharing, sharing
from careplane.app.talking import Talking, talking
from careplane.app.tenancy.partners import Agreements
from careplane.app.visiting import visiting
from careplane.care.forms.forms import Forms
from careplane.care.prescribing.prescribing import Prescribing
from careplane.interop.bulk.service import Bulk
from careplane.kernel.ids import new_id
from careplane.records.break_glass import BreakGlass
from careplane.records.jobs.runner import Runner
from careplane.records.reindexing import Reindexer
from careplane.rest import later
from careplane.telehealth.visits.visits import Visits


@dataclass(frozen=True, slots=True)
class Features:
    """The rooms above the door."""

    visits: Visits
    shared: Sharing
    filled: Forms
    audits: Auditing
    peopled: People
    authorized: Authorizing
    glass: BreakGlass
    bulk: Bulk
    planned: Scheduling
    talked: Talking
    prescribing: Prescribing
    runner: Runner


def features(on: Founded) -> Features:
    """Over one door."""
    settings, key, state, door, clock = on.settings, on.key, on.state, on.door, on.clock
    tenants, addressing = on.tenants, on.addressing
    visits = visiting(settings, key, state, door, clock)
    agreed = Agreements(tenants.known)
    shared = sharing(settings, key, state, door, clock, addressing, agreed)
    filled = forms_of(door, clock)
    audits = auditing(settings, on.trail, door, state, tenants, clock)
    peopled = peopling(settings, key, state, door, clock, tenants)
    is_here = tenants.here.is_here
    people = sessions_of(settings, key, FIRST, clock, peopled, is_here)
    authorized = authorizing(settings, key, state, clock, people, is_here=is_here)
    tokens = authorized.tokens
    joined(peopled, authorized)
    glass = break_glass(settings, state, tokens, clock, new_id, on.fresh)
    bulk = bulk_of(settings, key, door, on.book, tokens.resolve, addressing)
    planned = scheduling(settings, door, state, clock, tenants, addressing)
    talked = talking(settings, door, state, clock, tenants)
    reindexer = Reindexer(on.store, on.definitions, clock)
    runner = Runner(on.book, clock, (later.KIND, reindexer.kind, *bulk.kinds))
    on.outputs.of(runner, shared.desk.shares)
    return Features(
        visits,
        shared,
        filled,
        audits,
        peopled,
        authorized,
        glass,
        bulk,
        planned,
        talked,
        prescribing_of(door, clock),
        runner,
    )
