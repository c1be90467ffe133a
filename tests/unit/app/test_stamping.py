"""The time-stamp authority of the settings, asked over HTTP."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from careplane.app.settings import Settings
from careplane.app.stamping import roots_of, stamping_of
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Incorrect
from careplane.ledger.log import SIGNED
from careplane.ledger.stamps import STAMPS, unpack
from tests.unit.ledger.logs import grown, new_log
from tests.unit.ledger.tsa import Authority

pytestmark = pytest.mark.anyio
TSA = "https://time.example/tsr"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def tsa() -> Authority:
    return Authority()


@pytest.fixture
def chosen(tmp_path: Path, tsa: Authority) -> Settings:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(tsa.root.public_bytes(Encoding.PEM))
    return Settings(ledger_tsa=TSA, ledger_tsa_roots=str(roots))


REFUSED = {
    "an error": httpx.Response(500),
    "a page": httpx.Response(200, text="hello", headers={"content-type": "text/html"}),
    "too much": httpx.Response(
        200, content=b"x" * 100_001, headers={"content-type": "application/timestamp-reply"}
    ),
}


async def test_it_is_asked_as_the_protocol_says(
    chosen: Settings, tsa: Authority, tmp_path: Path
) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()

    async def answer(request: httpx.Request) -> httpx.Response:
        assert (str(request.url), request.method) == (TSA, "POST")
        assert request.headers["content-type"] == "application/timestamp-query"
        reply = {"content-type": "application/timestamp-reply"}
        return httpx.Response(200, content=await tsa(await request.aread()), headers=reply)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert await stamping_of(chosen, store, SIGNED, http, system_clock).step()
    (stamp,) = unpack(await store.note(STAMPS))
    assert stamp.checkpoint == await store.note(SIGNED)


@pytest.mark.parametrize("how", [*REFUSED, "nobody"])
async def test_what_is_no_answer_is_asked_again_later(
    chosen: Settings, tmp_path: Path, how: str
) -> None:
    log, store = new_log(tmp_path)
    await log.open()
    await grown(log, 3)
    await log.sign()

    async def answer(request: httpx.Request) -> httpx.Response:
        if how == "nobody":
            raise httpx.ConnectError("down")
        return REFUSED[how]

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(Busy, match="time-stamp authority"):
            await stamping_of(chosen, store, SIGNED, http, system_clock).step()
    assert await store.note(STAMPS) == b""


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    assert roots_of(Settings()) == []
    (tmp_path / "empty").write_text("no certificate")
    for roots in ("", str(tmp_path / "none"), str(tmp_path / "empty")):
        with pytest.raises(Incorrect, match="CAREPLANE_LEDGER_TSA_ROOTS"):
            roots_of(Settings(ledger_tsa=TSA, ledger_tsa_roots=roots))
