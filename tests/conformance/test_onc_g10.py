"""What the ONC (g)(10) test kit wants of SMART App Launch and Backend Services, in our own words

Each criterion is a function that acts as the kit's app does, against the whole server in this
process; `CRITERIA` are their words. What the kit wants of TLS and of US Core is not here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from careplane.access.smart.assertion import TYPE
from careplane.rest.oauth.addresses import Addresses
from careplane.rest.oauth.discovery import security
from tests.fhir_house import observation
from tests.launch_house import (
    ALL,
    FHIR,
    LAUNCHED,
    REDIRECT,
    ROOT,
    AnApp,
    Launching,
    answer,
    claims_in,
    fields_of,
    leads_to,
    open_launching,
)
from tests.oauth_house import claims, registered, signed

Check = Callable[[Launching], Awaitable[None]]
EXPECTED_FAILURES: dict[str, str] = {}
CRITERIA: dict[str, str] = {}
_CHECKS: dict[str, Check] = {}

TYPES = (
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Condition",
    "Coverage",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Goal",
    "Immunization",
    "Medication",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "Procedure",
    "RelatedPerson",
)
WHOLE = "openid fhirUser launch/patient offline_access " + " ".join(
    f"patient/{type}.rs" for type in TYPES
)
EHR = "openid fhirUser launch launch/encounter offline_access user/*.rs patient/*.rs"


def criterion(name: str, words: str) -> Callable[[Check], Check]:
    """A check with what it wants."""

    def keep(check: Check) -> Check:
        CRITERIA[name], _CHECKS[name] = words, check
        return check

    return keep


async def standalone(here: Launching, scope: str = WHOLE, app: str = "conf") -> dict[str, Any]:
    """A patient's app, everything allowed."""
    async with here.person("patient") as person:
        return await here.app(app).tokens(person, scope)


async def launched(here: Launching, scope: str = EHR) -> dict[str, Any]:
    """A clinician's app, opened from the chart of p1."""
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        app = here.app("conf")
        page = await person.asked(app.asks(scope, launch=opened["launch"], nonce="n"))
        done = await app.redeem(await person.decides(page))
        return dict(done.json())


async def config(here: Launching) -> dict[str, Any]:
    return dict((await here.there.http.get("/fhir/.well-known/smart-configuration")).json())


@criterion(
    "capabilities",
    "smart-configuration names every endpoint and capability that the patient's app, the "
    "clinician's app and backend services need, and only S256 for PKCE.",
)
async def _(here: Launching) -> None:
    found = await config(here)
    for name in ("authorization", "token", "introspection", "revocation", "management"):
        assert found[f"{name}_endpoint"].startswith(ROOT)
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert {"authorization_code", "client_credentials"} <= set(found["grant_types_supported"])
    assert set(found["capabilities"]) >= {
        "launch-ehr",
        "launch-standalone",
        "authorize-post",
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "sso-openid-connect",
        "context-banner",
        "context-style",
        "context-ehr-patient",
        "context-ehr-encounter",
        "context-standalone-patient",
        "permission-offline",
        "permission-patient",
        "permission-user",
        "permission-v1",
        "permission-v2",
    }
    assert found["issuer"] == ROOT
    assert found["jwks_uri"].startswith(ROOT)


