"""Attacks on the consent screen and the patient picker: forms of others, boxes that were not there,
patients whom one may not see."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.launch_house import Launching, answer, fields_of, leads_to

pytestmark = pytest.mark.anyio
SCOPE = "openid launch/patient patient/Observation.rs patient/Condition.rs"


async def consent(here: Launching, person: Any, **changes: str) -> Any:
    """The consent screen for p1, and its request."""
    request = here.app("pub").asks(SCOPE, **changes)
    return await person.chooses(await person.asked(request), "p1")


FORGED = {
    "no seal": {"seal": ""},
    "a made-up seal": {"seal": "0" * 64},
    "another patient": {"patient": "p2"},
    "no patient": {"patient": ""},
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_form_that_was_not_shown_allows_nothing(here: Launching, name: str) -> None:
    async with here.person("physician") as person:
        sent = fields_of(await consent(here, person)) | {"decision": "allow", **FORGED[name]}
        refused = await person.http.post("/oauth/continue", data=sent)
        assert (refused.status_code, leads_to(refused)) == (403, "")


async def test_a_form_of_another_request_or_person_allows_nothing(here: Launching) -> None:
    async with here.person("physician") as person, here.person("nurse") as other:
        mine = fields_of(await consent(here, person))
        wider = urlencode(here.app("pub").asks(f"{SCOPE} user/*.cruds"))
        refused = await person.http.post(
            "/oauth/continue", data=mine | {"decision": "allow", "ask": wider}
        )
        assert refused.status_code == 403
        refused = await other.http.post("/oauth/continue", data=mine | {"decision": "allow"})
        assert refused.status_code == 403
        await person.sign_in("physician")  # a new session
        refused = await person.http.post("/oauth/continue", data=mine | {"decision": "allow"})
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
async def test_a_form_from_elsewhere_allows_nothing(
    here: Launching, headers: dict[str, str]
) -> None:
    async with here.person("physician") as person:
        sent = fields_of(await consent(here, person)) | {"decision": "allow"}
        refused = await person.http.post("/oauth/continue", data=sent, headers=headers)
        assert (refused.status_code, leads_to(refused)) == (403, "")


async def test_a_get_allows_nothing(here: Launching) -> None:
    async with here.person("physician") as person:
        sent = fields_of(await consent(here, person)) | {"decision": "allow"}
        page = await person.http.get(f"/oauth/continue?{urlencode(sent)}")
        assert (page.status_code, leads_to(page)) == (200, "")
        assert "decision" in page.text


async def test_boxes_that_were_not_shown_count_for_nothing(here: Launching) -> None:
    app = here.app("pub")
    async with here.person("physician") as person:
        sent = fields_of(await consent(here, person)) | {"decision": "allow"}
        sent |= {f"tick:{one}": "1" for one in ("user/*.cruds", "patient/*.cruds", "rest")}
        sent |= {"tick:offline_access": "1", "tick:patient/Observation.cruds": "1"}
        done = await person.http.post("/oauth/continue", data=sent)
        said = (await app.redeem(done.headers["location"])).json()
        assert said["scope"] == "launch/patient openid patient/Condition.rs patient/Observation.rs"


async def test_what_is_unticked_is_not_given(here: Launching) -> None:
    app = here.app("pub")
    async with here.person("physician") as person:
        address = await person.decides(await consent(here, person), untick=["Observation"])
        said = (await app.redeem(address)).json()
        assert said["scope"] == "launch/patient openid patient/Condition.rs"
        assert (await here.there.get("Observation/o1", said["access_token"])).status_code == 403


async def test_denied_is_denied(here: Launching) -> None:
    async with here.person("physician") as person:
        page = await consent(here, person)
        said = answer(await person.decides(page, "deny"))
        assert (said["error"], said["state"]) == ("access_denied", "a state")
        assert "code" not in said
        await here.add("mere", "patient/*.rs launch/patient")
        page = await person.asked(here.app("mere").asks("patient/*.rs launch/patient"))
        page = await person.chooses(page, "p1")
        said = answer(await person.decides(page, untick=["patient/"]))
        assert said["error"] == "access_denied"


@pytest.mark.parametrize(("key", "mine", "other"), [("patient", "p1", "p2"), ("proxy", "p2", "p1")])
async def test_nobody_chooses_a_patient_outside_ones_rights(
    here: Launching, key: str, mine: str, other: str
) -> None:
    app = here.app("pub")
    async with here.person(key) as person:
        query = urlencode(app.asks("openid launch/patient patient/*.rs"))
        page = await person.http.get("/oauth/continue", params={"ask": query, "patient": other})
        if key == "patient":  # whose own record it is, whatever the link says
            said = (await app.redeem(await person.decides(page))).json()
            assert said["patient"] == mine
            return
        assert answer(leads_to(page))["error"] == "access_denied"
        for unknown in ("nobody", "p1,p2", "../Patient/p1"):
            page = await person.http.get(
                "/oauth/continue", params={"ask": query, "patient": unknown}
            )
            assert "code" not in answer(leads_to(page))
        picker = await person.http.get("/oauth/continue", params={"ask": query})
        assert f"patient={mine}" in picker.text
        assert f"patient={other}" not in picker.text
        said = await app.tokens(person, "openid launch/patient patient/*.rs", patient=mine)
        assert (await here.there.get(f"Patient/{mine}", said["access_token"])).status_code == 200
        assert (await here.there.get(f"Patient/{other}", said["access_token"])).status_code == 404


async def test_a_link_from_elsewhere_chooses_no_patient(here: Launching) -> None:
    """Whoever follows it has no session along, and comes back from the sign-in without it."""
    async with here.person() as person:
        query = urlencode(here.app("pub").asks(SCOPE))
        page = await person.http.get("/oauth/continue", params={"ask": query, "patient": "p2"})
        address = urlsplit(page.headers["location"])
        assert address.path == "/sign-in"
        (back,) = parse_qs(address.query)["next"]
        assert parse_qs(urlsplit(back).query).keys() == {"ask"}


async def test_the_pages_of_the_flow_lead_nowhere_else(here: Launching) -> None:
    async with here.person() as person:
        for path in ("/sign-in", "/oauth/continue"):
            page = await person.http.get(path, params={"next": "https://evil.example", "ask": "x"})
            assert "https://evil.example" not in page.text
            assert "evil" not in page.headers.get("location", "")


async def test_an_app_that_others_can_pretend_to_be_is_asked_about_each_time(
    here: Launching,
) -> None:
    loopback = "http://127.0.0.1:9000/cb"
    await here.add("native", redirect_uris=(loopback, "com.example.app:/cb"))
    async with here.person("physician") as person:
        for uri in (loopback, "com.example.app:/cb"):
            request = here.app("native").asks("openid user/*.rs", redirect_uri=uri)
            for _ in range(2):
                page = await person.asked(request)
                assert leads_to(page) == ""
                await person.decides(page)
        request = here.app("pub").asks("openid user/*.rs")
        await person.allows(request)
        assert "code" in answer(leads_to(await person.asked(request)))


async def test_markup_in_names_is_text(here: Launching) -> None:
    await here.add("loud", name='<script>alert(1)</script>" onload="x')
    async with here.person("physician") as person:
        page = await person.asked(here.app("loud").asks("openid user/*.rs"))
        assert "<script>alert" not in page.text
        assert '" onload="' not in page.text


async def test_the_token_of_an_app_is_no_session(here: Launching) -> None:
    """An app could sign in as the person else, and allow itself more."""
    async with here.person("physician") as person:
        said = await here.app("pub").tokens(person, "openid user/*.rs")
    async with here.person() as app:
        refused = await app.http.post("/sign-in", data={"token": said["access_token"]})
        assert refused.status_code == 401
        app.http.cookies.set("careplane", said["access_token"])
        for path in ("/apps", "/patients", "/patients/p1"):
            page = await app.http.get(path)
            assert page.headers["location"].startswith("/sign-in"), path
