"""SH006: one race on a reused connection takes out the only server that is left."""

from collections.abc import Iterator, Sequence

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Failure, Outage
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group, Server
from surehop.doctor.finding import Confidence, Finding, Place, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quoted, refusals, seconds, target
from surehop.doctor.probe_views import all_taken, closed, closes, connects, dead_families, sheet_of
from surehop.doctor.probing.sheet import Rested, Sheet
from surehop.doctor.rules.poison import killers
from surehop.doctor.rules.too_many_at_once import crowded
from surehop.doctor.sections import place
from surehop.events import Reason

# An access log tells no more than BROKEN.
_RACES = {Reason.CLOSED, Reason.RESET, Reason.BROKEN}
_CLOSED = "upstream prematurely closed connection"
_AT_ONCE_MS = 2000
_NAMES = {"localhost": "127.0.0.1,[::1]"}

ABOUT = About(
    id="SH006",
    name="one-race-takes-out-every-server",
    summary="one address is dead, and a kept connection that closes charges the other",
    symptom="502 for about eleven seconds, without any attempt (`no live upstreams`), after a"
    " single `upstream prematurely closed connection`",
    cause=(
        "nginx charges the keep-alive race to the server; `max_fails` is 1 unless said otherwise;"
        " and where another address is dead already, nobody is left for `fail_timeout`"
    ),
    cure="write one address, so that a group of one is never disabled; or `max_fails=3`",
    needs="a configuration and its names, and best `--probe`; or an error log of nginx, or an"
    " access log with `$upstream_addr` and `$upstream_status`",
    examples=(
        Example(
            "upstream app { server localhost:3000; keepalive 16; }",
            "upstream app { server 127.0.0.1:3000; keepalive 16; }",
            names=_NAMES,
        ),
        Example(
            "upstream app { server localhost:3000; }",
            "upstream app { server localhost:3000 max_fails=3; }",
            names=_NAMES,
            version="1.31.5",
        ),
        Example(
            line("connect() failed (111: Connection refused)", "connecting", "[::1]:3000")
            + line(_CLOSED, "reading", "127.0.0.1:3000")
            + line("no live upstreams", "connecting", "app"),
            line(_CLOSED, "reading", "127.0.0.1:3000"),
            kind="error log",
        ),
    ),
    scenario="race-meets-two-stacks",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    refused = {each.peer for each in refusals(evidence.logs)}
    happened = {each.group for each in evidence.logs.outages if _races(each, refused)}
    for configuration in evidence.nginx:
        for group in configuration.groups:
            sure = evidence.keeps(group)
            if sure and _half_dead(group) and group.name not in happened:
                server = next(each for each in group.servers if not each.down)
                sheet = sheet_of(evidence, server)
                rested = closed(sheet)
                if sheet and dead_families(sheet) and rested and rested.ms <= group.rests_ms:
                    yield _proved(group, server, sheet, rested, sure)
                elif sure is Confidence.HIGH and not all_taken(sheet):
                    yield _finding(group, server)
    yield from _logged(evidence, refused)


def _half_dead(group: Group) -> bool:
    live = [server for server in group.servers if not server.down]
    return (
        len(live) == 1
        and live[0].own_machine
        and live[0].peers == 2  # noqa: PLR2004 (one of each family)
        and live[0].max_fails in {None, 1}
    )


def _races(outage: Outage, refused: set[str]) -> list[Failure]:
    """Give what may be races; where a peer also refuses, BROKEN stands for that."""
    return [
        each
        for each in outage.before
        if each.reason in _RACES and not (each.reason is Reason.BROKEN and each.peer in refused)
    ]


def _first(evidence: Evidence, group: str) -> Outage | None:
    """Give a group's first outage: of which the time is known, if there is one."""
    mine = [each for each in evidence.logs.outages if each.group == group]
    return next((each for each in mine if each.first.at_ms), next(iter(mine), None))


def _logged(evidence: Evidence, refused: set[str]) -> Iterator[Finding]:
    # Other findings tell of these.
    told = {*crowded(evidence), *(peer for each in killers(evidence) for peer in each.peers)}
    for group, tallies in by_peer(failed(evidence.logs, Reason.NO_LIVE)).items():
        first = _first(evidence, group)
        races = _races(first, refused) if first else []
        if first is None or not races or any(each.peer in told for each in races):
            continue
        peer = races[-1].peer
        others = {each.peer: each for each in first.before if each.peer != peer}
        dead = ", ".join(f"`{each}`" for each in others)
        requests = many(tallies, "request")
        known = f" {dead} had failed before it and was out already." if dead else ""
        evident = [*list(others.values())[:2], races[-1]]
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH if others else Confidence.MEDIUM,
            because="the log has the failures of every address just before the outage"
            if others
            else "the log has one failure before the outage, and not who else was out",
            title=f"one closed connection to `{peer}` took `{group}` out: {requests}",
            text=(
                f"`{peer}` closed a connection under a request; nginx charged that to the server."
                f"{known}{_one_request(races)} So nobody was left, and every request got 502"
                f" without a try, for {seconds(tallies)}s in this log."
            ),
            advice="let the group have one address (such a group is never disabled), or write"
            " `max_fails=3`; and let `keepalive_timeout` be shorter than the backend's",
            subject=f"log {group}",
            place=_place(evidence, group),
            quotes=quoted([*(each.line for each in evident), first.first]),
        )


