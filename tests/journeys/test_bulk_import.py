"""Bulk Data imports: files pulled from a web server and from a store, errors line by line."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from careplane.app.build import TENANT
from careplane.interop.bulk.pulling.guard import Guard
from careplane.interop.bulk.pulling.web import Web
from careplane.kernel.errors import CareplaneError, Forbidden
from careplane.ledger.audit import decode
from tests.bulk_house import BulkHouse, open_bulk_house
from tests.fhir_house import observation, patient

pytestmark = pytest.mark.anyio


class Pages(dict[str, tuple[int, dict[str, str], bytes]]):
    """What the web server has: status, headers and body by path; `asked` are the requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0

    def add(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        self[path] = (status, {k.replace("_", "-"): v for k, v in headers.items()}, body)
        return f"http://127.0.0.1:{self.port}{path}"


def _serve(pages: Pages, tls: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append(f"{self.headers['host']}{self.path}")
            status, headers, body = pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "content-length" not in headers:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    pages.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def web() -> Iterator[Pages]:
    pages = Pages()
    server = _serve(pages)
    yield pages
    server.shutdown()
    server.server_close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[BulkHouse]:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    async with open_bulk_house(
        tmp_path / "data",
        bulk_import_hosts="127.0.0.1",
        bulk_import_stores=f"s3://elsewhere/in/, {incoming.as_uri()}",
    ) as house:
        yield house


def ndjson(*resources: Any) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in resources
    )


def manifest(*inputs: tuple[str, str]) -> dict[str, Any]:
    return {
        "inputFormat": "application/fhir+ndjson",
        "inputSource": "http://source.example.org",
        "storageDetail": {"type": "https"},
        "input": [{"type": type, "url": url} for type, url in inputs],
    }


async def test_files_from_the_web_and_a_store(house: BulkHouse, web: Pages, tmp_path: Path) -> None:
    patients = web.add("/p", ndjson(*(patient(f"p{n}") for n in range(2500))))
    packed = gzip.compress(ndjson(*(observation(f"o{n}", "p1") for n in range(10))))
    observations = web.add("/o", packed, content_encoding="gzip")
    (tmp_path / "incoming" / "more.ndjson").write_bytes(ndjson(patient("q")))
    stored = (tmp_path / "incoming" / "more.ndjson").as_uri()
    body = manifest(("Patient", patients), ("Observation", observations), ("Patient", stored))
    answer = await house.done(await house.http.post("$import", json=body))
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert [one["count"] for one in report["output"]] == [2500, 10, 1]
    assert [one["inputUrl"] for one in report["output"]] == [patients, observations, stored]
    assert report["error"] == []
    assert (await house.http.get("Patient/p2499")).status_code == 200
    assert (await house.http.get("Observation?subject=Patient/p1&_summary=count")).json()[
        "total"
    ] == 10
    assert (await house.http.get("Patient/q")).status_code == 200


async def test_errors_are_told_line_by_line(house: BulkHouse, web: Pages) -> None:
    wrong = patient("x", gender="neither")
    file = ndjson(patient("a"), b"{nonsense", wrong, observation("o", "a"), b"", patient("b"))
    url = web.add("/p", file)
    body = manifest(("Patient", url), ("Patient", web.add("/none", b"", status=404)))
    report = (await house.done(await house.http.post("$import", json=body))).json()
    assert [one["count"] for one in report["output"]] == [2, 0]
    assert [one["count"] for one in report["error"]] == [3, 1]
    texts = [
        issue["diagnostics"]
        for outcome in await house.output(report, "error")
        for issue in outcome["issue"]
    ]
    assert [text.split(":")[0] for text in texts[:3]] == ["line 2", "line 4", "line 3"]
    assert "Observation" in texts[1]
    assert "404" in texts[3]


async def test_parameters_say_the_same(house: BulkHouse, web: Pages) -> None:
    url = web.add("/p", ndjson(patient("a")))
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
        {"name": "inputSource", "valueUri": "http://source.example.org"},
        {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
        {"name": "input", "part": [
            {"name": "type", "valueCode": "Patient"}, {"name": "url", "valueUri": url},
        ]},
    ]}  # fmt: skip
    report = (await house.done(await house.http.post("$import", json=body))).json()
    assert report["output"][0]["count"] == 1


async def test_again_changes_nothing_and_resources_without_ids_stay_one(
    house: BulkHouse, web: Pages
) -> None:
    bare = {"resourceType": "Patient", "active": True}
    body = manifest(("Patient", web.add("/p", ndjson(patient("a"), bare))))
    for _ in range(2):
        report = (await house.done(await house.http.post("$import", json=body))).json()
        assert report["output"][0]["count"] == 2
    found = (await house.http.get("Patient")).json()
    assert found["total"] == 2
    assert {e["resource"]["meta"]["versionId"] for e in found["entry"]} == {"1"}


