"""Spans and log lines: what they tell, and what they never tell."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from playing import KINDS, play
from site_pages import Pages, to

from surehop import Client, HTTPError, Retry
from surehop.httpx import Transport
from surehop.lab.origins import Fault, Origin
from surehop.requests import Adapter
from surehop.retry import no_delay

SECRETS = ("hush", "me:", "Bearer", "a-token", "cookie-value", "in-the-body")


class Spans:
    """What was exported, in the order of their beginnings."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def all(self) -> list[ReadableSpan]:
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def told(self, name: str) -> list[Any]:
        return [(span.attributes or {}).get(name) for span in self.all()]


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.provider.shutdown()


@pytest.mark.parametrize("kind", KINDS)
def test_a_span_by_the_conventions(kind: str, spans: Spans) -> None:
    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        play(kind, lambda player: player.get(f"{url}?key=hush"), tracing=spans.provider)
    (span,) = spans.all()
    assert (span.name, span.kind) == ("GET", trace.SpanKind.CLIENT)
    assert span.attributes == {
        "http.request.method": "GET",
        "url.full": url,
        "server.address": "127.0.0.1",
        "server.port": origin.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": origin.port,
        "http.response.status_code": 200,
        "surehop.reused": False,
        "surehop.reason": "ok",
    }
    assert span.status.is_ok


@pytest.mark.parametrize("kind", KINDS)
def test_one_an_attempt(kind: str, spans: Spans) -> None:
    retry = Retry(2, delay=no_delay)
    with Origin(faults=[Fault("rst", times=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        play(kind, lambda player: player.get(url), tracing=spans.provider, retry=retry)
    assert spans.told("http.request.resend_count") == [None, 1, 2]
    assert spans.told("error.type") == ["reset", "reset", None]
    assert spans.told("http.response.status_code") == [None, None, 200]
    assert [span.status.is_ok for span in spans.all()] == [False, False, True]
    for span in spans.all():
        assert (span.start_time or 0) <= (span.end_time or 0)


def test_waits_lie_between_spans(spans: Spans) -> None:
    retry = Retry(1, delay=lambda _count, _error: 0.05)
    with (
        Origin(faults=[Fault("fin", times=1)]) as origin,
        Client(tracing=spans.provider, retry=retry) as client,
    ):
        client.get(f"http://127.0.0.1:{origin.port}/x")
    first, second = spans.all()
    assert (second.start_time or 0) - (first.start_time or 0) >= 49_000_000  # ns


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure(kind: str, spans: Spans) -> None:
    with Origin(faults=[Fault("fin")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(HTTPError) as failed:
            play(kind, lambda player: player.post(url), tracing=spans.provider)
    (span,) = spans.all()
    assert spans.told("error.type") == ["ECONNRESET"]
    assert span.status.description == str(failed.value)


def test_nobody_answers(spans: Spans) -> None:
    with Client(tracing=spans.provider) as client, pytest.raises(HTTPError):
        client.get("http://nobody.invalid/")
    assert spans.told("error.type") == ["ENOTFOUND"]


def test_an_error_status_and_a_method_of_one_s_own(spans: Spans) -> None:
    with Origin(status=404) as origin, Client(tracing=spans.provider) as client:
        client.request("BREW", f"http://127.0.0.1:{origin.port}/x")
    assert [span.name for span in spans.all()] == ["HTTP"]
    assert spans.told("http.request.method_original") == ["BREW"]
    assert spans.told("error.type") == ["404"]


def test_the_context_goes_along(spans: Spans) -> None:
    tracer = spans.provider.get_tracer("test")
    with (
        Pages(away=to("/page")) as pages,
        tracer.start_as_current_span("outer") as outer,
        Client(tracing=spans.provider, follow_redirects=True) as client,
    ):
        client.get(f"{pages.url}/away")
    gone = [span for span in spans.all() if span.name == "GET"]
    for span, asked in zip(gone, pages.seen, strict=True):
        carried = trace.get_current_span(propagate.extract(dict(asked.headers.items())))
        assert span.context is not None
        assert carried.get_span_context().span_id == span.context.span_id
        assert span.parent is not None
        assert span.parent.span_id == outer.get_span_context().span_id


def test_under_other_libraries_clients(spans: Spans) -> None:
    session = requests.Session()
    session.mount("http://", Adapter(tracing=spans.provider))
    transport = Transport(tracing=spans.provider)
    with Origin() as origin, session, httpx.Client(transport=transport) as client:
        url = f"http://127.0.0.1:{origin.port}/x"
        session.get(url)
        client.get(url)
    assert spans.told("url.full") == [url, url]


def test_what_tracing_is_told() -> None:
    with pytest.raises(TypeError, match="`tracing` is True or a `TracerProvider`, not `3`"):
        Client(tracing=3)  # type: ignore[arg-type]
    with Origin() as origin, Client(tracing=True) as client:
        assert client.get(f"http://127.0.0.1:{origin.port}").status_code == 200


def test_nothing_is_imported_unless_it_is_asked_for() -> None:
    code = (
        "import sys, surehop; surehop.Client().close();"
        "print([name for name in ('opentelemetry', 'httpx', 'requests', 'urllib3', 'trio')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("kind", KINDS)
def test_logs_and_spans_tell_no_secret(
    kind: str, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {
        "headers": {"Authorization": "Bearer a-token"},
        "cookies": {"a": "cookie-value"},
        "content": b"in-the-body",
    }

    async def script(player: Any) -> None:
        base = f"http://me:hush@127.0.0.1:{origin.port}"
        await player.get(f"{base}/x?key=hush")
        await player.post(f"{base}/x?key=hush", **options)
        with pytest.raises(HTTPError):
            await player.post(f"{base}/fails?key=hush", **options)

    caplog.set_level(logging.DEBUG, logger="surehop")
    with Origin(faults=[Fault("rst", path="/fails")]) as origin:
        play(kind, script, tracing=spans.provider)
        url = f"http://127.0.0.1:{origin.port}/x"
    lines = [record.getMessage() for record in caplog.records if record.name == "surehop"]
    assert lines[:2] == [f"GET {url} HTTP/1.1 200", f"POST {url} HTTP/1.1 200"]
    assert len(spans.all()) == 3
    told = "\n".join([*lines, *(span.to_json() for span in spans.all())])
    assert [secret for secret in SECRETS if secret in told] == []
