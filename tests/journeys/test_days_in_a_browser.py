"""A clinician's day and a patient's week, from signing in with a passkey on: with accounts, as at
an institution, and the records of the demo."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from careplane.kernel.clock import system_clock
from tests.journeys.test_people import Installation, with_passkey
from tests.journeys.test_visits_in_a_browser import browser as with_devices
from tests.journeys.test_visits_in_a_browser import sees
from tests.visit_house import appointment
from tools.bench import server
from tools.screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
DEVIN = "/patients/devin-bailey"
GIVER = "Practitioner/demo-family-doctor"
ENGLISH: dict[str, Any] = {"reduced_motion": "reduce", "locale": "en-GB"}


@pytest.fixture(scope="module")
def camera() -> Iterator[Browser]:
    """A browser with a made-up camera."""
    with with_devices() as opened:
        yield opened


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An institution with the records of the demo, and no role picker."""
    data = tmp_path_factory.mktemp("days") / "data"
    with served(data):
        pass  # the records are loaded
    with server.serving(data) as started:
        base = started.base.removesuffix("/fhir").replace("127.0.0.1", "localhost")
        yield Installation(base, data)


def arrived(browser: Browser, there: Installation, who: str, name: str, *roles: str) -> Page:
    """Somebody with a passkey, at home."""
    context = browser.new_context(base_url=there.url, **ENGLISH)
    context.set_default_timeout(15_000)
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    with_passkey(page, invited(there, who, name, *roles))
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(".me")).to_contain_text(name)
    return page


def invited(there: Installation, who: str, name: str, *roles: str) -> str:
    """The path of an invitation of a person whom the records know."""
    words = [word for role in roles for word in ("--role", role)]
    login = who.partition("/")[2]
    made = server.command(
        "user", "add", login, "--name", name, "--is", who, *words, data=there.data
    )
    found = re.search(r"http\S+?(/set-up\S+)", made)
    assert found, made
    return found[1]


@pytest.fixture
def doctor(camera: Browser, there: Installation) -> Iterator[Page]:
    page = arrived(camera, there, "Practitioner/demo-cardiologist", "Dr. E. Ratke", "physician")
    yield page
    page.context.close()


def test_the_day_of_a_clinician(doctor: Page) -> None:
    doctor.goto("/")
    expect(doctor.locator("h1")).to_have_text("Today")
    doctor.get_by_role("link", name="BAILEY, Devin (Mr.)").first.click()
    expect(doctor.locator(".banner")).to_contain_text("Allergy to penicillin")
    doctor.goto("/")
    doctor.get_by_label("Heart failure panel").first.check()
    doctor.get_by_role("button", name="Acknowledge what is ticked").click()
    expect(doctor.get_by_role("status").first).to_contain_text("1 result acknowledged")
    doctor.goto(f"{DEVIN}/documents")
    doctor.get_by_role("button", name="Begin a note").click()
    doctor.get_by_label("Assessment").fill("Decompensated heart failure.")
    doctor.get_by_role("button", name="Sign", exact=True).click()
    expect(doctor.get_by_text("Signature holds.")).to_be_visible()
    doctor.goto(f"{DEVIN}/prescribe?medicine=Empagliflozin 10 mg tablet")
    doctor.locator("#dose").fill("1")
    doctor.locator("#unit").select_option(index=1)
    doctor.locator("#often").select_option(index=1)
    doctor.get_by_role("button", name="Check and save").click()
    expect(doctor.get_by_role("status").first).to_contain_text("The prescription is saved")
    expect(doctor.get_by_role("row").filter(has_text="Empagliflozin").first).to_be_visible()
    doctor.goto(f"{DEVIN}/order?kind=laboratory")
    doctor.get_by_label("Complete blood count").check()
    doctor.get_by_role("button", name="Order this").click()
    expect(doctor.get_by_role("status").first).to_contain_text("1 order is made")
    doctor.goto("/messages/new?patient=devin-bailey")
    doctor.get_by_label("Subject").fill("Your new tablet")
    doctor.get_by_label("Message", exact=True).fill("Take it in the morning.")
    doctor.get_by_role("button", name="Send").click()
    expect(doctor.get_by_text("Take it in the morning.")).to_be_visible()


