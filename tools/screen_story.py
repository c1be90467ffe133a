"""What has happened in the demo before its screens are taken, done on its pages by those whose role
it is: a note that waits for a co-signature, a message and its answer, a task, a question with
answers, a refill that is asked for, a form that is begun."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, StorageState

from tools.bench import server
from tools.screenshots import DEVIN

APP, BACK = "diary", "https://diary.example/app"
"""An app that is registered, and where it is sent back to."""
SCOPES = (
    "launch/patient openid fhirUser patient/Patient.rs patient/Observation.rs "
    "patient/MedicationRequest.rs"
)
_NOTE = {
    "title": "Visit by video",
    "61150-9": "Feels better since the furosemide was raised. Sleeps on two pillows, climbs one "
    "flight of stairs without a pause.",
    "61149-1": "Weight down by 1.8 kg in a week. Ankles: slight pitting oedema on both sides.",
    "51848-0": "Heart failure with reduced ejection fraction, recompensated.",
    "18776-5": "Furosemide as it is. Potassium and creatinine on Monday. Call at 2 kg more.",
}
KINDS = "https://demo.careplane.example/visit-types"
_OF = "patient=devin-bailey"
_RECORDS = {
    "problem": f"Condition?{_OF}&clinical-status=active",
    "medicine": f"MedicationRequest?{_OF}&status=active",
    "allergy": f"AllergyIntolerance?{_OF}",
    "immunization": f"Immunization?{_OF}&_sort=-date",
    "document": f"DocumentReference?{_OF}",
    "report": f"DiagnosticReport?{_OF}&code=42148-7&_sort=-date",
}


def made(browser: Browser, url: str, data: Path) -> dict[str, str]:
    """Do all that; the ids of what came of it, by the names that paths of screens use."""
    server.command(
        "client", "add", "Blood pressure diary", "--id", APP, "--public", "--scope", SCOPES,
        "--redirect-uri", BACK, data=data,
    )  # fmt: skip
    found = _there(url, data)
    with _as(browser, url, "nurse") as page:
        page.goto(f"{DEVIN}/documents")
        _press(page, "Begin a note")
        _fill(page, _NOTE)
        page.select_option("[name=cosigner]", "Practitioner/demo-cardiologist")
        _press(page, "Sign")
        page.wait_for_url("**/notes/*")
        found["note"] = _last(page)
        page.goto("/tasks/new?patient=devin-bailey")
        _fill(
            page, {"title": "Call about the scales at home", "note": "They showed an error twice."}
        )
        page.select_option("[name=owner]", "Practitioner/demo-cardiologist")
        _sent(page, "Save")
    with _as(browser, url, "patient") as page:
        page.goto("/messages/new")
        page.check("[name=topic][value=medical]")
        _fill(page, {"subject": "The new water tablets",
                     "text": "I get up twice a night. May I take them earlier?"})  # fmt: skip
        found["thread"] = _sent(page, "Send")
        page.goto("/consults/new")
        _fill(page, {"subject": "A rash on my arm", "text": "It came after the walk on Sunday.",
                     "since": "Three days", "course": "The same", "strength": "2",
                     "fever": "No", "tried": "A cold cloth"})  # fmt: skip
        found["consult"] = _sent(page, "Send the question")
        page.goto("/my/medicines")
        page.get_by_role("button", name=re.compile("^Ask for more Furosemide")).click()
        page.goto(f"{DEVIN}/share")
        found["link"] = _sent(page, "Make a QR code")
        shown = page.locator("input[value*='/share/view#']").first.input_value()
        found["viewer"] = shown.removeprefix(url)
    with _as(browser, url, "physician") as page:
        page.goto(f"/messages/{found['thread']}")
        _fill(page, {"text": "Yes: in the morning, and the second one before three o'clock."})
        _press(page, "Send")
        page.goto(f"{DEVIN}/forms")
        _press(page, "Ask the patient to fill it")
        page.goto("/")
        asked = page.locator("a[href^='/refills/']").first.get_attribute("href")
        found["refill"] = str(asked).rpartition("/")[2]
        page.goto("/tasks")
        asks = page.locator("main a[href^='/tasks/']:not([href^='/tasks/new'])")
        found["task"] = str(asks.first.get_attribute("href")).rpartition("/")[2]
        page.goto("/referrals?way=out")
        leaves = page.locator("main a[href^='/referrals/']").first.get_attribute("href")
        found["referral"] = str(leaves).rpartition("/")[2]
    with _as(browser, url, "administrator") as page:
        page.goto("/referrals")
        came = page.locator("a[href^='/intake/']").first.get_attribute("href")
        found["intake"] = str(came).rpartition("/")[2]
    with _as(browser, url, "front-desk") as page:
        page.goto("/desk/find?patient=devin-bailey")
        time = page.locator("main a[href^='/desk/book?']").first.get_attribute("href")
        found["desk_time"] = str(time)
    with _as(browser, url, "patient") as page:
        page.goto(f"/book/times?type={KINDS}|follow-up")
        page.locator("main form[action='/book/hold'] button").first.click()
        page.wait_for_url(lambda now: "/book/times" not in now)
        found["held"] = page.url.removeprefix(url)
        page.goto("/forms")
        page.locator("main form button").first.click()
        page.wait_for_url("**/forms/*")
        found["form"] = _last(page)
    return found


def _there(url: str, data: Path) -> dict[str, str]:
    """Ids of what the demo has of its patient, and days of a week to come."""
    token = server.command("token", "--scope", "system/*.rs", data=data).strip()
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=30) as http:
        found = {}
        for name, query in _RECORDS.items():
            answer = http.get(f"{url}/fhir/{query}&_count=1").raise_for_status()
            found[name] = str(answer.json()["entry"][0]["resource"]["id"])
    today = datetime.now(UTC).date()
    working = today + timedelta(days=max(0, 7 - today.weekday()) if today.weekday() > 4 else 0)
    days = {"first": today.isoformat(), "last": (today + timedelta(days=7)).isoformat(),
            "working": working.isoformat()}  # fmt: skip
    return found | days | {"base": url}


def signed_in(browser: Browser, url: str, role: str) -> StorageState | None:
    """What a browser keeps of somebody who has signed in; None for nobody."""
    if not role:
        return None
    with _as(browser, url, role) as page:
        return page.context.storage_state()


@contextmanager
def _as(browser: Browser, url: str, role: str) -> Iterator[Page]:
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/sign-in")
    page.click(f"button[value={role}]")
    page.wait_for_load_state()
    yield page
    context.close()


def _fill(page: Page, fields: dict[str, str]) -> None:
    for name, text in fields.items():
        page.fill(f"main [name='{name}']", text)


def _press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).first.click()
    page.wait_for_load_state()


def _sent(page: Page, button: str) -> str:
    """The id of what came of a form, at the end of the address where that leads."""
    before = page.url
    _press(page, button)
    page.wait_for_url(lambda now: now != before)
    return _last(page)


def _last(page: Page) -> str:
    return page.url.partition("?")[0].rpartition("/")[2]
