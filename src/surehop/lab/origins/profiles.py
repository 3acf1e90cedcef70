"""Profiles: how kinds of servers keep connections, and how they word what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surehop.lab.origins import readings, refusals
from surehop.lab.origins.reading import Reading
from surehop.lab.origins.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Manner:
    """What is a server's own and no knob.

    order: in which the lines of a head stand. server: what it calls itself; None says nothing.
    says_keep: `Connection: keep-alive` is said, not only `close`. lower: header names.
    whole_seconds: the hint is rounded down. whole_milliseconds: so is the clock, by which an idle
    connection ends together with a client's timer of that millisecond. zero_closes: a keep-alive
    time-out of 0 ends each connection behind its answer, where it otherwise means never.
    idle_looks: seconds between two looks for who has been idle too long; 0: it is exact.

    over: more connections than max_connections are closed (`fin`), answered 503 (`answer`), or
    left in the backlog (`wait`); zero_refuses: a limit of 0 turns all away. lasts: behind
    max_requests the connection stays open, and further requests get 503.
    answers_late: a request that takes too long gets 408, where others just close.

    reading: what it takes as a request. refusal: how it words that it takes none; hostless: the
    same, for want of a Host header alone. phrases: what statuses are called. expectation: of
    another Expect than 100-continue, which is `ignored`, `answered` 417, or `refused` with it.
    continues: 100 is sent by itself. drops_connect: CONNECT closes the connection.

    keeps_10: HTTP/1.0 may stay open. echoes_10: it is answered in HTTP/1.0. measures_10: it is
    told the length. head_says: what of the body's length an answer to HEAD says.
    """

    order: tuple[str, ...] = (
        *("date", "server", "type", "length", "chunked", "own", "connection", "hint"),
    )
    server: str | None = "surehop-lab"
    says_keep: bool = True
    lower: bool = False
    whole_seconds: bool = False
    whole_milliseconds: bool = False
    zero_closes: bool = False
    idle_looks: float = 0.0
    over: str = "fin"
    lasts: bool = False
    answers_late: bool = True
    zero_refuses: bool = False
    reading: Reading = Reading()  # noqa: RUF009  frozen
    refusal: Refusal = Refusal()  # noqa: RUF009  frozen
    hostless: Refusal | None = None
    phrases: Mapping[int, str] = field(default_factory=dict)
    expectation: str = "ignored"
    continues: bool = True
    drops_connect: bool = False
    keeps_10: bool = True
    echoes_10: bool = False
    measures_10: bool = True
    head_says: tuple[str, ...] = ("length", "chunked")


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of server: its manner, and its own defaults of the knobs in `Behaviour`."""

    manner: Manner = field(default_factory=Manner)
    knobs: Mapping[str, Any] = field(default_factory=dict)


_NODE_ORDER = ("own", "type", "date", "connection", "hint", "length", "chunked")
_NODE_KNOBS = {
    "keepalive_timeout": 5.0,
    "backlog": 511,
    "head_timeout": 60.0,
    "request_timeout": 300.0,
    "check_interval": 30.0,
}


def _node(reading: Reading, *, zero_refuses: bool = False) -> Manner:
    return Manner(
        _NODE_ORDER,
        server=None,
        whole_seconds=True,
        whole_milliseconds=True,
        lasts=True,
        zero_refuses=zero_refuses,
        reading=reading,
        refusal=refusals.NODE,
        hostless=refusals.NODE_HOSTLESS,
        expectation="answered",
        drops_connect=True,
        keeps_10=False,
        measures_10=False,
        head_says=(),
    )


PROFILES: Mapping[str, Profile] = {
    "plain": Profile(),
    # Closes when it says; since 20.20 a second later.
    "node18": Profile(_node(readings.NODE18), _NODE_KNOBS),
    "node20": Profile(_node(readings.NODE20), {**_NODE_KNOBS, "buffer": 1.0}),
    "node26": Profile(_node(readings.NODE26, zero_refuses=True), {**_NODE_KNOBS, "buffer": 1.0}),
    "uvicorn": Profile(
        Manner(
            ("date", "server", "type", "length", "own", "chunked", "connection"),
            server="uvicorn",
            says_keep=False,
            lower=True,
            zero_closes=True,
            over="answer",
            reading=readings.UVICORN,
            refusal=refusals.UVICORN,
            keeps_10=False,
        ),
        {"keepalive_timeout": 5.0, "hint": False, "backlog": 2048},
    ),
    "gunicorn": Profile(
        Manner(
            ("server", "date", "connection", "chunked", "type", "length", "own"),
            server="gunicorn",
            zero_closes=True,
            idle_looks=1.0,
            over="wait",
            reading=readings.GUNICORN,
            refusal=refusals.GUNICORN,
            expectation="refused",
            echoes_10=True,
            head_says=("length",),
        ),
        {"keepalive_timeout": 2.0, "hint": False, "backlog": 2048, "max_connections": 1000},
    ),
    # One worker: one connection at a time, the others wait in the backlog.
    "unicorn": Profile(
        Manner(
            ("date", "connection", "type", "length", "chunked", "own"),
            server=None,
            zero_closes=True,
            over="wait",
            reading=readings.UNICORN,
            refusal=refusals.UNICORN,
            continues=False,
        ),
        {"keepalive_timeout": 0.0, "hint": False, "backlog": 1024, "max_connections": 1},
    ),
    "nginx": Profile(
        Manner(
            ("server", "date", "type", "length", "chunked", "connection", "hint", "own"),
            server="nginx",
            zero_closes=True,
            answers_late=False,
            reading=readings.NGINX,
            refusal=refusals.NGINX,
            phrases={
                302: "Moved Temporarily",
                405: "Not Allowed",
                408: "Request Time-out",
                413: "Request Entity Too Large",
                414: "Request-URI Too Large",
                416: "Requested Range Not Satisfiable",
                503: "Service Temporarily Unavailable",
                504: "Gateway Time-out",
            },
        ),
        {
            "keepalive_timeout": 75.0,
            "hint": False,
            "backlog": 511,
            "max_requests": 1000,
            "head_timeout": 60.0,
        },
    ),
}
