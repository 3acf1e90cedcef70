"""SH014: connecting itself takes too long."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    PROXY_OR_APPLICATION,
    by_peer,
    captured,
    count,
    failed,
    line,
    many,
    named,
    quotes,
    taken_out,
)
from surehop.doctor.probe_views import Seen, seen
from surehop.doctor.probing.sheet import Queue
from surehop.events import Cause, Reason

_LOSS = 0.01  # the share of SYNs that may be lost without anybody's fault
_FULL = "the server goes on with a handshake that is over, as it does when its queue is full"
_EITHER = "a full queue and packets that are lost on the way look the same from here"
_TIMED_OUT = "upstream timed out (110: Connection timed out)"

_UNSURE = "a full queue, a firewall and a machine that is gone look the same from here"
_TEXT = (
    "Nobody refused, and nobody answered: the server's accept queue was full, or the packets never"
    " came there."
)
_LOOK = "look at the listener's queue on the server (Recv-Q against Send-Q)"

ABOUT = About(
    id="SH014",
    name="connecting-times-out",
    summary="a server does not take connections in time: its accept queue is full, or packets drop",
    symptom="`upstream timed out (110: Connection timed out) while connecting to upstream`",
    cause="the queue of a listening socket is min(backlog, somaxconn); what comes to a full one is"
    " dropped in silence. A firewall that drops looks the same",
    cure="raise the backend's backlog and `net.core.somaxconn`, or let it accept faster",
    needs="an error log of nginx, a log of an application or of a load balancer of a cloud, a"
    " capture, or a probe, best on the machine of the server",
    examples=(
        Example(
            line(_TIMED_OUT, "connecting", "192.0.2.1:80"),
            line(_TIMED_OUT, "reading", "192.0.2.1:80"),
            kind="error log",
        ),
        Example(
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > SYN again\n1.000 > open\n",
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > open\n",
            kind="capture",
        ),
        Example(
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > SYN again\n1.000 > SYN again\n3.000 > SYN\n",
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > SYN\n0.001 < RST\n",
            kind="capture",
        ),
    ),
    proof=("ss -ltn", "nstat -az TcpExtListenOverflows"),
    scenario="accept-queue-full",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _probed(evidence)
    yield from _logged(evidence)
    yield from _captured(evidence)


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for each in seen(evidence):
        queue = each.connected.queue
        if queue and queue.full:
            yield _full(each, queue)
        elif each.connected.cause is Cause.TIMED_OUT:
            yield ABOUT.found(
                Severity.ERROR,
                Confidence.MEDIUM,
                because=_UNSURE,
                title=f"connecting to `{each.connected.address}` is not answered",
                text=_TEXT,
                advice=_LOOK,
                subject=f"probe {each.connected.address}",
                place=each.place,
                quotes=each.quotes,
            )


def _full(each: Seen, queue: Queue) -> Finding:
    most = f"; `somaxconn` is {queue.somaxconn}" if queue.somaxconn else ""
    since = f" That happened {queue.overflows} times since the start." if queue.overflows else ""
    return ABOUT.found(
        Severity.ERROR,
        Confidence.HIGH,
        because="the listener is on this machine, and its queue was looked at just now",
        title=f"the accept queue of `{each.connected.address}` is full: {queue}",
        text="The program does not accept as fast as connections come, or not at all. What comes to"
        f" a full queue is dropped in silence{most}.{since}",
        advice=ABOUT.cure,
        subject=f"probe {each.connected.address}",
        place=each.place,
        quotes=each.quotes,
    )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    slow = failed(evidence.logs, Reason.CONNECT_TIMED_OUT, software=PROXY_OR_APPLICATION)
    out = taken_out(evidence.logs, Reason.CONNECT_TIMED_OUT)
    for peer, tallies in by_peer(slow).items():
        yield ABOUT.found(
            Severity.ERROR if peer in out else Severity.WARNING,
            Confidence.MEDIUM,
            because=_UNSURE,
            title=f"connecting to {named(peer)} timed out {many(tallies, 'time')}",
            text=_TEXT,
            advice=_LOOK,
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )


def _captured(evidence: Evidence) -> Iterator[Finding]:
    accepted = by_peer(captured(evidence.logs, "accepted"))
    slow = captured(evidence.logs, "connect", "late", "queue full")
    for peer, tallies in by_peer(slow).items():
        full, lost = ([t for t in tallies if t.word == word] for word in ("queue full", "connect"))
        if not lost and count(tallies) < _LOSS * count(accepted.get(peer, [])):
            continue  # as many SYNs as get lost anywhere
        never = f" {many(lost, 'connection')} never came about." if lost else ""
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.HIGH if full else Confidence.MEDIUM,
            because=_FULL if full else _EITHER,
            title=f"connecting to `{peer}` took more than one SYN, {many(tallies, 'time')}",
            text="Nobody refused, and the answer came only when the SYN was sent again, a second or"
            f" more later, if at all.{never} A server whose accept queue is full drops SYNs in"
            " silence.",
            advice=_LOOK,
            subject=f"capture {peer}",
            quotes=quotes([*full, *lost] or tallies),
        )
