"""The clinician's work in a real browser: acknowledge, prescribe past a warning, by keyboard alone;
and axe over the pages of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.demo_house import served
from tests.journeys.test_pages import enter
from tests.looks import violations
from tests.support import missing
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

DEVIN = "/patients/devin-bailey"
AMOXICILLIN = "Amoxicillin 250 MG Oral Capsule"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not shutil.which("chromium"):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A physician's browser; whatever a script complains of fails the test."""
    context = enter(browser, url, "physician", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def press(page: Page, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def reach(page: Page, name: str, most: int = 90) -> None:
    """Go on with the tab key until what is called so has the focus."""
    for _ in range(most):
        press(page, "Tab")
        found: str = page.evaluate(
            "(e => ((e.labels?.[0] ?? e).textContent ?? '').replace(/\\s+/g, ' ') + '|' + "
            "(e.id || e.name || ''))(document.activeElement)"
        )
        if name in found.split("|")[0] or name == found.split("|")[1]:
            return
    raise AssertionError(f"the tab key never came to {name!r}")


def test_a_prescription_past_an_allergy_by_keyboard_alone(page: Page) -> None:
    page.goto(f"{DEVIN}/medications")
    reach(page, "Prescribe")
    press(page, "Enter")
    expect(page.get_by_label("Which medicine?")).to_be_focused()
    page.keyboard.type("amox caps")
    expect(page.get_by_role("link", name=AMOXICILLIN)).to_be_visible()
    reach(page, AMOXICILLIN)
    press(page, "Enter")
    expect(page.get_by_label("Dose at once")).to_be_visible()
    found = violations(page)
    reach(page, "dose")
    page.keyboard.type("1")
    press(page, "Tab")
    page.keyboard.type("caps")
    reach(page, "often")
    page.keyboard.type("three")
    press(page, "Tab")
    page.keyboard.type("7")
    press(page, "Enter")
    expect(page.get_by_text("Serious · Allergy")).to_be_visible()
    found += violations(page)
    expect(page.get_by_label("Dose at once")).to_have_value("1")
    assert page.evaluate("document.activeElement.id") == "warnings", "the focus is at the warning"
    press(page, "Tab")
    page.keyboard.type("Tolerated before")
    press(page, "Enter")
    expect(page.get_by_role("status").first).to_contain_text("The prescription is saved")
    row = page.get_by_role("row").filter(has_text=AMOXICILLIN).first
    expect(row).to_contain_text("1 capsule by mouth 3 times a day, for 7 days")
    found += violations(page)
    row.get_by_role("link", name=AMOXICILLIN).first.click()
    expect(page.get_by_text("Tolerated before")).to_be_visible()
    found += violations(page)
    assert found == []


def test_a_result_is_acknowledged_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    first = page.locator(".result").first
    expect(first).to_contain_text("Critical high")
    found = violations(page)
    reach(page, "Heart failure panel")
    press(page, "Space")
    reach(page, "Acknowledge what is ticked")
    press(page, "Enter")
    expect(page.get_by_role("status").first).to_contain_text("1 result acknowledged")
    expect(page.locator(".result").filter(has_text="Critical high")).to_have_count(0)
    page.goto(f"{DEVIN}/results")
    expect(page.get_by_text("Dr. Elizbeth Ratke").last).to_be_visible()
    found += violations(page)
    page.goto("/results?whose=all&days=90")
    found += violations(page, looks=("light", "phone-dark"))
    assert found == []


def test_a_refill_goes_from_a_patient_to_the_prescriber_and_back(
    browser: Browser, url: str, page: Page
) -> None:
    mine = enter(browser, url, "patient", reduced_motion="reduce")
    patient = mine.new_page()
    patient.goto(f"{DEVIN}/medications")
    row = patient.get_by_role("row").filter(has_text="Furosemide").first
    row.locator("summary").click()
    row.get_by_label("Something to say").fill("Only four left")
    found = violations(patient)
    row.get_by_role("button", name="Ask").click()
    expect(patient.get_by_text("Your request is on its way")).to_be_visible()
    page.goto("/")
    page.get_by_role("link", name="Refill asked for").click()
    expect(page.get_by_text("Only four left")).to_be_visible()
    found += violations(page)
    page.get_by_label("Why not").fill("Please see me first")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("Declined: Please see me first")).to_be_visible()
    patient.reload()
    expect(patient.get_by_text("Please see me first")).to_be_visible()
    mine.close()
    assert found == []


@pytest.mark.parametrize("role", ["nurse", "front-desk", "administrator"])
def test_the_home_of_a_role(browser: Browser, url: str, role: str) -> None:
    context = enter(browser, url, role, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/")
    found = violations(page)
    context.close()
    assert found == []


CHILD = "/patients/andy-gusikowski"
WRITTEN = (
    f"{DEVIN}/order?kind=laboratory",
    f"{DEVIN}/order?kind=referral",
    f"{DEVIN}/orders",
    f"{DEVIN}/problems/add?q=asth",
    f"{DEVIN}/problems/add?what=Asthma",
    f"{DEVIN}/allergies/add?what=Peanut",
    f"{DEVIN}/vitals/add",
    f"{DEVIN}/team",
    f"{CHILD}/growth",
    "/referrals",
)


def test_an_order_and_a_referral_by_keyboard_alone(page: Page) -> None:
    page.goto(f"{DEVIN}/orders")
    reach(page, "Laboratory order")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Order: Laboratory")).to_be_visible()
    reach(page, "Complete blood count")
    press(page, "Space")
    reach(page, "priority")
    page.keyboard.type("urg")
    reach(page, "words")
    page.keyboard.type("Tired for weeks")
    press(page, "Enter")
    expect(page.get_by_role("status").first).to_contain_text("1 order is made")
    row = page.get_by_role("row").filter(has_text="Complete blood count").first
    expect(row).to_contain_text("Urgent")
    row.get_by_role("link", name="Complete blood count").click()
    found = violations(page)
    page.goto(f"{DEVIN}/order?kind=referral")
    page.get_by_label("Nephrology").check()
    page.get_by_label("Refer to").select_option("Practitioner/demo-cardiologist")
    page.get_by_role("button", name="Refer", exact=True).click()
    page.goto("/referrals")
    page.get_by_role("link", name="Nephrology").first.click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    found += violations(page)
    assert found == []


def test_axe_finds_nothing_on_pages_of_orders_and_lists(page: Page) -> None:
    found = []
    for path in WRITTEN:
        page.goto(path)
        assert "Something went wrong" not in page.content(), path
        found += violations(page)
    assert found == []
