"""Take the pictures in `docs/screenshots` beside those of every screen: `make screenshots`.

    python -m tools.screenshots [--url http://127.0.0.1:8080] [--out docs/screenshots]

Without an address it serves the demo from a scratch folder. Needs a Chromium on this machine
(`CAREPLANE_CHROMIUM`, or one on PATH).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools import warm

ROOT = Path(__file__).resolve().parent.parent
_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "ThirdPartyStoragePartitioning", "OptimizationHints", "AimEnabled", "PreconnectToSearch",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
)  # fmt: skip
"""What Chromium does without: as Playwright has it, whose list ours takes the place of, and the
pages below the address bar, two processes of each window."""


def without(*features: str) -> str:
    """The argument by which Chromium does without these features as well."""
    return f"--disable-features={','.join((*_WITHOUT, *features))}"


CHROMIUM_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", without(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: who looks at what, how wide, in which colours. `pasted` is a resource that is
    validated there."""

    name: str
    path: str
    role: str = "physician"
    width: int = 1280
    height: int = 860
    scheme: str = "light"
    whole: bool = False
    pasted: str = ""


DEVIN = "/patients/devin-bailey"
ACTS = "/terminology/code-system?url=http://terminology.hl7.org/CodeSystem/v3-ActCode"
TREE = f"{ACTS}&open=_ActAccountCode&open=CC"
FEMALE = "/terminology/concept?system=http://hl7.org/fhir/administrative-gender&code=female"
PRESSURE = "http://hl7.org/fhir/StructureDefinition/bp"
PROFILE = f"/packages/artifact?type=StructureDefinition&url={PRESSURE}&view=differences"
CHECK = f"/validator?profile={PRESSURE}"
WRONG = """{
  "resourceType": "Observation",
  "status": "done",
  "category": [{"text": "Vital signs"}],
  "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
  "subject": {"reference": "Patient/devin-bailey"},
  "efectiveDateTime": "2026-02-30",
  "component": [
    {"code": {"text": "Systolic"}, "valueQuantity": {"value": 120, "unit": "mm Hg"}}
  ]
}"""
SHOTS = (
    Shot("chart-summary", DEVIN, height=1000),
    Shot("validator", CHECK, height=1300, pasted=WRONG),
    Shot("dark-validator", CHECK, height=1000, scheme="dark", pasted=WRONG),
    Shot("phone-validator", CHECK, width=390, height=844, pasted=WRONG),
)
"""Those of the README, and of a resource that was checked; `tools.screens` has every page."""


def main() -> None:
    """Take every picture, or those whose names are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screenshots")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if not asked.names or shot.name in asked.names]
    with contextlib.nullcontext(asked.url) if asked.url else served() as url, chromium() as browser:
        for shot in shots:
            take(browser, url, shot, asked.out / f"{shot.name}.png")
            print(shot.name)


def take(browser: Browser, url: str, shot: Shot, out: Path) -> None:
    """One picture in a browser of its own state."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    if shot.role:
        page.goto("/sign-in")
        page.click(f"button[value={shot.role}]")
        page.wait_for_load_state()
    page.goto(shot.path)
    if shot.pasted:
        page.fill("#resource", shot.pasted)
        page.click("form.check button")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=out, full_page=shot.whole)
    context.close()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, without a screen."""
    found = os.environ.get("CAREPLANE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@contextlib.contextmanager
def served(data: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The demo, served on a free port until the block ends: from a folder, or a scratch one.
    `settings`: more of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        folder = str(data or scratch)
        words = ["serve", "--demo", "--data", folder, "--port", str(port)]
        server = warm.start(words, os.environ | dict(settings or {}))
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(20)


def _wait(url: str, server: warm.Started, seconds: float = 60) -> None:
    """Until the sign-in page answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/sign-in", timeout=2)
            return
        time.sleep(0.05)
    raise RuntimeError(f"the demo did not answer within {seconds:.0f} s")


if __name__ == "__main__":
    main()
