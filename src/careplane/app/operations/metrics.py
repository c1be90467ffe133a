"""The port on which the head of a server shows its metrics to Prometheus, and the folder in which
its workers report to it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from careplane.app.operations.exposition import Exposition
from careplane.app.operations.gathering import Gathering
from careplane.app.operations.reports import ENVIRONMENT
from careplane.app.tls import Tls
from careplane.kernel.errors import Conflict


class Metrics:
    """The head's end. Raises Conflict where the address cannot be had."""

    def __init__(self, host: str, port: int, tls: Tls | None = None) -> None:
        self._address = host, port
        self._tls = tls
        _check(host, port)
        self._folder = Path(tempfile.mkdtemp(prefix="careplane-"))
        os.environ[ENVIRONMENT] = str(self._folder)
        self._server: tuple[WSGIServer, threading.Thread] | None = None

    def start(self) -> None:
        """Listen; once the workers are there, so that they do not inherit the socket."""
        registry = CollectorRegistry()
        registry.register(Exposition(Gathering(self._folder)))
        host, port = self._address
        secured = self._tls.for_metrics() if self._tls else {}
        self._server = start_http_server(port, host, registry, **secured)

    def stop(self) -> None:
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)


def _check(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"Metrics cannot be shown at {host}:{port}: {error.strerror}."
            raise Conflict(text) from error
