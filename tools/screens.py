"""Every screen, wide in light colours and on a phone in dark ones: `make screenshots`.

    python -m tools.screens [--out docs/screenshots/screens] [names]

Writes `<name>.jpg` and `<name>-phone-dark.jpg`, and an index beside them. Serves the demo, where
`screen_story` happens first, and an installation with accounts, from scratch folders; needs a
Chromium on this machine, and LiveKit's server for the visits of more than four, which are left as
they are without one. Every address of a page is of a screen, or in UNSEEN with the reason.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, StorageState
from starlette.routing import Match, Route

from careplane.web.routes import routes
from careplane.web.visit import Web
from tests.journeys.test_visits_in_a_browser import browser
from tools import screen_accounts, screen_story, screen_visits
from tools.screenshots import CHECK, DEVIN, FEMALE, PROFILE, ROOT, TREE, served

_QUALITY = 50
LOOKS: dict[str, dict[str, Any]] = {
    "": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "-phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
CHILD = "/patients/andy-gusikowski"
_KINDS = screen_story.KINDS
_ASKS = (
    f"/oauth/authorize?response_type=code&client_id={screen_story.APP}&state=s"
    f"&redirect_uri={screen_story.BACK}&scope={screen_story.SCOPES.replace(' ', '+')}"
    "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&aud={base}/fhir"
)


@dataclass(frozen=True, slots=True)
class Screen:
    """A page, as a role sees it; `{names}` in the path are of `screen_story`. `press` are buttons
    on the way to it; it is of the route of `shows` where they lead to another page."""

    name: str
    role: str
    path: str
    press: tuple[str, ...] = ()
    shows: str = ""


def _each(role: str, prefix: str, **paths: str) -> tuple[Screen, ...]:
    return tuple(
        Screen(f"{prefix}-{name.replace('_', '-')}", role, path) for name, path in paths.items()
    )


SCREENS = (
    *_each("", "door", sign_in="/sign-in", story="/story",
           guest="/visit", offline="/offline", preferences="/preferences", developers="/docs",
           nowhere="/nowhere"),
    Screen("door-link-viewer", "", "{viewer}", shows="/share/view"),
    *_each("physician", "physician", home="/", patients="/patients", results="/results",
           referrals="/referrals", from_me="/referrals?way=out", referral="/referrals/{referral}",
           messages="/messages", thread="/messages/{thread}",
           new_message="/messages/new?patient=devin-bailey", tasks="/tasks", task="/tasks/{task}",
           new_task="/tasks/new?patient=devin-bailey", consults="/consults",
           consult="/consults/{consult}", ask="/consults/new?patient=devin-bailey",
           refill="/refills/{refill}", calendar="/desk?view=week&day={working}",
           day="/desk?view=day&day={working}",
           emergency="/emergency"),
    *_each("physician", "chart", summary=DEVIN, timeline=f"{DEVIN}/timeline",
           problems=f"{DEVIN}/problems", add_problem=f"{DEVIN}/problems/add?what=Asthma",
           edit_problem=f"{DEVIN}/problems/{{problem}}/edit",
           medications=f"{DEVIN}/medications", find_medicine=f"{DEVIN}/prescribe?q=amox",
           prescribe=f"{DEVIN}/prescribe?medicine=Amoxicillin 500 MG Oral Capsule",
           medicine=f"{DEVIN}/medications/{{medicine}}",
           allergies=f"{DEVIN}/allergies", add_allergy=f"{DEVIN}/allergies/add?what=Peanut",
           edit_allergy=f"{DEVIN}/allergies/{{allergy}}/edit",
           immunizations=f"{DEVIN}/immunizations",
           add_immunization=f"{DEVIN}/immunizations/add?what=Influenza",
           edit_immunization=f"{DEVIN}/immunizations/{{immunization}}/edit",
           vitals=f"{DEVIN}/vitals", add_vitals=f"{DEVIN}/vitals/add",
           trend=f"{DEVIN}/vitals/29463-7", results=f"{DEVIN}/results",
           result=f"{DEVIN}/results/33762-6", orders=f"{DEVIN}/orders",
           order=f"{DEVIN}/order?kind=laboratory", referral=f"{DEVIN}/order?kind=referral",
           ordered=f"{DEVIN}/orders/devin-bailey-echo-order",
           team=f"{DEVIN}/team", documents=f"{DEVIN}/documents",
           document=f"{DEVIN}/documents/{{document}}", cosign=f"{DEVIN}/notes/{{note}}",
           forms=f"{DEVIN}/forms", messages=f"{DEVIN}/messages", tasks=f"{DEVIN}/tasks",
           sharing=f"{DEVIN}/consent", share=f"{DEVIN}/share", apps=f"{DEVIN}/apps",
           growth=f"{CHILD}/growth", arabic="/patients/layla-haddad"),
    Screen("chart-note", "physician", f"{DEVIN}/documents", ("Begin a note",)),
    *_each("nurse", "nurse", home="/", note=f"{DEVIN}/notes/{{note}}"),
    *_each("pharmacist", "pharmacist", home="/"),
    *_each("front-desk", "desk", home="/", find="/desk/find?patient=devin-bailey",
           visit="/desk/visits/demo-visit-8", move="/desk/visits/demo-visit-8/move",
           waiting="/desk/waiting", wait="/desk/waiting/demo-waits",
           wish="/desk/waiting/add?patient=devin-bailey",
           absence="/desk/block?of=Practitioner/demo-cardiologist&first={first}&last={last}&met=1",
           block="/desk/block", schedules="/desk/schedules", add_schedule="/desk/schedules/new",
           schedule="/desk/schedules/demo-cardiologist", feeds="/desk/feeds"),
    Screen("desk-book", "front-desk", "{desk_time}", shows="/desk/book"),
    Screen("patient-hold", "patient", "{held}", shows="/book/{id}"),
    *_each("patient", "patient", home="/", results="/my/results", result="/my/results/33762-6",
           report="/my/reports/{report}", visits="/my/visits", visit="/my/visits/demo-visit-9",
           calendar="/my/calendar", book="/book", times=f"/book/times?type={_KINDS}|follow-up",
           move="/book/demo-visit-9/move",
           wait=f"/book/wait?type={_KINDS}|follow-up",
           medicines="/my/medicines", health="/my/health",
           documents="/my/documents", document="/my/documents/{document}", forms="/forms",
           form="/forms/{form}", messages="/messages", thread="/messages/{thread}",
           consults="/consults", consult="/consults/{consult}", ask="/consults/new",
           share=f"{DEVIN}/share", qr=f"{DEVIN}/share/links/{{link}}",
           card=f"{DEVIN}/share/cards/immunizations", access=f"{DEVIN}/access",
           consents=f"{DEVIN}/consent", apps="/apps", proxies="/my/proxies",
           corrections="/my/corrections", menu="/my/menu"),
    Screen("patient-app", "patient", _ASKS, shows="/oauth/continue"),
    *_each("proxy", "parent", home="/", visits="/my/visits"),
    *_each("administrator", "administrator", home="/", referrals="/referrals",
           intake="/intake/{intake}", questionnaires="/questionnaires",
           questionnaire="/questionnaires/phq-9", audit="/audit", access=f"{DEVIN}/access",
           disclosures=f"{DEVIN}/disclosures?extended=true", terminology="/terminology",
           code_system=TREE, concept=FEMALE,
           value_set="/terminology/value-set?url=http://hl7.org/fhir/ValueSet/administrative-gender",
           concept_map="/terminology/concept-map?url=http://hl7.org/fhir/ConceptMap/"
                       "cm-administrative-gender-v2",
           packages="/packages", package="/packages/package?id=hl7.fhir.r4.core%234.0.1",
           profile=PROFILE, validator=CHECK, records="/records",
           search="/records/Observation?code=4548-4", record="/records/Patient/layla-haddad",
           json="/records/CarePlan/devin-bailey-plan/json",
           history="/records/Patient/layla-haddad/history",
           version="/records/Patient/layla-haddad/history/1"),
)  # fmt: skip
ACCOUNTS = _each("administrator", "account", set_up="/set-up?code={code}", security="/security",
                 password="/security/password", confirm="/confirm", people="/people",
                 person="/people/{person}", clients="/clients")  # fmt: skip
"""Where people have accounts."""
VISITS = tuple(
    Screen(f"visit-{name}", role, "/visits/{id}") for name, role in screen_visits.SEEN.items()
)
"""Taken while a visit is held."""
ALL = (*SCREENS, *ACCOUNTS, *VISITS)

_FILE, _DATA, _WAY = "a file", "data that scripts of a page ask for", "it leads to another page"
UNSEEN = {
    "/manifest.webmanifest": _DATA,
    "/worker.js": _DATA,
    "/messages/unread": _DATA,
    "/forms/{id}/choices": _DATA,
    "/questionnaires/{id}/choices": _DATA,
    "/sign-in/provider/begin": _WAY,
    "/sign-in/provider": _WAY,
    "/oauth/authorize": _WAY,
    "/share": _WAY,
    "/book/{id}/visit.ics": _FILE,
    "/forms/{id}/files/{place}/{number}": _FILE,
    "/my/documents/{id}/files/{number}": _FILE,
    "/my/reports/{id}/files/{number}": _FILE,
    "/my/visits/{id}/ical": _FILE,
    "/packages/artifact/json": _FILE,
    "/patients/{id}/disclosures/csv": _FILE,
    "/patients/{id}/documents/{document}/file": _FILE,
    "/patients/{id}/notes/{note}/signature": _FILE,
    "/patients/{id}/share/cards/{kind}/file": _FILE,
    "/patients/{id}/share/summary.json": _FILE,
    "/patients/{id}/share/summary.pdf": _FILE,
    "/records/{type}/{id}/raw": _FILE,
}
"""Addresses of which there is no picture."""
_EVERYWHERE = ("/static/{path:path}", "/{path:path}")


def pages() -> list[Route]:
    """Every address of the room of pages that is asked for by GET."""
    there: Any = object()
    web = Web(
        there, there, apps=there, visits=there, sharing=there, talk=there, clinic=there
    )  # all that an address may depend on
    found = [one for one in routes(web) if isinstance(one, Route)]
    return [one for one in found if "GET" in (one.methods or ()) and one.path not in _EVERYWHERE]


def seen(screens: Iterable[Screen] = ALL) -> set[str]:
    """The addresses of these."""
    return {found for one in screens for found in _address(one)}


def _address(screen: Screen) -> Iterator[str]:
    if screen.shows:
        yield screen.shows
        return
    path = re.sub(r"\{\w+\}", "x", screen.path).partition("?")[0]
    asked = {"type": "http", "method": "GET", "path": path, "headers": []}
    yield from [one.path for one in pages() if one.matches(asked)[0] is Match.FULL][:1]


def main() -> None:
    """Take every picture, or those whose names are given; the index names all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/screenshots/screens")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = {one for one in ALL if not asked.names or one.name in asked.names}
    with browser() as opened, tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        if wanted & set(SCREENS):
            data = Path(scratch) / "demo"
            with served(data) as url:
                made = screen_story.made(opened, url, data)
                for role in dict.fromkeys(one.role for one in SCREENS):
                    some = [one for one in SCREENS if one.role == role and one in wanted]
                    if some:
                        state = screen_story.signed_in(opened, url, role)
                        _take(opened, url, state, some, made, asked.out)
        if wanted & set(ACCOUNTS):
            with screen_accounts.served(opened, Path(scratch) / "accounts") as (url, state, made):
                some = [one for one in ACCOUNTS if one in wanted]
                _take(opened, url, state, some, made, asked.out)
        if wanted & set(VISITS):
            screen_visits.take(opened, Path(scratch), LOOKS, _QUALITY, asked.out)
    (asked.out / "README.md").write_text(_index())


