"""TLS of the server itself: what it speaks, whom it lets in, and that nothing else listens."""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from careplane.app.settings import Settings
from careplane.app.tls import is_loopback, require_safe, tls_of
from careplane.kernel.errors import Incorrect
from tests.journeys.test_command_line import careplane
from tools.bench.server import CAREPLANE, ENVIRONMENT, free_port

_NOW = datetime.datetime.now(datetime.UTC)
_Key = ec.EllipticCurvePrivateKey


def made(folder: Path, name: str, by: tuple[x509.Certificate, _Key] | None) -> tuple[x509.Certificate, _Key]:  # fmt: skip  # noqa: E501
    """A certificate for this machine, or an authority, in files NAME.pem and NAME.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    local = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    issuer, signer = (by[0].subject, by[1]) if by else (subject, key)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - datetime.timedelta(days=1))
        .not_valid_after(_NOW + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(local, critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server, a service with a certificate, and one of another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = made(folder, "authority", None)
    made(folder, "server", authority)
    made(folder, "service", authority)
    made(folder, "stranger", made(folder, "another", None))
    careplane("init", "--data", str(folder / "data"))
    return folder


@contextmanager
def serving(files: Path, *words: str) -> Iterator[tuple[int, int]]:
    """A server with the certificate: its port and that of its metrics."""
    port, metrics = free_port(), free_port()
    process = subprocess.Popen(
        [*CAREPLANE, "serve", "--data", str(files / "data"), "--port", str(port),
         "--tls-cert", str(files / "server.pem"), "--tls-key", str(files / "server.key"), *words],
        stdout=subprocess.DEVNULL,
        env={**ENVIRONMENT, "CAREPLANE_METRICS_PORT": str(metrics)},
    )  # fmt: skip
    try:
        for _ in range(600):
            assert process.poll() is None, "the server ended"
            with suppress(OSError):
                for one in (port, metrics):
                    socket.create_connection(("127.0.0.1", one), 1).close()
                break
            time.sleep(0.05)
        yield port, metrics
    finally:
        process.terminate()
        process.wait(30)


def context(files: Path, certificate: str = "") -> ssl.SSLContext:
    trusting = ssl.create_default_context(cafile=str(files / "authority.pem"))
    if certificate:
        trusting.load_cert_chain(files / f"{certificate}.pem", files / f"{certificate}.key")
    return trusting


def get(files: Path, port: int, path: str, certificate: str = "") -> httpx.Response:
    url = f"https://localhost:{port}{path}"
    return httpx.get(url, verify=context(files, certificate), timeout=20)


def test_the_server_speaks_tls_and_nothing_else(files: Path) -> None:
    with serving(files) as (port, metrics):
        answer = get(files, port, "/fhir/metadata")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        refused = get(files, port, "/fhir/Patient")
        assert refused.status_code == 401
        assert refused.headers.get_list("strict-transport-security") == [
            "max-age=31536000; includeSubDomains"
        ]
        assert b"careplane_" in get(files, metrics, "/metrics").content
        for one in (port, metrics):
            with pytest.raises(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{one}/metrics", timeout=5)
            assert spoken(files, one, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
            assert spoken(files, one, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
            with pytest.raises((ssl.SSLError, ConnectionError)):
                spoken(files, one, ssl.TLSVersion.TLSv1_1)


def spoken(files: Path, port: int, version: ssl.TLSVersion) -> str | None:
    """What comes of a client that speaks this version alone."""
    only = context(files)
    with pytest.warns() if version < ssl.TLSVersion.TLSv1_2 else nullcontext():
        only.minimum_version = version
        only.maximum_version = version
    only.set_ciphers("DEFAULT:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        only.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.version()


def test_a_service_shows_its_certificate(files: Path) -> None:
    with serving(files, "--tls-client-ca", str(files / "authority.pem")) as (port, metrics):
        assert get(files, port, "/fhir/metadata", "service").status_code == 200
        assert get(files, metrics, "/metrics", "service").status_code == 200
        for one in (port, metrics):
            for certificate in ("", "stranger"):
                with pytest.raises(httpx.HTTPError):
                    get(files, one, "/fhir/metadata", certificate)


REFUSED = {
    "everybody": {"host": "0.0.0.0"},
    "everybody, IPv6": {"host": "::"},
    "a name": {"host": "records.example.org"},
    "metrics": {"metrics_port": 9464, "metrics_host": "0.0.0.0"},
}
ALLOWED = {
    "this machine": {},
    "this machine, by name": {"host": "localhost"},
    "IPv6": {"host": "::1"},
    "a proxy": {"host": "0.0.0.0", "trust_proxy": True},
    "loudly": {"host": "0.0.0.0", "insecure_plain_http": True},
    "no metrics": {"metrics_host": "0.0.0.0"},
    "TLS": {"host": "0.0.0.0", "tls_cert": "cert.pem"},
}


@pytest.mark.parametrize("what", REFUSED)
def test_nothing_listens_in_clear_text_for_others(what: str) -> None:
    with pytest.raises(Incorrect, match="--insecure-plain-http"):
        require_safe(Settings(**REFUSED[what]))  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ALLOWED)
def test_what_may_listen(what: str) -> None:
    require_safe(Settings(**ALLOWED[what]))  # type: ignore[arg-type]


def test_addresses() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "::", "localhost.example.org", "")))


def test_the_command_refuses_and_says_how(files: Path) -> None:
    words = ["serve", "--data", str(files / "data"), "--host", "0.0.0.0"]
    assert "--tls-cert" in careplane(*words, code=1)


def test_files_that_do_not_fit(files: Path) -> None:
    cert, key, other = (str(files / name) for name in ("server.pem", "server.key", "service.key"))
    bad = [
        ({"tls_cert": cert}, "belong together"),
        ({"tls_key": key}, "belong together"),
        ({"tls_client_ca": cert}, "needs --tls-cert"),
        ({"tls_cert": cert, "tls_key": other}, "private key"),
        ({"tls_cert": cert, "tls_key": str(files / "none")}, "private key"),
        ({"tls_cert": cert, "tls_key": key, "tls_client_ca": key}, "no certificate"),
    ]
    for settings, words in bad:
        with pytest.raises(Incorrect, match=words):
            tls_of(Settings(**settings))  # type: ignore[arg-type]
    assert tls_of(Settings()) is None
