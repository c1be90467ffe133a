"""Messages and tasks in a real browser: a patient writes with a photo, the pool takes it and
answers, the receipt is seen; axe in every look; the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.demo_house import served
from tests.file_house import png
from tests.hands import EITHER, Way
from tests.journeys.test_pages import browser, enter
from tests.looks import violations

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The demo, with its pools."""
    with served() as address:
        yield address


def window(browser: Browser, url: str, role: str) -> Page:
    return enter(browser, url, role, reduced_motion="reduce").new_page()


def clean(page: Page) -> None:
    """Axe finds nothing, in any look; nothing is wider than a phone."""
    assert violations(page) == []


@EITHER
def test_a_patient_writes_with_a_photo_and_is_answered(
    browser: Browser, url: str, tmp_path: Path, way: Way
) -> None:
    photo = tmp_path / "ankle.png"
    photo.write_bytes(png(40, 30))
    patient, doctor = (way(window(browser, url, role)) for role in ("patient", "physician"))
    mine, theirs = patient.page, doctor.page
    subject = f"My ankles are swollen ({way.__name__})"
    mine.goto("/")
    patient.press(mine.get_by_role("link", name="Messages").first)
    patient.press(mine.get_by_role("link", name="Write to the practice"))
    clean(mine)
    patient.tick(mine.get_by_label("Medical question"))
    patient.write(mine.get_by_label("Subject"), subject)
    patient.write(mine.get_by_label("Message", exact=True), "Since Monday.")
    patient.attach(mine.get_by_label("Files"), photo)
    patient.press(mine.get_by_role("button", name="Send"))
    expect(mine.locator("img.photo")).to_be_visible()
    theirs.goto("/")
    doctor.press(theirs.get_by_role("link", name="Messages").first)
    expect(theirs.locator(".side .count")).to_have_text("1 unread")
    clean(theirs)
    doctor.press(theirs.get_by_role("link", name=subject))
    doctor.press(theirs.get_by_role("button", name="Take it"))
    expect(theirs.get_by_text("You answer this.")).to_be_visible()
    doctor.write(theirs.get_by_label("Message", exact=True), "Please weigh yourself every morning.")
    doctor.press(theirs.get_by_role("button", name="Send"))
    expect(theirs.get_by_text("Please weigh yourself")).to_be_visible()
    doctor.write(theirs.get_by_label("Message", exact=True), "Grace, call him.")
    doctor.tick(theirs.get_by_label("Internal note"))
    doctor.press(theirs.get_by_role("button", name="Send"))
    expect(theirs.get_by_text("Grace, call him.")).to_be_visible()
    clean(theirs)
    mine.reload()
    expect(mine.get_by_text("Please weigh yourself")).to_be_visible()
    expect(mine.get_by_text("Grace, call him.")).to_have_count(0)
    clean(mine)
    theirs.reload()
    expect(theirs.get_by_text("Read by Devin Bailey")).to_be_visible()
    theirs.goto("/patients/devin-bailey/messages")
    clean(theirs)
    theirs.goto("/messages/new?patient=devin-bailey")
    clean(theirs)


@EITHER
def test_a_task_is_asked_for_and_done(browser: Browser, url: str, way: Way) -> None:
    doctor = way(window(browser, url, "physician"))
    page, title = doctor.page, f"Call him ({way.__name__})"
    page.goto("/patients/devin-bailey/tasks")
    doctor.press(page.get_by_role("link", name="New task"))
    clean(page)
    doctor.write(page.get_by_label("What shall be done?"), title)
    owner = page.locator("#owner option").filter(has_text="Medical").first.inner_text()
    doctor.choose(page.locator("#owner"), owner)
    doctor.choose(page.locator("#priority"), "Urgent")
    doctor.write(page.locator("#note"), "About his ankles.")
    doctor.press(page.locator("form.fill button").last)
    page.wait_for_url("**/patients/devin-bailey/tasks")
    clean(page)
    doctor.press(page.get_by_role("link", name=title))
    clean(page)
    doctor.press(page.get_by_role("button", name="I do it"))
    doctor.press(page.get_by_role("button", name="It is done"))
    expect(page.locator(".head .chip").last).to_have_text("Done")
    page.goto("/tasks?box=ended")
    clean(page)


@EITHER
def test_a_consult_is_asked_with_a_photo_and_answered(
    browser: Browser, url: str, tmp_path: Path, way: Way
) -> None:
    photo = tmp_path / "rash.png"
    photo.write_bytes(png(40, 30))
    patient, doctor = (way(window(browser, url, role)) for role in ("patient", "physician"))
    mine, theirs = patient.page, doctor.page
    subject = f"A rash on my arm ({way.__name__})"
    mine.goto("/")
    patient.press(mine.get_by_role("link", name="Ask without a visit").first)
    patient.press(mine.get_by_role("link", name="Ask without a visit").last)
    clean(mine)
    patient.write(mine.get_by_label("What is it about"), subject)
    patient.write(mine.get_by_label("Describe what you have"), "It itches.")
    patient.write(mine.get_by_label("Since when"), "Monday")
    patient.attach(mine.get_by_label("Photos"), photo)
    patient.press(mine.get_by_role("button", name="Send the question"))
    expect(mine.locator("img.photo")).to_be_visible()
    clean(mine)
    theirs.goto("/")
    doctor.press(theirs.get_by_role("link", name="Consults").first)
    clean(theirs)
    doctor.press(theirs.get_by_role("link", name=subject))
    doctor.press(theirs.get_by_role("button", name="Take it"))
    expect(theirs.get_by_text("You answer this.")).to_be_visible()
    clean(theirs)
    doctor.write(theirs.get_by_label("Message", exact=True), "It is eczema. Use the ointment.")
    doctor.press(theirs.locator("button[value=answer]"))
    expect(theirs.locator(".head .chip").last).to_have_text("Answered")
    mine.reload()
    expect(mine.get_by_text("Use the ointment.")).to_be_visible()
    clean(mine)
