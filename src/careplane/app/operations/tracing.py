"""OpenTelemetry: a span for each request and for the steps of a write, where
OTEL_EXPORTER_OTLP_ENDPOINT names a collector and the extra `otel` is installed; otherwise nothing.

Attributes are those of the metrics (see exposition). Exceptions are noted by their kind alone,
since their words may quote a request.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from careplane.app.dispatch import App, Receive, Scope, Send
from careplane.kernel.steps import Step, unwatched
from careplane.rest.watch import Seen, Watch

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_log = logging.getLogger(__name__)


class Tracing:
    """The spans of one process, and where they go."""

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "careplane")})
        self._provider: TracerProvider = TracerProvider(resource=named)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("careplane")
        self._current = trace.get_current_span
        self._server = trace.SpanKind.SERVER
        self._known = TraceContextTextMapPropagator()

    def requests(self, app: App) -> App:
        """The same application, a span around each request; part of the client's trace, if any."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            sent = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
            parent = self._known.extract(sent)
            with self._span("request", context=parent, kind=self._server):
                await app(scope, receive, send)

        return application

    def step(self, name: str) -> AbstractContextManager[object]:
        """A span inside of the request's (kernel.steps.Step)."""
        return self._span(name)

    def also(self, watch: Watch) -> Watch:
        """Name the request's span by what it was, and go on to `watch`."""

        def both(seen: Seen, status: int, seconds: float) -> None:
            span = self._current()
            span.update_name(seen.interaction)
            span.set_attributes({"http.response.status_code": status, "tenant": seen.tenant})
            watch(seen, status, seconds)

        return both

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    @contextmanager
    def _span(self, name: str, **more: Any) -> Iterator[None]:
        started = self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **more
        )
        with started as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise


class Untraced:
    """Where there is no collector: nothing is done, and nothing is in the way."""

    def requests(self, app: App) -> App:
        return app

    @property
    def step(self) -> Step:
        return unwatched

    def also(self, watch: Watch) -> Watch:
        return watch

    def close(self) -> None:
        """Nothing is open."""


def opened(environment: Mapping[str, str]) -> Tracing | Untraced:
    """By the variables that OpenTelemetry specifies."""
    if not environment.get(ENDPOINT):
        return Untraced()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.error("%s is set, and careplane[otel] is not installed: nothing is traced", ENDPOINT)
        return Untraced()
    return Tracing(BatchSpanProcessor(OTLPSpanExporter()))
