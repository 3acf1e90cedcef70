"""SH022 to SH025, SH027, SH028, SH030: one race, in the words of whoever met it."""

from collections.abc import Iterator
from typing import NamedTuple

from surehop.doctor.about import About, Example, Rule
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import ENDED, failed, many, quotes, unreached, where
from surehop.events import Reason

_CAUSE = (
    "the server closes a connection that has rested for its idle time-out, and just then the next"
    " request goes out on it"
)
_TIME = "2026-01-05T10:00:00.250Z"
_TRACE = "    at Socket.socketOnEnd (node:_http_client:528:25)\n"
_ALB = (
    "http 2026-01-05T10:00:00.186641Z app/web/50dc6c495c0c9188 192.0.2.9:2817 10.0.0.1:3000 0.000"
    ' 0.001 0.000 {} 34 366 "POST http://example.com:80/a HTTP/1.1" "curl/8.0" - - - "Root=1" "-"'
    ' "-" 0 2026-01-05T10:00:00.185000Z "forward" "-" "-" "10.0.0.1:3000" "-" "-" "-"\n'
)
_GCP = (
    '{{"httpRequest": {{"requestMethod": "POST", "status": 502, "serverIp": "10.0.0.2"}},'
    ' "jsonPayload": {{"statusDetails": "{}"}}, "timestamp": "2026-01-05T10:00:00.186Z"}}\n'
)
_CADDY = (
    '{{"level":"error","ts":1767607200.5,"logger":"http.log.error","msg":"{}","request":'
    '{{"proto":"HTTP/1.1","method":"POST","host":"example.com","uri":"/a"}},"status":502}}\n'
)


class _Race(NamedTuple):
    """`who` sends requests, in the title; `software` are the names under which it logs."""

    about: About
    who: str
    software: tuple[str, ...]
    severity: Severity
    advice: str


