"""A visit whose media go through a TURN server and in no other way; and one on a line that loses
three packets in ten, where the camera goes and the sound stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import relay_house
from tests.journeys.test_visits_in_a_browser import (
    FRAME_SECONDS,
    browser,
    frame_seconds,
    meet,
    sees,
)
from tools.screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
NOTICED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class House:
    """The demo whose media go through a relay, and the line to that."""

    at: tuple[str, Path]
    line: relay_house.Lossy


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("relay")
    with relay_house.coturn(folder) as port, closing(relay_house.Lossy(port)) as line:
        data = folder / "data"
        with served(data, relay_house.settings(line.port)) as url:
            yield House((url, data), line)


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
