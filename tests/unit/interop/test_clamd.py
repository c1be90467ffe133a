"""ClamAV over its socket: what it says, and what happens where it says nothing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from careplane.interop.antivirus import clamd
from careplane.interop.antivirus.clamd import Clamd, opener
from careplane.kernel.errors import Busy, Incorrect, TooLarge
from tests.clamd_house import MALWARE, NAME, Daemon, listening

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("socket", [False, True], ids=["TCP", "a Unix socket"])
async def test_a_file_arrives_whole_and_is_judged(tmp_path: Path, socket: bool) -> None:
    daemon = Daemon()
    large = bytes(range(256)) * 1_000  # some pieces, and a part of one
    async with listening(daemon, str(tmp_path / "clamd") if socket else "") as address:
        scanner = Clamd(opener(address), required=True)
        assert await scanner.scan(b"nothing") is None
        assert await scanner.scan(large) is None
        assert await scanner.scan(large + MALWARE) == NAME
    assert daemon.files == [b"nothing", large, large + MALWARE]


async def test_what_is_too_large_for_it_is_refused() -> None:
    async with listening(Daemon(largest=100_000)) as address:
        for required in (True, False):
            with pytest.raises(TooLarge):
                await Clamd(opener(address), required=required).scan(bytes(5_000_000))


ODD = {
    "an error": b"stream: Can't allocate memory ERROR",
    "nothing": b"",
    "an unprintable name": b"stream: \x1b[31mred FOUND",
    "another command's answer": b"PONG",
    "too much": b"x" * 5_000,
    "OK, and more": b"stream: OK FOUND nothing",
}


@pytest.mark.parametrize("said", ODD.values(), ids=ODD)
async def test_what_it_does_not_say_clearly_counts_as_unknown(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(Daemon(answer=lambda file: said)) as address:
        with pytest.raises(Busy):
            await Clamd(opener(address), required=True).scan(b"file")
        with caplog.at_level(logging.WARNING):
            assert await Clamd(opener(address), required=False).scan(b"file") is None
    assert "which was stored" in caplog.text


async def test_where_nobody_listens_files_are_refused_unless_told_otherwise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = opener(str(tmp_path / "nobody"))
    with pytest.raises(Busy):
        await Clamd(nobody, required=True).scan(b"file")
    assert await Clamd(nobody, required=False).scan(b"file") is None
    assert "FileNotFoundError" in caplog.text


async def test_one_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamd, "_SECONDS", 0.2)

    async with listening(Sleeper()) as address:
        with pytest.raises(Busy):
            await Clamd(opener(address), required=True).scan(b"file")


class Sleeper(Daemon):
    """It takes a file and says nothing."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1_000):
            pass


@pytest.mark.parametrize("address", ["clamd", "host:", "host:0", "host:99999", "a b:3310", "::1"])
def test_an_address_that_is_none_says_so(address: str) -> None:
    with pytest.raises(Incorrect, match="CAREPLANE_CLAMD"):
        opener(address)
