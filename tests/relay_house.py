"""A TURN server on loopback, coturn, and a line to it that loses packets."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import missing

SECRET = "between us two"
_SECONDS = 20.0
_ATTEMPTS = 3
_LONGEST = 65_535


def settings(port: int) -> dict[str, str]:
    """Of a server whose visits go through the relay at this port, and in no other way."""
    return {
        "CAREPLANE_TURN_URLS": f"turn:127.0.0.1:{port}?transport=udp",
        "CAREPLANE_TURN_SECRET": SECRET,
        "CAREPLANE_TURN_SECONDS": "300",
        "CAREPLANE_TURN_ONLY": "true",
    }


@contextlib.contextmanager
def coturn(folder: Path) -> Iterator[int]:
    """The relay, until the block ends; its port."""
    found = shutil.which("turnserver")
    if not found:
        missing("coturn (Debian: coturn)")
    for _ in range(_ATTEMPTS):
        port = _free()
        relay = _started(found, folder, port)
        try:
            if _answers(relay, port):
                yield port
                return
        finally:
            relay.terminate()
            relay.wait(10)
    raise RuntimeError("coturn did not answer")


def _started(found: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    told = [
        found, "-n", "--no-cli", "--no-tls", "--no-dtls", "--use-auth-secret",
        f"--static-auth-secret={SECRET}", "--realm=careplane.test", "--fingerprint",
        "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}",
        "--min-port=49160", "--max-port=49960", "--allow-loopback-peers",
        f"--log-file={folder / 'turn.log'}", "--simple-log", f"--pidfile={folder / 'turn.pid'}",
    ]  # fmt: skip
    return subprocess.Popen(told, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _free() -> int:
    """A port that nobody listens at by UDP, nor by TCP, where coturn listens as well; another may
    take it until then."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        stream.bind(("127.0.0.1", 0))
        port = int(stream.getsockname()[1])
        datagrams.bind(("127.0.0.1", port))
        return port


def _answers(relay: subprocess.Popen[bytes], port: int) -> bool:
    """Whether a STUN binding request (RFC 8489, 6) is answered before its time is over."""
    asked = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    end = time.monotonic() + _SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect(("127.0.0.1", port))
        while time.monotonic() < end and relay.poll() is None:
            with contextlib.suppress(OSError):
                probe.send(asked)
                probe.recv(1500)
                return True
            time.sleep(0.05)
    return False


class Lossy:
    """A way to the relay that loses a part of what goes through it, either way: each client has a
    socket of its own towards the relay, so that the relay tells them apart."""

    def __init__(self, relay: int) -> None:
        self.lost = 0.0
        self.passed = 0
        self._relay = ("127.0.0.1", relay)
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self._chance = random.Random(7)
        self._over = False
        self._forwarding = threading.Thread(target=self._forward, daemon=True)
        self._forwarding.start()

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    def close(self) -> None:
        """Nothing goes through any more."""
        self._over = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))  # wakes who waits
        self._forwarding.join()
        for back in self._backs.values():
            with contextlib.suppress(OSError):
                back.shutdown(socket.SHUT_RDWR)
            back.close()
        self._front.close()

    def _forward(self) -> None:
        while True:
            data, client = self._front.recvfrom(_LONGEST)
            if self._over:
                return
            back = self._backs.get(client)
            if back is None:
                back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.connect(self._relay)
                self._backs[client] = back
                threading.Thread(target=self._back, args=(back, client), daemon=True).start()
            if self._kept():
                with contextlib.suppress(OSError):
                    back.send(data)

    def _back(self, back: socket.socket, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            while not self._over:
                data = back.recv(_LONGEST)
                if self._kept():
                    self._front.sendto(data, client)

    def _kept(self) -> bool:
        if self._chance.random() < self.lost:
            return False
        self.passed += 1
        return True
