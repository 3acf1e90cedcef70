"""What HAProxy's termination states and Envoy's response flags mean: two tables."""

from typing import NamedTuple

from surehop.doctor.finding import Severity
from surehop.events import Reason


class Flag(NamedTuple):
    """`what` follows "the log has N requests with FLAG: "."""

    severity: Severity
    what: str
    advice: str


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO
_RACE = "let the proxy's idle time-out for servers be shorter than the backend's"

# The first two letters: who ended it or which time-out, and where the session was.
HAPROXY: dict[str, Flag] = {
    "SC": Flag(
        _E,
        "the server refused the connection, or none was left",
        "see whether the backend runs, and on which address it listens",
    ),
    "sC": Flag(
        _W,
        "connecting took longer than `timeout connect`",
        "look at the listener's queue on the server, and for a firewall that drops",
    ),
    "SH": Flag(
        _E,
        "the server closed the connection before the head of its answer",
        f"{_RACE} (`http-reuse safe` helps), or see why the backend died",
    ),
    "sH": Flag(
        _W,
        "the server did not answer within `timeout server`",
        "find out what is slow there",
    ),
    "SD": Flag(
        _E,
        "the server closed the connection in the middle of the body",
        "see why the backend died, or was restarted, while it answered",
    ),
    "sD": Flag(
        _W,
        "the body stood still for `timeout server`",
        "find out what is slow there; for streams, a longer `timeout tunnel` or `timeout server`",
    ),
    "CC": Flag(
        _I,
        "the client went before the server was connected",
        "where these are many, clients give up earlier than the proxy",
    ),
    "CD": Flag(
        _I,
        "the client went in the middle of the body",
        "where these are many, look at the clients' own time-outs",
    ),
    "CH": Flag(
        _I,
        "the client went while the server was at work",
        "where these are many, clients give up earlier than the server answers",
    ),
    "sQ": Flag(
        _W,
        "the request waited in the queue longer than `timeout queue`",
        "the servers' `maxconn` is reached: more servers, or faster ones",
    ),
    "PH": Flag(
        _E,
        "the server's answer was not valid HTTP, or was denied by a rule",
        "`show errors` on HAProxy's socket shows the bytes",
    ),
}

ENVOY: dict[str, Flag] = {
    "UF": Flag(
        _E,
        "connecting to the server failed, most often since nobody listens there",
        "see whether it runs, and listens where the cluster says; `%RESPONSE_CODE_DETAILS%` in the"
        " log tells refused from other failures",
    ),
    "UC": Flag(
        _E,
        "the server closed the connection under the request: most often the keep-alive race",
        "let the cluster's `idle_timeout` be shorter than the backend's; retry on `reset` what may"
        " be repeated",
    ),
    "UR": Flag(
        _E,
        "the server reset the stream or the connection",
        "look at the server: it was overloaded, restarted, or refused the stream",
    ),
    "UPE": Flag(
        _E,
        "the server's answer was not valid HTTP",
        "ask the server by hand, and compare with the protocol that the cluster speaks",
    ),
    "UO": Flag(
        _E,
        "a circuit breaker was full: more connections or requests than the cluster allows",
        "raise `max_connections`, `max_pending_requests`, or have more servers",
    ),
    "UH": Flag(
        _E,
        "no healthy host was left in the cluster",
        "see what health checks and outlier detection took out, in the lines before",
    ),
    "URX": Flag(
        _W,
        "the retries were used up",
        "see why the tries fail; more of them would only add load",
    ),
    "UT": Flag(
        _W,
        "the server did not answer within the route's `timeout`",
        "find out what is slow there; 15s is the route's time-out unless said otherwise",
    ),
    "UMSDR": Flag(
        _W,
        "the answer took longer than `max_stream_duration`",
        "raise it where long answers are wanted",
    ),
    "NC": Flag(
        _E,
        "the route names a cluster that Envoy does not have",
        "compare the route's `cluster` with the clusters that Envoy was given",
    ),
    "DC": Flag(
        _I,
        "the client went",
        "where these are many, clients give up earlier than the server answers",
    ),
    "DR": Flag(
        _I,
        "the client took its request back",
        "where these are many, clients give up earlier than the server answers",
    ),
    "DF": Flag(
        _E,
        "the name of the server could not be resolved",
        "ask the same resolver for the cluster's name",
    ),
}

_CUT = Flag(
    _E,
    "the server ended the connection in the middle of the answer's body",
    "see why it died, or was restarted, while it answered",
)
# What the details of Envoy's log, or the status beside the flag, add to it: by the event's word.
WHY: dict[tuple[str, Reason | None], Flag] = {
    ("envoy UF", Reason.REFUSED): Flag(
        _E,
        "the server refused the connection: nobody listens there",
        "see whether it runs, and on which address it listens",
    ),
    ("envoy UF", Reason.CONNECT_TIMED_OUT): Flag(
        _E,
        "connecting took longer than the cluster's `connect_timeout`: the accept queue is full, or"
        " a firewall drops",
        "look at the listener's queue on the server (`ss -ltn`), and at what is between",
    ),
    ("envoy UF", Reason.UNREACHABLE): Flag(
        _E,
        "there is no route to the server",
        "look at the routes and addresses of this machine",
    ),
    ("envoy UF", Reason.NO_PORTS): Flag(
        _E,
        "this machine had no local port left for a connection",
        "keep connections alive, and see `ss -s` for TIME_WAIT",
    ),
    ("envoy UF", Reason.UNTRUSTED): Flag(
        _E,
        "the server's certificate is not trusted",
        "compare its names and issuer with the cluster's `validation_context`",
    ),
    ("envoy UF", Reason.TLS_FAILED): Flag(
        _E,
        "the TLS handshake with the server failed",
        "see whether the server speaks TLS on that port, and which versions",
    ),
    ("envoy UC", Reason.TRUNCATED): _CUT,
    ("envoy UC", Reason.BROKEN): Flag(
        _E,
        "the server closed the connection a second or more after it had the request",
        "look for a crash, a kill, or a time-out for its workers at that moment in its log",
    ),
    ("envoy UR", Reason.TRUNCATED): _CUT,
    ("envoy UPE", Reason.TRUNCATED): _CUT,
}
