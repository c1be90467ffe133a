"""The worker process, started while this one still reads its own modules: neither waits for the
other, and on two cores both take as long as one."""

from __future__ import annotations

from contextlib import suppress

from anyio import BrokenWorkerProcess, to_process


async def worker() -> None:
    """One that `Workers` finds waiting, on the same event loop. Wait for it before `Workers` are
    asked for anything: they would start another, as they do where this one dies."""
    with suppress(BrokenWorkerProcess):
        await to_process.run_sync(_read)


def _read() -> None:
    from careplane.app import interpreter

    interpreter.hasten()
    from careplane.app import workers

    workers.settled()
