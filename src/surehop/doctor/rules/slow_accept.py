"""SH014: connecting itself takes too long."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quotes
from surehop.events import Reason

_TIMED_OUT = "upstream timed out (110: Connection timed out)"

ABOUT = About(
    id="SH014",
    name="connecting-times-out",
    summary="a server does not take connections in time: its accept queue is full, or packets drop",
    symptom="`upstream timed out (110: Connection timed out) while connecting to upstream`",
    cause="the queue of a listening socket is min(backlog, somaxconn); what comes to a full one is"
    " dropped in silence. A firewall that drops looks the same",
    cure="raise the backend's backlog and `net.core.somaxconn`, or let it accept faster",
    needs="an error log of nginx",
    examples=(
        Example(
            line(_TIMED_OUT, "connecting", "192.0.2.1:80"),
            line(_TIMED_OUT, "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
    proof=("ss -ltn", "nstat -az TcpExtListenOverflows"),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(failed(evidence.logs, Reason.CONNECT_TIMED_OUT)).items():
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.MEDIUM,
            because="a full queue, a firewall and a machine that is gone look the same from here",
            title=f"connecting to `{peer}` timed out {many(tallies, 'time')}",
            text="Nobody refused, and nobody answered: the server's accept queue was full, or the"
            " packets never came there.",
            advice="look at the listener's queue on the server (Recv-Q against Send-Q)",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
