"""What LiveKit is told: the claims of tokens, names of rooms; and settings that miss a part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.app.visiting import livekit_of
from careplane.kernel.clock import system_clock
from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Tenant
from careplane.telehealth.visits.media.turn import Ice
from tests.livekit_house import GRANTS, KEY, SECRET, Played

NOW = 1_900_000_000_000_000
AT = NOW // 1_000_000
TIMES = {"iss": KEY, "nbf": AT, "exp": AT + 60}
CLAIMS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "to come in",
        GRANTS.join("room", "seat", NOW),
        {
            "sub": "seat",
            "video": {
                "room": "room",
                "roomJoin": True,
                "canPublish": True,
                "canPublishSources": ["camera", "microphone"],
                "canSubscribe": True,
                "canPublishData": False,
                "canUpdateOwnMetadata": False,
            },
        },
    ),
    ("to make rooms", GRANTS.create(NOW), {"video": {"roomCreate": True}}),
    ("to govern one", GRANTS.govern("room", NOW), {"video": {"room": "room", "roomAdmin": True}}),
]


@pytest.mark.parametrize(("why", "token", "claims"), CLAIMS, ids=[one[0] for one in CLAIMS])
def test_a_token_says_this_and_no_more(why: str, token: str, claims: dict[str, Any]) -> None:
    read = jwt.decode(token, OctKey.import_key(SECRET.encode()), ["HS256"])
    assert read.claims == {**claims, **TIMES}
    assert read.header == {"alg": "HS256", "typ": "JWT"}


def test_a_name_is_the_same_always_and_says_nothing() -> None:
    house = Played().house()
    names = [
        house.hall(Tenant(1), "a").name,
        house.hall(Tenant(2), "a").name,
        house.hall(Tenant(1), "b").name,
        replace(house, naming=b"of another installation").hall(Tenant(1), "a").name,
    ]
    assert len(set(names)) == 4
    assert names[0] == Played().house().hall(Tenant(1), "a").name
    assert all(len(name) == 32 for name in names)


def test_secrets_are_not_shown() -> None:
    house = Played().house()
    assert SECRET not in repr(house)
    assert SECRET not in repr(Settings(livekit_secret=SECRET))


GOOD = {
    "livekit_url": "wss://livekit.example.org",
    "livekit_key": KEY,
    "livekit_secret": SECRET,
}
BAD: list[tuple[str, dict[str, str], str]] = [
    ("no key", {"livekit_key": ""}, "LIVEKIT_KEY"),
    ("no secret", {"livekit_secret": ""}, "LIVEKIT_SECRET"),
    ("a short secret", {"livekit_secret": "x" * 31}, "32"),
    ("no websocket", {"livekit_url": "https://livekit.example.org"}, "LIVEKIT_URL"),
    ("no host", {"livekit_url": "wss:///x"}, "LIVEKIT_URL"),
    ("somebody's name", {"livekit_url": "wss://me@livekit.example.org"}, "LIVEKIT_URL"),
    ("no TLS", {"livekit_url": "ws://livekit.example.org"}, "TLS"),
    ("another way there", {"livekit_api_url": "wss://livekit:7880"}, "LIVEKIT_API_URL"),
]


@pytest.mark.parametrize(("why", "how", "said"), BAD, ids=[one[0] for one in BAD])
def test_settings_that_miss_a_part(why: str, how: dict[str, str], said: str) -> None:
    with pytest.raises(Incorrect, match=said):
        _made(GOOD | how)


def test_settings_that_are_whole() -> None:
    assert _made({}) is None
    for url in (GOOD["livekit_url"], "ws://127.0.0.1:7880", "wss://media.test:7443/"):
        made = _made(GOOD | {"livekit_url": url})
        assert made is not None
        assert made.url == url.rstrip("/")


def _made(how: dict[str, str]) -> Any:
    key = Keys(bytes(32))
    return livekit_of(Settings(**how), key, Ice(), system_clock)  # type: ignore[arg-type]
