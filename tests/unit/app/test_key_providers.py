"""Who keeps the root: each provider gives back what it was given, and says what is wrong."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keyring
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from careplane.app import keys
from careplane.app.keys.providers import passphrase, provider_of
from careplane.app.keys.providers.port import Unavailable
from careplane.kernel.errors import Incorrect
from tests.support import missing

ROOT = bytes(range(32))
PHRASE = "correct horse battery"
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)


class _Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked
        self.held[service, username] = password


class _Transit:
    """Vault's transit engine, as far as it is documented and asked here: token, namespace, bodies,
    and ciphertexts that name the version of their key."""

    def __init__(self) -> None:
        self.keys = [AESGCM.generate_key(256)]
        self.sealed = False
        self.seen: list[str] = []

    def rotate(self) -> None:
        self.keys.append(AESGCM.generate_key(256))

    def answer(self, path: str, headers: Any, body: dict[str, Any]) -> tuple[int, Any]:
        self.seen.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers["X-Vault-Token"] != "s.good" or headers["X-Vault-Namespace"] != "ward":
            return 403, {"errors": ["permission denied"]}
        mount, verb, name = path.removeprefix("/v1/").split("/")
        if (mount, name) != ("transit", "careplane"):
            return 404, {"errors": []}
        if verb == "encrypt":
            plain = base64.b64decode(body["plaintext"], validate=True)
            nonce = os.urandom(12)
            sealed = base64.b64encode(nonce + AESGCM(self.keys[-1]).encrypt(nonce, plain, None))
            return 200, {"data": {"ciphertext": f"vault:v{len(self.keys)}:{sealed.decode()}"}}
        try:
            _, version, text = body["ciphertext"].split(":")
            raw = base64.b64decode(text, validate=True)
            plain = AESGCM(self.keys[int(version[1:]) - 1]).decrypt(raw[:12], raw[12:], None)
        except (ValueError, InvalidTag, IndexError):
            return 400, {"errors": ["invalid ciphertext"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextmanager
def _served(transit: _Transit) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, said = transit.answer(self.path, self.headers, body)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def phrase(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(passphrase.VARIABLE, PHRASE)
    return "passphrase:"


@pytest.fixture
def ring() -> Iterator[_Ring]:
    before, made = keyring.get_keyring(), _Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def transit() -> _Transit:
    return _Transit()


@pytest.fixture
def vault(transit: _Transit, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("VAULT_TOKEN", "s.good")
    monkeypatch.setenv("VAULT_NAMESPACE", "ward")
    with _served(transit) as port:
        yield f"vault:http://127.0.0.1:{port}/transit/keys/careplane"


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_DEFAULT_REGION": "eu-central-1"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import boto3
    from moto import mock_aws

    with mock_aws():
        made = boto3.client("kms").create_key()["KeyMetadata"]
        yield f"awskms:{made['KeyId']}"


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a SoftHSM with one token; its library reads both once a process."""
    if shutil.which("softhsm2-util") is None:
        missing("SoftHSM: apt-get install softhsm2")
    folder = tmp_path_factory.mktemp("softhsm")
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder}\nlog.level = ERROR\n")
    words = ["softhsm2-util", "--init-token", "--free", "--label", "careplane"]
    subprocess.run(
        [*words, "--pin", "4321", "--so-pin", "8765"],
        check=True,
        capture_output=True,
        env={**os.environ, "SOFTHSM2_CONF": str(config)},
    )
    return config


@pytest.fixture
def pkcs11(tokens: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    module = next((path for path in _MODULES if Path(path).exists()), None)
    if module is None:
        missing("the library of SoftHSM: apt-get install softhsm2")
    monkeypatch.setenv("CAREPLANE_PKCS11_PIN", "4321")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tokens))
    return f"pkcs11:token=careplane;object=root?module-path={module}"


@pytest.fixture(params=["phrase", "keyring", "vault", "kms", "pkcs11"])
def address(request: pytest.FixtureRequest) -> str:
    if request.param == "keyring":
        request.getfixturevalue("ring")
        return "keyring:careplane/root"
    return str(request.getfixturevalue(request.param))


def spoilt(wrapped: bytes) -> bytes:
    return wrapped[:-6] + bytes([wrapped[-6] ^ 1]) + wrapped[-5:]


def test_the_root_comes_back_and_does_not_show(address: str) -> None:
    provider = provider_of(address)
    one, other = provider.wrap(ROOT), provider.wrap(ROOT)
    assert one != other
    assert ROOT not in one
    assert provider_of(address).unwrap(one) == provider.unwrap(other) == ROOT


def test_a_spoilt_root_is_told(address: str) -> None:
    provider = provider_of(address)
    with pytest.raises(Unavailable, match="cannot be had"):
        provider.unwrap(spoilt(provider.wrap(ROOT)))


def test_a_folder_is_made_opened_and_kept_anew(address: str, tmp_path: Path) -> None:
    made = keys.create(tmp_path / "data", address)
    path = tmp_path / "data" / keys.NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.root.hex() not in path.read_text()
    loaded = keys.load(tmp_path / "data")
    assert loaded == made
    assert keys.provider_in(loaded) == address
    before = path.read_bytes()
    keys.replace(tmp_path / "data", keys.wrapped(loaded.root, address))
    assert path.read_bytes() != before
    assert keys.load(tmp_path / "data") == made
    keys.replace(tmp_path / "data", keys.wrapped(loaded.root, ""))
    assert keys.provider_in(keys.load(tmp_path / "data")) == "file:"
    assert sorted(one.name for one in (tmp_path / "data").iterdir()) == [keys.NAME]


