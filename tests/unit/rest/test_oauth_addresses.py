"""By which address an assertion may name this server: the one that it was told, or this machine."""

import pytest

from careplane.rest.addressing import Addressing
from careplane.rest.oauth.addresses import addresses


@pytest.mark.parametrize(
    ("told", "host", "audience"),
    [
        ("https://records.test", "other.test", "https://records.test/oauth/token"),
        ("https://records.test/", "records.test", "https://records.test/oauth/token"),
        ("", "localhost:8080", "http://localhost:8080/oauth/token"),
        ("", "127.0.0.1", "http://127.0.0.1/oauth/token"),
        ("", "[::1]:8080", "http://[::1]:8080/oauth/token"),
        ("", "records.test", ""),
        ("", "localhost.other.test", ""),
        ("", "localhost:8080.other.test", ""),
        ("", "127.0.0.1@other.test", ""),
        ("", "other.test/localhost", ""),
        ("", "127.0.0.11", ""),
        ("", "", "http://localhost/oauth/token"),
    ],
)
def test_the_audience(told: str, host: str, audience: str) -> None:
    addressing = Addressing(told)
    base = addressing.base({"scheme": "http"}, {b"host": host.encode()})
    found = addresses(addressing, base)
    assert found.audience == audience
    assert found.token.endswith("/oauth/token")
