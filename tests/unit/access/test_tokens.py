"""Tokens come back as the caller they were issued for, and not after their time or under a key
that is not theirs."""

import pytest

from careplane.access.caller import Caller
from careplane.access.kept import kept
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.kernel.errors import Unauthenticated
from careplane.storage.ports.records import Tenant

NOW = 1_700_000_000_000_000
CALLER = Caller(
    tenant=Tenant(1),
    id="client/bench",
    name="Bench",
    scopes=parse_scopes("system/*.cruds patient/Observation.rs?category=laboratory"),
    patient="p1",
    roles=frozenset({"physician"}),
    purpose="HRESCH",
)


def tokens(key: bytes = b"k" * 32, now: int = NOW) -> Tokens:
    return Tokens(key, lambda: now)


def test_a_token_speaks_for_its_caller() -> None:
    some = tokens()
    token = some.issue(CALLER, 60)
    assert some.resolve(token) == CALLER
    assert some.resolve(token) == CALLER


def test_a_kept_caller_comes_back() -> None:
    assert kept(CALLER).caller("192.0.2.1") == CALLER
    assert kept(CALLER).caller("192.0.2.1").address == "192.0.2.1"


def test_a_token_ends() -> None:
    token = tokens().issue(CALLER, 60)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens(now=NOW + 60_000_000).resolve(token)


def test_a_remembered_token_ends_too() -> None:
    now = NOW
    some = Tokens(b"k" * 32, lambda: now)
    token = some.issue(CALLER, 60)
    some.resolve(token)
    now += 61_000_000
    with pytest.raises(Unauthenticated, match="expired"):
        some.resolve(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t[:-2] + ("AA" if t[-2:] != "AA" else "BB"),
        lambda t: "",
        lambda t: "x.y.z",
        lambda t: "eyJhbGciOiJub25lIn0." + t.split(".")[1] + ".",
        lambda t: "\x00",
        lambda t: "é" * 100,
    ],
)
def test_a_token_that_is_not_ours_is_refused(spoil: object) -> None:
    token = tokens().issue(CALLER, 60)
    with pytest.raises(Unauthenticated):
        tokens().resolve(spoil(token))  # type: ignore[operator]


def test_another_installation_refuses() -> None:
    with pytest.raises(Unauthenticated):
        tokens(b"o" * 32).resolve(tokens().issue(CALLER, 60))
