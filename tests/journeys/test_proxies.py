"""A patient with an account lets somebody act: the link, the account, what the proxy does, and the
end of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

import pytest

from careplane.access.people.standing import Ages
from careplane.access.people.user import Charge
from careplane.access.smart.tokens import Tokens
from careplane.app.peopling import charges_of
from careplane.care.corrections.corrections import Corrections
from careplane.care.proxies.proxies import Proxies
from careplane.kernel.ids import new_id, secret_id
from careplane.rest.addressing import Addressing
from careplane.storage.ports.records import Tenant
from careplane.telehealth.scheduling.calendars.feeds import Feeds
from careplane.telehealth.scheduling.desk import Desk
from careplane.telehealth.scheduling.proposals import Proposals
from careplane.web.portal import Portal
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.fhir_house import TENANT, observation, patient
from tests.people_house import ORIGIN, Authenticator, Browser, Hospital, Person, open_hospital

pytestmark = pytest.mark.anyio
MINUTE = 60_000_000
NOW = 1_800_000_000_000_000
"""2027-01-15."""
CY = {"name": "Cy Quinn", "relationship": "CHILD", "rights": "act", "until": "2027-01-15"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def there() -> AsyncIterator[Hospital]:
    """A hospital whose proxies are those of its records."""
    hospital: list[Hospital] = []

    async def charges(tenant: Tenant, related: tuple[str, ...]) -> Sequence[Charge]:
        (here,) = hospital
        return await charges_of(here.house.door, here.clock, Ages())(tenant, related)

    async with open_hospital(clock=Hands(NOW), charges=charges) as here:
        hospital.append(here)
        door, clock = here.house.door, here.clock
        proposals = Proposals(here.state, clock, secret_id)

        async def stands(caller: object) -> bool:
            return True

        feeds = Feeds(door, here.state, clock, secret_id, stands)
        tools = (door, clock, new_id)
        doors = Portal(Desk(door, proposals, clock, new_id), feeds, Corrections(*tools),
                       Proxies(*tools))  # fmt: skip
        here.pages = application(
            Web(
                door,
                Tokens(bytes(32), clock),
                (),
                clock,
                True,
                people=here.people,
                addressing=Addressing(ORIGIN),
                portal=doors,
            )
        )
        for record in (patient("p", name=[{"family": "Quinn", "given": ["Ada"]}]), patient("q"),
                       observation("o", "p"), observation("other", "q")):  # fmt: skip
            await here.house.put(record)
        yield here


async def signed_in(there: Hospital, person: Person) -> Browser:
    browser = there.browser()
    answer = await browser.by_passkey(person)
    assert answer.status_code in (200, 303)
    return browser


async def set_up(there: Hospital, page: str) -> Browser:
    """Whoever got the link opens it, and is signed in."""
    (code,) = re.findall(rf'value="{ORIGIN}/set-up\?code=([^"]+)"', page)
    browser, key = there.browser(), Authenticator()
    options = (await browser.post("/set-up/passkey/options", {"code": code})).json()
    sent = {"code": code, "credential": key.create(options)}
    assert (await browser.post("/set-up/passkey", sent)).status_code == 303
    return browser


async def test_an_invited_proxy_acts_until_the_last_day(there: Hospital) -> None:
    mine = await signed_in(there, await there.with_passkey("ada", "Patient/p", "patient"))
    made = await mine.post("/my/proxies", CY)
    assert "shown this once" in made.text
    assert "Cy Quinn" not in (await mine.get("/my/medicines")).text
    cy = await set_up(there, made.text)
    session = await cy.who()
    assert session
    assert (session.patient, session.roles) == ("p", {"proxy", "acting-proxy"})
    page = (await cy.get("/")).text
    assert "You act for" in page
    assert "Ada Quinn" in page
    assert (await cy.get("/patients/q")).status_code == 404
    assert (await cy.post("/my/corrections", {"text": "My birthday"})).status_code == 303
    assert (await cy.post("/my/proxies", CY)).status_code == 403
    assert await there.people.who.now(TENANT, session.id)
    there.clock.now += 24 * 60 * MINUTE  # the day after the last
    assert await there.people.who.now(TENANT, session.id) is None


async def test_an_end_shuts_at_once(there: Hospital) -> None:
    mine = await signed_in(there, await there.with_passkey("ada", "Patient/p", "patient"))
    cy = await set_up(there, (await mine.post("/my/proxies", {**CY, "until": ""})).text)
    assert (await cy.get("/patients/p")).status_code == 200
    (id,) = re.findall(r'action="/my/proxies/([^/"]+)/end"', (await mine.get("/my/proxies")).text)
    assert (await mine.post(f"/my/proxies/{id}/end", {"x": ""})).status_code == 303
    assert (await cy.get("/patients/p")).status_code == 404
    there.clock.now += MINUTE
    page = (await cy.get("/")).text
    assert "You act for nobody now" in page
    assert "Ada Quinn" not in page


async def test_a_proof_that_is_old_invites_nobody(there: Hospital) -> None:
    mine = await signed_in(there, await there.with_passkey("ada", "Patient/p", "patient"))
    there.clock.now += 6 * MINUTE
    asked = await mine.post("/my/proxies", CY)
    assert (asked.status_code, asked.headers["location"]) == (303, "/confirm?next=/my/proxies")
    assert len(await there.people.registrar.users.all(TENANT)) == 1


async def test_who_acts_for_several_chooses(there: Hospital) -> None:
    for id, of in (("r", "p"), ("s", "q")):
        await there.house.put({"resourceType": "RelatedPerson", "id": id, "active": True,
                               "patient": {"reference": f"Patient/{of}"}})  # fmt: skip
    refs = ("RelatedPerson/r", "RelatedPerson/s")
    _, code = await there.people.registrar.add(TENANT, "mum", "Mum", refs)
    mum = await set_up(there, f'value="{ORIGIN}/set-up?code={code}"')
    page = (await mum.get("/")).text
    assert "Choose for whom you act" in page
    assert (await mum.post("/act-for", {"related": "RelatedPerson/r"})).status_code == 303
    assert "The record of Ada Quinn" in (await mum.get("/")).text
    assert "Whose record" in (await mum.get("/my/menu")).text
