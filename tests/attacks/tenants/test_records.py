"""North reaches for the records of south: by every kind of request, at its own address with its own
token, and with it at south's address.

Each attack is made by south as well, who must get through, for else it would prove nothing. The
guard of the first table is the tenant in every statement of an engine; that of the second is where
a token is looked up (`Tokens.read`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote, unquote

import httpx
import pytest

from tests.fhir_house import bundle, entry
from tests.tenant_house import MARK, ORIGIN, SOUTH_HOST, TenantHouse

pytestmark = pytest.mark.anyio

Through = Callable[[httpx.AsyncClient], Awaitable[bool]]
"""Makes an attack; whether it got through."""
THEIRS = f"http://{SOUTH_HOST}/fhir/Patient/only"


def shows(url: str, mark: str = MARK) -> Through:
    """The mark is somewhere in the answer."""

    async def attack(http: httpx.AsyncClient) -> bool:
        return mark in (await http.get(url)).text

    return attack


def posts(url: str, body: bytes, mark: str = MARK, kind: str = "application/fhir+json") -> Through:
    """The mark is in the answer to what was sent."""

    async def attack(http: httpx.AsyncClient) -> bool:
        answer = await http.post(url, content=body, headers={"content-type": kind})
        return mark in answer.text

    return attack


def counts(url: str) -> Through:
    """The total tells that there is something."""

    async def attack(http: httpx.AsyncClient) -> bool:
        total = (await http.get(url)).json().get("total", 0)
        return bool(total)

    return attack


def exists(method: str, url: str, body: bytes = b"", **headers: str) -> Through:
    """A condition is met by what only south has."""

    async def attack(http: httpx.AsyncClient) -> bool:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await http.request(method, url, content=body, headers=names)
        return answer.status_code in (200, 204, 304)

    return attack


FORM = "application/x-www-form-urlencoded"
PATIENT = b'{"resourceType":"Patient","id":"only","name":[{"family":"Abc"}]}'
NAMELESS = b'{"resourceType":"Patient"}'
PATCH = b'[{"op":"test","path":"/id","value":"only"}]'
GRAPH = '{Patient(id:"only"){name{family}}}'
GRAPHS = '{PatientList(_id:"only"){name{family}}}'
READ = bundle("batch", entry("GET", "Patient/only"))
READ_ALL = bundle("transaction", entry("GET", "Patient/only"), entry("GET", "Patient?_id=only"))
LOOKS: dict[str, Through] = {
    "read": shows("Patient/only"),
    "read of the same id": shows("Patient/p"),
    "vread": shows("Patient/only/_history/1"),
    "history of an instance": shows("Patient/p/_history"),
    "history of a type": shows("Patient/_history"),
    "history of everything": shows("_history"),
    "search of a type": shows("Patient"),
    "search of everything": shows("?_type=Patient,Observation&_id=p,only,o,oo"),
    "search by id": shows("Patient?_id=only"),
    "search by text": shows(f"Patient?family={MARK}", '"id":"p"'),
    "search by form": posts("Patient/_search", b"_id=only", kind=FORM),
    "search sorted": shows("Observation?_sort=-date"),
    "search by elements": shows("Patient?_elements=name"),
    "search with criteria of all kinds": shows("Observation?code=theirs&status=final"),
    "compartment": shows("Patient/only/Observation"),
    "compartment, all types": shows("Patient/only/*"),
    "chain": shows("Observation?patient.birthdate=1970-01-01"),
    "chain by id": shows("Observation?patient._id=only"),
    "_has": shows("Patient?_has:Observation:patient:code=theirs"),
    "_include": shows("Observation?_id=o&_include=Observation:patient"),
    "_revinclude": shows("Patient?_id=p&_revinclude=Observation:patient"),
    "reference": shows("Observation?patient=Patient/only"),
    "absolute reference": shows(f"Observation?patient={quote(THEIRS, safe='')}"),
    "full text": shows("Patient?_content=Zyx", '"id":"p"'),
    "narrative": shows("Patient?_text=Zyx", '"id":"p"'),
    "_filter": shows("Observation?_filter=code eq theirs"),
    "total": counts("Patient?_id=only&_total=accurate"),
    "count": counts("Observation?_summary=count&code=theirs"),
    "$everything": shows("Patient/only/$everything"),
    "$everything of the same id": shows("Patient/p/$everything"),
    "$lastn": shows("Observation/$lastn?patient=Patient/only&code=theirs"),
    "$diff": shows("$diff?from=Patient/only&to=Patient/p", '"Parameters"'),
    "$meta": shows("Patient/only/$meta", "versionId"),
    "$graphql": shows(f"$graphql?query={quote(GRAPH)}"),
    "$graphql list": shows(f"$graphql?query={quote(GRAPHS)}"),
    "batch": posts("", READ),
    "transaction": posts("", READ_ALL),
    "conditional read": exists("GET", "Patient/only", if_none_match='W/"1"'),
    "conditional create": exists("POST", "Patient", NAMELESS, if_none_exist="_id=only"),
    "conditional update": exists("PUT", "Patient?_id=only", PATIENT),
    "conditional patch": exists(
        "PATCH", "Patient?_id=only", PATCH, content_type="application/json-patch+json"
    ),
    "update with If-Match": exists("PUT", "Patient/only", PATIENT, if_match='W/"1"'),
    "patch": exists("PATCH", "Patient/only", PATCH, content_type="application/json-patch+json"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
async def test_nothing_of_south_is_seen_from_north(house: TenantHouse, name: str) -> None:
    assert not await LOOKS[name](house.north), "north got through"
    assert await LOOKS[name](house.south), "the attack proves nothing"


async def test_a_token_of_north_is_unknown_at_the_addresses_of_others(house: TenantHouse) -> None:
    """The same answer as for any other text, at both addresses and for every kind of request."""
    token, made_up = house.token("north"), "a" * 40
    bases = [f"{ORIGIN}/t/south/fhir/", f"http://{SOUTH_HOST}/fhir/", f"{ORIGIN}/fhir/"]
    paths = ["Patient/only", "Patient", "_history", "$graphql?query={}", "_async/1", "_bulk/1"]
    for base in bases:
        async with house.at(base, token) as mine, house.at(base, made_up) as nobodys:
            for path in paths:
                got, usual = await mine.get(path), await nobodys.get(path)
                assert got.status_code == usual.status_code == 401, (base, path)
                assert got.content == usual.content
                assert got.headers["www-authenticate"] == usual.headers["www-authenticate"]


async def test_a_token_of_the_first_opens_no_other(house: TenantHouse) -> None:
    async with house.client("south", "default") as http:
        assert (await http.get("Patient/only")).status_code == 401
    async with house.client("default", "default") as http:
        assert (await http.get("Patient/only")).status_code == 404
        assert (await http.get("Patient")).json().get("entry") is None


async def test_an_expired_token_says_as_little(house: TenantHouse) -> None:
    """Who holds one of another institution must not learn that it was good once."""
    caller = house.here.tokens.read(house.token("north")).caller
    old = house.here.tokens.issue(caller, -1)
    async with house.at(f"{ORIGIN}/t/south/fhir/", old) as http:
        assert "expired" not in (await http.get("Patient")).text
    async with house.at(f"{ORIGIN}/t/north/fhir/", old) as http:
        assert "expired" in (await http.get("Patient")).text


WRITES: dict[str, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    "update": lambda http: http.put("Patient/p", content=PATIENT.replace(b"only", b"p")),
    "delete": lambda http: http.delete("Patient/p"),
    "conditional delete": lambda http: http.delete("Patient?_id=p"),
    "$purge": lambda http: http.post("Patient/p/$purge"),
    "transaction": lambda http: http.post("", content=bundle(
        "transaction", entry("DELETE", "Observation/o"), entry("DELETE", "Patient/p"))),
    "urn": lambda http: http.post("", content=bundle("transaction", entry(
        "PUT", "Patient/p", {"resourceType": "Patient", "id": "p"}, fullUrl=THEIRS))),
    "$meta-add": lambda http: http.post("Patient/p/$meta-add", json={
        "resourceType": "Parameters",
        "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
async def test_what_north_writes_changes_nothing_in_south(house: TenantHouse, name: str) -> None:
    before = (await house.south.get("_history")).json()["entry"]
    answer = await WRITES[name](house.north)
    assert answer.status_code < 300, answer.text
    assert (await house.south.get("_history")).json()["entry"] == before
    assert (await house.south.get("Patient/p")).json()["name"] == [{"family": MARK}]


async def test_a_reference_to_south_is_one_to_a_stranger(house: TenantHouse) -> None:
    """It is kept as it was sent, and is no link to a record, of south's nor of one's own."""
    told = {"resourceType": "Observation", "id": "far", "status": "final",
            "code": {"text": "x"}, "subject": {"reference": THEIRS}}  # fmt: skip
    assert (await house.north.put("Observation/far", json=told)).status_code == 201
    answer = await house.north.get("Observation?_id=far&_include=Observation:subject")
    assert MARK not in answer.text
    assert [e["search"]["mode"] for e in answer.json()["entry"]] == ["match"]


async def test_a_page_of_south_is_none_of_north(house: TenantHouse) -> None:
    for url in ("Observation?_count=1", "Observation?_count=1&_sort=date", "_history?_count=1"):
        page = (await house.south.get(url)).json()
        following = next(one["url"] for one in page["link"] if one["relation"] == "next")
        assert MARK in (await house.south.get(following)).text
        mine = following.replace("/t/south/", "/t/north/")
        answer = await house.north.get(mine)
        assert MARK not in answer.text, url
        assert answer.status_code == 400, answer.text


async def test_every_address_that_goes_out_is_the_institutions_own(house: TenantHouse) -> None:
    base = f"{ORIGIN}/t/south/fhir"
    made = await house.south.post("Patient", content=NAMELESS)
    assert made.headers["location"].startswith(f"{base}/Patient/")
    page = (await house.south.get("Patient?_count=1")).json()
    urls = [one["url"] for one in page["link"]] + [page["entry"][0]["fullUrl"]]
    assert all(url.startswith(f"{base}/") for url in urls)
    said = (await house.south.get("metadata")).json()
    assert said["implementation"]["url"] == base
    assert f"{ORIGIN}/t/south/oauth/token" in said["rest"][0]["security"]["description"]


STRANGE = [
    "/t/north/../south/fhir/Patient/only",
    "/t/north/fhir/../../south/fhir/Patient/only",
    "/t/north/fhir/..%2f..%2fsouth/fhir/Patient/only",
    "/t/%73outh/fhir/Patient/only",
    "/t/south%2ffhir/Patient/only",
    "/t//south/fhir/Patient/only",
    "/t/South/fhir/Patient/only",
    "/t/north/t/south/fhir/Patient/only",
    "//t/south/fhir/Patient/only",
    "/t/default/fhir/Patient/only",
    "/t/nobody/fhir/Patient/only",
    "/t/south/patients/only",
    "/t/",
]


@pytest.mark.parametrize("path", STRANGE)
async def test_no_address_is_read_as_another(house: TenantHouse, path: str) -> None:
    for name in ("north", "south", "default"):
        scope = {
            "type": "http", "method": "GET", "scheme": "http", "query_string": b"",
            "path": unquote(path),
            "raw_path": path.encode(), "client": ("1.2.3.4", 1),
            "headers": [(b"host", b"localhost"),
                        (b"authorization", f"Bearer {house.token(name)}".encode())],
        }  # fmt: skip
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)  # noqa: B023

        await house.here.asgi(scope, receive, send)  # type: ignore[arg-type]
        body = b"".join(bytes(m.get("body", b"")) for m in sent)  # type: ignore[arg-type]
        assert MARK.encode() not in body, (name, path)
        assert sent[0]["status"] in (303, 400, 401, 404), (name, path, sent[0])
