"""A Careplane server of the bench's own: one worker on a data folder, started as a user would."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import warm

RESERVE = "reserve"
"""The file that keeps room on the disk (storage/engines/sqlite/room.py)."""
_COMPILES_ANEW = "PYTHONDONTWRITEBYTECODE"
"""With it every start would compile every file again, which no installation does."""
_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp (proc(5))."""
CAREPLANE = [sys.executable, "-m", "careplane"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != _COMPILES_ANEW}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its base address, a token for everything, how long it took from the
    command to the first answer (seconds), and the process at its head."""

    base: str
    token: str
    started: float
    process: subprocess.Popen[bytes] | warm.Started

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        for pid in reversed(_family(self.process.pid)):
            os.kill(pid, number)

    def serving(self) -> list[int]:
        """The processes that answer requests: children of the one at the head."""
        return _children(self.process.pid)

    def memory(self) -> float:
        """Resident memory of all its processes, in MB; a page that several of them share counts
        once (proportional set size, proc(5))."""
        return sum(_resident(pid) for pid in _family(self.process.pid)) / 1e6


def command(*words: str, data: Path, database: str = "") -> str:
    """Run one careplane command on a data folder, or a database; its output."""
    environment = {**ENVIRONMENT, "CAREPLANE_DATABASE": database}
    done = warm.run([*words, "--data", str(data)], environment)
    if done.returncode:
        raise SystemExit(f"careplane {words[0]} failed: {done.stderr.decode()}")
    return done.stdout.decode()


def started(*words: str, data: Path, database: str = "") -> None:
    """The same in a process that reads its modules itself, as one that a shell starts."""
    subprocess.run(
        [*CAREPLANE, *words, "--data", str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**ENVIRONMENT, "CAREPLANE_DATABASE": database},
    )


def search(running: Server, path: str) -> Iterator[dict[str, Any]]:
    """The resources of a search, all pages of it."""
    url: str | None = f"{running.base}{path}"
    while url:
        with urllib.request.urlopen(_request(url, running.token), timeout=30) as answer:
            bundle = json.load(answer)
        yield from (entry["resource"] for entry in bundle.get("entry", ()))
        url = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)


def _request(url: str, token: str) -> urllib.request.Request:
    return urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})


def size(data: Path) -> int:
    """Bytes on disk below a data folder, without what is kept free there."""
    files = (path for path in data.rglob("*") if path.is_file() and path.name != RESERVE)
    return sum(path.stat().st_size for path in files)


@contextmanager
def serving(
    data: Path,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
    rights: Sequence[str] = ("--scope", "system/*.cruds"),
) -> Iterator[Server]:
    """A server on a data folder, until the block ends. `settings`: more of its environment;
    `program`: one that reads its modules itself and takes the same words, such as CAREPLANE;
    `rights`: of its token."""
    database = (settings or {}).get("CAREPLANE_DATABASE", "")
    token = command("token", *rights, data=data, database=database).strip()
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    began = time.perf_counter()
    words = ["serve", "--data", str(data), "--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **ENVIRONMENT,
        "CAREPLANE_LOG_LEVEL": "warning",
        "CAREPLANE_WORKERS": str(workers),
        **(settings or {}),
    }
    process = _begun(program, words, environment)
    try:
        _until_it_answers(process, base, token)
        started = time.perf_counter() - began
        _until_all_listen(port, workers)
        yield Server(base, token, started, process)
    finally:
        process.terminate()
        process.wait(30)


def _begun(
    program: Sequence[str], words: list[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes] | warm.Started:
    if not program:
        return warm.start(words, environment)
    return subprocess.Popen([*program, *words], stdout=subprocess.DEVNULL, env=environment)


def _until_it_answers(
    process: subprocess.Popen[bytes] | warm.Started, base: str, token: str
) -> None:
    request = _request(f"{base}/Patient?_count=1", token)
    for _ in range(3000):
        if process.poll() is not None:
            raise SystemExit(f"The server ended with code {process.returncode}.")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                json.load(answer)
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise SystemExit("The server did not answer within 30 seconds.")


def _until_all_listen(port: int, workers: int) -> None:
    """Each process that answers requests has a socket of its own (SO_REUSEPORT)."""
    for _ in range(3000):
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        local = [line.split()[1] for line in lines if line.split()[3] == _LISTENS]
        if sum(int(address.split(":")[1], 16) == port for address in local) >= workers:
            return
        time.sleep(0.01)
    raise SystemExit("Not all processes of the server listened within 30 seconds.")


def until_open(process: subprocess.Popen[bytes] | warm.Started, port: int) -> None:
    """Wait for a server to listen."""
    for _ in range(3000):
        if process.poll() is not None:
            raise SystemExit(f"The server ended with code {process.returncode}.")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.01)
    raise SystemExit("The server did not listen within 30 seconds.")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(pid: int) -> list[int]:
    return [pid, *(one for child in _children(pid) for one in _family(child))]


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _resident(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
