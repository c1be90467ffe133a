"""Writing the lists of a chart without a browser: forms, conflicts, refusals, hostile words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from careplane.kernel.clock import system_clock
from careplane.storage.engines.memory import MemoryStore
from tests.fhir_house import House, open_house
from tests.journeys.test_clinic_pages import HOSTILE, browser, words
from tests.prescribing_house import DOCTOR, NURSE, PATIENT, furnish, staff

pytestmark = pytest.mark.anyio
ASTHMA = {"what": "Asthma", "code": "195967001", "system": "http://snomed.info/sct",
          "status": "active", "certainty": "confirmed", "onset": "2019"}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(MemoryStore(system_clock)) as house:
        await furnish(house)
        yield house


async def test_a_problem_is_added_and_changed_by_two(house: House) -> None:
    async with browser(house, DOCTOR) as http:
        assert "Add a problem" in words(await http.get("/patients/p/problems"))
        wrong = await http.post("/patients/p/problems/add", data={**ASTHMA, "onset": HOSTILE})
        assert wrong.status_code == 400
        assert 'href="#onset"' in wrong.text
        assert "<script>alert" not in wrong.text
        saved = await http.post("/patients/p/problems/add", data={**ASTHMA, "note": HOSTILE})
        assert saved.headers["location"] == "/patients/p/problems?saved=1"
        page = await http.get("/patients/p/problems")
        assert "Asthma" in words(page)
        assert "Asthma" in words(await http.get("/patients/p/problems/add?q=asth"))
        (path,) = set(re.findall(r'href="(/patients/p/problems/[^"]+/edit)"', page.text))
        form = await http.get(path)
        assert "<script>alert" not in form.text
        assert 'value="2019"' in form.text
        changed = {**ASTHMA, "version": "1", "severity": "24484000"}
        assert (await http.post(path, data=changed)).status_code == 303
        stale = await http.post(path, data={**changed, "note": "typed by me"})
        assert "Somebody else changed this" in words(stale)
        assert 'value="typed by me"' in stale.text
        assert (await http.get(path.replace("/p/", "/q/"))).status_code == 404
        other = await http.post(path.replace("/p/", "/q/"), data={**changed, "version": "2"})
        assert other.status_code == 404
        done = {**changed, "version": "2", "certainty": "entered-in-error"}
        assert (await http.post(path, data=done)).status_code == 303
        assert "No active problems" in words(await http.get("/patients/p/problems"))


async def test_a_nurse_writes_what_nurses_write(house: House) -> None:
    async with browser(house, NURSE) as http:
        assert (await http.get("/patients/p/problems/add")).status_code == 403
        assert (await http.post("/patients/p/problems/add", data=ASTHMA)).status_code == 403
        sent = {"what": HOSTILE, "category": "food", "risk": "high", "reaction": "Hives",
                "severity": "severe"}  # fmt: skip
        assert (await http.post("/patients/p/allergies/add", data=sent)).status_code == 303
        shot = {"what": "Influenza", "when": "2026-10", "site": "LA"}
        assert (await http.post("/patients/p/immunizations/add", data=shot)).status_code == 303
        vitals = {"systolic": "150", "diastolic": "95", "weight": "80", "height": "170"}
        kept = await http.post("/patients/p/vitals/add", data={**vitals, "pulse": "7"})
        assert (kept.status_code, 'value="150"' in kept.text) == (400, True)
        assert (await http.post("/patients/p/vitals/add", data=vitals)).status_code == 303
        shown = words(await http.get("/patients/p/vitals"))
        for one in ("150 / 95", "80 kg", "27.7"):
            assert one in shown
        page = await http.get("/patients/p/allergies")
        assert "<script>alert" not in page.text
        assert "Hives" in words(page)
        assert "Influenza" in words(await http.get("/patients/p/immunizations"))


async def test_the_care_team_comes_and_goes(house: House) -> None:
    async with browser(house, DOCTOR) as http:
        nobody = await http.post("/patients/p/team", data={"member": "", "role": "x"})
        assert nobody.status_code == 400
        sent = {"member": "Practitioner/d", "role": HOSTILE}
        assert (await http.post("/patients/p/team", data=sent)).status_code == 303
        page = await http.get("/patients/p/team")
        assert "<script>alert" not in page.text
        assert (await http.post("/patients/p/team", data=sent)).status_code == 400
        (path,) = re.findall(r'action="(/patients/p/team/[^"]+/leave)"', page.text)
        other = path.replace("/p/", "/q/")
        assert (await http.post(other, data=sent)).status_code == 404
        assert (await http.post(path, data=sent)).status_code == 303
        assert "Nobody is in it any more" in words(await http.get("/patients/p/team"))
        assert (await http.post(path, data=sent)).status_code == 400


async def test_forms_are_closed_to_who_may_not(house: House) -> None:
    for caller in (PATIENT, staff("f", "front-desk")):
        async with browser(house, caller) as http:
            for path in ("problems/add", "allergies/add", "immunizations/add", "vitals/add"):
                assert (await http.get(f"/patients/p/{path}")).status_code == 403, path
                form = {"what": "x", "weight": "70", "when": "2026-01-01"}
                sent = await http.post(f"/patients/p/{path}", data=form)
                assert sent.status_code == 403, (path, sent.text)
            joined = await http.post("/patients/p/team", data={"member": "Practitioner/d"})
            assert joined.status_code == 403
