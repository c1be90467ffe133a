"""A clinician's day and a patient's week, from signing in with a passkey on: with accounts, as at
an institution, and the records of the demo."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from careplane.kernel.clock import system_clock
from tests.demo_house import records
from tests.hands import EITHER, Hand, Way, within
from tests.journeys.test_people import Installation, with_passkey
from tests.journeys.test_visits_in_a_browser import browser as with_devices
from tests.journeys.test_visits_in_a_browser import sees
from tests.visit_house import appointment
from tools.bench import server

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
DEVIN = "BAILEY, Devin (Mr.)"
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
    records(data)
    with server.serving(data) as started:
        base = started.base.removesuffix("/fhir").replace("127.0.0.1", "localhost")
        yield Installation(base, data)


def arrived(
    browser: Browser, there: Installation, way: Way, who: str, name: str, *roles: str
) -> Hand:
    """Somebody with a passkey, at home."""
    context = browser.new_context(base_url=there.url, **ENGLISH)
    context.set_default_timeout(15_000)
    hand = way(context.new_page())
    page = hand.page
    protocol = context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    with_passkey(page, invited(there, who, name, *roles))
    hand.press(page.get_by_role("button", name="Sign out", exact=True))
    hand.press(page.get_by_role("button", name="Sign in with a passkey"))
    expect(page.locator(".me")).to_contain_text(name)
    return hand


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


@EITHER
def test_the_day_of_a_clinician(camera: Browser, there: Installation, way: Way) -> None:
    roles = ("Dr. E. Ratke", "physician")
    doctor = arrived(camera, there, way, "Practitioner/demo-cardiologist", *roles)
    page = doctor.page
    expect(page.locator("h1")).to_have_text("Today")
    doctor.tick(page.get_by_label(re.compile("Heart failure panel|panel", re.IGNORECASE)).first)
    doctor.press(page.get_by_role("button", name="Acknowledge what is ticked"))
    expect(page.get_by_role("status").first).to_contain_text("1 result acknowledged")
    doctor.press(page.get_by_role("link", name="Today", exact=True).first)
    with within(doctor, 2):  # find a patient: by name, from wherever one is
        doctor.write(page.get_by_label("Find a patient"), "Bailey")
        page.keyboard.press("Enter")
        page.wait_for_url("**/patients?*")
        doctor.press(page.get_by_role("link", name=DEVIN).first)
    expect(page.locator(".banner")).to_contain_text("Allergy to penicillin")
    _writes_and_signs(doctor)
    _prescribes(doctor)
    _orders(doctor)
    _writes_to_the_patient(doctor)
    page.context.close()


def _tab(hand: Hand, name: str) -> None:
    """A part of the chart."""
    hand.press(hand.page.locator(".tabs").get_by_role("link", name=re.compile(f"^{name}")).first)


def _writes_and_signs(doctor: Hand) -> None:
    page = doctor.page
    _tab(doctor, "Notes and documents")
    doctor.press(page.get_by_role("button", name="Begin a note"))
    doctor.write(page.get_by_label("Assessment"), "Decompensated heart failure.")
    doctor.press(page.get_by_role("button", name="Sign", exact=True))
    expect(page.get_by_text("Signature holds.")).to_be_visible()


def _prescribes(doctor: Hand) -> None:
    page = doctor.page
    _tab(doctor, "Medications")
    doctor.press(page.get_by_role("link", name="Prescribe", exact=True))
    doctor.write(page.get_by_label("Which medicine?"), "Empagliflozin 10 mg tablet")
    doctor.press(page.get_by_role("link", name=re.compile("in these words")))
    doctor.write(page.locator("#dose"), "1")
    for field in ("#unit", "#often"):
        label = page.locator(f"{field} option").nth(1).inner_text()
        doctor.choose(page.locator(field), label)
    doctor.press(page.get_by_role("button", name="Check and save"))
    expect(page.get_by_role("status").first).to_contain_text("The prescription is saved")
    expect(page.get_by_role("row").filter(has_text="Empagliflozin").first).to_be_visible()


def _orders(doctor: Hand) -> None:
    page = doctor.page
    _tab(doctor, "Orders")
    doctor.press(page.get_by_role("link", name="Laboratory order").first)
    doctor.tick(page.get_by_label("Complete blood count"))
    doctor.press(page.get_by_role("button", name="Order this"))
    expect(page.get_by_role("status").first).to_contain_text("1 order is made")


def _writes_to_the_patient(doctor: Hand) -> None:
    page = doctor.page
    _tab(doctor, "Messages")
    doctor.press(page.get_by_role("link", name="New message").first)
    doctor.write(page.get_by_label("Subject"), "Your new tablet")
    doctor.write(page.get_by_label("Message", exact=True), "Take it in the morning.")
    doctor.press(page.get_by_role("button", name="Send"))
    expect(page.get_by_text("Take it in the morning.")).to_be_visible()


@EITHER
def test_the_week_of_a_patient(camera: Browser, there: Installation, way: Way) -> None:
    patient = arrived(camera, there, way, "Patient/devin-bailey", "Devin Bailey", "patient")
    _books(patient)
    _is_seen(camera, there, way, patient)
    _shares(patient, way(camera.new_context(base_url=there.url, **ENGLISH).new_page()))
    patient.page.context.close()


def _books(patient: Hand) -> None:
    """A visit, from home on, in four clicks."""
    page = patient.page
    with within(patient, 4):
        for place in (
            page.get_by_role("link", name="Book a visit"),
            page.get_by_role("link", name="Follow-up"),
            page.locator(".times a, .times button"),
            page.get_by_role("button", name="Book this visit"),
        ):
            patient.press(place.first)
    expect(page.locator("h1")).to_have_text("Your visit is booked")


def _is_seen(camera: Browser, there: Installation, way: Way, patient: Hand) -> None:
    """Today's visit by video, and what it leaves."""
    book(there, "week")
    doctor = arrived(camera, there, way, GIVER, "Dr. Lindqvist", "physician")
    page = patient.page
    page.goto("/visits/week")
    patient.press(page.get_by_role("button", name="I agree to be seen by video"))
    doctor.page.goto("/visits/week")
    for one in (patient, doctor):
        join = one.page.get_by_role("button", name="Join the visit")
        expect(join).to_be_enabled()
        one.press(join)
    doctor.press(doctor.page.get_by_role("button", name=re.compile("^Let Devin Bailey in")))
    for one in (patient, doctor):
        sees(one.page)
    doctor.press(doctor.page.get_by_role("button", name="End the visit for everybody"))
    expect(doctor.page.get_by_role("status").first).to_contain_text("The visit is over")
    doctor.page.reload()
    takes_home = doctor.page.get_by_label("What the patient takes home")
    doctor.write(takes_home, "Weigh yourself every morning.")
    doctor.press(doctor.page.locator("form", has=takes_home).get_by_role("button"))
    expect(doctor.page.get_by_text("The summary is in the record")).to_be_visible()
    doctor.page.context.close()
    page.goto("/my/visits")
    patient.press(page.get_by_role("link", name=re.compile("summary", re.IGNORECASE)).first)
    expect(page.get_by_text("Weigh yourself every morning.")).to_be_visible()


