"""SH033: an early answer is lost, since the connection is closed with the body unread."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.sections import place, replace

ABOUT = About(
    id="SH033",
    name="closed-with-the-body-unread",
    summary="`lingering_close off`: clients see a reset where they should see 413",
    symptom="uploads end with ECONNRESET or EPIPE instead of 413 or another early answer",
    cause="a socket that is closed with bytes unread sends RST, and RST discards the answer",
    cure="`lingering_close on`, as nginx has it",
    needs="a configuration",
    examples=(
        Example(
            "server { lingering_close off; client_max_body_size 1m; }",
            "server { lingering_close on; client_max_body_size 1m; }",
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