def test_a_provider_that_refuses_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        keys.create(tmp_path / "data", "vault:http://127.0.0.1:9/transit/keys/careplane")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "address",
    ["", "nothing", "ftp:x", "passphrase:x", "keyring:", "keyring:a", "pkcs11:token=a",
     "vault:https://host", "vault:http://elsewhere.example/transit/keys/a",
     "vault:https://host/transit/a", "awskms:"],
)  # fmt: skip
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(Incorrect, match="address"):
        provider_of(address)


def test_another_passphrase(phrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = provider_of(phrase).wrap(ROOT)
    monkeypatch.setenv(passphrase.VARIABLE, "another one, longer")
    with pytest.raises(Unavailable, match="not the right one"):
        provider_of(phrase).unwrap(wrapped)
    monkeypatch.setenv(passphrase.VARIABLE, "short")
    with pytest.raises(Incorrect, match="12"):
        provider_of(phrase).wrap(ROOT)


def test_a_passphrase_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(passphrase.VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Unavailable, match=passphrase.FILE):
        provider_of("passphrase:").wrap(ROOT)
    (tmp_path / "phrase").write_text(PHRASE + "\n")
    monkeypatch.setenv(passphrase.FILE, str(tmp_path / "phrase"))
    wrapped = provider_of("passphrase:").wrap(ROOT)
    monkeypatch.setenv(passphrase.VARIABLE, PHRASE)
    assert provider_of("passphrase:").unwrap(wrapped) == ROOT
    monkeypatch.delenv(passphrase.VARIABLE)
    monkeypatch.setenv(passphrase.FILE, str(tmp_path / "gone"))
    with pytest.raises(Unavailable, match="cannot be read"):
        provider_of("passphrase:").unwrap(wrapped)


def test_a_file_may_not_ask_for_all_memory(phrase: str) -> None:
    wrapped = provider_of(phrase).wrap(ROOT)
    for at in (0, 4, 8):
        greedy = wrapped[:at] + b"\xff\xff\xff\xff" + wrapped[at + 4 :]
        with pytest.raises(Unavailable, match="spoilt"):
            provider_of(phrase).unwrap(greedy)


def test_a_keyring_that_is_locked_or_has_lost_it(ring: _Ring) -> None:
    provider = provider_of("keyring:careplane/root")
    wrapped = provider.wrap(ROOT)
    ring.locked = True
    for ask in (lambda: provider.unwrap(wrapped), lambda: provider.wrap(ROOT)):
        with pytest.raises(Unavailable, match="KeyringLocked"):
            ask()
    ring.locked = False
    ring.held.clear()
    with pytest.raises(Unavailable, match="it has no careplane/root"):
        provider.unwrap(wrapped)


def test_vault_after_a_rotation_of_its_own(vault: str, transit: _Transit) -> None:
    old = provider_of(vault).wrap(ROOT)
    transit.rotate()
    new = provider_of(vault).wrap(ROOT)
    assert (old[:9], new[:9]) == (b"vault:v1:", b"vault:v2:")
    assert provider_of(vault).unwrap(old) == provider_of(vault).unwrap(new) == ROOT
    assert set(transit.seen) == {"/v1/transit/encrypt/careplane", "/v1/transit/decrypt/careplane"}


Change = Callable[[pytest.MonkeyPatch, _Transit], None]
REFUSALS: dict[str, Change] = {
    "may not use": lambda patch, _: patch.setenv("VAULT_TOKEN", "s.other"),
    "VAULT_TOKEN_FILE": lambda patch, _: patch.delenv("VAULT_TOKEN"),
    "sealed": lambda _, transit: setattr(transit, "sealed", True),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_vault_says_why_not(
    vault: str, transit: _Transit, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    REFUSALS[words](monkeypatch, transit)
    with pytest.raises(Unavailable, match=words) as caught:
        provider_of(vault).wrap(ROOT)
    assert "s.good" not in caught.value.text
    assert "s.other" not in caught.value.text
    with pytest.raises(Unavailable, match=r"no such key|may not|VAULT|sealed"):
        provider_of(vault.replace("/keys/careplane", "/keys/other")).wrap(ROOT)


def test_kms_says_why_not(kms: str) -> None:
    with pytest.raises(Unavailable, match="NotFound"):
        provider_of("awskms:00000000-0000-4000-8000-000000000000").wrap(ROOT)


def test_a_security_module_says_why_not(pkcs11: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = provider_of(pkcs11).wrap(ROOT)
    monkeypatch.setenv("CAREPLANE_PKCS11_PIN", "1111")
    with pytest.raises(Unavailable, match="PinIncorrect"):
        provider_of(pkcs11).unwrap(wrapped)
    monkeypatch.setenv("CAREPLANE_PKCS11_PIN", "4321")
    with pytest.raises(Unavailable, match="NoSuchKey"):
        provider_of(pkcs11.replace("object=root", "object=other")).unwrap(wrapped)
    with pytest.raises(Unavailable, match="NoSuchToken"):
        provider_of(pkcs11.replace("token=careplane", "token=other")).unwrap(wrapped)
