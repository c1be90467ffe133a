"""A log, its keys and its witnesses, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from careplane.ledger import leaf
from careplane.ledger.anchor import AnchorFile
from careplane.ledger.formats import keys, policy
from careplane.ledger.leaf import Kind, Sealed
from careplane.ledger.log import Identity, Log
from careplane.ledger.witness.asking import Witnesses
from careplane.ledger.witness.server import application
from careplane.ledger.witness.witness import StateFile, Witness
from careplane.storage.engines.memory import MemoryLedger
from careplane.storage.ports.ledger import LedgerStore

ORIGIN = "hospital.example/log"
SECRET = bytes(range(32))
IDENTITY = Identity((keys.Signer(ORIGIN, keys.Kind.ED25519, b"\1" * 32),))
NOW = 1_764_298_000


def clock() -> int:
    return NOW * 1_000_000


def version(number: int) -> dict[str, str | int]:
    return {
        "tenant": 1, "type": "Observation", "id": f"o{number}", "version": 1,
        "recorded": clock(), "sha256": f"{number:064x}",
    }  # fmt: skip


def sealed(*numbers: int) -> list[Sealed]:
    return [leaf.seal(Kind.VERSION, version(number), SECRET) for number in numbers]


def new_log(
    folder: Path,
    store: LedgerStore | None = None,
    identity: Identity = IDENTITY,
    *,
    witnessed: bool = True,
) -> tuple[Log, LedgerStore]:
    store = store or MemoryLedger()
    anchors = AnchorFile(folder / "anchor")
    return Log(store, anchors, identity, clock, witnessed=witnessed), store


@dataclass
class Town:
    """Three witnesses that answer at addresses of their own, and the policy two of three."""

    folder: Path
    identity: Identity = IDENTITY
    down: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.files = {name: self.folder / name for name in ("w1", "w2", "w3")}
        for name, path in self.files.items():
            if not path.exists():
                StateFile(path).make(f"{name}.example")
        self.start()

    def start(self) -> None:
        """As after a restart: each reads its file."""
        logs = [one.verifier for one in self.identity.signers]
        self.witnesses = {
            name: Witness(StateFile(path), logs, clock) for name, path in self.files.items()
        }
        self.servers = {name: application(one) for name, one in self.witnesses.items()}

    def policy(self, quorum: str = "2", urls: bool = False) -> bytes:
        lines = [f"log {one.verifier}" for one in self.identity.signers]
        for name, one in self.witnesses.items():
            url = f" http://{name}" if urls else ""
            lines.append(f"witness {name} {one.verifiers[0]}{url}")
        lines += [f"group all {quorum} {' '.join(self.witnesses)}", "quorum all"]
        return "".join(f"{line}\n" for line in lines).encode()

    def asking(self, quorum: str = "2") -> Witnesses:
        http = httpx.AsyncClient(transport=_Streets(self))
        return Witnesses(policy.parse(self.policy(quorum, urls=True)), http)


class _Streets(httpx.AsyncBaseTransport):
    def __init__(self, town: Town) -> None:
        self._town = town

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name in self._town.down:
            raise httpx.ConnectError("down")
        inner = httpx.ASGITransport(app=self._town.servers[name])
        return await inner.handle_async_request(request)


async def grown(log: Log, count: int, start: int = 0) -> Sequence[Sealed]:
    leaves = sealed(*range(start, start + count))
    await log.append(leaves)
    return leaves
