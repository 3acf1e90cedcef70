"""SH041: 502s that grow rarer as the traffic grows: the keep-alive race."""

from collections.abc import Iterator, Sequence

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Histogram, Traffic
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import lines, quoted

_FEWEST = 10  # failures
_SLOTS = 6  # of either kind, to compare
_TIMES = 3  # so much likelier where traffic is low
_BAD_GATEWAY = 502


def _second(number: int, requests: int, failures: int) -> str:
    statuses = [502] * failures + [200] * (requests - failures)
    return "".join(
        f"192.0.2.1 - - [05/Jan/2026:10:00:{number:02} +0000]"
        f' "GET / HTTP/1.1" {each} 12 "-" "curl"\n'
        for each in statuses
    )


def _log(quiet: int, busy: int) -> str:
    """Seconds of two requests and seconds of six, and how many fail in each."""
    return "".join(_second(n, 2, quiet) + _second(n + 30, 6, busy) for n in range(_SLOTS))


ABOUT = About(
    id="SH041",
    name="fails-when-it-is-quiet",
    summary="the share of 502 is largest when there are few requests",
    symptom="a few 502 all day long, that vanish in a load test",
    cause="a connection must rest for the server's idle time-out to be closed under a request;"
    " where requests follow each other closely, none rests for so long",
    cure="as SH004: the proxy's idle time-out must be shorter than the server's",
    needs="an access log, also of a load balancer of a cloud",
    examples=(Example(_log(2, 0), _log(0, 2), kind="access log"),),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for kind, traffic in evidence.logs.traffic.items():
        if traffic.statuses.get(_BAD_GATEWAY, 0) < _FEWEST:
            continue
        shares = _shares(traffic)
        if shares is None:
            continue
        quiet, busy = shares
        if quiet < _TIMES * busy or quiet <= 0:
            continue
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.MEDIUM,
            because="it is what the keep-alive race looks like; a task that runs at quiet times and"
            " fails would, too",
            title=f"requests fail more often when there are few: {quiet:.1%} against {busy:.1%}",
            text="A server that can't keep up fails under load. This one fails when it is quiet, as"
            " connections do that rested until the server closed them.",
            advice="let the proxy's idle time-out for servers be shorter than theirs; see SH004",
            subject=f"log {kind}",
            quotes=quoted(
                each for each in lines(evidence.logs.tallies) if each.status == _BAD_GATEWAY
            ),
        )


def _shares(traffic: Traffic) -> tuple[float, float] | None:
    """Give the share that failed in the quieter half of the slots, and in the busier one."""
    failures = _by_slot(traffic.failures, traffic.requests)
    slots = sorted(
        (count, failures.get(number, 0))
        for number, count in enumerate(traffic.requests.counts, traffic.requests.start)
        if count
    )
    if len(slots) < 2 * _SLOTS:
        return None
    half = len(slots) // 2
    if sum(failed for _, failed in slots[:half]) < _FEWEST:
        return None  # so few may lie there by chance
    return _share(slots[:half]), _share(slots[half:])


def _share(slots: Sequence[tuple[int, int]]) -> float:
    return sum(failures for _, failures in slots) / sum(requests for requests, _ in slots)


def _by_slot(finer: Histogram, like: Histogram) -> dict[int, int]:
    """Count in the slots of another histogram; one of them may be the wider."""
    found: dict[int, int] = {}
    for number, count in enumerate(finer.counts, finer.start):
        slot = number * finer.width_ms // like.width_ms
        found[slot] = found.get(slot, 0) + count
    return found
