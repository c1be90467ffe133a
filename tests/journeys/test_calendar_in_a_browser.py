"""The desk and a patient's visits in a real browser: the calendar, booking for another, the waiting
list, no-show; a patient books in four clicks; axe, the keyboard, no scripts, hostile strings."""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from careplane.kernel.clock import system_clock
from tests.demo_house import served
from tests.hands import EITHER, Way
from tests.journeys.test_pages import enter
from tests.looks import LOOKS, violations
from tests.support import missing
from tests.visit_house import appointment
from tools.bench import server
from tools.screenshots import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

DOCTOR = "Practitioner/demo-cardiologist"
XSS = '<img src=x onerror="document.title=1">'
SOON = datetime.now(UTC).date() + timedelta(days=1)
MONDAY = SOON + timedelta(days=-SOON.weekday() % 7)
LONDON = ZoneInfo("Europe/London")


def _changed() -> date:
    """The next Sunday, two weeks from now or later, on which London's clocks are changed."""
    noons = (datetime.combine(MONDAY, time(12), LONDON) + timedelta(days=n) for n in range(13, 400))
    return next(noon.date() for noon in noons if noon.dst() != (noon - timedelta(days=1)).dst())


CHANGED = _changed()
DESK = (
    f"/desk?day={MONDAY}",
    f"/desk?of={DOCTOR}&view=week&day={MONDAY}",
    f"/desk?by=room&day={CHANGED}",
    "/desk/find",
    "/desk/visits/demo-visit-7",
    "/desk/visits/demo-visit-7/move",
    "/desk/waiting",
    "/desk/waiting/add?q=a",
    "/desk/waiting/add?patient=devin-bailey",
    "/desk/waiting/demo-waits",
    "/desk/block",
    "/desk/schedules",
    "/desk/schedules/demo-cardiologist",
    "/desk/feeds",
)
QUICK = ("light", "phone-dark", "zoomed")
"""Looks that between them have both schemes and both widths; the others are tried in the soak."""
MINE = ("/book", "/book/times", "/book/demo-visit-9", "/book/wait", "/book/demo-visit-9/move")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "data"


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    with served(data) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")):
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(browser: Browser, url: str) -> Iterator[Page]:
    """The front desk; whatever the console complains of fails the test."""
    context = enter(browser, url, "front-desk", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.mark.parametrize(("role", "paths"), [("front-desk", DESK), ("patient", MINE)])
@pytest.mark.parametrize(
    "looks", [QUICK, pytest.param(tuple(LOOKS), marks=pytest.mark.soak)], ids=["quick", "all"]
)
def test_axe_finds_nothing(
    browser: Browser, url: str, role: str, paths: tuple[str, ...], looks: tuple[str, ...]
) -> None:
    context = enter(browser, url, role, reduced_motion="reduce")
    page = context.new_page()
    found: list[str] = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        found += violations(page, path, looks)
    context.close()
    assert not found, "\n".join(found)


def first_free(page: Page, day: object = MONDAY, of: str = DOCTOR) -> None:
    """The form that books the first time of a day."""
    page.goto(f"/desk?view=day&of={of}&day={day}")
    page.locator(".c-free a").first.click()


@EITHER
def test_the_desk_books_for_a_new_patient(desk: Page, way: Way) -> None:
    hand, given = way(desk), f"Nova {way.__name__}"
    desk.goto("/")
    hand.press(desk.get_by_role("link", name="Calendar").first)
    desk.goto(f"/desk?view=day&of={DOCTOR}&day={MONDAY}")
    hand.press(desk.locator(".c-free a").first)
    hand.press(desk.get_by_role("button", name="Book it"))
    problems = desk.get_by_role("alert")
    expect(problems).to_contain_text("Choose a patient, or register a new one.")
    hand.press(problems.get_by_role("link"))
    expect(desk.locator("#q")).to_be_focused()
    hand.press(desk.get_by_text("Register a new patient"))
    hand.write(desk.get_by_label("Family name"), XSS)
    hand.write(desk.get_by_label("Given names"), given)
    hand.write(desk.get_by_label("Reason for the visit"), XSS)
    hand.choose(desk.get_by_label("How it is held"), "Video")
    hand.press(desk.get_by_role("button", name="Book it"))
    expect(desk.get_by_role("alert")).to_contain_text("Write the date of birth")
    expect(desk.get_by_label("Family name")).to_have_value(XSS)
    expect(desk.get_by_label("How it is held")).to_have_value("VIDEOCONF")
    found = violations(desk, "/desk/book")
    assert not found, "\n".join(found)
    hand.write(desk.locator("#new-born"), "1990-02-03")
    hand.press(desk.get_by_role("button", name="Book it"))
    expect(desk.get_by_role("status")).to_have_text("The visit is booked.")
    expect(desk.locator("main")).to_contain_text(XSS)
    expect(desk.locator("main")).to_contain_text("Video")
    assert desk.locator("main img").count() == 0
    assert desk.title() != "1"
    hand.write(desk.get_by_label(re.compile("What whoever sees")), XSS)
    hand.press(desk.get_by_role("button", name="Save the note"))
    expect(desk.get_by_label(re.compile("What whoever sees"))).to_have_value(XSS)
    desk.goto(f"/desk?view=day&of={DOCTOR}&day={MONDAY}")
    expect(desk.locator(".wall")).to_contain_text(f"{XSS.upper()}, {given}")
    assert desk.locator(".wall img").count() == 0


def test_a_time_that_is_gone_says_so_and_offers_the_next(desk: Page) -> None:
    day = MONDAY + timedelta(days=1)
    first_free(desk, day)
    address = desk.url
    for patient in ("Haddad", "Cremin"):
        desk.goto(address)
        desk.get_by_role("searchbox", name="Name, date of birth or number").last.fill(patient)
        desk.locator("main").get_by_role("button", name="Search").click()
        desk.get_by_role("button", name=re.compile("Choose")).click()
        desk.get_by_label("Reason for the visit").fill(f"for {patient}")
        desk.get_by_role("button", name="Book it").click()
    expect(desk.get_by_role("alert")).to_contain_text("This time has just been taken")
    expect(desk.get_by_label("Reason for the visit")).to_have_value("for Cremin")
    expect(desk.locator("main")).to_contain_text("CREMIN")
    desk.get_by_role("radio").first.check()
    desk.get_by_role("button", name="Book it").click()
    expect(desk.get_by_role("status")).to_have_text("The visit is booked.")
    desk.goto(address + "&patient=clarine-okeefe")
    desk.get_by_text("Beyond what the schedule offers").click()
    desk.get_by_label("Book it although").check()
    desk.get_by_role("button", name="Book it").click()
    expect(desk.get_by_role("alert")).to_contain_text("Say why you book beyond")
    desk.get_by_label("Why", exact=True).fill("Short of breath")
    desk.get_by_role("button", name="Book it").click()
    expect(desk.locator("main")).to_contain_text("overbooked")
    expect(desk.locator("main")).to_contain_text("Short of breath")


def test_the_desk_moves_and_cancels_a_series(desk: Page) -> None:
    desk.goto(f"/desk/find?of=PractitionerRole/demo-hf-nurse&day={MONDAY}&patient=devin-bailey")
    desk.get_by_label("Kind of visit").select_option(label="Heart failure coaching")
    desk.get_by_role("button", name="Show times").click()
    desk.locator(".times a").last.click()
    desk.get_by_label("Repeats").select_option("FREQ=WEEKLY")
    desk.get_by_label("How many").fill("3")
    desk.get_by_role("button", name="Book it").click()
    expect(desk.get_by_role("status")).to_contain_text("The visits are booked")
    desk.get_by_role("link", name="Move to another time").click()
    desk.locator(".times button").first.click()
    expect(desk.get_by_role("status")).to_have_text("The visit has been moved.")
    desk.get_by_text("Cancel it").click()
    desk.get_by_label(re.compile("those of the series")).check()
    desk.get_by_role("button", name="Cancel the visit").click()
    expect(desk.get_by_role("status")).to_have_text("The visit is cancelled.")
    desk.goto("/desk/find?patient=devin-bailey")
    desk.locator(".times a").first.click()
    expect(desk.locator("main")).not_to_contain_text("Grace")


@EITHER
def test_who_waits_is_offered_a_time_and_accepts_it(
    desk: Page, browser: Browser, url: str, way: Way
) -> None:
    hand = way(desk)
    desk.goto("/desk/waiting")
    hand.press(desk.get_by_role("link", name="Add a wish"))
    hand.write(desk.locator("main").get_by_role("searchbox"), "Bailey")
    hand.press(desk.locator("main").get_by_role("button", name="Search"))
    hand.press(desk.get_by_role("link", name=re.compile("^Choose")).first)
    hand.choose(desk.get_by_label("Kind of visit"), "First visit")
    hand.write(desk.get_by_label("First day"), f"{MONDAY}")
    hand.write(desk.get_by_label("Last day"), f"{MONDAY}")
    hand.write(desk.get_by_label("Note"), XSS)
    hand.press(desk.get_by_role("button", name="Put on the waiting list"))
    expect(desk.get_by_role("status")).to_contain_text("on the waiting list")
    expect(desk.locator(".list")).to_contain_text(XSS)
    hand.press(desk.get_by_role("link", name=re.compile("Offer a time BAILEY")))
    hand.press(desk.locator(".times button").first)
    expect(desk.locator("tr", has_text="BAILEY")).to_contain_text("offered")
    patient = way(enter(browser, url, "patient", reduced_motion="reduce").new_page())
    page = patient.page
    page.goto("/")
    patient.press(page.get_by_role("link", name="Book a visit").first)
    patient.press(page.get_by_role("link", name=re.compile("Accept")))
    found = violations(page, "an offer")
    assert not found, "\n".join(found)
    patient.press(page.get_by_role("button", name="Book this visit"))
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    page.context.close()
    desk.goto("/desk/waiting")
    expect(desk.locator("main")).not_to_contain_text("BAILEY")


def began(data: Path, url: str, id: str) -> None:
    """A visit of the demo's family doctor that began an hour ago, written past the desk."""
    token = server.command("token", "--scope", "system/*.cruds", data=data).strip()
    of, by = "layla-haddad", "Practitioner/demo-family-doctor"
    body = json.dumps(appointment(id, system_clock() - 3_600_000_000, of=of, by=by)).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    request = urllib.request.Request(
        f"{url}/fhir/Appointment/{id}", data=body, headers=headers, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


@EITHER
def test_who_comes_and_who_does_not(desk: Page, data: Path, url: str, way: Way) -> None:
    hand, id = way(desk), f"late-{way.__name__.lower()}"
    began(data, url, id)
    desk.goto(f"/desk/visits/{id}")
    head = desk.locator(".head")
    for button, state in (
        ("Did not come", "did not come"),
        ("Noted by mistake: booked again", "booked"),
        ("Is here", "arrived"),
        ("Checked in", "checked in"),
        ("Was seen", "done"),
    ):
        hand.press(desk.get_by_role("button", name=button, exact=True))
        expect(head).to_contain_text(state)
    expect(desk.get_by_role("button", name="Did not come")).to_have_count(0)


def test_a_schedule_is_changed_with_a_preview(desk: Page) -> None:
    desk.goto("/desk/schedules")
    desk.get_by_role("link", name="Dr. Petra Novak").click()
    desk.get_by_role("button", name="More hours").click()
    hours = desk.locator("fieldset", has=desk.get_by_text("Hours 2"))
    hours.get_by_label("Tue").check()
    hours.get_by_label("From (empty: none)").fill("10:00")
    hours.get_by_label("Until", exact=True).fill("09:00")
    desk.get_by_role("button", name="Save").click()
    said = desk.get_by_role("alert")
    expect(said).to_contain_text("A rule ends after it starts")
    said.get_by_role("link").click()
    expect(hours.get_by_label("Until", exact=True)).to_be_focused()
    found = violations(desk, "a schedule with a mistake", ("light",))
    assert not found, "\n".join(found)
    hours.get_by_label("Until", exact=True).fill("11:00")
    desk.get_by_role("button", name="Look at the next weeks").click()
    expect(desk.locator("tr", has_text="Tuesday").first).to_contain_text("10:00–11:00")
    desk.get_by_label("Note for staff").fill(XSS)
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("status")).to_contain_text("The schedule is saved")
    expect(desk.locator("tr", has_text="Petra Novak")).to_contain_text("Tue 10:00–11:00")


def test_a_feed_is_made_read_and_ended(desk: Page) -> None:
    desk.goto("/desk/feeds")
    desk.get_by_role("button", name="Make an address").click()
    address = desk.locator(".secret").inner_text()
    answer = desk.request.get(address)
    assert answer.status == 200
    assert answer.text().startswith("BEGIN:VCALENDAR")
    desk.goto("/desk/feeds")
    expect(desk.locator("main")).not_to_contain_text(address)
    desk.get_by_role("button", name=re.compile("End it")).click()
    expect(desk.get_by_role("status")).to_contain_text("nothing any more")
    assert desk.request.get(address).status == 404


def test_time_is_blocked_and_opened_again(desk: Page) -> None:
    day = MONDAY + timedelta(days=8)
    desk.goto("/desk/block")
    desk.get_by_label("Whose").select_option("Practitioner/demo-family-doctor")
    desk.get_by_label("From day").fill(f"{day}")
    desk.get_by_label("From time").fill("09:00")
    desk.get_by_label("To time").fill("12:00")
    desk.get_by_label(re.compile("What for")).fill(XSS)
    desk.get_by_role("button", name="Block it").click()
    expect(desk.get_by_role("status")).to_have_text("The time is blocked.")
    desk.goto(f"/desk?view=day&of=Practitioner/demo-family-doctor&day={day}")
    expect(desk.locator(".c-closed")).to_contain_text(XSS)
    expect(desk.locator(".c-free").first).to_contain_text("13:00")
    desk.goto("/desk/block")
    desk.get_by_role("button", name=re.compile("Open again")).click()
    expect(desk.get_by_role("status")).to_have_text("The time can be booked again.")


def test_an_absence_says_what_it_meets_and_rearranges_it(desk: Page) -> None:
    desk.goto("/desk/block")
    desk.get_by_label("Whose").select_option("Practitioner/demo-hf-nurse")
    desk.get_by_label("From day").fill(f"{SOON}")
    desk.get_by_label("To day").fill(f"{SOON + timedelta(days=13)}")
    desk.get_by_role("button", name="Show which visits that meets").click()
    expect(desk.get_by_text("They stay booked when the time is blocked")).to_be_visible()
    meets = desk.locator("section:has(#met) li")
    number = meets.count()
    assert number >= 1
    desk.get_by_role("button", name="Block it").click()
    expect(meets).to_have_count(number)
    found = violations(desk, "what an absence meets")
    desk.get_by_label("Move each to the first free time of the same person").check()
    desk.get_by_role("checkbox").last.uncheck()
    desk.get_by_role("button", name="Do this with the chosen visits").click()
    expect(meets).to_have_count(1)
    desk.get_by_label("Cancel, and put the patients on the waiting list").check()
    desk.get_by_role("button", name="Do this with the chosen visits").click()
    expect(desk.get_by_role("status")).to_contain_text("1 visit has been moved or cancelled")
    expect(desk.get_by_text("No visit is booked in this time.")).to_be_visible()
    desk.goto("/desk/waiting")
    expect(desk.locator("main")).to_contain_text("Grace Okonkwo")
    desk.goto("/desk/block")
    desk.get_by_role("button", name=re.compile("Open again")).first.click()
    expect(desk.get_by_role("status")).to_have_text("The time can be booked again.")
    assert found == []


@pytest.mark.parametrize(
    ("week", "note"),
    [(-1, False), (0, True), (1, False)],
)
def test_nine_is_nine_on_both_sides_of_a_change_of_the_clock(
    desk: Page, week: int, note: bool
) -> None:
    sunday = CHANGED + timedelta(weeks=week)
    begins = datetime.combine(sunday, time(), LONDON)
    nine = datetime.combine(sunday, time(9), LONDON).astimezone(UTC)
    desk.goto(f"/desk?view=day&of={DOCTOR}&day={sunday}")
    expect(desk.locator(".days")).to_contain_text(f"Europe/London (UTC{begins:%z})")
    expect(desk.locator(".notice")).to_have_count(int(note))
    free = desk.locator(".c-free a").first
    expect(free).to_contain_text("09:00")
    assert f"at={sunday}T{nine:%H}%3A00Z" in str(free.get_attribute("href"))


def counted(page: Page) -> list[str]:
    """Clicks of the mouse, as they happen."""
    made: list[str] = []
    page.expose_function("clicked", lambda tag: made.append(tag))
    page.add_init_script("addEventListener('click', e => clicked(e.target.tagName), true)")
    return made


def book(page: Page, press: str = "click") -> None:
    """From home to a visit that is booked."""
    for link in (
        page.get_by_role("link", name="Book a visit"),
        page.get_by_role("link", name=re.compile("^Follow-up")),
        page.locator(".times button").nth(3),
        page.get_by_role("button", name="Book this visit"),
    ):
        if press == "click":
            link.click()
        else:
            link.focus()
            page.keyboard.press("Enter")
        page.wait_for_load_state()
    expect(page.locator("h1")).to_have_text("Your visit is booked")


def patient_of(browser: Browser, url: str, **look: object) -> tuple[BrowserContext, Page]:
    context = enter(browser, url, "patient", **look)
    return context, context.new_page()


def test_a_patient_books_in_four_clicks(browser: Browser, url: str) -> None:
    context, page = patient_of(browser, url, viewport={"width": 390, "height": 844})
    clicks = counted(page)
    page.goto("/")
    book(page)
    assert len(clicks) <= 4
    page.get_by_role("link", name="Choose another time").click()
    page.locator(".times button").first.click()
    expect(page.get_by_role("status")).to_have_text("The visit has been moved.")
    page.get_by_text("Cancel the visit").click()
    page.get_by_label(re.compile("Why")).fill(XSS)
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_role("status")).to_have_text("The visit is cancelled.")
    context.close()