@criterion(
    "capability-statement",
    "The CapabilityStatement says that SMART on FHIR secures the server, and names the same "
    "authorization and token endpoints as smart-configuration.",
)
async def _(here: Launching) -> None:
    found = await config(here)
    said = security(Addresses(ROOT, True))
    uris = {one["url"]: one["valueUri"] for one in said["extension"][0]["extension"]}
    assert uris["authorize"] == found["authorization_endpoint"]
    assert uris["token"] == found["token_endpoint"]
    assert said["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


@criterion(
    "standalone-authorize",
    "The browser of a patient's app comes back to the redirect URI with a code and the state that "
    "was sent.",
)
async def _(here: Launching) -> None:
    async with here.person("patient") as person:
        address = await person.allows(here.app("conf").asks(WHOLE, state="s&=1"))
    said = answer(address)
    assert address.startswith(f"{REDIRECT}?")
    assert (said["state"], bool(said["code"])) == ("s&=1", True)


@criterion(
    "standalone-token",
    "The token response has access_token, token_type Bearer, expires_in of at most an hour, scope "
    "and patient, and no cache may keep it.",
)
async def _(here: Launching) -> None:
    async with here.person("patient") as person:
        app = here.app("conf")
        done = await app.redeem(await person.allows(app.asks(WHOLE)))
    assert done.headers["cache-control"] == "no-store"
    assert done.headers["pragma"] == "no-cache"
    said = done.json()
    assert said["token_type"] == "Bearer"
    assert 0 < said["expires_in"] <= 3600
    assert said["patient"] == "p1"
    assert said["access_token"]


@criterion(
    "standalone-scopes",
    "Every scope that the patient's app asked for is granted: identity, context, offline access, "
    "and reading each type that US Core knows.",
)
async def _(here: Launching) -> None:
    said = await standalone(here)
    assert set(said["scope"].split()) == set(WHOLE.split())


@criterion("standalone-no-token", "A request for the patient without a token is answered with 401.")
async def _(here: Launching) -> None:
    refused = await here.there.http.get("/fhir/Patient/p1")
    assert refused.status_code == 401


@criterion("standalone-patient", "The patient of the token response can be read with the token.")
async def _(here: Launching) -> None:
    said = await standalone(here)
    seen = await here.there.get(f"Patient/{said['patient']}", said["access_token"])
    assert (seen.status_code, seen.json()["id"]) == (200, "p1")


@criterion(
    "standalone-access",
    "With full access a search for every type that US Core knows is allowed, and finds nothing of "
    "other patients.",
)
async def _(here: Launching) -> None:
    token = (await standalone(here))["access_token"]
    for type in TYPES:
        assert (await here.there.get(type, token)).status_code == 200, type
    found = (await here.there.get("Observation", token)).json()["entry"]
    assert [one["resource"]["id"] for one in found] == ["o1"]
    assert (await here.there.get("Patient/p2", token)).status_code == 404


@criterion("standalone-devices", "The patient's app finds the patient's implanted devices.")
async def _(here: Launching) -> None:
    for id, of in (("d1", {"patient": {"reference": "Patient/p1"}}), ("d3", {}),
                   ("d2", {"patient": {"reference": "Patient/p2"}})):  # fmt: skip
        await here.there.house.put({"resourceType": "Device", "id": id, **of})
    token = (await standalone(here, "launch/patient patient/Device.rs"))["access_token"]
    for path in ("Device?patient=p1", "Device"):
        found = await here.there.get(path, token)
        assert [one["resource"]["id"] for one in found.json()["entry"]] == ["d1"], path
    for id in ("d2", "d3"):
        assert (await here.there.get(f"Device/{id}", token)).status_code == 404


@criterion(
    "openid-configuration",
    "The issuer of the id token has a configuration under .well-known with the required members, "
    "and keys for RS256 at its jwks_uri.",
)
async def _(here: Launching) -> None:
    issuer = claims_in((await standalone(here))["id_token"])["iss"]
    found = (await here.there.http.get(f"{issuer}/.well-known/openid-configuration")).json()
    for name in (
        *("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"),
        *("response_types_supported", "subject_types_supported"),
        "id_token_signing_alg_values_supported",
    ):
        assert found[name], name
    assert found["issuer"] == issuer
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert {"fhirUser", "sub"} <= set(found["claims_supported"])
    published = (await here.there.http.get(found["jwks_uri"])).json()["keys"]
    assert {one["kty"] for one in published} == {"RSA"}


@criterion(
    "id-token",
    "The id token is signed under a published key that its kid names, is for this app, has not "
    "expired, and has sub, iat and the nonce of the request.",
)
async def _(here: Launching) -> None:
    said = await launched(here)
    published = KeySet.import_key_set((await here.there.http.get("/oauth/jwks")).json())
    found = jwt.decode(said["id_token"], published, algorithms=["RS256"])
    assert found.header["kid"] in {key.kid for key in published.keys}
    assert (found.claims["aud"], found.claims["nonce"]) == ("conf", "n")
    assert found.claims["exp"] > found.claims["iat"]
    assert 0 < len(found.claims["sub"]) <= 255


@criterion(
    "fhir-user",
    "fhirUser of the id token is the absolute address of a Patient, Practitioner or RelatedPerson "
    "here, and can be read with the token.",
)
async def _(here: Launching) -> None:
    for said, whose in (
        (await standalone(here), "Patient/p1"),
        (await launched(here, "openid fhirUser launch patient/Observation.rs"), "Practitioner/dr"),
    ):
        address = claims_in(said["id_token"])["fhirUser"]
        assert address == f"{FHIR}/{whose}"
        seen = await here.there.get(whose, said["access_token"])
        assert seen.status_code == 200


@criterion(
    "refresh",
    "A refresh token gives another access token that works, with and without naming the scopes, "
    "and the response has token_type, expires_in, scope and patient again.",
)
async def _(here: Launching) -> None:
    app, said = here.app("conf"), await standalone(here)
    for more in ({}, {"scope": WHOLE}):
        again = (await app.refresh(said["refresh_token"], **more)).json()
        assert again["access_token"] != said["access_token"]
        assert (again["token_type"], again["patient"]) == ("Bearer", "p1")
        assert set(again["scope"].split()) == set(WHOLE.split())
        assert (await here.there.get("Patient/p1", again["access_token"])).status_code == 200
        said = again


@criterion("refresh-invalid", "A refresh token that is none is refused with 400 or 401.")
async def _(here: Launching) -> None:
    refused = await here.app("conf").refresh("made-up")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@criterion(
    "limited-choice",
    "A patient can allow an app a part only of what it asks for, type by type and offline access "
    "by itself, and the token response says which part.",
)
async def _(here: Launching) -> None:
    app = here.app("conf")
    keep = {"Patient", "Condition", "Observation"}
    drop = [f"patient/{type}." for type in TYPES if type not in keep]
    async with here.person("patient") as person:
        page = await person.asked(app.asks(WHOLE))
        address = await person.decides(page, untick=[*drop, "offline_access"])
    said = (await app.redeem(address)).json()
    granted = {one for one in said["scope"].split() if one.startswith("patient/")}
    assert granted == {f"patient/{type}.rs" for type in keep}
    assert "refresh_token" not in said
    for type in TYPES:
        status = (await here.there.get(type, said["access_token"])).status_code
        assert status == (200 if type in keep else 403), type


@criterion(
    "limited-wildcard",
    "A patient can take types out also where the app asks for all of them with one scope.",
)
async def _(here: Launching) -> None:
    app = here.app("conf")
    async with here.person("patient") as person:
        page = await person.asked(app.asks("launch/patient patient/*.rs"))
        address = await person.decides(page, untick=["patient/Observation."])
    said = (await app.redeem(address)).json()
    assert "patient/*.rs" not in said["scope"].split()
    assert (await here.there.get("Observation", said["access_token"])).status_code == 403
    for type in ("Condition", "Appointment", "Practitioner"):
        assert (await here.there.get(type, said["access_token"])).status_code == 200


@criterion("ehr-launch", "An app that is opened from a chart is given iss and launch.")
async def _(here: Launching) -> None:
    async with here.person("physician") as person:
        opened = await here.launch(person, "p1", "conf")
        assert opened["iss"] == FHIR
        assert opened["launch"]
        page = await person.http.post("/patients/p1/apps/conf")
        assert leads_to(page).startswith(LAUNCHED)


@criterion(
    "ehr-context",
    "A clinician's app gets the patient and the encounter of the chart, scopes of the user, and an "
    "id token of the clinician.",
)
async def _(here: Launching) -> None:
    said = await launched(here)
    assert (said["patient"], said["encounter"]) == ("p1", "e1")
    assert set(said["scope"].split()) == set(EHR.split())
    assert claims_in(said["id_token"])["fhirUser"].endswith("/Practitioner/dr")
    for path in ("Patient/p1", "Patient/p2", "Encounter/e1"):
        assert (await here.there.get(path, said["access_token"])).status_code == 200


@criterion(
    "ehr-banner-and-style",
    "The clinician's app is told whether to show a patient banner, and where a style is, which is "
    "JSON.",
)
async def _(here: Launching) -> None:
    said = await launched(here)
    assert said["need_patient_banner"] is True
    style = await here.there.http.get(said["smart_style_url"])
    assert (style.status_code, style.headers["content-type"]) == (200, "application/json")
    assert style.headers["access-control-allow-origin"] == "*"
    assert style.json()["color_background"].startswith("#")


@criterion("ehr-refresh", "The clinician's app refreshes, and keeps its patient.")
async def _(here: Launching) -> None:
    said = await launched(here)
    again = (await here.app("conf").refresh(said["refresh_token"])).json()
    assert (again["patient"], again["encounter"]) == ("p1", "e1")


@criterion("invalid-aud", "A request that names another server as aud gets no code.")
async def _(here: Launching) -> None:
    async with here.person("physician") as person:
        page = await person.asked(here.app("conf").asks(WHOLE, aud="https://other.example/fhir"))
    said = answer(leads_to(page))
    assert (said["error"], "code" in said) == ("invalid_request", False)


@criterion("invalid-launch", "A request with a launch that was never made gets no code.")
async def _(here: Launching) -> None:
    async with here.person("physician") as person:
        page = await person.asked(here.app("conf").asks(EHR, launch="made-up"))
    said = answer(leads_to(page))
    assert (said["error"], "code" in said) == ("invalid_request", False)


@criterion(
    "invalid-token-request",
    "A code that is none and a client that is none are refused at the token endpoint with 400 or "
    "401.",
)
async def _(here: Launching) -> None:
    app = here.app("conf")
    async with here.person("physician") as person:
        address = await person.allows(app.asks("openid user/*.rs"))
    refused = await app.redeem(address, code="made-up")
    assert refused.status_code == 400
    form = {
        "grant_type": "authorization_code",
        "code": answer(address)["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": app.pkce.verifier,
    }
    refused = await here.there.post("token", form, auth=("other", here.there.secrets["conf"]))
    assert refused.status_code == 401


@criterion(
    "invalid-pkce",
    "No token is given without the verifier, with another one, with an empty one, or with the "
    "challenge in its place.",
)
async def _(here: Launching) -> None:
    app = here.app("conf")
    async with here.person("physician") as person:
        for verifier in (None, "", "x" * 64, app.pkce.challenge):
            address = await person.allows(app.asks("openid user/*.rs"))
            refused = await app.redeem(address, code_verifier=verifier)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


GRANULAR = (
    "launch/patient openid patient/Observation.rs?category=vital-signs "
    "patient/Condition.rs?category=encounter-diagnosis"
)


async def of_categories(here: Launching) -> None:
    for id, category in (("vital", "vital-signs"), ("lab", "laboratory")):
        coded = [{"coding": [{"code": category}]}]
        await here.there.house.put(observation(id, "p1", category=coded))


@criterion("granular-granted", "Scopes with a category are granted as they were asked for.")
async def _(here: Launching) -> None:
    said = await standalone(here, GRANULAR)
    assert set(said["scope"].split()) == set(GRANULAR.split())


@criterion(
    "granular-enforced",
    "With a scope for one category a search finds that category and no other, and a resource of "
    "another category cannot be read.",
)
async def _(here: Launching) -> None:
    await of_categories(here)
    token = (await standalone(here, GRANULAR))["access_token"]
    for query in ("", "?patient=p1", "?category=vital-signs", "?category=vital-signs,laboratory"):
        found = (await here.there.get(f"Observation{query}", token)).json()
        assert [one["resource"]["id"] for one in found["entry"]] == ["vital"], query
    assert (await here.there.get("Observation/vital", token)).status_code == 200
    assert (await here.there.get("Observation/lab", token)).status_code == 404
    empty = (await here.there.get("Observation?category=laboratory", token)).json()
    assert "entry" not in empty


@criterion(
    "granular-choice",
    "Where an app asks for several categories the person can allow one and not the other.",
)
async def _(here: Launching) -> None:
    await of_categories(here)
    app = here.app("conf")
    both = "launch/patient patient/Observation.rs?category=vital-signs "
    both += "patient/Observation.rs?category=laboratory"
    async with here.person("patient") as person:
        page = await person.asked(app.asks(both))
        assert len([name for name in fields_of(page) if name.startswith("tick:")]) == 2
        address = await person.decides(page, untick=["vital-signs"])
    said = (await app.redeem(address)).json()
    found = (await here.there.get("Observation", said["access_token"])).json()
    assert [one["resource"]["id"] for one in found["entry"]] == ["lab"]


@criterion(
    "revocation",
    "A patient who ends an app's access ends its access token and its refresh token, at once.",
)
async def _(here: Launching) -> None:
    app, said = here.app("conf"), await standalone(here)
    async with here.person("patient") as person:
        assert "Conf" in (await person.http.get("/apps")).text
        await person.http.post("/apps", data={"client": "conf"})
    assert (await here.there.get("Patient/p1", said["access_token"])).status_code == 401
    assert (await app.refresh(said["refresh_token"])).status_code == 400


@criterion("revocation-by-app", "An app ends its own tokens; a refresh token takes all along.")
async def _(here: Launching) -> None:
    app, said = here.app("conf"), await standalone(here)
    auth = ("conf", here.there.secrets["conf"])
    done = await here.there.post("revoke", {"token": said["refresh_token"]}, auth=auth)
    assert done.status_code == 200
    assert (await here.there.get("Patient/p1", said["access_token"])).status_code == 401
    assert (await app.refresh(said["refresh_token"])).status_code == 400


@criterion(
    "introspection-active",
    "Introspection of a good token has active, scope, client_id and exp as in the token response, "
    "its patient, and iss, sub and fhirUser as in the id token.",
)
async def _(here: Launching) -> None:
    said = await standalone(here)
    auth = ("conf", here.there.secrets["conf"])
    for name in ("access_token", "refresh_token"):
        seen = (await here.there.post("introspect", {"token": said[name]}, auth=auth)).json()
        who = claims_in(said["id_token"])
        assert (seen["active"], seen["client_id"]) == (True, "conf")
        assert set(WHOLE.split()) <= set(seen["scope"].split())
        assert (seen["iss"], seen["sub"]) == (who["iss"], who["sub"])
        assert seen["fhirUser"] == who["fhirUser"]
        assert isinstance(seen["exp"], int)
        assert seen.get("patient", "p1") == said["patient"]


@criterion("introspection-inactive", "Of a token that is none, introspection says only that.")
async def _(here: Launching) -> None:
    auth = ("conf", here.there.secrets["conf"])
    seen = await here.there.post("introspect", {"token": "made-up"}, auth=auth)
    assert (seen.status_code, seen.json()) == (200, {"active": False})


@criterion("public-client", "A public app does the same without a secret, by PKCE alone.")
async def _(here: Launching) -> None:
    said = await standalone(here, WHOLE, "pub")
    assert (await here.there.get("Patient/p1", said["access_token"])).status_code == 200
    assert (await here.app("pub").refresh(said["refresh_token"])).status_code == 200


@criterion("asymmetric-client", "An app that signs assertions does the same, with a key.")
async def _(here: Launching) -> None:
    await here.there.add(registered("keyed", ALL, "private_key_jwt", redirect_uris=(REDIRECT,)))
    app = AnApp(here.there, await here.there.clients.get("keyed"))
    async with here.person("patient") as person:
        address = await person.allows(app.asks(WHOLE))
    form = {
        "grant_type": "authorization_code",
        "code": answer(address)["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": app.pkce.verifier,
        "client_assertion_type": TYPE,
        "client_assertion": signed(claims("keyed")),
    }
    said = (await here.there.post("token", form)).json()
    assert said["patient"] == "p1"


@criterion("v1-scopes", "Scopes of SMART 1 are granted in their own words, and enforced as such.")
async def _(here: Launching) -> None:
    asked = "launch/patient patient/Patient.read patient/Observation.read"
    said = await standalone(here, asked)
    assert set(said["scope"].split()) == set(asked.split())
    assert (await here.there.get("Observation", said["access_token"])).status_code == 200
    assert (await here.there.get("Condition", said["access_token"])).status_code == 403


@criterion("authorize-post", "The request can be sent by POST, from the app's own site.")
async def _(here: Launching) -> None:
    app = here.app("conf")
    async with here.person("patient") as person:
        from_app = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
        page = await person.http.post("/oauth/authorize", data=app.asks(WHOLE), headers=from_app)
        page = await person.http.get(leads_to(page))
        said = (await app.redeem(await person.decides(page))).json()
    assert said["patient"] == "p1"


async def service(here: Launching, **changes: str) -> Any:
    await here.there.add(registered("service", "system/*.rs", "private_key_jwt"))
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": TYPE,
        "client_assertion": signed(claims("service")),
        **changes,
    }
    return await here.there.post("token", form)


@criterion(
    "backend-token",
    "A backend service with an assertion under RS384 or ES384 gets a token of at most five minutes "
    "with access_token, token_type, expires_in and scope, and reads with it.",
)
async def _(here: Launching) -> None:
    done = await service(here)
    rsa = {"client_assertion": signed(claims("service"), "RS384")}
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    other = await here.there.post("token", {**form, "client_assertion_type": TYPE, **rsa})
    for said in (done.json(), other.json()):
        assert (said["token_type"], said["scope"]) == ("bearer", "system/*.rs")
        assert 0 < said["expires_in"] <= 300
        assert (await here.there.get("Patient", said["access_token"])).status_code == 200


@criterion("backend-grant-type", "A backend service with another grant_type is refused.")
async def _(here: Launching) -> None:
    refused = await service(here, grant_type="password")
    assert refused.json()["error"] == "unsupported_grant_type"


@criterion("backend-assertion-type", "One with another client_assertion_type is refused.")
async def _(here: Launching) -> None:
    assert (await service(here, client_assertion_type="other")).status_code == 400


@criterion("backend-assertion", "One whose assertion is of somebody else is refused.")
async def _(here: Launching) -> None:
    refused = await service(here, client_assertion=signed(claims("other")))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@criterion("backend-no-token", "A request of a backend service without a token is refused.")
async def _(here: Launching) -> None:
    query = urlencode({"_type": "Patient"})
    assert (await here.there.http.get(f"/fhir/$export?{query}")).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize("name", CRITERIA)
async def test_onc_g10(name: str) -> None:
    fails = pytest.raises(AssertionError) if name in EXPECTED_FAILURES else nullcontext()
    async with open_launching() as here:
        with fails:
            await _CHECKS[name](here)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
