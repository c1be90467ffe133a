"""Every screen of the demo, wide in light colours and on a phone in dark ones: `make screenshots`.

    python -m tools.screens [--out docs/screenshots/screens]

Writes `<name>.jpg` and `<name>-phone-dark.jpg`, and an index beside them. Serves the demo from a
scratch folder; needs a Chromium on this machine.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tools.screenshots import DEVIN, ROOT, chromium, served

_QUALITY = 55
LOOKS: dict[str, dict[str, Any]] = {
    "": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "-phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
CHILD = "/patients/andy-gusikowski"


@dataclass(frozen=True, slots=True)
class Screen:
    """A page, as a role of the demo sees it; `press` are buttons on the way to it."""

    name: str
    role: str
    path: str
    press: tuple[str, ...] = ()


def _each(role: str, prefix: str, **paths: str) -> tuple[Screen, ...]:
    return tuple(
        Screen(f"{prefix}-{name.replace('_', '-')}", role, path) for name, path in paths.items()
    )


SCREENS = (
    *_each("", "door", sign_in="/sign-in", story="/story", link_viewer="/share/view",
           guest="/visit", offline="/offline"),
    *_each("physician", "physician", home="/", patients="/patients", results="/results",
           referrals="/referrals", messages="/messages", tasks="/tasks", consults="/consults",
           new_message="/messages/new?patient=devin-bailey",
           new_task="/tasks/new?patient=devin-bailey", calendar="/desk?view=week",
           day="/desk?view=day", emergency="/emergency"),
    *_each("physician", "chart", summary=DEVIN, timeline=f"{DEVIN}/timeline",
           problems=f"{DEVIN}/problems", add_problem=f"{DEVIN}/problems/add?what=Asthma",
           medications=f"{DEVIN}/medications", find_medicine=f"{DEVIN}/prescribe?q=amox",
           prescribe=f"{DEVIN}/prescribe?medicine=Amoxicillin 500 MG Oral Capsule",
           allergies=f"{DEVIN}/allergies", add_allergy=f"{DEVIN}/allergies/add?what=Peanut",
           immunizations=f"{DEVIN}/immunizations", vitals=f"{DEVIN}/vitals",
           add_vitals=f"{DEVIN}/vitals/add", trend=f"{DEVIN}/vitals/29463-7",
           results=f"{DEVIN}/results", orders=f"{DEVIN}/orders",
           order=f"{DEVIN}/order?kind=laboratory", referral=f"{DEVIN}/order?kind=referral",
           team=f"{DEVIN}/team", documents=f"{DEVIN}/documents", forms=f"{DEVIN}/forms",
           messages=f"{DEVIN}/messages", tasks=f"{DEVIN}/tasks", access=f"{DEVIN}/access",
           sharing=f"{DEVIN}/consent", share=f"{DEVIN}/share", apps=f"{DEVIN}/apps",
           growth=f"{CHILD}/growth"),
    Screen("chart-note", "physician", f"{DEVIN}/documents", ("Begin a note",)),
    Screen("visit", "physician", "/visits/demo-video-today"),
    *_each("nurse", "nurse", home="/"),
    *_each("pharmacist", "pharmacist", home="/"),
    *_each("front-desk", "desk", home="/", find="/desk/find?patient=devin-bailey",
           waiting="/desk/waiting", wish="/desk/waiting/add?patient=devin-bailey",
           block="/desk/block", schedules="/desk/schedules", feeds="/desk/feeds"),
    *_each("patient", "patient", home="/", results="/my/results", result="/my/results/33762-6",
           visits="/my/visits", book="/book", medicines="/my/medicines", health="/my/health",
           forms="/forms", messages="/messages", share=f"{DEVIN}/share",
           card=f"{DEVIN}/share/cards/immunizations", access=f"{DEVIN}/access",
           consents=f"{DEVIN}/consent", apps="/apps", proxies="/my/proxies",
           corrections="/my/corrections", menu="/my/menu"),
    Screen("patient-qr", "patient", f"{DEVIN}/share", ("Make a QR code",)),
    *_each("proxy", "parent", home="/"),
    *_each("administrator", "administrator", home="/", questionnaires="/questionnaires",
           audit="/audit", terminology="/terminology", packages="/packages", records="/records"),
)  # fmt: skip


def main() -> None:
    """Take every picture, or those whose names are given; the index names all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screenshots/screens")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with served() as url, chromium() as browser:
        for role in dict.fromkeys(screen.role for screen in SCREENS):
            wanted = [
                one
                for one in SCREENS
                if one.role == role and (not asked.names or one.name in asked.names)
            ]
            for suffix, look in LOOKS.items():
                _take(browser, url, role, look, [(one, f"{one.name}{suffix}") for one in wanted],
                      asked.out)  # fmt: skip
    (asked.out / "README.md").write_text(_index())


def _take(
    browser: Browser,
    url: str,
    role: str,
    look: dict[str, Any],
    screens: list[tuple[Screen, str]],
    out: Path,
) -> None:
    context = browser.new_context(base_url=url, reduced_motion="reduce", **look)
    page = context.new_page()
    if role:
        page.goto("/sign-in")
        page.click(f"button[value={role}]")
        page.wait_for_load_state()
    for screen, name in screens:
        answer = page.goto(screen.path)
        assert answer is not None
        assert answer.status == 200, (screen.path, answer.status)
        for button in screen.press:
            page.get_by_role("button", name=button, exact=True).first.click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=out / f"{name}.jpg", type="jpeg", quality=_QUALITY)
        print(name)
    context.close()


def _index() -> str:
    rows = [
        f"| {one.name.replace('-', ' ')} | ![{one.name}]({one.name}.jpg) | "
        f"![{one.name} on a phone]({one.name}-phone-dark.jpg) |"
        for one in SCREENS
    ]
    head = "# Screens\n\nMade by `python -m tools.screens`, of the demo; all people are synthetic."
    return "\n".join(
        [head, "", "| screen | wide, light | phone, dark |", "|---|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    main()
