"""SH052: a server refuses, answers, and refuses again."""

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Line
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    APPLICATIONS,
    BALANCERS,
    NOTICES,
    captured,
    failed,
    line,
    quoted,
    refusals,
    told,
    unreached,
)
from surehop.events import Reason

_APART_MS, _CLOSE_MS = 1000, 600_000  # what is nearer may be one end, told by several workers
_OFTEN = 3
_REFUSED = "connect() failed (111: Connection refused)"
_RESET = "recv() failed (104: Connection reset by peer)"
# What happens at once, and only to who was let in.
_LET_IN = (Reason.CLOSED, Reason.RESET, Reason.REUSED_CLOSED, Reason.REUSED_RESET, Reason.STATUS)
_SAYS = "Server app/a is {}, reason: Layer4 {}, check duration: 0ms.\n"
_DOWN = _SAYS.format("DOWN", 'connection problem, info: "Connection refused"')
_UP = _SAYS.format("UP", "check passed")


def _at(text: str, second: int) -> str:
    return text.replace("10:00:00", f"10:00:{second:02}")


_GONE = line(_REFUSED, "connecting", "192.0.2.1:80")
_THERE = line(_RESET, "reading", "192.0.2.1:80")

ABOUT = About(
    id="SH052",
    name="comes-and-goes",
    summary="a server refuses connections, takes some, and refuses again",
    symptom="`connect() failed (111: Connection refused)` for a server that answered just before"
    " and answers again soon after; in HAProxy's log `Server … is DOWN` and `is UP` in turn",
    cause="the program crashes and is started anew, over and over: it runs out of memory, a"
    " supervisor or a liveness probe kills it, or it fails at some request",
    cure="see why it ends: its own log, its exit code, `journalctl`, `kubectl describe pod`",
    needs="an error log of nginx with an access log that has `$upstream_addr` and"
    " `$upstream_status`, a log of HAProxy with checks, of Envoy or of AWS' balancer, or a capture",
    examples=(
        Example(
            _at(_GONE, 0) + _at(_THERE, 4) + _at(_GONE, 9),
            _at(_GONE, 0) + _at(_GONE, 9) + _at(_THERE, 12),
            kind="error log",
        ),
        Example(3 * (_DOWN + _UP), _DOWN + _UP, kind="haproxy log"),
        Example(
            "".join(
                f"192.0.2.1:4000{n} > 192.0.2.9:3000\n{n}.000 > SYN\n{n}.001 < RST\n"
                f"192.0.2.1:4100{n} > 192.0.2.9:3000\n{n}.500 > open\n{n}.501 > FIN\n"
                for n in (1, 2)
            ),
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > SYN\n0.001 < RST\n"
            "192.0.2.1:40001 > 192.0.2.9:3000\n9.000 > open\n9.001 > FIN\n",
            kind="capture",
        ),
    ),
    proof=("journalctl -k --grep 'Out of memory'",),
    scenario="flapping-backend",
)


class _Sign(NamedTuple):
    """A sign of life, or of none. Without a line it is the last of many, of which none was kept."""

    at_ms: int
    gone: bool
    line: Line | None = None

    @property
    def order(self) -> tuple[int, str, int]:
        return (self.at_ms, self.line.file, self.line.line) if self.line else (self.at_ms, "", 0)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for peer, turns in unsteady(evidence).items():
        span = (turns[-1].at_ms - turns[0].at_ms) // 1000
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="it was seen there and gone in turn",
            title=f"`{peer}` comes and goes: it refuses, is there, and refuses again"
            + (f", within {span}s" if span else ""),
            text="Nobody took connections there, then somebody did, then nobody: the program ends"
            " and is started again. Each time it goes, what is under way is lost, and a proxy"
            " finds out with live requests.",
            advice="see why the program ends: its own log and exit code, memory, a liveness probe",
            subject=f"log {peer}",
            quotes=quoted(each.line for each in turns if each.line),
        )


def unsteady(evidence: Evidence) -> dict[str, list[_Sign]]:
    """Give the peers that were gone, there and gone again, with the first sign of each turn."""
    logs = evidence.logs
    asked = failed(logs, Reason.REFUSED, software=(*BALANCERS, *APPLICATIONS))
    bare = failed(logs, Reason.CONNECT_FAILED, software=("envoy",))
    lost = [*bare, *chain.from_iterable(unreached(logs).values())]
    checks = [each for each in logs.tallies if each.software == NOTICES]
    seen = {
        True: [*refusals(logs), *asked, *lost, *(each for each in checks if each.word == "down")],
        False: [
            *failed(logs, *_LET_IN, software=("nginx", *APPLICATIONS)),
            *captured(logs, "accepted"),
            *told(logs, "answered again"),
            *(each for each in checks if each.word == "up"),
        ],
    }
    signs: dict[str, list[_Sign]] = {}
    for gone, tallies in seen.items():
        for tally in tallies:
            known = signs.setdefault(tally.peer, [])
            known += [_Sign(each.at_ms, gone, each) for each in tally.kept]
            if tally.count > len(tally.kept):
                known.append(_Sign(tally.last_ms, gone))
    turns = {peer: _turns(some) for peer, some in signs.items() if peer}
    return {peer: some for peer, some in turns.items() if _often(some)}


def _turns(signs: list[_Sign]) -> list[_Sign]:
    ordered = sorted(signs, key=lambda each: each.order)
    return [
        each
        for before, each in zip([None, *ordered], ordered, strict=False)
        if before is None or before.gone is not each.gone
    ]


def _often(turns: list[_Sign]) -> bool:
    """Whether it is more than a restart now and then; nobody knows when what has no time was."""
    times = [each.at_ms for each in turns if each.gone]
    if not all(times):
        return len(times) >= _OFTEN
    near = any(late - soon <= _CLOSE_MS for soon, late in pairwise(times))
    return near and times[-1] - times[0] >= _APART_MS