_RACES = (
    _Race(
        About(
            id="SH022",
            name="node-socket-hang-up",
            summary="a server closes a kept connection under a request of Node's http or axios",
            symptom="now and then `socket hang up` or `read ECONNRESET`, `reusedSocket: true`",
            cause=_CAUSE,
            cure="let the client give connections up first (`new Agent({keepAlive: true, timeout})`"
            " below the server's), and send again what may be repeated",
            needs="a log of an application with errors of Node or axios",
            examples=(
                Example(
                    f"{_TIME} Error: socket hang up\n{_TRACE}  code: 'ECONNRESET'\n",
                    f"{_TIME} Error: no such user\n{_TRACE}",
                    kind="application log",
                ),
                Example(
                    '{"level":50,"time":1767607200000,"err":{"code":"ECONNRESET","message":'
                    '"read ECONNRESET","request":{"reusedSocket":true}},"msg":"failed"}\n',
                    '{"level":50,"time":1767607200000,"err":{"code":"ECONNRESET","message":'
                    '"read ECONNRESET","request":{"reusedSocket":false}},"msg":"failed"}\n',
                    kind="application log",
                ),
            ),
        ),
        "Node",
        ("node", "axios", "axios-retry"),
        Severity.WARNING,
        "let the agent's `timeout` be shorter than the server's keep-alive time-out, and retry what"
        " is idempotent",
    ),
    _Race(
        About(
            id="SH023",
            name="undici-other-side-closed",
            summary="a server closes a kept connection under a request of fetch or undici",
            symptom="`fetch failed`, its cause `other side closed` (`UND_ERR_SOCKET`)",
            cause=_CAUSE,
            cure="`keepAliveTimeout` of undici's Agent below the server's (it is 4s, but a"
            " `Keep-Alive` hint of the server goes over it), and send again what may be repeated",
            needs="a log of an application with errors of Node's fetch or undici",
            examples=(
                Example(
                    "TypeError: fetch failed\n    at node:internal/deps/undici/undici:14976:13 {\n"
                    "  [cause]: SocketError: other side closed\n    code: 'UND_ERR_SOCKET'\n",
                    "TypeError: fetch failed\n    at node:internal/deps/undici/undici:14976:13 {\n"
                    "  [cause]: Error: getaddrinfo ENOTFOUND a.example\n    code: 'ENOTFOUND'\n",
                    kind="application log",
                ),
            ),
        ),
        "fetch",
        ("undici",),
        Severity.WARNING,
        "let undici's `keepAliveTimeout` and `keepAliveMaxTimeout` be shorter than the server's,"
        " and retry what is idempotent (`RetryAgent`)",
    ),
    _Race(
        About(
            id="SH024",
            name="httpx-server-disconnected",
            summary="a server closes a kept connection under a request of httpx",
            symptom="`httpx.RemoteProtocolError: Server disconnected without sending a response.`,"
            " which is no `NetworkError`, so that retries on those pass it over",
            cause=_CAUSE,
            cure="`keepalive_expiry` of httpx's Limits below the server's (it is 5s, as that of"
            " many servers), and count `RemoteProtocolError` among what is retried",
            needs="a log of an application with errors of httpx",
            examples=(
                Example(
                    "2026-01-05 10:00:00,250 ERROR app: RemoteProtocolError: Server disconnected"
                    " without sending a response.\n",
                    "2026-01-05 10:00:00,250 ERROR app: httpx.ReadTimeout: The read operation timed"
                    " out\n",
                    kind="application log",
                ),
            ),
        ),
        "httpx",
        ("httpx",),
        Severity.WARNING,
        "`httpx.Limits(keepalive_expiry=…)` below the server's idle time-out; retry"
        " `RemoteProtocolError` too, where the request may be repeated",
    ),
    _Race(
        About(
            id="SH025",
            name="client-met-a-closed-connection",
            summary="a server closes a kept connection under a request of requests, urllib3,"
            " aiohttp, hyper, Go, Java, .NET, curl, Ruby or Surehop's client",
            symptom="`RemoteDisconnected('Remote end closed connection without response')`,"
            " `ServerDisconnectedError`, `connection closed before message completed`, `EOF`,"
            " `NoHttpResponseException`, `Empty reply from server`, `end of file reached`",
            cause=_CAUSE,
            cure="let the client give idle connections up before the server does, and send again"
            " what may be repeated",
            needs="a log of an application with errors of one of these",
            examples=(
                Example(
                    "2026-01-05 10:00:00,250 ERROR app: ('Connection aborted.', RemoteDisconnected("
                    "'Remote end closed connection without response'))\n",
                    "2026-01-05 10:00:00,250 ERROR app: HTTPConnectionPool(host='a', port=80): Read"
                    " timed out. (read timeout=5)\n",
                    kind="application log",
                ),
                Example(
                    "2026-01-05 10:00:00,250 ERROR aiohttp.client: Server disconnected\n",
                    "2026-01-05 10:00:00,250 INFO aiohttp.client: Client disconnected\n",
                    kind="application log",
                ),
                Example(
                    "Error: client error (SendRequest)\n\nCaused by:\n    connection closed before"
                    " message completed\n",
                    "Error: client error (Connect)\n\nCaused by:\n    tcp connect error\n",
                    kind="application log",
                ),
            ),
        ),
        "the client",
        (
            *("requests", "urllib3", "aiohttp", "hyper", "go", "surehop"),
            *("java", "dotnet", "curl", "ruby"),
        ),
        Severity.WARNING,
        "let the client's idle time-out be shorter than the server's, and retry what is idempotent",
    ),
    _Race(
        About(
            id="SH027",
            name="alb-502-without-an-answer",
            summary="targets close connections under requests of AWS's load balancer",
            symptom="502 in the access log of an ALB, with `-` for the target's status",
            cause="the balancer keeps idle connections to targets for 60s; Node closes them after"
            " 5s, gunicorn after 2s",
            cure="raise the keep-alive time-out of the targets above the balancer's idle time-out",
            needs="an access log of an ALB",
            examples=(
                Example(_ALB.format("502 -"), _ALB.format("502 502"), kind="alb access log"),
            ),
        ),
        "the balancer",
        ("alb",),
        Severity.ERROR,
        "let the targets' keep-alive time-out be longer than the balancer's (Node:"
        " `server.keepAliveTimeout = 65_000`, and `headersTimeout` above that)",
    ),
    _Race(
        About(
            id="SH028",
            name="gcp-backend-connection-closed",
            summary="backends close connections under requests of Google Cloud's load balancer",
            symptom="502 with `backend_connection_closed_before_data_sent_to_client`",
            cause="the balancer keeps idle connections to backends for 600s, and that can't be"
            " changed; nearly every server closes them earlier",
            cure="raise the keep-alive time-out of the backends above 600s",
            needs="a log of a load balancer of Google Cloud",
            examples=(
                Example(
                    _GCP.format("backend_connection_closed_before_data_sent_to_client"),
                    _GCP.format("response_sent_by_backend"),
                    kind="gcp load balancer log",
                ),
            ),
        ),
        "the balancer",
        ("gcp",),
        Severity.ERROR,
        "let the backends' keep-alive time-out be longer than 600s (nginx: `keepalive_timeout"
        " 620s`; Node: `server.keepAliveTimeout = 620_000`)",
    ),
    _Race(
        About(
            id="SH030",
            name="go-proxy-502-eof",
            summary="a backend closes a kept connection under a request of Traefik or Caddy",
            symptom="502 with `EOF`, for POST only: a GET is sent again by Go's transport",
            cause="the proxy keeps idle connections longer than the backend does (Traefik 90s,"
            " Caddy 2m)",
            cure="lower the proxy's idle time-out below the backend's",
            needs="a log of Traefik (at level debug) or Caddy",
            examples=(
                Example(
                    _CADDY.format("EOF"),
                    _CADDY.format("dial tcp 10.0.0.1:80: connect: connection refused"),
                    kind="application log",
                ),
                Example(
                    'time="2026-01-05T10:00:00Z" level=debug'
                    " msg=\"'502 Bad Gateway' caused by: EOF\"\n",
                    'time="2026-01-05T10:00:00Z" level=debug'
                    " msg=\"'499 Client Closed Request' caused by: context canceled\"\n",
                    kind="application log",
                ),
            ),
        ),
        "the proxy",
        ("traefik", "caddy"),
        Severity.ERROR,
        "Traefik: `serversTransport.forwardingTimeouts.idleConnTimeout`; Caddy: `transport http {"
        " keepalive … }`; either below the backend's idle time-out",
    ),
)


