"""A round: one house, several callers, their requests; and the tally of what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from careplane.access.consent.consents import House as Choices
from careplane.kernel.clock import format_instant, system_clock
from careplane.storage.engines import postgres
from careplane.storage.engines.memory import MemoryState
from tests import postgres as server
from tests.contracts.engines import ENGINES, Store
from tests.fhir_house import House, bundle, entry, open_house
from tests.oracle.catalogue import WAYS
from tests.oracle.drawing import Round
from tests.oracle.population import WORLD
from tests.oracle.rights import Judge, Sight, full
from tests.oracle.services import LABELS, Rooms, Services
from tests.oracle.way import Here
from tests.policy_house import Record

_NOTHING = ("refused", "nothing")
"""What comes of a write that does nothing."""
_OPT_IN = Choices(opt_in=frozenset({"HRESCH"}))


@dataclass
class Tally:
    """How many draws, by way, by how much of all the rows came back, and in an emergency; and how
    many resources were `shown`, by themselves, and with something hidden."""

    ways: Counter[str] = field(default_factory=Counter)
    shares: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    emergencies: int = 0

    def note(self, way: str, wanted: Any, everything: Any, *, emergency: bool) -> None:
        size, most = _size(wanted), _size(everything)
        share = "full" if size == most else "partial" if size else "empty"
        self.ways[way] += 1
        self.shares[share if most else "nothing to see"] += 1
        self.emergencies += emergency

    @property
    def draws(self) -> int:
        return self.ways.total()

    def __str__(self) -> str:
        of = ", ".join(f"{way} {number}" for way, number in self.ways.most_common())
        told = f"{dict(self.shares)}, {dict(self.shown)}, {self.emergencies} in an emergency"
        return f"no leak, no false denial: {told}; {of}"

    def __iadd__(self, other: Tally) -> Tally:
        self.ways += other.ways
        self.shares += other.shares
        self.shown += other.shown
        self.emergencies += other.emergencies
        return self

    def check(self, draws: int) -> None:
        """That there were so many, and of every way."""
        assert self.draws >= draws
        assert min(self.ways[way] for way in WAYS) > self.draws // len(WAYS) // 5
        assert self.shown["masked"] > 0
        assert self.emergencies > 0

    def check_shares(self) -> None:
        """That they were not all alike."""
        assert all(self.shares[one] > self.draws // 12 for one in ("full", "partial", "empty"))


def _size(answer: Any) -> int:
    if isinstance(answer, int):
        return answer
    if isinstance(answer, dict):
        return sum(_size(one) for one in answer.values())
    return len([one for one in answer if not one.endswith("|None") and one not in _NOTHING])


@dataclass
class Field:
    """A filled store, and what was asked of it."""

    store: Store
    tally: Tally = field(default_factory=Tally)
    rounds: int = 0
    failed: bool = False
    earlier: dict[str, list[Record]] = field(default_factory=dict, repr=False)
    """See Here."""

    async def play(self, drawn: Round) -> None:
        """Put the Consents, ask everything, take the Consents away."""
        self.rounds += 1
        consents = [{**one, "id": f"k{self.rounds}-{n:02}"} for n, one in enumerate(drawn.consents)]
        texts = (*drawn.policies, *(one.policy for one in drawn.masks))
        files = {"mine.cedar": "\n".join(texts)}
        state = MemoryState()
        async with (
            open_house(self.store, consents=False) as plain,
            open_house(self.store, state, policies=files, consent=_OPT_IN, labels=LABELS,
                       more=lambda door: Services(door, state).operations) as house,
        ):  # fmt: skip
            for one in consents:
                await plain.put(one)
            try:
                rooms = Rooms(house, Services(house.door, state))
                await self._callers(rooms, plain, drawn, consents)
            except BaseException:
                self.failed = True
                raise
            finally:
                for one in consents:
                    await plain.http.delete(f"Consent/{one['id']}")

    async def _callers(
        self, rooms: Rooms, plain: House, drawn: Round, consents: list[Record]
    ) -> None:
        house, began = rooms.house, format_instant(system_clock())
        every = full(consents)
        for case, requests in drawn.callers:
            judge = Judge(case, consents, tuple(drawn.policies), tuple(drawn.masks))
            async with house.client_of(case.caller()) as http:
                shown = self.tally.shown
                here = Here(house, plain, http, case.caller(), judge.sight(), shown, rooms, began,
                            self.earlier)  # fmt: skip
                http.event_hooks["response"] = [here.look]
                for asked in requests:
                    await self._ask(here, every, asked.way, asked.n, asked.m)

    async def _ask(self, here: Here, every: Sight, name: str, n: int, m: int) -> None:
        way = WAYS[name]
        wanted = way.want(here.sight, n, m)
        got = await way.ask(here, n, m)
        told = f"{name} ({n}, {m}) of {here.caller}"
        assert got == wanted, f"{told}: {_difference(got, wanted)}\n{here.told}"
        emergency = here.caller.emergency is not None
        self.tally.note(name, wanted, way.want(every, n, m), emergency=emergency)


def _difference(got: Any, wanted: Any) -> str:
    if isinstance(got, list) and isinstance(wanted, list):
        leaks, denials = set(got) - set(wanted), set(wanted) - set(got)
        return f"leaks {sorted(leaks)}, false denials {sorted(denials)}"
    return f"{got} instead of {wanted}"


def _erasing(folder: Path) -> Store:
    """A database with a list of erasures beside it, as an installation has it."""
    limits = postgres.Limits(quick=2, careful=2, folder=folder)
    return postgres.open(server.url(), bytes(range(32)), system_clock, limits)


@asynccontextmanager
async def filled(engine: str, folder: Path) -> AsyncIterator[Field]:
    """A store of an engine with the whole population."""
    store = _erasing(folder) if engine == "postgres" else ENGINES[engine](folder, system_clock)
    keeper: Any = getattr(store, "keeper", None)
    if keeper:
        keeper.fresh_seconds = 0.0  # no other process seals here, so an erasure waits for none
    try:
        async with open_house(store) as house:
            rows = list(WORLD.values())
            for some in (rows[at : at + 100] for at in range(0, len(rows), 100)):
                entries = [entry("PUT", f"{r['resourceType']}/{r['id']}", r) for r in some]
                answer = await house.http.post("", content=bundle("batch", *entries))
                assert answer.status_code == 200, answer.text
                codes = {one["response"]["status"] for one in answer.json()["entry"]}
                assert codes == {"201"}, answer.text
        yield Field(store)
    finally:
        await store.close()
