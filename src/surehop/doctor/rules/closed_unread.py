"""SH033: an early answer is lost, since the connection is closed with the body unread."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, captured, many, quotes
from surehop.doctor.sections import place, replace

_UPLOAD = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > POST /upload half
0.002 < 413
"""

ABOUT = About(
    id="SH033",
    name="closed-with-the-body-unread",
    summary="`lingering_close off`: clients see a reset where they should see 413",
    symptom="uploads end with ECONNRESET or EPIPE instead of 413 or another early answer",
    cause="a socket that is closed with bytes unread sends RST, and RST discards the answer",
    cure="`lingering_close on`, as nginx has it",
    needs="a configuration, or a capture",
    examples=(
        Example(
            "server { lingering_close off; client_max_body_size 1m; }",
            "server { lingering_close on; client_max_body_size 1m; }",
        ),
        Example(
            _UPLOAD + "0.003 > ACK\n0.003 < RST\n",
            _UPLOAD + "0.003 < FIN\n0.004 > FIN\n",
            kind="capture",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for section in configuration.sections:
            for node in section.own.get("lingering_close", ()):
                if node.words != ("off",):
                    continue
                where = place(node, node.args[0])
                yield ABOUT.found(
                    Severity.WARNING,
                    Confidence.HIGH,
                    because="the configuration says so",
                    title="early answers to uploads are lost",
                    text="When nginx answers before the body is read (413, 401, 502), it closes at"
                    " once; the bytes on their way cause a RST, and the client never sees the"
                    " answer.",
                    advice="`lingering_close on;`",
                    subject=section.kind,
                    place=where,
                    fix=(replace(where, "on"),),
                )
    yield from _captured(evidence)


def _captured(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(captured(evidence.logs, "body unread")).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the packets show the answer, and the RST behind it",
            title=f"`{peer}` answered and reset the connection, {many(tallies, 'time')}",
            text="It answered before the request's body was read, and closed with bytes unread. The"
            " RST discards what the client has not read yet: it sees ECONNRESET or EPIPE, and not"
            " the answer.",
            advice="let the server read on for a while before it closes (nginx: `lingering_close"
            " on`), or let clients ask first with `Expect: 100-continue`",
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )
