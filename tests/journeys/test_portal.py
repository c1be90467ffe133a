"""The patient's portal in a browser, on a phone: axe on every page, few clicks to everything, the
keyboard alone, no scripts, a parent who acts for a child."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from careplane.kernel.clock import system_clock
from tests.demo_house import served
from tests.journeys.test_pages import DEVIN, browser, enter, settle
from tests.looks import LOOKS, violations
from tests.visit_house import appointment
from tools.bench import server

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PHONE = LOOKS["phone"]
EVIL = "<img src=x onerror=window.bad=1>"
PAGES = (
    "/", "/my/menu", "/my/results", "/my/results/33762-6", "/my/results/85354-9",
    "/my/reports/98985cfd-79c0-500b-b513-72d5373a2f16", "/my/visits", "/my/visits/soon",
    "/my/medicines", "/my/health", "/my/documents/306da400-565b-5862-99f6-83c1d2564215",
    "/my/calendar", "/my/corrections", "/my/proxies", f"{DEVIN}/access", "/offline",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, with hostile words and a visit that begins soon."""
    data = tmp_path_factory.mktemp("portal") / "data"
    with served(data) as url:
        for tree in _more():
            _put(url, data, tree)
        yield url


def _more() -> list[dict[str, Any]]:
    of = {"reference": "Patient/devin-bailey"}
    now = system_clock()
    return [
        appointment("soon", now, of="devin-bailey", by="Practitioner/demo-cardiologist",
                    begins=10, description=EVIL),
        appointment("later", now, of="devin-bailey", by="Practitioner/demo-cardiologist",
                    begins=60 * 24 * 30, description="Later"),
        {"resourceType": "MedicationRequest", "id": "evil", "status": "active", "intent": "order",
         "subject": of, "medicationCodeableConcept": {"text": EVIL},
         "dosageInstruction": [{"text": EVIL}]},
        {"resourceType": "Observation", "id": "evil", "status": "final", "subject": of,
         "category": [{"coding": [{"code": "laboratory"}]}], "code": {"text": EVIL},
         "effectiveDateTime": "2020-01-01", "valueString": EVIL, "note": [{"text": EVIL}]},
    ]  # fmt: skip


