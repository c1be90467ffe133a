"""A checkpoint a day has the stamp of an authority, and no answer is kept that does not hold."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder

from careplane.kernel.errors import Fault, NotFound
from careplane.ledger.log import SIGNED, Log
from careplane.ledger.reading import Reading
from careplane.ledger.stamping import Stamping
from careplane.ledger.stamps import STAMPS
from careplane.storage.ports.ledger import LedgerStore
from tests.unit.ledger.logs import grown, new_log
from tests.unit.ledger.tsa import Authority

pytestmark = pytest.mark.anyio


class Days:
    """A clock that is moved by days."""

    def __init__(self) -> None:
        self.day = 0
        self._began = datetime.now(UTC)

    def __call__(self) -> int:
        return int((self._began + timedelta(days=self.day)).timestamp() * 1_000_000)

    @property
    def date(self) -> str:
        return (self._began + timedelta(days=self.day)).date().isoformat()


@pytest.fixture
async def signed(tmp_path: Path) -> tuple[Log, LedgerStore]:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 10)
    await log.sign()
    return log, store


async def test_one_checkpoint_a_day_is_stamped(signed: tuple[Log, LedgerStore]) -> None:
    (log, store), tsa, days = signed, Authority(), Days()
    stamping = Stamping(store, SIGNED, tsa, [tsa.root], days)
    assert [await stamping.step() for _ in range(3)] == [True, False, False]
    first = days.date
    days.day = 1
    assert not await stamping.step(), "nothing is new"
    await grown(log, 1, 10)
    await log.sign()
    assert [await stamping.step() for _ in range(2)] == [True, False]
    assert tsa.asked == 2
    reading = Reading(store, cosigned=False)
    assert await reading.days() == [first, days.date]
    assert await reading.stamped(f"{days.date}.checkpoint") == await store.note(SIGNED)
    for name in ("2000-01-01.tsr", f"{first}.other", first, "", "../x.tsr"):
        with pytest.raises(NotFound):
            await reading.stamped(name)


async def test_nothing_is_asked_before_there_is_a_checkpoint(tmp_path: Path) -> None:
    _, store = new_log(tmp_path)
    tsa = Authority()
    assert not await Stamping(store, SIGNED, tsa, [tsa.root], Days()).step()
    assert tsa.asked == 0


async def test_an_answer_that_does_not_hold_is_not_kept(signed: tuple[Log, LedgerStore]) -> None:
    (_, store), tsa, other, days = signed, Authority(), Authority(), Days()
    forging = Authority(forged=True)

    async def flipped(data: bytes) -> bytes:
        answer = bytearray(await tsa(data))
        answer[-5] ^= 1
        return bytes(answer)

    async def nonsense(data: bytes) -> bytes:
        return b"0" * 40

    for ask, root in (
        (other, tsa.root), (forging, forging.root), (flipped, tsa.root), (nonsense, tsa.root),
    ):  # fmt: skip
        with pytest.raises(Fault, match="does not hold"):
            await Stamping(store, SIGNED, ask, [root], days).step()
    old = await tsa(_request(await store.note(SIGNED)))

    async def again(data: bytes) -> bytes:
        return old

    with pytest.raises(Fault, match="does not hold"):
        await Stamping(store, SIGNED, again, [tsa.root], days).step()
    assert await store.note(STAMPS) == b""


def _request(data: bytes) -> bytes:
    return bytes(TimestampRequestBuilder(data=data).build().as_bytes())


async def test_others_verify_it_with_openssl(
    signed: tuple[Log, LedgerStore], tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    (_, store), tsa, days = signed, Authority(), Days()
    await Stamping(store, SIGNED, tsa, [tsa.root], days).step()
    reading = Reading(store, cosigned=False)
    for what in ("tsr", "checkpoint"):
        (tmp_path / what).write_bytes(await reading.stamped(f"{days.date}.{what}"))
    (tmp_path / "roots.pem").write_bytes(tsa.root.public_bytes(Encoding.PEM))
    words = "openssl ts -verify -data checkpoint -in tsr -CAfile roots.pem"
    done = subprocess.run(words.split(), cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert "Verification: OK" in done.stdout + done.stderr, done.stderr