def _shares(patient: Hand, reader: Hand) -> None:
    """The record by QR code; seen; ended."""
    page, other = patient.page, reader.page
    page.goto("/")
    with within(patient, 3):
        patient.press(page.get_by_role("link", name="Share my record").first)
        patient.press(page.get_by_role("button", name="Make a QR code", exact=True))
    expect(page.get_by_role("img", name=re.compile("QR"))).to_be_visible()
    address = page.get_by_label("Or send this link").input_value()
    code = page.locator("#passcode-shown").inner_text()
    for shown in (True, False):
        other.goto("about:blank")
        other.goto(address)
        reader.write(other.get_by_label("Who are you?"), "Dr. R. Ortega")
        reader.write(other.get_by_label("Passcode"), code)
        reader.press(other.get_by_role("button", name="Open the record"))
        if shown:
            expect(other.get_by_role("heading", name="Devin Bailey")).to_be_visible()
            patient.press(page.get_by_role("link", name="Home", exact=True).first)
            with within(patient, 2):
                patient.press(page.get_by_role("link", name="Who opened my record").first)
            expect(page.locator(".timeline")).to_contain_text("Dr. R. Ortega")
            page.goto("/patients/devin-bailey/share")
            patient.press(page.get_by_role("button", name=re.compile("^End it")).first)
        else:
            expect(other.get_by_role("alert")).to_contain_text("This link has ended")
    other.context.close()


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
