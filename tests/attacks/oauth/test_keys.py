"""Attacks through keys: sets that hold what they must not, and addresses of sets that lead where
this server should not go, or that keep it busy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from joserfc.jwk import ECKey, OctKey

from careplane.access.smart import jwks
from careplane.access.smart.client import Client
from careplane.app import fetching
from careplane.app.fetching import Fetcher
from careplane.interop.bulk.pulling.guard import Guard
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Busy, Forbidden, Incorrect
from careplane.storage.engines.memory import MemoryStore
from tests.contracts.conftest import Hands
from tests.oauth_house import (
    EC,
    JWKS,
    RSA,
    Authority,
    claims,
    open_authority,
    public,
    registered,
    signed,
)

pytestmark = pytest.mark.anyio
LOCAL = "127.0.0.1"


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def changed(**changes: object) -> dict[str, object]:
    return {**EC.as_dict(private=False), **changes}


SMALL = "AQ" + "B" * 168
"""A number of 1,018 bits."""
BAD_SETS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"-----BEGIN PUBLIC KEY-----", "JSON"),
    "a list": (b"[]", "JSON"),
    "no list": (b'{"keys": {}}', "list"),
    "deep": (b"[" * 60_000, "JSON"),
    "too long": (b" " * 70_000 + JWKS, "JSON"),
    "too many": (key_set(*(changed(kid=str(n)) for n in range(33))), "at most 32"),
    "empty": (key_set(), "No key"),
    "private": (key_set(EC.as_dict(private=True)), "private"),
    "private RSA": (key_set(RSA.as_dict(private=True)), "private"),
    "shared": (key_set(OctKey.generate_key(256).as_dict()), "private or shared"),
    "shared, without its bytes": (key_set({"kty": "oct", "kid": "a", "alg": "HS384"}), "No key"),
    "no kid": (key_set({k: v for k, v in changed().items() if k != "kid"}), "No key"),
    "the same kid": (key_set(changed(), changed()), "same `kid`"),
    "a weak RSA key": (key_set({"kty": "RSA", "kid": "a", "n": SMALL, "e": "AQAB"}), "No key"),
    "a vast RSA key": (
        key_set({"kty": "RSA", "kid": "a", "n": "B" * 60_000, "e": "AQAB"}),
        "No key",
    ),
    "another curve": (
        key_set(ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False)),
        "No key",
    ),
    "a point off the curve": (key_set(changed(y=EC.as_dict(private=False)["x"])), "No key"),
    "for encryption": (key_set(changed(use="enc")), "No key"),
    "for signing": (key_set(changed(key_ops=["sign"])), "No key"),
    "for another algorithm": (key_set(changed(alg="ES256")), "No key"),
    "numbers that are none": (key_set(changed(x=7, y=[])), "No key"),
}


@pytest.mark.parametrize("name", BAD_SETS)
async def test_a_key_set_is_refused(there: Authority, name: str) -> None:
    raw, words = BAD_SETS[name]
    with pytest.raises(Incorrect, match=words):
        await there.add(registered("ward", "system/*.rs", "private_key_jwt", jwks=raw))


@pytest.mark.parametrize(
    "uri",
    [
        "http://keys.example/jwks",
        "file:///etc/passwd",
        "gopher://keys.example/jwks",
        "https://name:word@keys.example/jwks",
        "https://",
        "https://keys.example:99999/jwks",
        "https://a b/jwks",
    ],
)
async def test_an_address_of_keys_is_refused(there: Authority, uri: str) -> None:
    with pytest.raises(Incorrect, match="jwks_uri"):
        await there.add(registered("ward", "system/*.rs", "private_key_jwt", jwks_uri=uri))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "0.0.0.0"],
)
async def test_a_name_that_leads_inside_is_not_asked(address: str) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34", address]

    fetcher = Fetcher(Guard(frozenset(), resolve))
    with pytest.raises(Forbidden, match="public network"):
        await fetcher.fetch("https://keys.example/jwks")
    async with open_authority(MemoryStore(system_clock), fetcher=fetcher) as there:
        uri = "https://keys.example/jwks"
        await there.add(registered("lab", "system/*.rs", "private_key_jwt", jwks_uri=uri))
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 401
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 401
    assert asked == ["keys.example"] * 2, "each who asks within seconds gets what is known"


@dataclass
class Keeper:
    """A host of keys, at `uri`: what it sends, and how often it was asked."""

    uri: str = ""
    sends: bytes = JWKS
    status: str = "200 OK"
    waits: float = 0
    asked: int = 0
    headers: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await asyncio.sleep(self.waits)
        head = [f"HTTP/1.1 {self.status}", f"Content-Length: {len(self.sends)}", *self.headers]
        writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + self.sends)
        writer.close()


@asynccontextmanager
async def keeping() -> AsyncIterator[Keeper]:
    keeper = Keeper()
    server = await asyncio.start_server(keeper.answer, LOCAL, 0)
    keeper.uri = f"http://{LOCAL}:{server.sockets[0].getsockname()[1]}/jwks"
    async with server:
        yield keeper


def fetcher() -> Fetcher:
    return Fetcher(Guard(frozenset({LOCAL})))


def kept(keeper: Keeper) -> Client:
    return registered("lab", "system/*.rs", "private_key_jwt", jwks_uri=keeper.uri)


async def test_keys_are_fetched_once_and_again_when_they_change() -> None:
    clock = Hands(system_clock())
    other = ECKey.generate_key("P-384", {"kid": "ec-2"}, private=True)
    async with (
        keeping() as keeper,
        open_authority(MemoryStore(system_clock), clock=clock, fetcher=fetcher()) as there,
    ):
        await there.add(kept(keeper))
        for _ in range(3):
            assert (await there.by_assertion(signed(claims("lab")))).status_code == 200
        named = signed(claims("lab"), jku=keeper.uri)
        assert (await there.by_assertion(named)).status_code == 200
        assert keeper.asked == 1
        keeper.sends = public(other)
        assert (await there.by_assertion(signed(claims("lab"), key=other))).status_code == 401
        assert keeper.asked == 1, "who makes up a kid does not make this server ask"
        clock.now += 10_000_000
        assert (await there.by_assertion(signed(claims("lab"), key=other))).status_code == 200
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 401
        assert keeper.asked == 2


async def test_a_made_up_kid_takes_no_good_key_away() -> None:
    clock = Hands(system_clock())
    async with (
        keeping() as keeper,
        open_authority(MemoryStore(system_clock), clock=clock, fetcher=fetcher()) as there,
    ):
        await there.add(kept(keeper))
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 200
        keeper.status, keeper.waits = "500 No", 0.5
        clock.now += 10_000_000
        made_up = asyncio.create_task(there.by_assertion(signed(claims("lab"), kid="x")))
        await asyncio.sleep(0.1)
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 200
        assert not made_up.done(), "who has a known key does not wait"
        assert (await made_up).status_code == 401
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 200


async def test_what_an_address_gave_is_not_believed_for_ever() -> None:
    clock = Hands(system_clock())
    async with (
        keeping() as keeper,
        open_authority(MemoryStore(system_clock), clock=clock, fetcher=fetcher()) as there,
    ):
        await there.add(kept(keeper))
        assert (await there.by_assertion(signed(claims("lab")))).status_code == 200
        keeper.status = "500 No"
        clock.now += 300_000_000
        later = signed(claims("lab", iat=None, exp=clock.now // 1_000_000 + 200))
        assert (await there.by_assertion(later)).status_code == 401


async def test_a_redirect_is_not_followed() -> None:
    async with keeping() as keeper, keeping() as inside:
        keeper.status, keeper.headers = "302 Found", [f"Location: {inside.uri}"]
        with pytest.raises(Busy, match="302"):
            await fetcher().fetch(keeper.uri)
        assert inside.asked == 0


async def test_a_body_without_end_is_not_read() -> None:
    async with keeping() as keeper:
        keeper.sends = b"x" * (jwks.MOST_BYTES + 1)
        with pytest.raises(Incorrect, match="more than"):
            await fetcher().fetch(keeper.uri)


async def test_a_host_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.2)
    async with keeping() as keeper:
        keeper.waits = 1
        with pytest.raises(Busy):
            await fetcher().fetch(keeper.uri)
        await asyncio.sleep(1)


async def test_a_host_that_sends_drop_by_drop_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.4)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            writer.write(b" ")
            await asyncio.sleep(0.1)
        writer.close()

    async with await asyncio.start_server(drip, LOCAL, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Busy):
            await fetcher().fetch(f"http://{LOCAL}:{port}/jwks")
        await asyncio.sleep(1)
