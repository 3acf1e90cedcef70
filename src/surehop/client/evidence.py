"""What the native side reports of a request that failed, as an exception with one sentence."""

import errno as numbers
from collections.abc import Mapping
from typing import Any, Final

from surehop import errors
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.sentences import hint_for, said_of, sentence_for
from surehop.errors import HTTPError, HTTPStatusError, TransportError
from surehop.events import Attempt, Cause, Evidence, Phase, Reason, Rule

_BY_TIMEOUT: Final[Mapping[str, tuple[type[TransportError], str]]] = {
    "connect": (errors.ConnectTimeout, "ETIMEDOUT"),
    "read": (errors.ReadTimeout, "ECONNABORTED"),
    "write": (errors.WriteTimeout, "ECONNABORTED"),
    "pool": (errors.PoolTimeout, "ECONNABORTED"),
    "total": (errors.TotalTimeout, "ECONNABORTED"),
}
_BY_PHASE: Final[Mapping[Phase, type[TransportError]]] = {
    Phase.RESOLVE: errors.ConnectTimeout,
    Phase.CONNECT: errors.ConnectTimeout,
    Phase.TLS: errors.ConnectTimeout,
    Phase.SEND: errors.WriteTimeout,
    Phase.HEAD: errors.ReadTimeout,
    Phase.BODY: errors.ReadTimeout,
}
_CONNECTING: Final[Mapping[str, str]] = {
    "refused": "ECONNREFUSED",
    "unreachable": "EHOSTUNREACH",
    "timed_out": "ETIMEDOUT",
    "no_ports": "EADDRNOTAVAIL",
    "reset": "ECONNRESET",
    "closed": "ECONNRESET",
}


def error_of(report: Mapping[str, Any], request: Request, *, cause: object = None) -> HTTPError:
    """The exception for a report; `cause` is what a callable or a stream of the user's raised."""
    evidence, kind = _read(report)
    error = kind(
        sentence_for(evidence, request, report),
        request=request,
        evidence=evidence,
        hint=hint_for(evidence, request, kind),
    )
    if isinstance(cause, BaseException):
        error.__cause__ = cause
    return error


def status_error_of(
    report: Mapping[str, Any] | None, request: Request, response: Response
) -> HTTPStatusError:
    """The exception for an answer that counts as none: an error status, or `validate` said so."""
    evidence = _read(report)[0] if report else None
    server = response.is_server_error
    code = "ERR_BAD_RESPONSE" if server else "ERR_BAD_REQUEST"
    sentence = f"{said_of(request)}: {response.status_code} {response.reason_phrase}".rstrip()
    if evidence and len(evidence.attempts) > 1:
        sentence += f" after {len(evidence.attempts)} tries"
    return HTTPStatusError(
        sentence, request=request, response=response, code=code, evidence=evidence
    )


def evidence_of(report: Mapping[str, Any]) -> Evidence:
    return _read(report)[0]


def _read(report: Mapping[str, Any]) -> tuple[Evidence, type[TransportError]]:
    attempts = tuple(map(Attempt.from_json, report.get("attempts") or ()))
    last = attempts[-1] if attempts else None
    phase = Phase(report["phase"]) if report.get("phase") else (last.phase if last else None)
    cause = report.get("cause") or (last.cause if last else None)
    reason = report.get("reason") or (last.reason if last else None)
    errno = report.get("errno") or (last.errno if last else 0) or 0
    kind, code = _kind(report, phase, str(cause or ""), str(reason or ""), errno)
    evidence = Evidence(
        code=code,
        phase=phase,
        cause=Cause(cause) if cause else None,
        reason=Reason(reason) if reason else None,
        rule=Rule(report["rule"]) if report.get("rule") else (last.rule if last else None),
        errno=errno or None,
        attempts=attempts,
        addresses=tuple(one for attempt in attempts for one in attempt.addresses),
        local=last.local if last else None,
        remote=last.remote if last else None,
        reused=last.reused if last else False,
        requests=(last.requests or 0) if last else 0,
        age=last.age_ms / 1000 if last else 0.0,
        idle=last.idle_ms / 1000 if last else 0.0,
        hint=last.hint_ms / 1000 if last and last.hint_ms is not None else None,
        bytes_sent=last.bytes_sent if last else 0,
        bytes_received=last.bytes_received if last else 0,
        closed=last.closed.upper() if last and last.closed else None,
    )
    return evidence, kind


def _kind(  # noqa: C901, PLR0911, PLR0912  a table
    report: Mapping[str, Any], phase: Phase | None, cause: str, reason: str, errno: int
) -> tuple[type[TransportError], str]:
    said = str(report.get("error") or "").partition(":")[0]
    timeout = report.get("timeout")
    if timeout == "per_try":
        return _BY_PHASE.get(phase or Phase.HEAD, errors.ReadTimeout), "ETIMEDOUT"
    if timeout:
        return _BY_TIMEOUT[timeout]
    if said == "ERR_CANCELED":
        return errors.CloseError, said
    if said == "proxy" and cause != "timed_out":
        return errors.ProxyError, "ERR_PROXY_CONNECTION_FAILED"
    if reason == "no_live":
        return errors.NoLiveUpstream, "ERR_NO_LIVE_UPSTREAM"
    match phase:
        case Phase.RESOLVE:
            return errors.ResolveError, said or (
                "EAI_AGAIN" if cause == "try_again" else "ENOTFOUND"
            )
        case Phase.TLS if cause == "certificate":
            return errors.CertificateError, said or "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
        case Phase.TLS if cause == "timed_out":
            return errors.ConnectTimeout, "ETIMEDOUT"
        case Phase.TLS:
            return errors.TLSError, said or (
                "ECONNRESET" if cause in ("reset", "closed") else "EPROTO"
            )
        case Phase.CONNECT | None:
            kind = errors.ConnectTimeout if cause == "timed_out" else errors.ConnectError
            named = numbers.errorcode.get(errno) if cause in ("unreachable", "other") else None
            return kind, named or _CONNECTING.get(cause, "ECONNREFUSED")
    if cause == "timed_out":
        return (errors.WriteTimeout if phase is Phase.SEND else errors.ReadTimeout), "ECONNABORTED"
    if cause == "invalid":
        return errors.RemoteProtocolError, "HPE_INVALID_CONSTANT"
    if cause == "too_big":
        return errors.RemoteProtocolError, "HPE_HEADER_OVERFLOW"
    if phase is Phase.SEND and cause not in ("reset", "closed"):
        return errors.WriteError, numbers.errorcode.get(errno, "EPIPE")
    if cause in ("reset", "closed"):
        return errors.ConnectionClosed, "ECONNRESET"
    return errors.ReadError, numbers.errorcode.get(errno, "ECONNRESET")
