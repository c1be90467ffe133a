"""Pages for people: what stands on them is what the visitor may see. A page of one thing opens to
whoever may read that; lists are looked at for what this visitor may not see."""

from __future__ import annotations

from careplane.kernel.errors import Forbidden
from tests.consent_house import subjects
from tests.oracle.marks import marked
from tests.oracle.rights import Sight
from tests.oracle.rooms import WITH_ROOMS
from tests.oracle.way import Here, Way, found_of

WAYS: dict[str, Way] = {}
_ROOMS = sorted(set(WITH_ROOMS))
_LISTS = ("/results", "/messages?box=open", "/tasks", "/tasks?box=pools", "/forms", "/desk",
          "/book", "/referrals", "/", "/patients", "/share", "/questionnaires")  # fmt: skip


def _number(n: int) -> int:
    return _ROOMS[n % len(_ROOMS)]


async def _opened(here: Here, path: str) -> str | None:
    """The text of a page; None where it is not for this visitor. Nothing on it is of a row that
    they may not see."""
    answer = await here.rooms.page(here.caller, path)
    assert answer.status_code in (200, 303, 400, 403, 404), f"{path}: {answer.text}"
    read, found = here.sight.read, here.sight.found
    leaked = {key for key in marked(answer.text) if key not in read and key not in found}
    assert not leaked, f"{path} shows {sorted(leaked)}"
    return answer.text if answer.status_code == 200 else None


async def _closed(here: Here) -> bool:
    """Whether a policy that was drawn forbids the house itself to look up its pools: then no page
    opens that says who answers."""
    pools, tenant = here.rooms.services.talk.messages.pools, here.caller.tenant
    try:
        await pools.asker(here.caller)
        for one in await pools.all(tenant):
            await pools.members(tenant, one.party.reference)
    except Forbidden:
        judge = here.sight.judge
        assert judge is not None
        assert any(one.startswith("forbid") for one in judge.policies), here.told
        return True
    return False


def _of_one(key: str, path: str, besides: str = "") -> Way:
    """A page of a row; `besides` must be readable as well."""

    def want(sight: Sight, n: int, m: int) -> list[str]:
        one = key.format(_number(n))
        needed = {one, besides.format(_number(n))} - {""}
        return [one] if needed <= sight.read else []

    async def ask(here: Here, n: int, m: int) -> list[str]:
        text = await _opened(here, path.format(_number(n)))
        names_pools = path.startswith(("/messages", "/tasks"))
        if text is None and names_pools and await _closed(here):
            return want(here.sight, n, m)
        return [] if text is None else [key.format(_number(n))]

    return Way(want, ask)


WAYS["page: a chart"] = _of_one("Patient/p{}", "/patients/p{}")
WAYS["page: a document"] = _of_one("DocumentReference/f{}", "/patients/p{0}/documents/f{0}",
                                   "Patient/p{}")  # fmt: skip
WAYS["page: a thread"] = _of_one("Communication/h{}", "/messages/h{}")
WAYS["page: a task"] = _of_one("Task/j{}", "/tasks/j{}")


_TABS = (("medications", "MedicationRequest"), ("allergies", "AllergyIntolerance"),
         ("messages", "Communication"), ("tasks", "Task"))  # fmt: skip


def _of_tab(sight: Sight, n: int, m: int) -> list[str]:
    """What a tab of a chart is about: of threads their heads."""
    id, type = f"p{_number(n)}", _TABS[m][1]
    if f"Patient/{id}" not in sight.read:
        return []
    return [key for key in found_of(sight, type, lambda r: id in subjects(r))
            if not key.startswith("Communication/g")]  # fmt: skip


async def _tab(here: Here, n: int, m: int) -> list[str]:
    """Of messages and tasks there are more, in threads and boxes of one's own."""
    (tab, type), number = _TABS[m], _number(n)
    text = await _opened(here, f"/patients/p{number}/{tab}")
    if text is None and tab in ("messages", "tasks") and await _closed(here):
        return _of_tab(here.sight, n, m)
    shown = {key for key in marked(text or "") if key.startswith(f"{type}/")}
    return sorted(key for key in shown if not key.startswith("Communication/g"))


WAYS["page: a tab of a chart"] = Way(_of_tab, _tab)


async def _lists(here: Here, n: int, m: int) -> list[str]:
    """Whatever lists there are, for this visitor."""
    for path in _LISTS[n % 4 :: 4]:
        await _opened(here, path)
    return []


WAYS["page: lists"] = Way(lambda s, n, m: [], _lists)
