"""What becomes of the visits that an absence meets: moved, cancelled, or cancelled with a wish on
the waiting list, each as one step of the door, so that some can be done where others cannot.

Patients are told as of every visit that is moved or cancelled (`notices`).
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, get_args

from careplane.access.caller import Caller, acts_as_patient
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden
from careplane.records import commands as c
from careplane.telehealth.scheduling import booking, names, waiting_list
from careplane.telehealth.scheduling.asks import stored
from careplane.telehealth.scheduling.availability.rules import MINUTE
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.finding import MOST_DAYS, Search
from careplane.telehealth.scheduling.occupancy import moment_of
from careplane.telehealth.scheduling.refusals import Unavailable, Unfit
from careplane.telehealth.scheduling.visit import patients_in

How = Literal["later", "colleague", "wait", "cancel"]
"""Moved to the first free time with the same person after the absence; moved to the first one from
when the visit is on with whoever offers that kind; cancelled, and the patient waits for a time with
the same person after the absence; cancelled."""
HOWS: Final[tuple[How, ...]] = get_args(How)
REASON: Final = (names.CANCEL_REASON, "prov", "")
_DAYS: Final = MOST_DAYS * 1440 * MINUTE
_TRIES: Final = 3


async def rearrange(
    desk: Desk,
    caller: Caller,
    visit: Tree,
    how: How,
    whom: tuple[str, ...],
    after: int,
    today: date,
) -> None:
    """Do that with a booked visit. `whom` are references of who is absent, until `after`. Raises
    Unavailable where there is no free time within 92 days, Unfit where the visit is not booked any
    more, Forbidden for who acts as a patient."""
    if acts_as_patient(caller):
        raise Forbidden("Absences are arranged by staff.")
    id = str(visit["id"])
    if how == "cancel":
        await desk.cancel(caller, id, REASON)
    elif how == "wait":
        await _wait(desk, caller, id, whom, after, today)
    else:
        await _move(desk, caller, visit, how, whom, after)


async def _move(
    desk: Desk, caller: Caller, visit: Tree, how: How, whom: tuple[str, ...], after: int
) -> None:
    same = how == "later"
    begin = max(after if same else moment_of(visit["start"]), desk.clock())
    search = Search(
        begin, begin + _DAYS, practitioners=whom if same else (), visits=_kinds(visit)
    )  # fmt: skip
    for _ in range(_TRIES):
        found = await desk.find(caller, search, 1, (), ())
        if not found.appointments:
            break
        wanted = await desk.proposed(caller, str(found.appointments[0]["id"]))
        try:
            await desk.move(caller, str(visit["id"]), wanted)
        except Unavailable:  # somebody else was faster: look again
            continue
        return
    raise Unavailable("There is no free time for this visit within 92 days.")


async def _wait(
    desk: Desk, caller: Caller, id: str, whom: tuple[str, ...], after: int, today: date
) -> None:
    new, asker, key = desk.new_id(), desk.asker(caller), ("Appointment", id)

    def decide(seen: c.Seen) -> c.Decided:
        tree = seen.records.get(key, {})
        if tree.get("status") != "booked":
            raise Unfit("Only a booked visit is cancelled for an absence.")
        done = booking.cancel(seen, asker, [id], REASON)
        begin = max(after, asker.now)
        search = Search(begin, begin + _DAYS, practitioners=whom)
        concept = next(iter(tree.get("serviceType", ())), None)
        kept = tuple((name, tree[name]) for name in ("reasonCode", "comment") if name in tree)
        more = (("created", today.isoformat()), *kept)
        wishes = [
            waiting_list.wish(f"{new}-{number}" if number else new, search, one, concept, more)
            for number, one in enumerate(patients_in(tree))
        ]
        writes = (c.Write("Appointment", str(wish["id"]), wish) for wish in wishes)
        return c.Decided((*done.writes, *writes), about=done.about)

    await desk.door.act(caller, c.Act("$postpone", stored([id]), decide, about=f"Appointment/{id}"))


def _kinds(visit: Tree) -> tuple[tuple[str | None, str], ...]:
    return tuple(
        (coding.get("system"), str(coding["code"]))
        for concept in visit.get("serviceType", ())
        for coding in concept.get("coding", ())
        if "code" in coding
    )
