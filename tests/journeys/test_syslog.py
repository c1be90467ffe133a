"""The trail goes to a receiver over TLS: everything, in order, across breaks; nobody but the right
receiver gets any of it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from careplane.interop.syslog.service import OVERLAP, Receiver, Sending
from careplane.interop.syslog.stream import LOST, context
from careplane.ledger.audit import AuditRecord, Outcome, encode
from careplane.ledger.trail import Trail
from careplane.storage.engines.memory import MemoryState, MemoryStore
from careplane.storage.ports.records import Tenant

pytestmark = pytest.mark.anyio
ONE = Tenant(1)


def certificate(path: Path) -> Path:
    """A certificate for localhost, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem)
    return path


@dataclass
class Repository:
    """Takes frames; `breaks_after` ends the first connection behind so many of them."""

    breaks_after: int | None = None
    slow: float = 0.0
    got: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        first = self.connections == 1
        taken = 0
        try:
            while True:
                length = int(await reader.readuntil(b" "))
                self.got.append(await reader.readexactly(length))
                taken += 1
                await asyncio.sleep(self.slow)
                if first and self.breaks_after == taken:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        writer.close()

    @property
    def numbers(self) -> list[int]:
        return [json.loads(m.partition(b"\xef\xbb\xbf")[2])["seq"] for m in self.got]


@asynccontextmanager
async def listening(repository: Repository, pem: Path) -> AsyncIterator[int]:
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(pem)
    server = await asyncio.start_server(repository, "127.0.0.1", 0, ssl=secured)
    async with server:
        yield server.sockets[0].getsockname()[1]


def sending(store: MemoryStore, state: MemoryState, port: int, pem: Path) -> Sending:
    receiver = Receiver("localhost", port, context(str(pem)), "json", "host")
    made = Sending(Trail(store), state, lambda: (ONE,), receiver)
    made._wait = 0.01
    return made


async def filled(count: int) -> MemoryStore:
    store = MemoryStore(lambda: 0)
    for n in range(count):
        await store.append(ONE, encode(AuditRecord(n, 1, "a", "read", Outcome.SUCCESS)))
    return store


async def until(done: object) -> None:
    async with asyncio.timeout(20):
        while not done():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_all_of_it_comes_in_order(tmp_path: Path) -> None:
    pem, repository = certificate(tmp_path / "c.pem"), Repository()
    store, state = await filled(450), MemoryState()
    async with listening(repository, pem) as port:
        task = asyncio.ensure_future(sending(store, state, port, pem)())
        await until(lambda: len(repository.got) >= 450)
        await store.append(ONE, encode(AuditRecord(9, 1, "a", "read", Outcome.MINOR)))
        await until(lambda: len(repository.got) == 451)
        await stopped(task)
    assert repository.numbers == list(range(1, 452))
    assert repository.got[-1].startswith(b"<84>1 ")
    assert repository.got[0].startswith(b"<85>1 ")


async def test_nothing_is_missed_across_a_break(tmp_path: Path) -> None:
    pem, repository = certificate(tmp_path / "c.pem"), Repository(breaks_after=300)
    store, state = await filled(900), MemoryState()
    async with listening(repository, pem) as port:
        task = asyncio.ensure_future(sending(store, state, port, pem)())
        await until(lambda: repository.numbers[-1:] == [900])
        await stopped(task)
    assert repository.connections >= 2
    assert set(repository.numbers) == set(range(1, 901))


async def test_another_start_goes_on_behind_the_mark(tmp_path: Path) -> None:
    pem = certificate(tmp_path / "c.pem")
    store, state = await filled(1500), MemoryState()
    for round in range(2):
        repository = Repository()
        async with listening(repository, pem) as port:
            task = asyncio.ensure_future(sending(store, state, port, pem)())
            await until(lambda: repository.numbers[-1:] == [1500])  # noqa: B023
            await asyncio.sleep(1.2)  # an idle turn: the mark has caught up
            await stopped(task)
        assert len(repository.got) == (1500 if round == 0 else OVERLAP)


async def test_a_receiver_that_is_somebody_else_gets_nothing(tmp_path: Path) -> None:
    pem, other = certificate(tmp_path / "c.pem"), certificate(tmp_path / "other.pem")
    repository = Repository()
    store = await filled(3)
    async with listening(repository, other) as port:
        with pytest.raises(LOST):
            await sending(store, MemoryState(), port, pem).connected()
    assert repository.got == []


async def test_a_slow_receiver_holds_it_back(tmp_path: Path) -> None:
    pem, repository = certificate(tmp_path / "c.pem"), Repository(slow=0.002)
    store, state = await filled(300), MemoryState()
    async with listening(repository, pem) as port:
        task = asyncio.ensure_future(sending(store, state, port, pem)())
        await until(lambda: len(repository.got) >= 300)
        await stopped(task)
    assert repository.numbers[:300] == list(range(1, 301))
