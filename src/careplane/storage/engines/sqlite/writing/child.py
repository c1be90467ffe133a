"""python -m careplane.storage.engines.sqlite.writing.child FOLDER: the process that writes.

It serves every process on its data folder, commits what waits of all of them together, and ends
when the last has gone, having committed what it was sent. Signals that are meant for the server do
not end it before.
"""

from __future__ import annotations

import gc
import hmac
import selectors
import signal
import socket
import sys
from pathlib import Path

from careplane.storage.engines.sqlite.writing import meeting, wire
from careplane.storage.engines.sqlite.writing.commit import Committer
from careplane.storage.engines.sqlite.writing.job import GROUP_PUTS, Job

_AT_ONCE = 1 << 20
_HELD = 1 << 24
"""Bytes of one client that wait here; more wait on its side."""
_FIRST_SECONDS = 30.0
"""How long whoever started this process may take to come."""
_YOUNG_OBJECTS = 50_000


class _Client:
    """One process that sends units: what came of it, and what it has not heard yet."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.opening: wire.Opening | None = None
        self.frames = wire.Frames()
        self.waiting = bytearray()
        self.hung_up = False

    @property
    def events(self) -> int:
        """What to wait for."""
        full = self.frames.ready and self.frames.held >= _HELD
        reading = not self.hung_up and not full
        wanted = selectors.EVENT_READ if reading else 0
        return wanted | (selectors.EVENT_WRITE if self.waiting else 0)

    @property
    def done(self) -> bool:
        return self.hung_up and not self.waiting and not self.frames.ready

    def read(self) -> None:
        try:
            data = self.connection.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.frames.feed(data)
        self.hung_up = not data

    def write(self) -> None:
        """Where nobody is there to hear it, what was sent before is committed all the same."""
        try:
            while self.waiting:
                del self.waiting[: self.connection.send(self.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting.clear()


class _Service:
    """The clients of one folder, and the connection that writes for them."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self._folder = folder
        self._listener = listener
        self._clients: list[_Client] = []
        self._opening: wire.Opening | None = None
        self._committer: Committer | None = None

    def run(self) -> None:
        """Until the last client has gone."""
        self._accept(_FIRST_SECONDS)
        while True:
            self._exchange()
            group = self._group()
            if group:
                self._commit(group)
            self._part()
            if not self._clients and self._ended():
                break
        if self._committer is not None:
            self._committer.close()

    def _exchange(self) -> None:
        """Take what has come and send what can be sent; wait where there is nothing to do."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            for client in self._clients:
                if client.events:
                    selector.register(client.connection, client.events, client)
            idle = not any(c.frames.ready or c.done for c in self._clients)
            for key, events in selector.select(None if idle else 0):
                if key.data is None:
                    self._accept(0)
                    continue
                if events & selectors.EVENT_READ:
                    key.data.read()
                if events & selectors.EVENT_WRITE:
                    key.data.write()

    def _accept(self, seconds: float) -> None:
        self._listener.settimeout(seconds)
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, TimeoutError):
            return
        self._clients.append(_Client(connection))

    def _group(self) -> list[tuple[_Client, int, Job]]:
        """What waits of all clients in turn, up to a limit."""
        found: list[tuple[_Client, int, Job]] = []
        weight, more = 0, True
        while more and weight < GROUP_PUTS:
            more = False
            for client in self._clients:
                data = client.frames.next()
                if data is None:
                    continue
                more = True
                if client.opening is None:
                    self._open(client, data)
                    continue
                number, job = wire.read_ask(data)
                found.append((client, number, job))
                weight += job.weight
        return found

    def _open(self, client: _Client, data: bytes) -> None:
        asked = wire.read_opening(data)
        if self._opening is None:
            self._opening = asked
            self._committer = Committer(Path(asked.path), asked.key, asked.cache_kib)
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
        elif not hmac.compare_digest(asked.key, self._opening.key):
            client.hung_up = True
            client.frames = wire.Frames()
            client.waiting += wire.say(wire.Word.REFUSED)
            return
        client.opening = asked
        client.waiting += wire.say(wire.Word.HELLO)

    def _commit(self, group: list[tuple[_Client, int, Job]]) -> None:
        assert self._committer is not None
        answers = self._committer.commit([job for _, _, job in group])
        for (client, number, _), answer in zip(group, answers, strict=True):
            client.waiting += wire.reply(number, answer)
        for client in {id(client): client for client, _, _ in group}.values():
            client.write()

    def _part(self) -> None:
        """Let go of those that have hung up and heard everything; the last one is told that this
        process ends, unless another has come in the meantime."""
        for client in [client for client in self._clients if client.done]:
            self._clients.remove(client)
            if not self._clients and self._ended():
                client.waiting += wire.say(wire.Word.BYE)
                client.write()
            client.connection.close()

    def _ended(self) -> bool:
        """Whether nobody is on the way here; then nobody can come any more."""
        if self._listener.fileno() < 0:
            return True
        with meeting.locked(self._folder):
            self._accept(0)
            if self._clients:
                return False
            meeting.leave(self._folder)
            self._listener.close()
            return True


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _Service(Path(sys.argv[1]), socket.socket(fileno=0)).run()


if __name__ == "__main__":
    main()
