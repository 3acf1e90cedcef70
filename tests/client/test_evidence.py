"""From the native side's report to an exception: class, code and sentence."""

from typing import Any

import pytest

from surehop.client.evidence import error_of
from surehop.client.request import Request
from surehop.errors import (
    CertificateError,
    ConnectError,
    ConnectionClosed,
    ConnectTimeout,
    NoLiveUpstream,
    PoolTimeout,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    ResolveError,
    TLSError,
    TotalTimeout,
    TransportError,
    WriteError,
    WriteTimeout,
)
from surehop.events import Cause, Phase, Reason

REQUEST = Request("GET", "http://me:secret@a:3000/x?token=secret")
POST = Request("POST", "http://a/x")
ATTEMPT: dict[str, Any] = {
    "address": "http://a:3000",
    "family": "ipv4",
    "reused": False,
    "age_ms": 10,
    "idle_ms": 0,
    "requests": 0,
    "hint_ms": None,
    "bytes_sent": 50,
    "bytes_received": 0,
    "errno": 0,
    "phase": "head",
    "cause": "closed",
    "reason": "closed",
    "verdict": "failed",
    "rule": "next_upstream",
    "local": "127.0.0.1:40000",
    "remote": "127.0.0.1:3000",
    "closed": "fin",
}


def report(timeout: str | None = None, error: str = "", **last: Any) -> dict[str, Any]:
    attempt = ATTEMPT | last
    told = {name: attempt[name] for name in ("phase", "cause", "reason", "rule", "errno")}
    return {**told, "name": "a", "error": error, "timeout": timeout, "attempts": [attempt]}


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (report(), ConnectionClosed, "ECONNRESET"),
        (report(cause="reset", reason="reset"), ConnectionClosed, "ECONNRESET"),
        (report(phase="send", cause="reset"), ConnectionClosed, "ECONNRESET"),
        (report(phase="send", cause="other", errno=32), WriteError, "EPIPE"),
        (report(cause="other", errno=113), ReadError, "EHOSTUNREACH"),
        (report(phase="body", reason="truncated"), ConnectionClosed, "ECONNRESET"),
        (report(cause="invalid", reason="invalid"), RemoteProtocolError, "HPE_INVALID_CONSTANT"),
        (report(cause="too_big", reason="too_big"), RemoteProtocolError, "HPE_HEADER_OVERFLOW"),
        (report(phase="connect", cause="refused", reason="refused"), ConnectError, "ECONNREFUSED"),
        (report(phase="connect", cause="unreachable", errno=101), ConnectError, "ENETUNREACH"),
        (report(phase="connect", cause="no_ports"), ConnectError, "EADDRNOTAVAIL"),
        (report(phase="connect", cause="timed_out"), ConnectTimeout, "ETIMEDOUT"),
        (report(phase="connect", reason="no_live"), NoLiveUpstream, "ERR_NO_LIVE_UPSTREAM"),
        (report(phase="resolve", cause="not_found"), ResolveError, "ENOTFOUND"),
        (report(phase="resolve", cause="try_again"), ResolveError, "EAI_AGAIN"),
        (
            report(phase="tls", cause="certificate", error="CERT_HAS_EXPIRED: it has expired"),
            CertificateError,
            "CERT_HAS_EXPIRED",
        ),
        (report(phase="tls", cause="tls"), TLSError, "EPROTO"),
        (report(phase="tls", cause="reset"), TLSError, "ECONNRESET"),
        (report(phase="connect", error="proxy: 407 No"), ProxyError, "ERR_PROXY_CONNECTION_FAILED"),
        (report("connect", phase="connect"), ConnectTimeout, "ETIMEDOUT"),
        (report("read"), ReadTimeout, "ECONNABORTED"),
        (report("write", phase="send"), WriteTimeout, "ECONNABORTED"),
        (report("pool"), PoolTimeout, "ECONNABORTED"),
        (report("total"), TotalTimeout, "ECONNABORTED"),
        (report("per_try"), ReadTimeout, "ETIMEDOUT"),
        (report("per_try", phase="connect"), ConnectTimeout, "ETIMEDOUT"),
        (report("per_try", phase="send"), WriteTimeout, "ETIMEDOUT"),
    ],
)
def test_classes_and_codes(told: dict[str, Any], kind: type[Exception], code: str) -> None:
    error = error_of(told, REQUEST)

    assert (type(error), error.code) == (kind, code)
    assert error.request is REQUEST
    assert "secret" not in str(error)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("cause", Cause)
def test_every_end_is_some_error(phase: Phase, cause: Cause) -> None:
    error = error_of(report(phase=str(phase), cause=str(cause)), REQUEST)

    assert isinstance(error, TransportError)
    assert error.code
    assert error.phase is phase


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    told = report(reason=str(reason), cause=None if reason == "no_live" else "other")
    text = str(error_of(told, REQUEST)).removeprefix("GET http://a:3000/x: ")

    assert len(text.split()) > 1 or reason in ("pending", "ok", "status")


def test_the_sentence_about_a_stale_connection() -> None:
    told = report(
        reused=True, idle_ms=4998, hint_ms=5000, requests=7, reason="reused_closed",
        rule="non_idempotent",
    )  # fmt: skip
    error = error_of(told, POST)

    assert error.message == (
        "POST http://a/x: the server closed first: idle 4.998 s, advertised 5 s; "
        "not sent again, since a POST may have been done"
    )
    assert error.hint is not None
    assert "Idempotency-Key" in error.hint
    evidence = error.evidence
    assert evidence is not None
    assert (evidence.reused, evidence.requests, evidence.idle, evidence.hint) == (True, 7, 4.998, 5)
    assert (evidence.closed, evidence.local, evidence.remote) == (
        "FIN",
        "127.0.0.1:40000",
        "127.0.0.1:3000",
    )


def test_every_address_is_told_with_its_own_result() -> None:
    addresses = [
        {"address": "[::1]:80", "family": "ipv6", "result": "refused", "errno": 111, "took_ms": 0},
        {
            "address": "1.2.3.4:80",
            "family": "ipv4",
            "result": "timed_out",
            "errno": 0,
            "took_ms": 9,
        },
    ]
    error = error_of(report(phase="connect", cause="refused", addresses=addresses), REQUEST)

    assert "no connection: [::1]:80 refused, 1.2.3.4:80 timed out" in str(error)
    assert [one.result for one in error.evidence.addresses] == ["refused", "timed_out"]  # type: ignore[union-attr]


def test_the_attempts_are_counted() -> None:
    told = report()
    told["attempts"] = [ATTEMPT | {"verdict": "next"}] * 3 + [ATTEMPT]

    assert str(error_of(told, REQUEST)).splitlines()[0].endswith("without an answer; 4 tries")
