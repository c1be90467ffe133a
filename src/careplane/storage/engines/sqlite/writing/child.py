"""python -m careplane.storage.engines.sqlite.writing.child: the process that writes.

It ends when its other end closes, having committed what it was sent; signals that are meant for the
server do not end it before.
"""

from __future__ import annotations

import gc
import select
import signal
import socket
from contextlib import suppress
from pathlib import Path

from careplane.storage.engines.sqlite.writing import wire
from careplane.storage.engines.sqlite.writing.commit import Committer
from careplane.storage.engines.sqlite.writing.job import GROUP_PUTS, Job

_AT_ONCE = 1 << 20
_YOUNG_OBJECTS = 50_000


class _Inbox:
    """The jobs that come through a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = wire.Frames()

    def next(self, *, wait: bool) -> bytes | None:
        """The next frame. None at the end; without `wait` also where no whole one has come."""
        while (found := self._frames.next()) is None:
            if not wait and not select.select([self._connection], [], [], 0)[0]:
                return None
            data = self._connection.recv(_AT_ONCE)
            if not data:
                return None
            self._frames.feed(data)
        return found

    def group(self) -> list[tuple[int, Job]]:
        """What waits, up to a limit; nothing at the end."""
        found: list[tuple[int, Job]] = []
        weight = 0
        while weight < GROUP_PUTS:
            data = self.next(wait=not found)
            if data is None:
                break
            number, job = wire.read_ask(data)
            found.append((number, job))
            weight += job.weight
        return found


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    connection = socket.socket(fileno=0)
    inbox = _Inbox(connection)
    first = inbox.next(wait=True)
    if first is None:
        return
    asked = wire.read_opening(first)
    committer = Committer(Path(asked.path), asked.key, asked.cache_kib)
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    while group := inbox.group():
        answers = committer.commit([job for _, job in group])
        replies = [wire.reply(n, answer) for (n, _), answer in zip(group, answers, strict=True)]
        # Where nobody is there to hear it, what was sent before is committed all the same.
        with suppress(OSError):
            connection.sendall(b"".join(replies))
    committer.close()


if __name__ == "__main__":
    main()
