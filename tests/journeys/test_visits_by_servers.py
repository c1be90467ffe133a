"""Visits whose media go through servers, in a real browser with made-up cameras: two through a TURN
server and in no other way, also on a line that loses three packets in ten, where the camera goes
and the sound stays; and five through LiveKit."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import livekit_house, relay_house
from tests.demo_house import served
from tests.journeys.test_visits_in_a_browser import (
    FRAME_SECONDS,
    book,
    browser,
    frame_seconds,
    go,
    meet,
    sees,
)
from tests.looks import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
NOTICED_SECONDS = 10.0
GUESTS = 3


@dataclass(frozen=True, slots=True)
class House:
    """The demo whose media go through a relay, the line to that, and the LiveKit server of larger
    visits, where there is one."""

    at: tuple[str, Path]
    line: relay_house.Lossy
    livekit: livekit_house.Server | None


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("relay")
    with ExitStack() as stack:
        port = stack.enter_context(relay_house.coturn(folder))
        line = stack.enter_context(closing(relay_house.Lossy(port)))
        settings = relay_house.settings(line.port)
        livekit = None
        if livekit_house.is_there():
            livekit = stack.enter_context(livekit_house.livekit(folder))
            settings |= livekit_house.settings(livekit.port) | {"CAREPLANE_LIVEKIT_TYPES": "group"}
        data = folder / "data"
        url = stack.enter_context(served(data, settings))
        yield House((url, data), line, livekit)


@pytest.fixture
def livekit(house: House) -> livekit_house.Server:
    """Skips, or fails, without one."""
    if house.livekit is None:
        livekit_house.program()
    assert house.livekit is not None
    return house.livekit


@pytest.fixture(scope="module")
def here() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def test_all_media_go_through_the_relay(house: House, here: Browser) -> None:
    doctor, ada = meet(house.at, "relayed", here, here)
    for page in (doctor, ada):
        sees(page)
    assert 0 < frame_seconds(ada) < FRAME_SECONDS
    before = house.line.passed
    time.sleep(1)
    assert house.line.passed > before + 20, "the pictures go this way"
    ada.get_by_role("button", name="Leave").click()


def test_three_packets_in_ten_are_lost(house: House, here: Browser) -> None:
    doctor, ada = meet(house.at, "lossy", here, here)
    for page in (doctor, ada):
        sees(page)
    time.sleep(5)  # the measure of loss begins on a good line
    house.line.lost = 0.3
    try:
        began = time.monotonic()
        for page in (doctor, ada):
            expect(page.get_by_role("button", name="Camera off")).to_be_visible(timeout=20_000)
            assert time.monotonic() - began < NOTICED_SECONDS
        expect(ada.get_by_role("alert")).to_contain_text("camera was turned off")
        expect(doctor.get_by_role("status").first).to_contain_text("sound only")
    finally:
        house.line.lost = 0.0
    assert _hears(ada), "the sound goes on"


def _hears(page: Page) -> bool:
    """Whether sound comes in, and plays."""
    heard = page.evaluate(
        """async () => {
          const video = [...document.querySelectorAll("figure video")].find((v) => !v.muted);
          const before = video.currentTime;
          await new Promise((done) => setTimeout(done, 2000));
          const track = video.srcObject.getAudioTracks()[0];
          return track.readyState === "live" && !track.muted && video.currentTime > before;
        }"""
    )
    return bool(heard)


def invite(doctor: Page, here: Browser, url: str, name: str) -> Page:
    """A guest without a camera, who was let in: five that are sent at once are much for two
    processors."""
    doctor.locator("#link").evaluate("one => one.value = ''")
    doctor.get_by_label("Whom the link is for").fill(name)
    doctor.get_by_role("button", name="Make a link").press("Enter")
    expect(doctor.locator("#link")).to_have_value(re.compile("/visit#"))
    guest = go(here, url, "", doctor.locator("#link").input_value())
    guest.get_by_label("Sound only, no camera").check()
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


def test_five_see_each_other(house: House, livekit: livekit_house.Server, here: Browser) -> None:
    doctor, ada = meet(house.at, "many", here, here)
    refused: list[str] = []
    for page in (doctor, ada):
        page.on("console", lambda m: refused.append(m.text) if "Refused" in m.text else None)
    guests = [invite(doctor, here, house.at[0], f"Guest {n}") for n in range(GUESTS)]
    for page in (doctor, ada, *guests):
        hears(page, 4)
        sees(page, 2)
    _until(lambda: rooms(livekit.port) == [5])
    ben = guests[0]
    ada.get_by_role("button", name="Camera on").click()
    sees(ben, 1)
    ada.get_by_label("Message").fill("<img src=x onerror=alert(1)> hello")
    ada.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(ben.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)> hello")
    said = doctor.get_by_role("log")  # another button of this name is beneath it
    said.get_by_role("button", name="Put into the record", exact=True).click()
    expect(ben.get_by_role("log")).to_contain_text("In the record")
    expect(doctor.get_by_role("figure").filter(has_text="Devin")).to_contain_text("Camera off")
    ada.get_by_role("button", name="Camera off").click()
    ben.locator("[data-stage]").scroll_into_view_if_needed()  # what is out of sight is not sent
    sees(ben, 2)
    for page in (doctor, ben):
        page.emulate_media(reduced_motion="reduce")
    assert violations(doctor, "a visit by a server", ["light"]) == []
    assert violations(ben, "a guest of it", ["phone-dark"]) == []
    doctor.on("dialog", lambda asked: asked.accept())
    doctor.get_by_role("button", name="Send Guest 0 away").press("Enter")
    expect(ben.get_by_role("status").first).to_contain_text("The visit is over")
    expect(ada.get_by_role("figure")).to_have_count(4)
    _until(lambda: rooms(livekit.port) == [4])
    doctor.get_by_role("button", name="End the visit for everybody").press("Enter")
    expect(ada.get_by_role("status").first).to_contain_text("The visit is over")
    _until(lambda: rooms(livekit.port) == [])
    assert refused == []


def hears(page: Page, others: int) -> None:
    """Whether the sound of so many others comes in."""
    page.wait_for_function(
        "n => [...document.querySelectorAll('figure video')].filter(v => !v.muted &&"
        " v.srcObject?.getAudioTracks().some(t => t.readyState === 'live' && !t.muted))"
        ".length === n",
        arg=others,
        timeout=20_000,
    )


def _until(is_so: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.soak
def test_one_is_told_when_the_server_is_gone(
    house: House, livekit: livekit_house.Server, here: Browser
) -> None:
    path = book(house.at, "gone", serviceType=[{"coding": [{"code": "group"}]}])
    doctor = go(here, house.at[0], "physician", path)
    doctor.get_by_role("button", name="Join the visit").click()
    expect(doctor.get_by_role("status").first).to_contain_text("in the visit")
    _until(lambda: rooms(livekit.port) == [1])
    livekit.stop()
    expect(doctor.get_by_role("alert")).to_contain_text("larger groups")
    doctor.get_by_label("Message").fill("Is anybody here?")
    doctor.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(doctor.get_by_role("log")).to_contain_text("Is anybody here?")
    doctor.emulate_media(reduced_motion="reduce")
    assert violations(doctor, "a visit whose server is gone") == []
    livekit.start()
    expect(doctor.get_by_role("alert")).to_be_hidden(timeout=30_000)
    _until(lambda: rooms(livekit.port) == [1])
    doctor.get_by_role("button", name="End the visit for everybody").press("Enter")


def test_scripts_of_the_server_are_for_visits_that_go_there(
    house: House, livekit: livekit_house.Server, here: Browser
) -> None:
    context = here.new_context(base_url=house.at[0])
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    answer = page.goto("/visit", wait_until="networkidle")
    assert answer is not None
    assert (
        f"connect-src 'self' ws://127.0.0.1:{livekit.port};"
        in (answer.headers["content-security-policy"])
    )
    assert not [one for one in asked if "livekit" in one or "group" in one]
    other = page.goto("/sign-in")
    assert other is not None
    assert "connect-src 'self';" in other.headers["content-security-policy"]
    context.close()