def test_times_stand_at_the_patients_own_clock_and_at_that_of_the_place(
    browser: Browser, url: str
) -> None:
    context, page = patient_of(browser, url, timezone_id="America/New_York")
    page.goto("/")
    page.goto(f"/book/times?day={MONDAY + timedelta(days=7)}&of=Practitioner/demo-family-doctor")
    expect(page.locator(".head")).to_contain_text("America/New_York")
    expect(page.locator(".times button").first).to_contain_text("04:00")
    expect(page.locator(".times button").first).to_contain_text("09:00 Europe/London")
    context.close()


@EITHER
def test_a_parent_books_and_writes_for_a_child(browser: Browser, url: str, way: Way) -> None:
    context = enter(browser, url, "proxy")
    parent = way(context.new_page())
    page = parent.page
    page.goto("/")
    parent.press(page.get_by_role("link", name="Book a visit").first)
    expect(page.locator("main")).to_contain_text("Labadie")
    parent.press(page.get_by_role("link", name=re.compile("^Well child check")))
    parent.press(page.locator(".times button").last)
    parent.press(page.get_by_role("button", name="Book this visit"))
    expect(page.locator("h1")).to_have_text("Your visit is booked")
    parent.press(page.get_by_role("link", name="Messages").first)
    parent.press(page.get_by_role("link", name="Write to the practice"))
    parent.tick(page.get_by_label("Appointment"))
    parent.write(page.get_by_label("Subject"), "Before the check")
    parent.write(page.get_by_label("Message", exact=True), "May she eat in the morning?")
    parent.press(page.get_by_role("button", name="Send"))
    expect(page.get_by_text("May she eat in the morning?")).to_be_visible()
    parent.press(page.get_by_role("link", name="Home", exact=True))
    expect(page.get_by_role("note").first).to_contain_text("You act for")
    context.close()


