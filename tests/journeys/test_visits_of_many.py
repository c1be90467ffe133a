"""A visit of five in a real browser, with made-up cameras, through a LiveKit server on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import livekit_house
from tests.journeys.test_visits_in_a_browser import LOOPBACK, book, go, meet, sees
from tests.looks import violations
from tests.support import missing
from tools.screenshots import CHROMIUM_ARGUMENTS, served

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
CAMERAS = ("--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream")
"""Slow ones: five that are sent at once are much for two processors."""
GUESTS = 3


@dataclass(frozen=True, slots=True)
class House:
    """The demo, its data, and the LiveKit server of its larger visits."""

    at: tuple[str, Path]
    server: livekit_house.Server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("many")
    data = folder / "data"
    with livekit_house.livekit(folder) as server:
        settings = livekit_house.settings(server.port) | {"CAREPLANE_LIVEKIT_TYPES": "group"}
        with served(data, settings) as url:
            yield House((url, data), server)


@pytest.fixture(scope="module")
def here() -> Iterator[Browser]:
    found = os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")
    if not found:
        missing("a Chromium; install one or set CAREPLANE_CHROMIUM")
    with sync_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, *CAMERAS, *LOOPBACK]
        opened = playwright.chromium.launch(executable_path=found, args=arguments)
        yield opened
        opened.close()


def invite(doctor: Page, here: Browser, url: str, name: str) -> Page:
    """A guest, who was let in."""
    doctor.locator("#link").evaluate("one => one.value = ''")
    doctor.get_by_label("Whom the link is for").fill(name)
    doctor.get_by_role("button", name="Make a link").press("Enter")
    expect(doctor.locator("#link")).to_have_value(re.compile("/visit#"))
    guest = go(here, url, "", doctor.locator("#link").input_value())
    guest.get_by_role("button", name="Join the visit").click()
    doctor.get_by_role("button", name=f"Let {name} in").click()
    expect(guest.get_by_role("status").first).to_contain_text("in the visit")
    return guest


def rooms(port: int) -> list[int]:
    """How many are in each room of the server."""
    token = livekit_house.rooms_token()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/twirp/livekit.RoomService/ListRooms",
        data=b"{}",
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [one.get("num_participants", 0) for one in json.load(answer).get("rooms", [])]


def test_five_see_each_other(house: House, here: Browser) -> None:
    doctor, ada = meet(house.at, "many", here, here)
    refused: list[str] = []
    for page in (doctor, ada):
        page.on("console", lambda m: refused.append(m.text) if "Refused" in m.text else None)
    guests = [invite(doctor, here, house.at[0], f"Guest {n}") for n in range(GUESTS)]
    for page in (doctor, ada, *guests):
        sees(page, 5)
    _until(lambda: rooms(house.server.port) == [5])
    ana, ben, _ = guests
    for page in (ada, ana):
        page.get_by_role("button", name="Camera on").click()
    sees(doctor, 3)
    ada.get_by_label("Message").fill("<img src=x onerror=alert(1)> hello")
    ada.get_by_role("button", name="Send").press("Enter")
    expect(ben.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)> hello")
    doctor.get_by_role("button", name="Put into the record", exact=True).first.click()
    expect(ben.get_by_role("log")).to_contain_text("In the record")
    expect(doctor.get_by_role("figure").filter(has_text="Devin")).to_contain_text("Camera off")
    ada.get_by_role("button", name="Camera off").click()
    doctor.locator("[data-stage]").scroll_into_view_if_needed()  # what is out of sight is not sent
    sees(doctor, 4)
    doctor.on("dialog", lambda asked: asked.accept())
    doctor.get_by_role("button", name="Send Guest 1 away").press("Enter")
    expect(ben.get_by_role("status").first).to_contain_text("The visit is over")
    expect(ada.get_by_role("figure")).to_have_count(4)
    doctor.emulate_media(reduced_motion="reduce")
    assert violations(doctor, "a visit of many") == []
    _until(lambda: rooms(house.server.port) == [4])
    doctor.get_by_role("button", name="End the visit for everybody").press("Enter")
    expect(ada.get_by_role("status").first).to_contain_text("The visit is over")
    _until(lambda: rooms(house.server.port) == [])
    assert refused == []


def _until(is_so: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_one_is_told_when_the_server_is_gone(house: House, here: Browser) -> None:
    path = book(house.at, "gone", serviceType=[{"coding": [{"code": "group"}]}])
    doctor = go(here, house.at[0], "physician", path)
    doctor.get_by_role("button", name="Join the visit").click()
    expect(doctor.get_by_role("status").first).to_contain_text("in the visit")
    _until(lambda: rooms(house.server.port) == [1])
    house.server.stop()
    expect(doctor.get_by_role("alert")).to_contain_text("larger groups")
    doctor.get_by_label("Message").fill("Is anybody here?")
    doctor.get_by_role("button", name="Send").press("Enter")
    expect(doctor.get_by_role("log")).to_contain_text("Is anybody here?")
    house.server.start()
    expect(doctor.get_by_role("alert")).to_be_hidden(timeout=30_000)
    _until(lambda: rooms(house.server.port) == [1])
    doctor.get_by_role("button", name="End the visit for everybody").press("Enter")


def test_scripts_of_the_server_are_for_visits_that_go_there(house: House, here: Browser) -> None:
    context = here.new_context(base_url=house.at[0])
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    answer = page.goto("/visit", wait_until="networkidle")
    assert answer is not None
    assert (
        f"connect-src 'self' ws://127.0.0.1:{house.server.port};"
        in (answer.headers["content-security-policy"])
    )
    assert not [one for one in asked if "livekit" in one or "group" in one]
    other = page.goto("/sign-in")
    assert other is not None
    assert "connect-src 'self';" in other.headers["content-security-policy"]
    context.close()
