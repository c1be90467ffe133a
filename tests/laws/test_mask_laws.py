"""The law of masks: whatever is hidden, nothing of it is in any answer, and all else is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from careplane.kernel.clock import system_clock
from tests.contracts.engines import ENGINES
from tests.fhir_house import open_house
from tests.mask_house import (
    FREE,
    MARKERS,
    MASKED,
    answers,
    fill,
    hidden_of,
    marked_patient,
    marks_of,
    policies,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


_MORE = ("Patient.name", "Patient.contact", "Patient.address", "Observation.component")


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sets(st.sampled_from([*MARKERS, *_MORE]), min_size=1))
@example(set(MARKERS))
@example({"Patient.telecom"})
async def test_nothing_hidden_is_in_any_answer(
    tmp_path_factory: pytest.TempPathFactory, hides: set[str]
) -> None:
    hidden, shown = hidden_of(hides)
    store = ENGINES["memory"](tmp_path_factory.mktemp("law"), system_clock)
    try:
        async with open_house(store, policies=policies(sorted(hides))) as house:
            await fill(house)
            async with house.client_of(MASKED) as masked, house.client_of(FREE) as free:
                text = await answers(house, masked, MASKED)
                everything = await answers(house, free, FREE)
                assert [mark for mark in sorted(hidden) if mark in text] == []
                assert [mark for mark in sorted(hidden) if mark not in everything] == []
                for type, id in (("Patient", "p"), ("Observation", "o")):
                    alone = (await masked.get(f"{type}/{id}")).text
                    lost = shown & marks_of(type) - {mark for mark in shown if mark in alone}
                    assert lost == set()
                # What the other wrote has taken nothing away.
                stored = (await free.get("Patient/p")).json()
                wanted = {**marked_patient("p", language="en"), "meta": stored["meta"]}
                assert {**stored, "gender": "female"} == wanted
    finally:
        await store.close()
