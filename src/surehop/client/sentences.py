"""One sentence about a request that failed, and what to do."""

import os
from collections.abc import Mapping
from typing import Any, Final

from surehop import errors
from surehop.client.request import Request
from surehop.events import AddressResult, Evidence, Phase, Reason, Rule

_ALIKE: Final = {
    "refused": "the connection was refused",
    "untrusted": "the server's certificate is not trusted",
    "unreachable": "can't be reached",
    "no_ports": "this machine has no local port left for a connection",
    "too_big": "the answer's head is larger than can be taken",
    "send_timed_out": "the server took no more of the request in time",
    "timed_out": "no answer in time",
    "body_timed_out": "the answer stopped coming",
    "no_live": "no server of it is available",
    "client_gone": "given up",
    "poison": "the request killed fresh connections of two servers",
}
_TIMEOUTS: Final = {
    "connect": "no connection within {}",
    "read": "nothing was received for {}",
    "write": "nothing was accepted for {}",
    "pool": "no connection became free within {}",
    "total": "not done within {}",
    "per_try": "one try was not done within {}",
}


def said_of(request: Request) -> str:
    """Method and URL as they may be shown: without user, password and query."""
    url = request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode('ascii')}{url.path}"


def sentence_for(evidence: Evidence, request: Request, report: Mapping[str, Any]) -> str:
    """`GET http://a/x: the server closed first: idle 4.998 s, advertised 5 s; …`."""
    happened = _happened(evidence, request, report)
    return f"{said_of(request)}: {happened}{_why_no_more(evidence, request)}"


def _limit(timeout: str, request: Request) -> str:
    """`0.3 s, the read time-out`; without the seconds where the request does not say them."""
    seconds = (request.extensions.get("timeout") or {}).get(timeout)
    name = f"the {timeout.replace('_', '-')} time-out"
    return name if seconds is None else f"{seconds:g} s, {name}"


def _happened(  # noqa: PLR0911  a table
    evidence: Evidence, request: Request, report: Mapping[str, Any]
) -> str:
    timeout = report.get("timeout")
    if timeout:
        where = f" ({evidence.phase})" if timeout in ("total", "per_try") and evidence.phase else ""
        return _TIMEOUTS[timeout].format(_limit(timeout, request)) + where
    error = str(report.get("error") or "")
    if evidence.phase is Phase.RESOLVE:
        return f"the name can't be resolved ({error or evidence.code})"
    if evidence.phase is Phase.TLS:
        return f"the TLS handshake failed: {error}" if error else "the TLS handshake failed"
    if error.startswith("proxy: "):
        return f"no tunnel through the proxy: {error.removeprefix('proxy: ')}"
    if evidence.phase is Phase.CONNECT and evidence.reason != "no_live":
        return _not_connected(evidence)
    if evidence.reason is Reason.INVALID:
        # The native sentence has nginx's words: `upstream sent invalid header: "a b"…`.
        said = error.removeprefix("upstream sent ")
        return "the answer is not HTTP" + (f": {said}" if said else "")
    return _broken(evidence)


def _not_connected(evidence: Evidence) -> str:
    failed = [one for one in evidence.addresses if one.result != "ok"]
    if failed:
        return "no connection: " + ", ".join(dict.fromkeys(map(_address, failed)))
    what = _word(str(evidence.cause or "failed"), evidence.errno)
    address = evidence.attempts[-1].address if evidence.attempts else ""
    return f"no connection: {address} {what}".rstrip() if address else f"no connection: {what}"


def _address(one: AddressResult) -> str:
    return f"{one.address} {_word(one.result, one.errno)}"


def _word(cause: str, errno: int | None) -> str:
    """The system's own where ours covers many."""
    if errno and cause in ("unreachable", "other"):
        return f"({os.strerror(errno).lower()})"
    return cause.replace("_", " ")


def _broken(evidence: Evidence) -> str:
    reason = str(evidence.reason or "")
    match reason:
        case "reused_closed" | "reused_unsent":
            return "the server closed first: " + _rest(evidence)
        case "reused_reset":
            return "the server reset the connection first: " + _rest(evidence)
        case "closed" | "reset" | "broken":
            how = {"closed": "closed the connection", "reset": "reset the connection"}
            did = how.get(reason, "broke the connection")
            if not evidence.bytes_received:
                return f"the server {did} without an answer"
            return f"the server {did} within the answer's head"
        case "truncated":
            did = "reset" if evidence.closed == "RST" else "closed"
            return f"the server {did} the connection within the answer's body"
    return _ALIKE.get(reason, reason.replace("_", " ") or "failed")


def _rest(evidence: Evidence) -> str:
    idle = f"idle {evidence.idle:.3f} s"
    return idle if evidence.hint is None else f"{idle}, advertised {evidence.hint:g} s"


def _why_no_more(evidence: Evidence, request: Request) -> str:
    tries = len(evidence.attempts)
    match evidence.rule:
        case Rule.NON_IDEMPOTENT:
            return f"; not sent again, since a {request.method} may have been done"
        case Rule.BUFFERING:
            return "; not sent again, since its body can't be read twice"
        case Rule.BUDGET:
            return "; not sent again, since the budget for retries is spent"
        case Rule.RETRY_AFTER:
            return "; not sent again, since `Retry-After` asks for a longer wait than is allowed"
        case Rule.TIMEOUT if tries > 1:
            return f"; no time was left after {tries} tries"
    return f"; {tries} tries" if tries > 1 else ""


def hint_for(evidence: Evidence, request: Request, kind: type[errors.HTTPError]) -> str | None:
    """What a person can do about it."""
    if evidence.rule is Rule.NON_IDEMPOTENT:
        return "an `Idempotency-Key` header lets it go again, so does `Retry(non_idempotent=True)`"
    if evidence.rule is Rule.BUFFERING:
        return "give bytes, or a file that can seek, so that it can be sent again"
    if issubclass(kind, errors.CertificateError):
        return "`verify=` takes the path of a PEM file with the root to trust"
    if issubclass(kind, errors.PoolTimeout):
        return "`Limits(max_connections=…)` is too low, or streamed responses are not closed"
    if issubclass(kind, errors.ConnectionClosed) and not evidence.reused:
        once = len(evidence.attempts) < 2  # noqa: PLR2004
        return "`retries=` sends it again" if once and request.method != "POST" else None
    return None
