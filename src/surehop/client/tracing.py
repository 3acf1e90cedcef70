"""OpenTelemetry: a client span for each attempt, by the semantic conventions for HTTP.

Imported only where a client is told `tracing=…`. The headers carry the context of the first
attempt's span: what is sent again is sent as it was.
"""

import time
from typing import Any, Final

try:
    from opentelemetry import propagate, trace
except ImportError as error:
    raise ImportError(
        "`tracing` needs OpenTelemetry\nhint: pip install 'surehop[otel]'", name="opentelemetry"
    ) from error

from surehop.client.parts import DEFAULT_PORTS
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import HTTPError
from surehop.events import Attempt, Verdict

_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"}
)
_FIRST_ERROR: Final = 400


class Tracer:
    """Makes the spans of a client's requests."""

    def __init__(self, told: object) -> None:
        """`told`: True for the process's provider, or a provider."""
        provider: Any = trace.get_tracer_provider() if told is True else told
        if not hasattr(provider, "get_tracer"):
            raise TypeError(f"`tracing` is True or a `TracerProvider`, not `{told!r}`")
        self._tracer: trace.Tracer = provider.get_tracer("surehop")

    def begin(self, request: Request) -> "Spans":
        return Spans(self._tracer, request)


class Spans:
    """Those of one request: the first is begun at once, the others when it is known of them."""

    def __init__(self, tracer: trace.Tracer, request: Request) -> None:
        self._tracer = tracer
        self._attributes = _attributes(request)
        method = self._attributes["http.request.method"]
        self._name = "HTTP" if method == "_OTHER" else method
        self._begun = time.time_ns()
        self._first = self._span(self._begun)
        headers: dict[str, str] = {}
        propagate.inject(headers, trace.set_span_in_context(self._first))
        request.headers.update(headers)

    def answered(self, response: Response) -> None:
        self._end(response.attempts, None)

    def failed(self, error: BaseException) -> None:
        self._end(error.attempts if isinstance(error, HTTPError) else (), error)

    def _span(self, start: int) -> trace.Span:
        return self._tracer.start_span(
            self._name,
            kind=trace.SpanKind.CLIENT,
            attributes=self._attributes,
            start_time=start,
        )

    def _end(self, attempts: tuple[Attempt, ...], error: BaseException | None) -> None:
        now = time.time_ns()
        for count, attempt in enumerate(attempts):
            is_last = attempt is attempts[-1]
            start = min(self._begun + (attempt.after_ms or 0) * 1_000_000, now)
            span = self._span(start) if count else self._first
            _describe(span, attempt)
            if count:
                span.set_attribute("http.request.resend_count", count)
            if is_last and error is not None:
                _fail(span, _name_of(error), str(error))
            elif attempt.verdict is not Verdict.DELIVERED:
                _fail(span, str(attempt.reason), "")
            elif attempt.status and attempt.status >= _FIRST_ERROR:
                _fail(span, str(attempt.status), "")
            took = (attempt.took_ms or 0) * 1_000_000
            span.end(now if is_last else max(start, min(start + took, now)))
        if not attempts:
            if error is not None:
                _fail(self._first, _name_of(error), str(error))
            self._first.end(now)


def _attributes(request: Request) -> dict[str, Any]:
    """Without user and query: what is secret of a URL stands there."""
    url = request.url
    method = request.method if request.method in _METHODS else "_OTHER"
    found: dict[str, Any] = {
        "http.request.method": method,
        "url.full": f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}",
        "server.address": url.host,
        "server.port": url.port or DEFAULT_PORTS.get(url.scheme, 0),
    }
    if method == "_OTHER":
        found["http.request.method_original"] = request.method
    return found


def _describe(span: trace.Span, attempt: Attempt) -> None:
    span.set_attribute("surehop.reused", attempt.reused)
    span.set_attribute("surehop.reason", str(attempt.reason))
    if attempt.status:
        span.set_attribute("http.response.status_code", attempt.status)
    host, _, port = (attempt.remote or "").rpartition(":")
    if host and port.isdigit():
        span.set_attribute("network.peer.address", host.strip("[]"))
        span.set_attribute("network.peer.port", int(port))


def _fail(span: trace.Span, kind: str, said: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(trace.Status(trace.StatusCode.ERROR, said or None))


def _name_of(error: BaseException) -> str:
    code = error.code if isinstance(error, HTTPError) else None
    return code or type(error).__qualname__
