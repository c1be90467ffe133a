"""Pictures of visits while they are held: two by video, and five through LiveKit, by browsers with
made-up cameras."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests import livekit_house
from tests.journeys.test_visits_by_servers import GUESTS, hears, invite
from tests.journeys.test_visits_in_a_browser import meet, sees
from tools.screenshots import served

SEEN = {
    "physician": "physician", "patient": "patient",
    "five-physician": "physician", "five-patient": "patient",
}  # fmt: skip
"""Name of a picture, and whose it is; those of five go through LiveKit."""


def take(
    opened: Browser, folder: Path, looks: dict[str, dict[str, Any]], quality: int, out: Path
) -> None:
    """Hold both visits, and take them from both sides in these looks. `folder` is a scratch one."""

    def shoot(names: Iterable[str], pages: Iterable[Page]) -> None:
        for name, page in zip(names, pages, strict=True):
            _shoot(page, f"visit-{name}", looks, quality, out)
        for context in list(opened.contexts):
            context.close()

    with served(folder / "two") as url:
        sides = meet((url, folder / "two"), "two", opened, opened)
        for page in sides:
            sees(page)
        shoot(list(SEEN)[:2], sides)
    if not livekit_house.is_there():
        print("No LiveKit server: the visit of five is left as it is.")
        return
    with livekit_house.livekit(folder) as media:
        more = livekit_house.settings(media.port) | {"CAREPLANE_LIVEKIT_TYPES": "group"}
        with served(folder / "five", more) as url:
            kind = [{"coding": [{"code": "group"}], "text": "Heart failure class"}]
            sides = meet((url, folder / "five"), "five", opened, opened, serviceType=kind)
            for n in range(GUESTS):
                invite(sides[0], opened, url, f"Guest {n + 1}")
            for page in sides:
                hears(page, GUESTS + 1)
            shoot(list(SEEN)[2:], sides)


def _shoot(
    page: Page, name: str, looks: dict[str, dict[str, Any]], quality: int, out: Path
) -> None:
    for suffix, look in looks.items():
        page.emulate_media(reduced_motion="reduce", color_scheme=look["color_scheme"])
        page.set_viewport_size(look["viewport"])
        page.evaluate("scrollTo(0, 0)")
        sees(page)
        page.screenshot(path=out / f"{name}{suffix}.jpg", type="jpeg", quality=quality)
        print(f"{name}{suffix}", flush=True)