async def test_it_goes_on_in_another_process(tmp_path: Path, web: Pages) -> None:
    """The first one ends when the connection has broken off in the middle of the file."""
    whole = ndjson(*(patient(f"p{n}") for n in range(3000)))
    half = whole[: whole.find(b"p1500")]
    url = web.add("/p", half, content_length=str(len(whole)))
    body = manifest(("Patient", url))
    async with open_bulk_house(tmp_path / "data", bulk_import_hosts="127.0.0.1") as house:
        kickoff = await house.http.post("$import", json=body)
        while len(web.asked) < 2:
            assert (await house.http.get(kickoff.headers["content-location"])).status_code == 202
        assert (await house.http.get("Patient?_summary=count")).json()["total"] == 1000
    web.add("/p", whole)
    async with open_bulk_house(tmp_path / "data", bulk_import_hosts="127.0.0.1") as house:
        done = await house.done(kickoff)
        assert done.json()["output"][0]["count"] == 3000
        assert (await house.http.get("Patient?_summary=count")).json()["total"] == 3000
        trail = [decode(raw) for _, raw in await house.here.store.tail(TENANT, 0, 10_000)]
        units = [one for one in trail if one.interaction == "transaction" and one.versions]
        assert len(units) == 3, "what was known was not sent again"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"input": [{"type": "Patient", "url": "https://10.0.0.1/p"}]}, 202),
        ({"input": [{"type": "Patient", "url": "http://example.org/p"}]}, 403),
        ({"input": [{"type": "Patient", "url": "s3://elsewhere/other/p"}]}, 403),
        ({"input": [{"type": "Patient", "url": "file:///etc/passwd"}]}, 403),
        ({"input": [{"type": "Nothing", "url": "https://example.org/p"}]}, 404),
        ({"input": []}, 400),
        ({"input": "x"}, 400),
        ({"input": [{"type": "Patient"}]}, 400),
        ({"inputFormat": "text/csv"}, 501),
        ({"storageDetail": {"type": "floppy"}}, 501),
        ({"more": 1}, 400),
    ],
)
async def test_kick_offs(house: BulkHouse, change: dict[str, Any], status: int) -> None:
    body = manifest(("Patient", "https://example.org/p")) | change
    answer = await house.http.post("$import", json=body)
    assert answer.status_code == status, answer.text
    if status == 202:
        report = (await house.done(answer)).json()
        (outcome,) = await house.output(report, "error")
        assert "public network" in outcome["issue"][0]["diagnostics"]


async def test_rights_are_needed(house: BulkHouse) -> None:
    body = manifest(("Patient", "https://example.org/p"))
    async with house.client("system/Patient.rs system/Observation.cruds") as http:
        assert (await http.post("$import", json=body)).status_code == 403
    assert (await house.http.get("$import")).status_code == 405


async def test_redirects_are_looked_at_too(web: Pages) -> None:
    there = web.add("/there", b"{}\n")
    allowed = Web(Guard(frozenset({"127.0.0.1"})))
    moved = web.add("/moved", b"", 302, location="/there")
    assert [some async for some in allowed.read(moved)] == [b"{}\n"]
    inside = web.add("/inside", b"", 302, location=there.replace("127.0.0.1", "localhost"))
    with pytest.raises(Forbidden):
        [some async for some in allowed.read(inside)]
    loop = web.add("/loop", b"", 302, location="/loop")
    with pytest.raises(CareplaneError, match="from one address to the next"):
        [some async for some in allowed.read(loop)]


async def test_certificates_are_checked_against_the_name(tmp_path: Path) -> None:
    pages = Pages()
    server_side, trust = _certificate(tmp_path, "files.example.org")
    server = _serve(pages, server_side)
    pages.add("/p", b"{}\n")

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    names = frozenset({"files.example.org", "other.example.org"})
    web = Web(Guard(names, resolve), trust)
    try:
        url = f"https://files.example.org:{pages.port}/p"
        assert [some async for some in web.read(url)] == [b"{}\n"]
        assert pages.asked == [f"files.example.org:{pages.port}/p"]
        with pytest.raises(CareplaneError):
            [some async for some in web.read(url.replace("files", "other"))]
    finally:
        server.shutdown()
        server.server_close()


def _certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's side of a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, *form))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return served, ssl.create_default_context(cafile=str(path))
