"""Attacks with the launch parameter: used twice, late, by another person or app; and made up."""

from __future__ import annotations

import pytest

from tests.contracts.conftest import Hands
from tests.launch_house import FHIR, Launching, answer, leads_to, open_launching

pytestmark = pytest.mark.anyio
SCOPE = "openid launch patient/*.rs"


async def test_a_launch_is_good_once(here: Launching) -> None:
    app = here.app("conf")
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        assert opened["iss"] == FHIR
        request = app.asks(SCOPE, launch=opened["launch"])
        page = await person.asked(request)
        said = (await app.redeem(await person.decides(page))).json()
        assert (said["patient"], said["encounter"]) == ("p1", "e1")
        again = answer(leads_to(await person.asked(request)))
        assert (again["error"], "code" in again) == ("invalid_request", False)


async def test_two_tabs_share_no_launch(here: Launching) -> None:
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        request = here.app("conf").asks(SCOPE, launch=opened["launch"])
        one, other = await person.asked(request), await person.asked(request)
        assert "code" in answer(await person.decides(one))
        assert answer(await person.decides(other))["error"] == "invalid_request"


async def test_a_launch_is_of_one_person_and_one_app(here: Launching) -> None:
    await here.add("conf2", method="client_secret", launch_url="https://b.example/launch")
    async with here.person("physician") as person, here.person("nurse") as other:
        opened = await here.launch(person, "p1", "conf")
        stolen = await other.asked(here.app("conf").asks(SCOPE, launch=opened["launch"]))
        assert answer(leads_to(stolen))["error"] == "invalid_request"
        swapped = await person.asked(here.app("conf2").asks(SCOPE, launch=opened["launch"]))
        assert answer(leads_to(swapped))["error"] == "invalid_request"
        assert leads_to(await person.asked(here.app("conf").asks(SCOPE, **opened))) == ""


@pytest.mark.parametrize("made", ["x", "x" * 43, "x" * 5000, "p1", "\0"])
async def test_a_made_up_launch_opens_nothing(here: Launching, made: str) -> None:
    async with here.person("physician") as person:
        page = await person.asked(here.app("conf").asks(SCOPE, launch=made))
        assert answer(leads_to(page))["error"] == "invalid_request"


async def test_a_launch_without_its_scope_opens_nothing(here: Launching) -> None:
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        page = await person.asked(here.app("conf").asks("patient/*.rs", launch=opened["launch"]))
        assert answer(leads_to(page))["error"] == "invalid_scope"


async def test_a_launch_is_over_after_minutes() -> None:
    clock = Hands()
    async with open_launching(clock) as here, here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        clock.now += 600_000_000
        page = await person.asked(here.app("conf").asks(SCOPE, launch=opened["launch"]))
        assert answer(leads_to(page))["error"] == "invalid_request"


async def test_nobody_launches_for_a_patient_or_an_app_that_is_not_theirs(here: Launching) -> None:
    async with here.person("patient") as person:
        page = await person.http.post("/patients/p2/apps/conf")
        assert page.status_code == 404
    async with here.person("physician") as person:
        for path in ("/patients/p1/apps/pub", "/patients/p1/apps/none", "/patients/no/apps/conf"):
            assert (await person.http.post(path)).status_code == 404
        elsewhere = {"sec-fetch-site": "cross-site"}
        page = await person.http.post("/patients/p1/apps/conf", headers=elsewhere)
        assert page.status_code == 403
    async with here.person() as nobody:
        page = await nobody.http.post("/patients/p1/apps/conf")
        assert page.headers["location"].startswith("/sign-in")


async def test_the_chosen_patient_of_a_launch_cannot_be_another(here: Launching) -> None:
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        first = await person.asked(here.app("conf").asks(SCOPE, launch=opened["launch"]))
        url = str(first.url).partition("/oauth")[2]
        page = await person.http.get(f"/oauth{url}&patient=p2")
        said = await here.app("conf").redeem(await person.decides(page))
        assert said.json()["patient"] == "p1"
