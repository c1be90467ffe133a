"""The waiting list: wishes as Appointments of status waitlist, and the offers for them. Pure.

An offer is a hold for one patient, for as long as the terms of the schedule say. A wish notes the
times it was offered, so that one which was let go is offered to the next, and not to it again.
"""

from __future__ import annotations

from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.records.commands import Decided, Seen, Write
from careplane.telehealth.scheduling import booking, names, visit
from careplane.telehealth.scheduling.booking import Asker
from careplane.telehealth.scheduling.finding import Search
from careplane.telehealth.scheduling.occupancy import actors_of, held_until, moment_of
from careplane.telehealth.scheduling.visit import Wanted

_MOST_OFFERS = 50
"""Times that a wish remembers."""


def wish(
    id: str,
    search: Search,
    patient: str,
    concept: Tree | None,
    more: tuple[tuple[str, Tree | list[Tree]], ...],
) -> Tree:
    """The Appointment that says who waits, for whom, and between when and when."""
    actors = (patient, *search.practitioners, *search.locations)
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "waitlist",
        **({"serviceType": [concept]} if concept else {}),
        **dict(more),
        "participant": [
            {"actor": {"reference": actor}, "status": "needs-action"} for actor in actors
        ],
        "requestedPeriod": [
            {"start": format_instant(search.start), "end": format_instant(search.end)}
        ],
    }


def search_of(tree: Tree) -> Search | None:
    """What a wish looks for; None where it does not say when."""
    period = (tree.get("requestedPeriod") or [{}])[0]
    if "start" not in period or "end" not in period:
        return None
    actors = sorted(actors_of(tree))
    return Search(
        moment_of(period["start"]),
        moment_of(period["end"]),
        practitioners=tuple(
            a for a in actors if a.split("/")[0] in ("Practitioner", "PractitionerRole", "Device")
        ),
        locations=tuple(a for a in actors if a.startswith("Location/")),
        visits=tuple(
            (coding.get("system"), str(coding.get("code")))
            for concept in tree.get("serviceType", ())
            for coding in concept.get("coding", ())
        ),
    )


def offered_before(tree: Tree) -> frozenset[int]:
    """When the times began that it was offered."""
    return frozenset(
        moment_of(one["valueInstant"])
        for one in tree.get("extension", ())
        if one.get("url") == names.OFFERED
    )


def offer(seen: Seen, asker: Asker, wanted: Wanted, id: str, of: str) -> Decided:
    """A hold for who waits, and the note that it was offered; nothing where the wish is gone."""
    tree = seen.records.get(("Appointment", of))
    if tree is None or tree.get("status") != "waitlist":
        return Decided()
    mark = {"url": names.OFFER_OF, "valueReference": {"reference": f"Appointment/{of}"}}
    held = booking.hold(seen, asker, wanted, id, mark)
    note = {"url": names.OFFERED, "valueInstant": format_instant(wanted.start)}
    notes = [*tree.get("extension", ()), note][-_MOST_OFFERS:]
    return Decided(
        (*held.writes, Write("Appointment", of, {**visit.bare(tree), "extension": notes})),
        about=f"{held.about} for Appointment/{of}",
    )


def lapse(seen: Seen, asker: Asker, id: str) -> Decided:
    """A hold that has ended: cancelled, its Slot free. Nothing where it was booked meanwhile."""
    tree = seen.records.get(("Appointment", id))
    until = held_until(tree) if tree else None
    if until is None or until > asker.now:
        return Decided()
    return booking.cancel(seen, asker, [id], ("", "", "The hold has ended."))
