"""Commands in processes of their own that need not read a thousand modules first.

A process imports `careplane` once and is forked for each command, which has words, environment,
standard streams and exit code of its own, as one that a shell starts. The process that is forked
has one thread and keeps nothing of a command; it ends when whoever asks has ended.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
_LONGEST = 1 << 17
"""Bytes of a request: words, environment and folder."""
_SERVING = (
    "anyio._backends._asyncio", "careplane.app.asgi", "careplane.app.serving",
    "careplane.fhir.validation", "careplane.web.routes", "concurrent.futures.thread", "granian",
    "httpx", "jinja2.ext", "structlog", "uvloop",
)  # fmt: skip
"""What a server reads besides."""


class Started:
    """A command that goes on by itself, to be handled as `subprocess.Popen` is."""

    def __init__(self, words: Sequence[str], pid: int, watcher: socket.socket) -> None:
        self.pid = pid
        self._words, self._watcher = words, watcher
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it goes on."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; raises TimeoutExpired after so many seconds."""
        if self.returncode is None:
            if not select.select([self._watcher], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(list(self._words), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._watcher.recv(9)))
            self._watcher.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """To it alone, if it has not ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # which is told of next
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    words: list[str], environment: Mapping[str, str], stdin: bytes = b"", timeout: float = 100
) -> subprocess.CompletedProcess[bytes]:
    """Run `careplane` with these words and no environment but this. Raises TimeoutExpired, and
    kills it, after so many seconds."""
    with ExitStack() as open_files:
        streams = [open_files.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(stdin)
        streams[0].seek(0)
        started = _forked(words, environment, [one.fileno() for one in streams])
        try:
            code = started.wait(timeout)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            raise
        for one in streams:
            one.seek(0)
        return subprocess.CompletedProcess(words, code, streams[1].read(), streams[2].read())


def start(words: Sequence[str], environment: Mapping[str, str]) -> Started:
    """The same for one that goes on, such as a server. It reads nothing and says nothing, but for
    errors, which go where ours go."""
    with open(os.devnull, "r+b") as nothing:
        return _forked(words, environment, [nothing.fileno(), nothing.fileno(), 2])


def _forked(words: Sequence[str], environment: Mapping[str, str], streams: list[int]) -> Started:
    told = json.dumps([list(words), dict(environment), os.getcwd()]).encode()
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_door(), [told], [*streams, theirs.fileno()])
    return Started(words, int(ours.recv(9)), ours)


@cache
def _door() -> socket.socket:
    """Where the process that is forked hears of commands. It starts at the first one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tools.warm", str(theirs.fileno())]
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
        started = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()])
    atexit.register(_end, ours, started)
    return ours


def _end(door: socket.socket, started: subprocess.Popen[bytes]) -> None:
    door.close()
    started.wait(10)


def _serve(door: socket.socket) -> bool:
    """Fork for each command. True in a process that is one; False when nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    while True:
        told, streams, _, _ = socket.recv_fds(door, _LONGEST, 4)
        if not told:
            return False
        if not os.fork():
            door.close()
            if _watch(socket.socket(fileno=streams.pop())):
                _become(told, streams)
                return True
        for one in streams:
            os.close(one)


def _watch(asker: socket.socket) -> bool:
    """True in the command; whoever watches it tells its id and how it ended, and ends as well."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if not pid:
        asker.close()
        return True
    with suppress(OSError):  # whoever asked may have ended
        asker.send(b"%9d" % pid)
        asker.send(b"%9d" % os.waitpid(pid, 0)[1])
    os._exit(0)


def _become(told: bytes, streams: list[int]) -> None:
    words, environment, folder = json.loads(told)
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["careplane", *words]


def _main() -> None:
    from careplane.app import interpreter

    interpreter.hasten()
    from careplane.app import build, cli
    from careplane.search.registry import r4_registry
    from careplane.storage.engines import postgres, sqlite

    assert build
    r4_registry()
    for name in (*_SERVING, *_below(cli)):
        import_module(name)
    for engine in (postgres, sqlite):
        assert all(getattr(engine, name) for name in engine.__all__)  # which reads its file
    gc.freeze()  # what a fork does not touch it does not copy
    if _serve(socket.socket(fileno=int(sys.argv[1]))):
        _leave(_code_of(cli.main))


def _below(package: ModuleType) -> list[str]:
    return [one.name for one in iter_modules(package.__path__, f"{package.__name__}.")]


def _code_of(command: Callable[[], None]) -> int:
    """How a command ends, as Python would end it."""
    try:
        command()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> NoReturn:
    """What is to be done at the end is done; a thousand modules are not taken apart one by one."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _main()
