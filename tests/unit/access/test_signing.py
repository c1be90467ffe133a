"""Keys that id tokens are signed with: how strong new ones are, and how long old ones count."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from careplane.access.smart.launch import signing
from careplane.access.smart.launch.signing import ALGORITHM, PERIOD_SECONDS, SigningKeys
from careplane.storage.engines.memory import MemoryState
from careplane.storage.ports.state import StateStore
from tests.contracts.conftest import Hands

pytestmark = pytest.mark.anyio
_ROOT = bytes(range(32))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def bits(jwk: dict[str, Any]) -> int:
    raw = urlsafe_b64decode(jwk["n"] + "=" * (-len(jwk["n"]) % 4))
    return int.from_bytes(raw).bit_length()


async def _by_a_version_before(state: StateStore, clock: Hands) -> str:
    """A token signed by one whose keys were of 2048 bits."""
    with pytest.MonkeyPatch.context() as then:
        then.setattr(signing, "_BITS", 2048)
        current = await SigningKeys(state, _ROOT, clock).current()
        return jwt.encode({"alg": ALGORITHM, "kid": current.kid}, {"sub": "x"}, current)


def _verifies(token: str, keys: KeySet) -> bool:
    try:
        jwt.decode(token, keys, algorithms=[ALGORITHM])
    except InvalidKeyIdError:
        return False
    return True


async def test_new_keys_are_strong_and_those_of_before_count_as_long_as_they_did() -> None:
    """A key signs for its month, and verifies for one more (ASVS 11.2.3)."""
    state, clock = MemoryState(), Hands()
    token = await _by_a_version_before(state, clock)
    strength, verified = [], []
    for _ in range(3):
        keys = SigningKeys(state, _ROOT, clock)
        published = await keys.published()
        current = (await keys.current()).as_dict(private=False)
        assert current["n"] in {one["n"] for one in published["keys"]}
        strength.append(bits(current))
        verified.append(_verifies(token, KeySet.import_key_set(published)))
        await keys.sweep()
        clock.now += PERIOD_SECONDS * 1_000_000
    assert strength == [2048, 3072, 3072]
    assert verified == [True, True, False]