def _judge(race: _Race, evidence: Evidence) -> Iterator[Finding]:
    # AWS's balancer says of some that it could not even send the request.
    unsent = (Reason.CONNECT_FAILED,) if race.software == ("alb",) else ()
    every = failed(evidence.logs, *ENDED, *unsent, software=race.software)
    down = unreached(evidence.logs)
    # On a connection that was new it is no race, and neither if the server is down.
    ended = [each for each in every if each.reused is not False and each.peer not in down]
    if not ended:
        return
    confidence, because = _sure(ended)
    yield race.about.found(
        race.severity,
        confidence,
        because=because,
        title=f"the server closed {many(ended, 'connection')} under a request of {race.who}"
        f"{where(ended)}",
        text="It ended the connection before the first byte of an answer. On a kept connection that"
        " is the keep-alive race: its idle time-out is over just as the next request comes.",
        advice=race.advice,
        subject=f"log {race.software[0]}",
        quotes=quotes(ended),
    )


def _sure(ended: list[Tally]) -> tuple[Confidence, str]:
    if any(each.reused for each in ended):
        return Confidence.HIGH, "the log says that the connection had carried a request before"
    if all(each.write for each in ended) and ended[0].software in {"go", "traefik", "caddy"}:
        return Confidence.HIGH, "it hits nothing but writes, and Go sends anything else again"
    return (
        Confidence.MEDIUM,
        "the log does not say whether the connection was reused; a server that dies looks the same",
    )


def _rule(race: _Race) -> Rule:
    return Rule(race.about, lambda evidence: _judge(race, evidence))


RULES = tuple(map(_rule, _RACES))