def _take(
    browser: Browser,
    url: str,
    state: StorageState | None,
    screens: list[Screen],
    made: dict[str, str],
    out: Path,
) -> None:
    for suffix, look in LOOKS.items():
        context = browser.new_context(
            base_url=url, reduced_motion="reduce", storage_state=state, **look
        )
        page = context.new_page()
        for screen in screens:
            answer = page.goto(screen.path.format_map(made))
            assert answer is not None
            assert answer.status == (404 if screen.name == "door-nowhere" else 200), screen.path
            for button in screen.press:
                page.get_by_role("button", name=button, exact=True).first.click()
            page.wait_for_load_state("networkidle")
            name = f"{screen.name}{suffix}"
            page.screenshot(path=out / f"{name}.jpg", type="jpeg", quality=_QUALITY)
            print(name, flush=True)
        context.close()


def _index() -> str:
    rows = [
        f"| {one.name.replace('-', ' ')} | ![{one.name}]({one.name}.jpg) | "
        f"![{one.name} on a phone]({one.name}-phone-dark.jpg) |"
        for one in ALL
    ]
    head = "# Screens\n\nMade by `python -m tools.screens`, of the demo; all people are synthetic."
    return "\n".join(
        [head, "", "| screen | wide, light | phone, dark |", "|---|---|---|", *rows, ""]
    )


if __name__ == "__main__":
    main()
