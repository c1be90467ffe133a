"""Which addresses an import may be pulled from: the table of what a forged request would try."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from careplane.interop.bulk.pulling.guard import Guard, is_public
from careplane.interop.bulk.pulling.stores import Stores
from careplane.kernel.errors import CareplaneError, Forbidden, Incorrect

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("168.63.129.16", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def _guard(*addresses: str, allowed: tuple[str, ...] = ()) -> Guard:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return Guard(frozenset(allowed), resolve)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://example.org/a", Forbidden),
        ("ftp://example.org/a", Incorrect),
        ("https:///a", Incorrect),
        ("/etc/passwd", Incorrect),
        ("https://user:secret@example.org/a", Incorrect),
        ("https://exa mple.org:99999999/a", Incorrect),
    ],
)
async def test_what_is_refused_unseen(url: str, error: type[CareplaneError]) -> None:
    with pytest.raises(error):
        await _guard("93.184.215.14").target(url)


async def test_one_private_address_is_enough_to_refuse() -> None:
    with pytest.raises(Forbidden, match="bulk_import_hosts"):
        await _guard("93.184.215.14", "10.0.0.1").target("https://example.org/a")


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    target = await _guard("93.184.215.14").target("https://example.org:8443/a?b=c")
    assert str(target.pinned) == "https://93.184.215.14:8443/a?b=c"
    assert target.host == "example.org"
    target = await _guard("2606:4700::1111").target("https://example.org/a")
    assert str(target.pinned) == "https://[2606:4700::1111]/a"


async def test_an_allowed_host_may_be_private_and_plain() -> None:
    target = await _guard("10.0.0.1", allowed=("files.lan",)).target("http://files.lan/a")
    assert target.address == "10.0.0.1"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/incoming",
        "s3://bucket/incoming/",
        "s3://bucket/incoming-not/a",
        "s3://bucket/other/a",
        "s3://bucket/incoming/../other/a",
        "s3://bucket/incoming/%2e%2e/other/a",
        "s3://bucket/incoming//a",
        "s3://other/incoming/a",
        "file:///etc/passwd",
    ],
)
def test_stores_are_open_below_their_prefixes_only(url: str) -> None:
    with pytest.raises(Forbidden):
        Stores(("s3://bucket/incoming",)).check(url)


def test_a_path_below_a_prefix() -> None:
    stores = Stores(("s3://bucket/incoming/", "file:///srv/in"))
    assert stores.check("s3://bucket/incoming/a/b%20c") == ("s3://bucket/incoming/", "a/b c")
    assert stores.check("file:///srv/in/a") == ("file:///srv/in/", "a")