def _one_request(races: Sequence[Failure]) -> str:
    """Say so where the same request met all of it."""
    last = races[-1]
    asked = target(last.line, last.peer)
    met = {
        each.peer
        for each in races
        if each.line.connection == last.line.connection
        and target(each.line, each.peer) == asked
        and last.line.at_ms - each.line.at_ms <= _AT_ONCE_MS
    }
    if len(met) < 2 or not last.line.connection:  # noqa: PLR2004 (from one to another)
        return ""
    return (
        f" It was one request, for `{asked}`, that went from one to the other: it met two"
        " stale connections, or it is itself what kills whoever gets it."
    )


def _place(evidence: Evidence, name: str) -> Place | None:
    for configuration in evidence.configurations:
        for group in configuration.groups:
            if group.explicit and group.name == name:
                return group.place
    return None


def _finding(group: Group, server: Server) -> Finding:
    return ABOUT.found(
        Severity.WARNING,
        Confidence.MEDIUM,
        because="it takes a backend on one family only, which the machine itself must tell",
        title=f"one closed connection can take {group.label} out altogether",
        text=(
            f"`{server.text}` is two servers. If one refuses (SH001), it is out already; when the"
            " backend closes a kept connection just as a request goes out on it (SH004), nginx"
            " charges the other, and every request gets 502 at once until `fail_timeout` is over."
        ),
        advice="write one address: a group of one is never disabled",
        subject=f"{group.name} {server.text}",
        place=_where(group, server),
    )


def _proved(
    group: Group, server: Server, sheet: Sheet, rested: Rested, sure: Confidence
) -> Finding:
    """Both causes are there: a dead address, and a close that requests will meet."""
    old = "" if sure is Confidence.HIGH else ", if this nginx is 1.29.7 or later"
    return ABOUT.found(
        Severity.ERROR,
        sure,
        because=f"one address refuses just now, and the other's idle close was measured{old}",
        title=f"one closed connection takes {group.label} out altogether",
        text=(
            f"`{server.text}` is two servers, and one refuses (SH001), so it is out already. The"
            f" other closes idle connections after {rested.ms / 1000:.1f} s, while nginx keeps them"
            f" for {group.rests_ms / 1000:g} s (SH004): sooner or later a request meets the close."
            " nginx charges that to the server, nobody is left, and every request gets 502 at once"
            " until `fail_timeout` is over."
        ),
        advice="write one address: a group of one is never disabled",
        subject=f"{group.name} {server.text}",
        place=_where(group, server),
        quotes=(*connects(sheet), *closes(sheet)),
    )


def _where(group: Group, server: Server) -> Place:
    keep = group.settings.last("keepalive") if group.settings and group.keepalive else None
    return place(keep) if keep else server.place
