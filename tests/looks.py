"""What a page may look like, and what axe finds in it then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import CDPSession, Page

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    # 200 % zoom of a window of 1,280 pixels
    "zoomed": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}
QUICK = ("light", "phone-dark", "zoomed")
"""Light and dark, wide, narrow and large."""
AXE: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
STYLED: dict[str, Any] = {
    "runOnly": {
        "type": "rule",
        "values": [
            "aria-hidden-focus", "color-contrast", "link-in-text-block", "region",
            "scrollable-region-focusable", "skip-link", "target-size",
        ],
    },
    "resultTypes": ["violations"],
}  # fmt: skip
"""Rules that depend on more than what a page says: on colours, on what is shown, on sizes."""
_WHOLE = frozenset({"light", "phone", "phone-dark"})
"""Looks that differ in what is shown, and so are held against every rule."""


def wear(page: Page, protocol: CDPSession, look: dict[str, Any]) -> None:
    """Give the window another size and other colours, as if it had been opened so."""
    scale = look.get("device_scale_factor", 1)
    metrics = {**look["viewport"], "deviceScaleFactor": scale, "mobile": False}
    protocol.send("Emulation.setDeviceMetricsOverride", metrics)
    page.emulate_media(color_scheme=look.get("color_scheme", "light"))
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    size = page.evaluate("[innerWidth, devicePixelRatio]")
    assert size == [look["viewport"]["width"], scale]


def violations(page: Page, where: str = "", looks: Iterable[str] = QUICK) -> list[str]:
    """What axe finds on the page that is open, in these looks, and where it is wider than the
    window. The first look is held against every rule; so is each that shows other things."""
    protocol = page.context.new_cdp_session(page)
    page.evaluate(Axe().axe_script)
    found: list[str] = []
    for place, name in enumerate(looks):
        wear(page, protocol, LOOKS[name])
        rules = AXE if place == 0 or name in _WHOLE else STYLED
        report = AxeResults(page.evaluate("rules => axe.run(rules)", rules))
        if report.violations_count:
            found.append(f"{where or page.url}, {name}: {report.generate_report()[:1500]}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{where or page.url}, {name}: wider than the window")
    wear(page, protocol, LOOKS["light"])
    protocol.detach()
    return found