def _put(url: str, data: Path, tree: dict[str, Any]) -> None:
    token = server.command("token", "--scope", "system/*.cruds", data=data).strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    request = urllib.request.Request(
        f"{url}/fhir/{tree['resourceType']}/{tree['id']}", json.dumps(tree).encode(), headers,
        method="PUT",
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


@pytest.fixture
def phone(browser: Browser, house: str) -> Iterator[Page]:
    """The patient's phone; whatever the console complains of fails the test."""
    context = enter(browser, house, "patient", reduced_motion="reduce", **PHONE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto("/")
    yield page
    assert page.evaluate("window.bad") is None
    context.close()
    assert complaints == []


@pytest.mark.parametrize(("role", "paths"), [("patient", PAGES), ("proxy", ("/",))])
def test_axe_finds_nothing(browser: Browser, house: str, role: str, paths: tuple[str, ...]) -> None:
    context = enter(browser, house, role, reduced_motion="reduce")
    page = context.new_page()
    found: list[str] = []
    for path in paths:
        settle(page, path)
        found += violations(page, path, ("phone-dark", "zoomed", "phone"))
        assert page.evaluate("window.bad") is None
    context.close()
    assert not found, "\n".join(found)


CLICKS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Who opened my record",), "Who opened this record"),
    (("Menu", "Who opened my record"), "Who opened this record"),
    (("Apps I allowed",), "Apps I allowed"),
    (("Test results", "Heart strain"), "Heart strain (NT-proBNP)"),
    (("Heart strain",), "Heart strain (NT-proBNP)"),
    (("Medicines",), "Medicines"),
    (("Menu", "What I share and keep back"), "Sharing"),
    (("Menu", "Something is wrong"), "Something is wrong"),
    (("Share my record",), "Share a copy"),
    (("Messages",), "Messages"),
    (("Forms",), "Forms"),
    (("Book a visit",), "Book a visit"),
)


def test_three_clicks_at_most_to_anything(phone: Page) -> None:
    for names, heading in CLICKS:
        assert len(names) <= 2
        phone.goto("/")
        for name in names:
            phone.get_by_role("link", name=re.compile(f"^{name}")).first.click()
        expect(phone.locator("h1")).to_contain_text(heading)


def test_the_bar_of_a_phone_stays_at_hand(phone: Page) -> None:
    bar = phone.get_by_role("navigation", name="Main")
    expect(bar.get_by_role("link")).to_have_count(5)
    phone.mouse.wheel(0, 3000)
    expect(bar).to_be_in_viewport(ratio=1)
    expect(phone.get_by_label("Find a patient")).to_have_count(0)
    for link in bar.get_by_role("link").all():
        box = link.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44


def test_a_patients_way_to_a_visit_by_keyboard_alone(phone: Page) -> None:
    def press(name: str, kind: Any = "link") -> None:
        wanted = phone.get_by_role(kind, name=name, exact=True).first
        for _ in range(80):
            phone.keyboard.press("Tab")
            if wanted.evaluate("element => element === document.activeElement"):
                break
        expect(wanted).to_be_focused()
        phone.keyboard.press("Enter")

    press("Skip to the content")
    expect(phone.locator("main")).to_be_focused()
    expect(phone.locator(".acting")).to_have_count(0)
    phone.goto("/my/visits")
    press("Visits")
    expect(phone.locator("h1")).to_have_text("Visits")
    phone.goto("/my/visits/soon")
    expect(phone.locator("h1")).to_have_text(EVIL)
    press("Join by video")
    expect(phone.get_by_role("button", name="I agree to be seen by video")).to_be_visible()
    phone.goto("/my/visits/later")
    expect(phone.locator("main")).to_contain_text("Come back then")
    expect(phone.get_by_role("link", name="Join by video")).to_have_count(0)
    expect(phone.get_by_role("button", name="Cancel this visit")).to_be_visible()


def test_it_is_read_and_sent_with_scripts_off(browser: Browser, house: str) -> None:
    context = browser.new_context(base_url=house, java_script_enabled=False, **PHONE)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name=re.compile("^Patient")).click()
    for path in PAGES:
        answer = page.goto(path)
        assert answer
        assert answer.status == 200
        expect(page.locator("h1")).to_be_visible()
    page.goto("/my/results/33762-6")
    expect(page.locator(".rangebar")).to_be_visible()
    expect(page.locator("trend-plot svg")).to_be_visible()
    page.goto("/my/corrections")
    page.get_by_label("What is wrong").fill(f"My weight {EVIL}")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Your request was sent")
    expect(page.locator("main")).to_contain_text(f"My weight {EVIL}")
    page.goto("/my/calendar")
    page.get_by_role("button", name="Make an address").click()
    expect(page.get_by_label("Address of the calendar")).to_have_value(re.compile(r"\.ics$"))
    page.get_by_role("button", name="End all addresses").click()
    expect(page.get_by_role("status")).to_contain_text("All addresses are ended")
    context.close()


def test_a_parent_always_sees_whose_record_it_is(browser: Browser, house: str) -> None:
    context = enter(browser, house, "proxy", **PHONE)
    page = context.new_page()
    for path in ("/", "/my/visits", "/my/health", "/my/menu", "/patients/junita-labadie"):
        page.goto(path)
        expect(page.get_by_role("note").first).to_have_text(
            re.compile("You act for Junita Labadie")
        )
        expect(page.get_by_role("note").first).to_be_in_viewport()
    expect(page.locator("main")).not_to_contain_text("What I share")
    answer = page.goto("/patients/devin-bailey")
    assert answer
    assert answer.status == 404
    context.close()
