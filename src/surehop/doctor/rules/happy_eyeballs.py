"""SH021: Node gives each address of a name 250 ms, and none connects in that time."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    NODE,
    by_peer,
    captured,
    count,
    failed,
    lines,
    many,
    quotes,
    told,
    where,
)
from surehop.events import Reason

_AGGREGATE = """\
2026-01-05T10:00:00.250Z AggregateError [{code}]:
    at internalConnectMultiple (node:net:1122:18) {{
  code: '{code}',
  [errors]: [
    Error: connect {code} 192.0.2.1:443
        at createConnectionError (node:net:1652:14) {{
    Error: connect ENETUNREACH 2001:db8::1:443 - Local (:::0)
        at createConnectionError (node:net:1652:14) {{
"""
_SHARE = 0.1
_FIRST = """\
192.0.2.1:40001 > 192.0.2.9:443
0.250 > open
[2001:db8::1]:40000 > [2001:db8::9]:443
0.000 > SYN
"""

ABOUT = About(
    id="SH021",
    name="node-gives-up-after-250-ms",
    summary="connecting takes longer than the quarter of a second that Node gives each address",
    symptom="an `AggregateError` without a message, code `ETIMEDOUT`, after some 250 ms",
    cause="since Node 20 the addresses of a name are tried in turn, each for 250 ms (Happy"
    " Eyeballs); one that is far away needs longer, and the next has no route",
    cure="`net.setDefaultAutoSelectFamilyAttemptTimeout(2000)`, or"
    " `--network-family-autoselection-attempt-timeout=2000`",
    needs="a log of an application with errors of Node, or a capture",
    examples=(
        Example(
            _AGGREGATE.format(code="ETIMEDOUT"),
            _AGGREGATE.format(code="ECONNREFUSED"),
            kind="application log",
        ),
        Example(
            _FIRST + "0.300 < SYN-ACK\n0.301 > RST\n",
            _FIRST + "0.020 < SYN-ACK\n0.021 > ACK\n",
            kind="capture",
        ),
    ),
    proof=("curl -4 -so /dev/null -w '%{time_connect}\\n' URL",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _logged(evidence)
    yield from _captured(evidence)


def _logged(evidence: Evidence) -> Iterator[Finding]:
    several = [each for each in told(evidence.logs, "aggregate") if each.software in NODE]
    slow = failed(evidence.logs, Reason.CONNECT_TIMED_OUT, software=NODE)
    if not several or not slow:
        return
    yield ABOUT.found(
        Severity.ERROR,
        Confidence.MEDIUM,
        because="the log does not tell how long each address was waited for; 250 ms is what Node"
        " does unless told otherwise",
        title=f"Node gave up connecting, {many(slow, 'time')}{where(slow)}",
        text="All addresses of the name failed, and at least one for the time: Node waits 250 ms"
        " for each. A server that is a continent away, or a lost SYN, takes longer than that.",
        advice="give each address more time: `net.setDefaultAutoSelectFamilyAttemptTimeout(2000)`",
        subject="log node",
        quotes=quotes([*slow, *several]),
    )


def _captured(evidence: Evidence) -> Iterator[Finding]:
    accepted = by_peer(captured(evidence.logs, "accepted"))
    for peer, tallies in by_peer(captured(evidence.logs, "given up")).items():
        if count(tallies) < _SHARE * count(accepted.get(peer, [])):
            continue  # as slow as a path may be now and then
        after = min(each.age_ms or 0 for each in lines(tallies))
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.MEDIUM,
            because="the packets show when the client gave up, not what it had been told to wait",
            title=f"connecting to `{peer}` was given up after {after} ms, {many(tallies, 'time')}",
            text="Nobody refused. The client tried another address instead, or was gone when the"
            " answer came. Where no other address takes connections, its request has failed.",
            advice="give each address more time (Node:"
            " `net.setDefaultAutoSelectFamilyAttemptTimeout(2000)`), or find out why it takes so"
            " long",
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )
