"""Writing: units of work, committed in groups by one writer, on a thread here or in a process of
its own. A thread starts at once, which suits a command; a process has an interpreter to itself,
which suits a server: requests and writes do not wait for each other (decision 0006)."""

from __future__ import annotations

from careplane.storage.engines.sqlite.writing.commit import Committer
from careplane.storage.engines.sqlite.writing.job import Writer
from careplane.storage.engines.sqlite.writing.process import ProcessWriter
from careplane.storage.engines.sqlite.writing.thread import ThreadWriter

__all__ = ["Committer", "ProcessWriter", "ThreadWriter", "Writer"]
