"""Memory by what a process is, whoever of its threads has started the others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from careplane.app.operations.memory import resident
from tests.support import missing

_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"


def test_all_that_it_has_started_count() -> None:
    if not os.path.exists("/proc/self/stat"):
        missing("/proc, where processes are listed")
    started: list[subprocess.Popen[bytes]] = []
    ended = threading.Event()

    def start() -> None:
        started.append(subprocess.Popen([sys.executable, "-c", _CHILD], stdin=subprocess.PIPE))
        ended.wait(30)

    thread = threading.Thread(target=start)
    thread.start()
    try:
        while not started or "helper" not in resident(os.getpid()):
            assert not ended.wait(0.01)
        found = resident(os.getpid())
        assert min(found["head"], found["worker"], found["helper"]) > 1e6
    finally:
        ended.set()
        thread.join()
        started[0].communicate(b"\n")
    assert resident(started[0].pid) == {}
