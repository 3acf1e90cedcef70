"""SH050: an access log has 502 and 504, and nothing at hand says why."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import LogFacts, Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import APPLICATIONS, by_peer, count, failed, many, quotes, told, where
from surehop.events import Reason

_GATEWAY = (502, 504)
_FEWEST = 5
_SHARE = 0.01
_OFTEN = 0.05  # of the connects
_ERROR_LOG, _HAPROXY = "nginx error log", "haproxy log"
# Logs that tell which failures are the proxy's own, by whom they come from.
_EXPLAINING = {
    _HAPROXY: ("haproxy",),
    "envoy access log": ("envoy",),
    "alb access log": ("alb",),
    "classic elb access log": ("alb",),
    "gcp load balancer log": ("gcp",),
    "application log": APPLICATIONS,
}


def _log(bad: int, good: int) -> str:
    return "".join(
        f'192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" {status} 157 "-" "curl"\n'
        for status in (*[502] * bad, *[200] * good)
    )


ABOUT = About(
    id="SH050",
    name="gateway-errors",
    summary="an access log has many 502 or 504, and no log that would say why is given",
    symptom="a share of the requests ends with 502 or 504",
    cause="an access log tells that a try failed; how it failed stands in the error log",
    cure="give the error log and the configuration to the doctor too",
    needs="an access log, and no error log; or a log of HAProxy, or of a cloud's balancer",
    examples=(Example(_log(6, 8), _log(2, 12), kind="access log"),),
    proof=("surehop doctor nginx.conf access.log error.log",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    logs = evidence.logs
    if any(each.kind == _ERROR_LOG for each in logs.files):  # it tells more
        return
    tries = by_peer(failed(logs, Reason.BROKEN))
    for kind, traffic in logs.traffic.items():
        every = sum(traffic.statuses.values())
        bad = sum(traffic.statuses.get(status, 0) for status in _GATEWAY)
        if software := _EXPLAINING.get(kind):  # what is left, the servers behind it said
            bad -= sum(
                each.count for each in logs.tallies if each.software in software and each.reason
            )
        if bad >= _FEWEST and bad >= _SHARE * every:
            yield _finding(logs, f"{bad} of {every} requests ended with 502 or 504", kind)
        elif tries:
            yield _quiet(tries)
        again = [each for each in told(logs, "retried") if each.software == "haproxy"]
        if kind == _HAPROXY and count(again) >= max(_FEWEST, _OFTEN * every):
            yield _again(again)


def _finding(logs: LogFacts, title: str, kind: str) -> Finding:
    whose = " of the proxy behind, whose answers these are," if kind in _EXPLAINING else ""
    lines = [each for status in _GATEWAY for each in told(logs, str(status))]
    return ABOUT.found(
        Severity.WARNING,
        Confidence.LOW,
        because="an access log tells that they failed, and not how",
        title=title,
        text="Whether a server refused, closed, was too slow or broken, the error log"
        f"{whose} says.",
        advice="run the doctor over the error log and the configuration too",
        subject=f"log {kind}",
        quotes=quotes(lines),
    )


def _again(again: list[Tally]) -> Finding:
    """HAProxy connected once more, or to another server, and clients got their answers."""
    peers = where(again)
    return ABOUT.found(
        Severity.WARNING,
        Confidence.MEDIUM,
        because="HAProxy counts how often it connected anew, and does not say why or where before",
        title=f"HAProxy had to connect again for {many(again, 'request')}; those answered{peers}",
        text="A server does not take connections, or not always: with `option redispatch` another"
        " answers in its stead, which then is the one in the line. Clients only waited longer.",
        advice="look at the servers that are not named here; `check` on their lines takes dead ones"
        " out",
        subject="log again",
        quotes=quotes(again),
    )


def _quiet(tries: dict[str, list[Tally]]) -> Finding:
    """Clients saw nothing of it: the requests went on to other servers."""
    every = [tally for tallies in tries.values() for tally in tallies]
    peers = ", ".join(f"`{peer}`" for peer in tries)
    return ABOUT.found(
        Severity.INFO,
        Confidence.LOW,
        because="an access log tells that they failed, and not how",
        title=f"{many(every, 'request')} had to go on to another server: {peers}",
        text="Clients waited longer, and got their answers. How the tries failed, the error log"
        " says.",
        advice="run the doctor over the error log and the configuration too",
        subject="log tries",
        quotes=quotes(every),
    )
