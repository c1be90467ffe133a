"""Going in three steps when the server gets SIGTERM: `/readyz` answers 503, so that load balancers
send newcomers elsewhere; after `drain_seconds` nothing listens any more, and requests under way get
`grace_seconds` to end; then the store is closed.

The first step is here: the head of the server tells its workers by a signal. Granian does the rest.
SIGINT, which a terminal sends to every process at once, and a second SIGTERM go without the wait.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from granian.server.mp import MPServer

DRAIN = signal.SIGUSR1
"""What a worker takes for: send newcomers elsewhere."""


class DrainingServer(MPServer):
    """Granian's server, which waits between the signal and the end. `started` is called when the
    workers are there."""

    def __init__(
        self, *args: Any, drain_seconds: float, started: Callable[[], None], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._started = started
        self._drain_seconds = drain_seconds
        self._told = False
        signal.signal(DRAIN, signal.SIG_IGN)  # until a worker is up it bears the signal, by this

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        """What Granian calls first."""
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # Granian's
        self._started()

    def signal_handler_interrupt(
        self, number: int = signal.SIGTERM, frame: FrameType | None = None
    ) -> None:
        """What Granian calls for SIGINT and SIGTERM."""
        if self._told or number != signal.SIGTERM or not self._drain_seconds:
            self._go()
            return
        self._told = True
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker._id(), DRAIN)  # type: ignore[no-untyped-call]  # Granian's
        later = threading.Timer(self._drain_seconds, self._go)
        later.daemon = True
        later.start()

    def _go(self) -> None:
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # Granian's
