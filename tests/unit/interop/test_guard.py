"""Which addresses an import may be pulled from: the table of what a forged request would try."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from careplane.interop.bulk.pulling.guard import Guard
from careplane.interop.bulk.pulling.stores import Stores
from careplane.kernel.errors import CareplaneError, Forbidden, Incorrect

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