def test_a_patient_books_with_scripts_off(browser: Browser, url: str) -> None:
    context, page = patient_of(browser, url, java_script_enabled=False)
    page.goto("/")
    book(page)
    page.goto("/book/wait")
    page.get_by_label("Last day").fill(f"{MONDAY + timedelta(days=300)}")
    page.get_by_label("First day").fill(f"{MONDAY + timedelta(days=299)}")
    page.get_by_role("button", name="Put me on the list").click()
    expect(page.get_by_role("status")).to_contain_text("You are on the waiting list")
    page.get_by_role("button", name=re.compile("Wait no more")).click()
    expect(page.get_by_role("status")).to_contain_text("off the waiting list")
    context.close()


def test_a_visit_is_booked_by_keyboard_alone(browser: Browser, url: str, desk: Page) -> None:
    context, page = patient_of(browser, url)
    page.goto("/")
    book(page, "keyboard")
    context.close()
    desk.goto(f"/desk?view=week&of=Practitioner/demo-family-doctor&day={MONDAY}")
    desk.locator(".c-free a").first.focus()
    before = desk.evaluate("document.activeElement.textContent + document.activeElement.href")
    for key in ("ArrowDown", "ArrowRight"):
        desk.keyboard.press(key)
        now = desk.evaluate("document.activeElement.textContent + document.activeElement.href")
        assert now != before
        before = now
    for _ in range(20):  # on to a free one, past what is booked
        if desk.evaluate("document.activeElement.closest('.c-free') !== null"):
            break
        desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    field = desk.locator("main").get_by_role("searchbox")
    field.focus()
    desk.keyboard.type("Haddad")
    desk.keyboard.press("Enter")
    choose = desk.get_by_role("button", name=re.compile("^Choose"))
    expect(choose).to_have_count(1)
    choose.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("main .chosen")).to_be_visible()
    desk.get_by_role("button", name="Book it").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_have_text("The visit is booked.")


def test_pages_are_for_their_role(browser: Browser, url: str) -> None:
    for role, path, status in (
        ("patient", "/desk", 403),
        ("front-desk", "/book", 403),
        ("nurse", "/desk", 200),
        ("", "/desk", 200),
    ):
        context = enter(browser, url, role)
        page = context.new_page()
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, (role, path)
        if not role:
            assert "/sign-in" in page.url
        if role == "nurse":
            expect(page.get_by_role("link", name="Block time")).to_have_count(0)
            expect(page.locator(".wall .c-free a")).to_have_count(0)
            page.goto("/desk/visits/demo-visit-9")
            expect(page.locator("main")).to_contain_text("BAILEY")
            expect(page.locator("main form")).to_have_count(0)
        context.close()
