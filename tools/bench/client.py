"""A load generator over plain HTTP/1.1 connections: as little work a request as Python allows, so
that one core can keep a server on the other busy. One request at a time on each connection."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """A response: its status, head and body."""

    status: int
    head: bytes
    body: bytes


class Target(NamedTuple):
    """A FHIR server: where it listens, the path of its base, and the token it wants."""

    host: str
    port: int
    tls: bool
    path: str
    token: str | None

    @classmethod
    def of(cls, base: str, token: str | None) -> Target:
        url = urlsplit(base)
        tls = url.scheme == "https"
        port = url.port or (443 if tls else 80)
        return cls(url.hostname or "", port, tls, url.path.rstrip("/"), token)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The bytes of one request for a path below the base."""
        head = [
            f"{method} {self.path}{path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Accept: application/fhir+json",
        ]
        if self.token:
            head.append(f"Authorization: Bearer {self.token}")
        if body:
            head += ["Content-Type: application/fhir+json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(slots=True)
class Sample:
    """What one run of load found. Latencies are in milliseconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        if len(self.latencies) < 2:
            return self.latencies[0] if self.latencies else float("nan")
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last is whole."""

    def __init__(self, following: Callable[[], bytes | None], took: Callable[..., None]) -> None:
        self._following = following
        self._took = took
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        request = self._following()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        answer = split_answer(self._buffer)
        if answer is None:
            return
        self._buffer = b""
        self._took((time.perf_counter() - self._sent) * 1000, answer)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def split_answer(data: bytes) -> Answer | None:
    """A whole response out of what has arrived, or None while some is missing."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, body = data[:end], data[end + 4 :]
    status = int(head[9:12])
    folded = head.lower()
    at = folded.find(b"content-length:")
    if at >= 0:
        length = int(folded[at + 15 :].split(b"\r\n", 1)[0])
        return Answer(status, head, body) if len(body) >= length else None
    if b"transfer-encoding: chunked" in folded:
        return Answer(status, head, body) if body.endswith(b"0\r\n\r\n") else None
    return Answer(status, head, b"")


async def load(
    target: Target,
    requests: Iterator[bytes],
    *,
    connections: int,
    seconds: float,
    good: frozenset[int] = frozenset({200, 201}),
    keep: Callable[[Answer], None] | None = None,
) -> Sample:
    """Keep `connections` busy with `requests` until they or the `seconds` end."""
    started = time.perf_counter()
    sample = Sample(seconds)

    def following() -> bytes | None:
        if time.perf_counter() - started >= seconds:
            return None
        return next(requests, None)

    def took(millis: float, answer: Answer) -> None:
        if answer.status in good:
            sample.latencies.append(millis)
        else:
            sample.failures.append(answer)
        if keep is not None:
            keep(answer)

    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: _Connection(following, took), target.host, target.port, ssl=target.tls or None
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    sample.seconds = time.perf_counter() - started
    return sample
