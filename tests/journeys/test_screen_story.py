"""What the pictures of screens show is still there to be found: their story is told to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.demo_house import served
from tests.journeys.test_calendar_in_a_browser import browser
from tools import screen_story
from tools.screens import SCREENS

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_story_of_the_pictures_is_told(browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with served(data) as url:
        made = screen_story.made(browser, url, data)
    assert all(made.values())
    for screen in SCREENS:
        assert "{" not in screen.path.format_map(made), screen.name
