"""The worker process, started while this one still reads its own modules: neither waits for the
other, and on two cores both take as long as one."""

from __future__ import annotations

from anyio import to_process


async def worker() -> None:
    """One that `Workers` finds waiting, on the same event loop. Wait for it before `Workers` are
    asked for anything: they would start another."""
    await to_process.run_sync(_read)


def _read() -> None:
    from careplane.app import workers

    workers.settled()
