"""Readers on threads, for searches that take longer than the event loop should wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlcipher3 import dbapi2

from careplane.storage.engines.sqlite.faults import complaints
from careplane.storage.engines.sqlite.reader import Reader

T = TypeVar("T")
THREADS = 2


class ReaderPool:
    """A few threads, each with a connection that it opens at its first search. `stopped` counts
    those that took longer than they may."""

    def __init__(self, open_reader: Callable[[], Reader], seconds: float) -> None:
        self._open = open_reader
        self._seconds = seconds
        self._mine = threading.local()
        self._readers: list[Reader] = []
        self.stopped = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="careplane-search")

    async def ask(self, question: Callable[[Reader], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._answer, question
        )

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for reader in self._readers:
            reader.connection.close()

    def _answer(self, question: Callable[[Reader], T]) -> T:
        with complaints():
            reader = self._reader()
            try:
                with reader.within(self._seconds):
                    return question(reader)
            except dbapi2.OperationalError as error:
                self.stopped += "interrupted" in str(error)
                raise

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._mine, "reader", None)
        if reader is None:
            reader = self._mine.reader = self._open()
            self._readers.append(reader)
        return reader