def test_the_week_of_a_patient(camera: Browser, there: Installation) -> None:
    page = arrived(camera, there, "Patient/devin-bailey", "Devin Bailey", "patient")
    _books(page)
    _is_seen(camera, there, page)
    _shares(page, camera.new_context(base_url=there.url, **ENGLISH))
    page.context.close()


def _books(page: Page) -> None:
    """A visit, from home on, in four clicks."""
    page.goto("/")
    page.get_by_role("link", name="Book a visit").first.click()
    page.get_by_role("link", name="Follow-up").first.click()
    page.locator(".times a, .times button").first.click()
    page.get_by_role("button", name="Book this visit").click()
    expect(page.locator("h1")).to_have_text("Your visit is booked")


def _is_seen(camera: Browser, there: Installation, page: Page) -> None:
    """Today's visit by video, and what it leaves."""
    book(there, "week")
    doctor = arrived(camera, there, GIVER, "Dr. Lindqvist", "physician")
    page.goto("/visits/week")
    page.get_by_role("button", name="I agree to be seen by video").click()
    doctor.goto("/visits/week")
    for one in (page, doctor):
        join = one.get_by_role("button", name="Join the visit")
        expect(join).to_be_enabled()
        join.click()
    doctor.get_by_role("button", name=re.compile("^Let Devin Bailey in")).click()
    for one in (page, doctor):
        sees(one)
    doctor.get_by_role("button", name="End the visit for everybody").click()
    expect(doctor.get_by_role("status").first).to_contain_text("The visit is over")
    doctor.reload()
    doctor.get_by_label("What the patient takes home").fill("Weigh yourself every morning.")
    doctor.locator("form", has=doctor.get_by_label("What the patient takes home")).get_by_role(
        "button"
    ).click()
    expect(doctor.get_by_text("The summary is in the record")).to_be_visible()
    doctor.context.close()
    page.goto("/my/visits")
    page.get_by_role("link", name=re.compile("summary", re.IGNORECASE)).first.click()
    expect(page.get_by_text("Weigh yourself every morning.")).to_be_visible()


def _shares(page: Page, elsewhere: BrowserContext) -> None:
    """The record by QR code; seen; ended."""
    page.goto("/")
    page.get_by_role("link", name="Share my record").first.click()
    page.get_by_role("button", name="Make a QR code", exact=True).click()
    address = page.get_by_label("Or send this link").input_value()
    code = page.locator("#passcode-shown").inner_text()
    for shown in (True, False):
        reader = elsewhere.new_page()
        reader.goto(address)
        reader.get_by_label("Who are you?").fill("Dr. R. Ortega")
        reader.get_by_label("Passcode").fill(code)
        reader.get_by_role("button", name="Open the record").click()
        if shown:
            expect(reader.get_by_role("heading", name="Devin Bailey")).to_be_visible()
            page.goto(f"{DEVIN}/access")
            expect(page.locator(".timeline")).to_contain_text("Dr. R. Ortega")
            page.goto(f"{DEVIN}/share")
            page.get_by_role("button", name=re.compile("^End it")).first.click()
        else:
            expect(reader.get_by_role("alert")).to_contain_text("This link has ended")
    elsewhere.close()


def book(there: Installation, id: str) -> None:
    """An appointment of Devin Bailey with the family doctor, now."""
    token = server.command("token", "--scope", "system/*.cruds", data=there.data).strip()
    of, by = "devin-bailey", GIVER
    body = json.dumps(appointment(id, system_clock(), of=of, by=by)).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    address = there.url.replace("localhost", "127.0.0.1")
    request = urllib.request.Request(
        f"{address}/fhir/Appointment/{id}", data=body, headers=headers, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
