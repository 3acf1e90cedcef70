"""Profiles: how kinds of servers keep connections, and how they word what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Manner:
    """What is a server's own and no knob.

    order: in which the lines of a head stand. server: what it calls itself; None says nothing.
    says_keep: `Connection: keep-alive` is said, not only `close`. lower: header names.
    whole_seconds: the hint is rounded down. zero_closes: a keep-alive time-out of 0 ends each
    connection behind its answer, where it otherwise means never. over: more connections than
    max_connections are closed (`fin`), answered 503 (`answer`), or left in the backlog (`wait`).
    lasts: behind max_requests the connection stays open, and further requests get 503.
    bare: a refusal is a status line and `Connection: close`. answers_late: a request that takes
    too long gets 408, where others just close. keeps_10: HTTP/1.0 may stay open.
    """

    order: tuple[str, ...] = ("date", "server", "type", "length", "own", "connection", "hint")
    server: str | None = "surehop-lab"
    says_keep: bool = True
    lower: bool = False
    whole_seconds: bool = False
    zero_closes: bool = False
    over: str = "fin"
    lasts: bool = False
    bare: bool = False
    answers_late: bool = True
    keeps_10: bool = True
    zero_refuses: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of server: its manner, and its own defaults of the knobs in `Behaviour`."""

    manner: Manner = field(default_factory=Manner)
    knobs: Mapping[str, Any] = field(default_factory=dict)


_NODE_ORDER = ("own", "type", "date", "connection", "hint", "length")
_NODE_KNOBS = {
    "keepalive_timeout": 5.0,
    "backlog": 511,
    "head_timeout": 60.0,
    "request_timeout": 300.0,
    "check_interval": 30.0,
}


def _node(*, zero_refuses: bool = False) -> Manner:
    return Manner(
        _NODE_ORDER,
        server=None,
        whole_seconds=True,
        lasts=True,
        bare=True,
        keeps_10=False,
        zero_refuses=zero_refuses,
    )


PROFILES: Mapping[str, Profile] = {
    "plain": Profile(),
    # Closes when it says; since 20.20 a second later.
    "node18": Profile(_node(), _NODE_KNOBS),
    "node20": Profile(_node(), {**_NODE_KNOBS, "buffer": 1.0}),
    "node26": Profile(_node(zero_refuses=True), {**_NODE_KNOBS, "buffer": 1.0}),
    "uvicorn": Profile(
        Manner(
            ("date", "server", "type", "length", "own", "connection"),
            server="uvicorn",
            says_keep=False,
            lower=True,
            zero_closes=True,
            over="answer",
            keeps_10=False,
        ),
        {"keepalive_timeout": 5.0, "hint": False, "backlog": 2048},
    ),
    "gunicorn": Profile(
        Manner(
            ("server", "date", "connection", "type", "length", "own"),
            server="gunicorn",
            zero_closes=True,
            over="wait",
        ),
        {"keepalive_timeout": 2.0, "hint": False, "backlog": 2048, "max_connections": 1000},
    ),
    # One worker: one connection at a time, the others wait in the backlog.
    "unicorn": Profile(
        Manner(
            ("date", "connection", "type", "length", "own"),
            server=None,
            zero_closes=True,
            over="wait",
        ),
        {"keepalive_timeout": 0.0, "hint": False, "backlog": 1024, "max_connections": 1},
    ),
    "nginx": Profile(
        Manner(
            ("server", "date", "type", "length", "connection", "hint", "own"),
            server="nginx",
            zero_closes=True,
            answers_late=False,
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
