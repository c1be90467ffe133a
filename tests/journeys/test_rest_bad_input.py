"""Bad input: a clear OperationOutcome, nothing stored, and the server lives on."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from tests.fhir_house import LIMIT, House, bundle, entry, patient

pytestmark = pytest.mark.anyio

DEEP = b'{"resourceType":"Patient","extension":' + b"[{" * 10_000
NESTED = b'{"resourceType":"Patient","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
DIGITS = (
    b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":'
)
BOMB = (
    b'<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b']><Patient xmlns="http://hl7.org/fhir"><language value="&j;"/></Patient>'
)
OUTSIDE = (
    b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<Patient xmlns="http://hl7.org/fhir"><language value="&x;"/></Patient>'
)
MANY = b'{"resourceType":"Patient",' + b",".join(b'"x%d":1' % n for n in range(20_000)) + b"}"
CYCLE = (
    b'{"resourceType":"Patient","contained":[{"resourceType":"Patient","contained":'
    b'[{"resourceType":"Patient"}]}]}'
)

JSON = {
    "nothing": b"",
    "no JSON": b"{",
    "text": b"hello",
    "a list": b"[]",
    "null": b"null",
    "no type": b"{}",
    "unknown type": b'{"resourceType":"Nothing"}',
    "not UTF-8": b'{"resourceType":"Patient","language":"\xff"}',
    "duplicate key": b'{"resourceType":"Patient","active":true,"active":false}',
    "NUL": b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}',
    "lone surrogate": b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
    "NaN": DIGITS + b"NaN}}",
    "Infinity": DIGITS + b"-Infinity}}",
    "a million digits": DIGITS + b"1" * 1_000_000 + b"}}",
    "huge exponent": DIGITS + b"1e999999999}}",
    "deep and open": DEEP,
    "deep and closed": NESTED,
    "impossible date": b'{"resourceType":"Patient","birthDate":"2021-02-30"}',
    "number as string": DIGITS + b'"1.0"}}',
    "empty array": b'{"resourceType":"Patient","name":[]}',
    "empty object": b'{"resourceType":"Patient","name":[{}]}',
    "null element": b'{"resourceType":"Patient","active":null}',
    "many errors": MANY,
    "contained cycle": CYCLE,
}  # fmt: skip


async def refused(house: House, answer_status: int, wanted: set[int], text: str) -> None:
    assert answer_status in wanted, text[:500]
    assert "Traceback" not in text
    assert len(text) < 2_000_000
    assert await house.stored() == 0
    assert (await house.http.get("metadata")).status_code == 200


@pytest.mark.parametrize("what", JSON)
@pytest.mark.parametrize("how", ["create", "transaction", "validate", "patch"])
async def test_bad_json(house: House, what: str, how: str) -> None:
    raw, began = JSON[what], time.monotonic()
    if how == "create":
        type = "Observation" if raw.startswith(DIGITS) else "Patient"
        answer = await house.http.post(type, content=raw)
    elif how == "transaction":
        inner = bundle("transaction", entry("POST", "Patient", patient("MARK")))
        inner = inner.replace(b'{"resourceType": "Patient", "id": "MARK"}', raw)
        answer = await house.http.post("", content=inner)
    elif how == "validate":
        answer = await house.http.post("Patient/$validate", content=raw)
    else:
        answer = await house.http.patch("Patient/p", content=raw)
    assert answer.json()["resourceType"] == "OperationOutcome"
    if how != "patch":
        assert answer.json()["issue"][0]["severity"] in ("error", "fatal")
    wanted = {"validate": {200, 400}, "patch": {400, 404}}.get(how, {400, 404, 422})
    await refused(house, answer.status_code, wanted, answer.text)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("raw", [BOMB, OUTSIDE, b"<Patient", b"<Patient/>", b"<a><b></a></b>"])
async def test_bad_xml(house: House, raw: bytes) -> None:
    headers = {"content-type": "application/fhir+xml"}
    answer = await house.http.post("Patient", content=raw, headers=headers)
    assert "root:" not in answer.text
    await refused(house, answer.status_code, {400}, answer.text)


@pytest.mark.parametrize(
    "media",
    [None, "", "text/plain", "application/octet-stream", "multipart/form-data",
     "application/fhir+json; charset=utf-16"],
)  # fmt: skip
async def test_wrong_content_types(house: House, media: str | None) -> None:
    headers = {} if media is None else {"content-type": media}
    request = house.http.build_request(
        "POST", "Patient", content=b'{"resourceType":"Patient"}', headers=headers
    )
    if media is None:
        del request.headers["content-type"]
    answer = await house.http.send(request)
    await refused(house, answer.status_code, {415}, answer.text)


async def test_too_much_is_stopped_before_it_has_all_come(house: House) -> None:
    sent = 0

    async def endless():  # type: ignore[no-untyped-def]
        nonlocal sent
        while sent < 20 * LIMIT:
            sent += 1_000_000
            yield b" " * 1_000_000

    answer = await house.http.post("Patient", content=endless())
    assert sent <= LIMIT + 2_000_000
    await refused(house, answer.status_code, {413}, answer.text)
    declared = await house.http.post("Patient", content=b" " * (LIMIT + 1))
    await refused(house, declared.status_code, {413}, declared.text)


async def test_a_compressed_bomb_is_not_unpacked(house: House) -> None:
    bomb = gzip.compress(b" " * (LIMIT * 20))
    for body, status in ((bomb, 413), (b"no gzip", 400), (gzip.compress(b"{}")[:-9], 400)):
        answer = await house.http.post(
            "Patient", content=body, headers={"content-encoding": "gzip"}
        )
        await refused(house, answer.status_code, {status}, answer.text)
    answer = await house.http.post(
        "Patient", content=zlib.compress(b"{}"), headers={"content-encoding": "deflate"}
    )
    await refused(house, answer.status_code, {415}, answer.text)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Patient?_count=-1", 400),
        ("Patient?_count=many", 400),
        ("Patient?birthdate=2021-02-30", 400),
        ("Patient?_lastUpdated=yesterday", 400),
        ("Patient?name=%ff", 400),
        ("Patient?_sort=shoesize&_summary=maybe", 400),
        ("Patient?_include=nonsense", 400),
        ("Patient?_page=AAAA", 400),
        ("Patient?_page=%00", 400),
        ("Observation?value-quantity=abc", 400),
        ("Patient?" + "&".join(f"x{n}=1" for n in range(5000)), 400),
        ("Patient/" + "x" * 70, 404),
        ("Patient/p/_history/0", 404),
        ("Patient/p/_history/99999999999999", 404),
        ("_history?_since=never", 400),
        ("_history?_count=-1", 400),
    ],
)
async def test_bad_queries(house: House, query: str, status: int) -> None:
    answer = await house.http.get(query)
    assert answer.json()["resourceType"] == "OperationOutcome"
    await refused(
        house, answer.status_code, {status, 413} if status == 400 else {status}, answer.text
    )


@pytest.mark.parametrize("id", ["a_b", "x" * 65, "a b", "a%2Fb", "a%00b"])
async def test_ids_that_are_none(house: House, id: str) -> None:
    answer = await house.http.put(f"Patient/{id}", json={"resourceType": "Patient", "id": id})
    await refused(house, answer.status_code, {400, 404}, answer.text)


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer a.b.c"])
async def test_nobody_gets_in_without_a_token(house: House, token: str) -> None:
    await house.put(patient("p"))
    for address in ("Patient/p", "Patient", "_history", "Patient/p/$everything", "Nothing"):
        answer = await house.http.get(address, headers={"authorization": token})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["issue"][0]["code"] == "login"
