"""LiveKit for visits of more than four: a server of it on loopback, and one that we play."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from careplane.kernel.clock import Clock, system_clock
from careplane.telehealth.visits.media.livekit.calls import Calls
from careplane.telehealth.visits.media.livekit.grants import Grants
from careplane.telehealth.visits.media.livekit.hall import LiveKit
from careplane.telehealth.visits.media.turn import Ice
from tests.support import missing

KEY, SECRET = "careplane", "a secret of the tests, and of nobody else"
GRANTS = Grants(KEY, SECRET)
MOST = 6
_SECONDS = 20.0
_CONFIG = """
port: {port}
bind_addresses: ["127.0.0.1"]
rtc:
  udp_port: {udp}
  tcp_port: {tcp}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: [lo]}}
room: {{auto_create: false}}
keys: {{"{key}": "{secret}"}}
logging: {{level: error}}
"""


def settings(port: int) -> dict[str, str]:
    """Of a server whose larger visits go through LiveKit at this port."""
    return {
        "CAREPLANE_LIVEKIT_URL": f"ws://127.0.0.1:{port}",
        "CAREPLANE_LIVEKIT_KEY": KEY,
        "CAREPLANE_LIVEKIT_SECRET": SECRET,
        "CAREPLANE_LIVEKIT_MOST": str(MOST),
    }


class Server:
    """The program on loopback, at the same ports however often it is started."""

    def __init__(self, folder: Path) -> None:
        self.port = _free(socket.SOCK_STREAM)
        udp, tcp = _free(socket.SOCK_DGRAM), _free(socket.SOCK_STREAM)
        self._config = folder / "livekit.yaml"
        self._config.write_text(
            _CONFIG.format(port=self.port, udp=udp, tcp=tcp, key=KEY, secret=SECRET)
        )
        self._log = folder / "livekit.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        with self._log.open("ab") as log:
            told = [program(), "--config", str(self._config)]
            self._running = subprocess.Popen(told, stdout=log, stderr=log)
        _until_it_answers(self._running, self.port)

    def stop(self) -> None:
        """At once: told politely it waits until all have left."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(10)
            self._running = None


@contextlib.contextmanager
def livekit(folder: Path) -> Iterator[Server]:
    """The server, until the block ends."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def is_there() -> bool:
    """Whether there is a program."""
    return bool(_found())


def program() -> str:
    """The program; skips, loudly, or fails, without one. `CAREPLANE_LIVEKIT=none` says that it
    could not be built on this machine: that skips in any case."""
    if os.environ.get("CAREPLANE_LIVEKIT") == "none":
        pytest.skip("needs livekit-server, which could not be built here")
    found = _found()
    if not found:
        missing("livekit-server; install it or set CAREPLANE_LIVEKIT (CONTRIBUTING.md)")
    return found


def rooms_token() -> str:
    """To see which rooms there are; Careplane itself has no need of it."""
    now = system_clock() // 1_000_000
    claims = {"iss": KEY, "nbf": now, "exp": now + 60, "video": {"roomList": True}}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.encode()))


def _found() -> str:
    named = os.environ.get("CAREPLANE_LIVEKIT") or shutil.which("livekit-server") or ""
    return "" if named == "none" else named


@dataclass
class Real:
    """A server of LiveKit, and who has come in there."""

    port: int
    clock: Clock = system_clock
    sockets: list[Any] = field(default_factory=list)

    def house(self) -> LiveKit:
        """As visits have it."""
        base = f"http://127.0.0.1:{self.port}"
        return LiveKit(self.url, GRANTS, Calls(base, GRANTS, self.clock), b"names", MOST, Ice())

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def come(self, token: str) -> bool:
        """Whether one is let in by this."""
        at = f"{self.url}/rtc?access_token={token}&protocol=15&sdk=js"
        try:
            self.sockets.append(await websockets.connect(at))
        except websockets.InvalidStatus:
            return False
        return True

    async def there(self, room: str) -> set[str]:
        """Who is in a room."""
        calls = self.house().calls
        found = await calls.there(room)
        await calls.close()
        return set(found)

    async def close(self) -> None:
        """All leave."""
        for one in self.sockets:
            await one.close()


@dataclass
class Played:
    """What LiveKit does of the RoomService, by its documentation; `down` while it does not answer,
    `hangs` while it answers by an error."""

    clock: Clock = system_clock
    rooms: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    down: bool = False
    ill: bytes = b""
    url: str = "wss://livekit.test"

    def house(self) -> LiveKit:
        """As visits have it."""
        calls = Calls("http://livekit.test", GRANTS, self.clock, httpx.MockTransport(self._answer))
        return LiveKit(self.url, GRANTS, calls, b"names", MOST, Ice())

    async def come(self, token: str) -> bool:
        """Whether one is let in by this: for a room that is there, and not full."""
        claims = self._claims(token)
        video = claims.get("video", {})
        inside = self.rooms.get(video.get("room", ""))
        if inside is None or not video.get("roomJoin") or len(inside) >= MOST:
            return False
        inside.add(claims["sub"])
        return True

    async def there(self, room: str) -> set[str]:
        """Who is in a room."""
        return self.rooms.get(room, set())

    async def close(self) -> None:
        """All leave."""

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(token, OctKey.import_key(SECRET.encode()), ["HS256"]).claims
        except JoseError:
            return {}
        now = self.clock() // 1_000_000
        good = claims["iss"] == KEY and claims["nbf"] <= now < claims["exp"]
        return claims if good else {}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("nobody listens", request=request)
        if self.ill:
            return httpx.Response(200, content=self.ill)
        video = self._claims(request.headers["authorization"].removeprefix("Bearer "))
        name, asked = (
            request.url.path.rpartition("/")[2],
            httpx.Response(200, content=request.content).json(),
        )
        self.asked.append((name, asked))
        return self._called(name, asked, video.get("video", {}))

    def _called(self, name: str, asked: dict[str, Any], video: dict[str, Any]) -> httpx.Response:
        room = asked.get("name") or asked["room"]
        makes = name in ("CreateRoom", "DeleteRoom")
        if not (
            video.get("roomCreate") if makes else video.get("roomAdmin") and video["room"] == room
        ):
            return httpx.Response(
                401, json={"code": "unauthenticated", "msg": "permissions denied"}
            )
        if name == "CreateRoom":
            self.rooms.setdefault(room, set())
            return httpx.Response(200, json={"name": room})
        inside = self.rooms.get(room)
        if name == "ListParticipants":
            return httpx.Response(
                200, json={"participants": [{"identity": i} for i in inside or ()]}
            )
        if inside is None or (name == "RemoveParticipant" and asked["identity"] not in inside):
            return httpx.Response(404, json={"code": "not_found", "msg": "nothing of this name"})
        if name == "DeleteRoom":
            del self.rooms[room]
        else:
            inside.remove(asked["identity"])
        return httpx.Response(200, json={})


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("livekit-server did not answer")
