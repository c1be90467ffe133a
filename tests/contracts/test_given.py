"""Documents that patients give, over every engine: of those who decide at once one does, and of
those that are sent at once no more come than may wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.care.documents import given
from careplane.care.documents.document import Said
from careplane.care.documents.documents import Documents
from careplane.care.documents.types import TYPES
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Conflict, Forbidden, NotFound, Precondition, TooMany
from careplane.kernel.ids import new_id
from tests.contracts.engines import ENGINES
from tests.fhir_house import TENANT, House, open_house, patient
from tests.file_house import png
from tests.prescribing_house import DOCTOR, NURSE
from tests.tasks_house import KEEPS

pytestmark = pytest.mark.anyio
ADA = Caller(TENANT, "Patient/p", "Ada", parse_scopes("patient/*.rs patient/Communication.c"), "p",
             frozenset({"patient"}))  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = ENGINES[request.param](tmp_path, system_clock)
    try:
        async with open_house(store, keeps=KEEPS) as house:
            await house.put(patient("p"))
            yield house
    finally:
        await store.close()


async def test_documents_are_given_and_decided_once(house: House) -> None:
    documents, said = Documents(house.door, system_clock, new_id, 5000), Said(TYPES["letter"])
    id = await given.send(documents, ADA, "a.png", "image/png", png(), said)
    with pytest.raises(Forbidden):
        await given.file(documents, ADA, id, 1, TYPES["letter"], "Mine")
    with pytest.raises(Forbidden):
        await given.send(documents, DOCTOR, "a.png", "image/png", png(), said)
    with pytest.raises(Precondition):
        await given.file(documents, DOCTOR, id, 7, TYPES["letter"], "A letter")
    answers = await asyncio.gather(
        *(
            given.file(documents, who, id, 1, TYPES["letter"], "A letter")
            for who in (DOCTOR, NURSE)
        ),
        given.refuse(documents, NURSE, id, 1, "Of somebody else"),
        return_exceptions=True,
    )
    assert Counter(type(one) for one in answers) == {type(None): 1, Conflict: 2}
    told = (await given.told(documents, ADA, "p"))[f"DocumentReference/{id}"]
    assert told["status"] in ("completed", "rejected")
    with pytest.raises(NotFound):
        await given.refuse(documents, DOCTOR, "none", 1, "No")


async def test_so_many_wait(house: House) -> None:
    documents, said = Documents(house.door, system_clock, new_id, 5000), Said(TYPES["letter"])

    async def send() -> str:
        return await given.send(documents, ADA, "a.png", "image/png", png(), said)

    for _ in range(given.MOST - 1):
        await send()
    answers = await asyncio.gather(*(send() for _ in range(3)), return_exceptions=True)
    kinds = Counter("sent" if isinstance(one, str) else type(one).__name__ for one in answers)
    assert kinds == {"sent": 1, TooMany.__name__: 2}
