"""SH001: one name, two servers, and the backend on one of them."""

from collections.abc import Iterator, Sequence

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group, IPAddress, Server
from surehop.doctor.finding import Confidence, Edit, Finding, Severity
from surehop.doctor.log_views import (
    NOTICES,
    by_peer,
    dead_siblings,
    failed,
    line,
    lines,
    many,
    quoted,
    quotes,
    refused_families,
    seconds,
    split,
    told,
)
from surehop.doctor.probe_views import all_taken, connects, dead_families, sheet_of, strangers
from surehop.doctor.sections import replace
from surehop.events import Family, Reason

_BOTH = {"localhost": "127.0.0.1,[::1]"}

_HAPROXY = """\
backend app
    timeout connect 5s
    timeout server 30s
    server a {}:3000 check
"""

_RACE = (
    " Since nginx 1.29.7, which keeps connections unasked, one that the backend closes just as a"
    " request goes out on it (SH004) is enough for that (SH006)."
)

ABOUT = About(
    id="SH001",
    name="name-resolves-to-two-families",
    summary="a name has IPv4 and IPv6 addresses, so it is several servers, and one may be dead",
    symptom=(
        "pairs of lines, `connect() failed (111: Connection refused)` to `[::1]` and `upstream"
        " server temporarily disabled`, again and again, while every client gets its answer"
    ),
    cause=(
        "nginx makes a server of every address that a name has, and shares the requests out among"
        " them. A backend that listens on one family refuses the rest. Each refusal takes the dead"
        " address out for `fail_timeout`; then a live request is the test, and the lines come back."
    ),
    cure="write the address that the backend listens on, or let the backend listen on both",
    needs="a configuration, and what its names resolve to: here, or `--resolve`, or `--hosts`;"
    " `--probe`, an error log of nginx or a capture proves it",
    examples=(
        Example(
            "upstream app { server localhost:3000; }",
            "upstream app { server 127.0.0.1:3000; }",
            names=_BOTH,
        ),
        Example(
            "server { location / { proxy_pass http://localhost:3000; } }",
            "server { location / { proxy_pass http://[::1]:3000; } }",
            names=_BOTH,
        ),
        Example(
            _HAPROXY.format("localhost"),
            _HAPROXY.format("127.0.0.1"),
            kind="haproxy",
            names=_BOTH,
        ),
        Example(
            line("connect() failed (111: Connection refused)", "connecting", "[::1]:3000")
            + line("upstream server temporarily disabled", "connecting", "[::1]:3000"),
            line("connect() failed (111: Connection refused)", "connecting", "127.0.0.1:3000"),
            kind="error log",
        ),
        Example(
            "[::1]:40000 > [::1]:3000\n0.000 > SYN\n0.001 < RST\n"
            "127.0.0.1:40001 > 127.0.0.1:3000\n0.001 > open\n",
            "[::1]:40000 > [::1]:3000\n0.000 > SYN\n0.001 < RST\n"
            "127.0.0.1:40001 > 127.0.0.1:3000\n0.001 > SYN\n0.002 < RST\n",
            kind="capture",
        ),
    ),
    proof=("ss -ltn", "curl -sv -o /dev/null 'http://[::1]:PORT/'"),
    scenario="two-stacks",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                if server.two_families and not server.down:
                    yield from _found(evidence, group, server)
    refused = by_peer(failed(evidence.logs, Reason.REFUSED, software=("haproxy", NOTICES)))
    for configuration in evidence.haproxy:
        for group in configuration.groups:
            for server in group.servers:
                sheet = sheet_of(evidence, server)
                if server.own_machine and not server.down and not all_taken(sheet):
                    down = refused.get(f"{group.name}/{server.name}", ())
                    yield _first(group, server, dead_families(sheet), down)
    yield from _probed(evidence)
    yield from _logged(evidence)


def _found(evidence: Evidence, group: Group, server: Server) -> Iterator[Finding]:
    sheet = sheet_of(evidence, server)
    dead = dead_families(sheet)
    refused, lines = refused_families(evidence.logs, server)
    if (all_taken(sheet) or _is_itself(evidence, server)) and not (dead or refused):
        return  # the backend listens on both
    shown = ", ".join(_peer(address, server.port) for address in server.addresses or ())
    severity, confidence, because = _how_sure(server, logged=bool(refused), probed=bool(dead))
    keep = _kept(server, dead or refused)
    race = _RACE if evidence.keeps(group) is Confidence.MEDIUM else ""  # else SH006 tells
    yield ABOUT.found(
        severity,
        confidence,
        because=because,
        title=f"`{server.text}` is {server.peers} servers: {shown}",
        text=(
            f"nginx shares the requests for {group.label} out among all of them. If the backend"
            " listens on one family only, each request to the other is refused, that address is"
            " taken out for `fail_timeout` (10s unless said otherwise), the request goes on to the"
            " next, and then it all begins again. When the one that is left fails too, even once,"
            f" clients get 502 at once.{race}"
        ),
        advice=_advice(server, keep, sure=bool(dead or refused)),
        subject=f"{group.name} {server.text}",
        place=server.host_place,
        fix=_fix(server, keep),
        quotes=(*connects(sheet), *lines),
        proof=_proof(server.port),
    )


def _is_itself(evidence: Evidence, server: Server) -> bool:
    """Whether it is nginx again, which listens there on both families."""
    hosts = {
        listener.host.strip("[]")
        for configuration in evidence.nginx
        for listener in configuration.listeners
        if listener.port == server.port
    }
    four = any(host in {"", "*", "localhost"} or host.count(".") for host in hosts)
    six = any(host == "localhost" or ":" in host for host in hosts)
    return server.own_machine and four and six


def _probed(evidence: Evidence) -> Iterator[Finding]:
    """Tell of the dead half of a name that somebody probed."""
    for sheet in strangers(evidence):
        dead = dead_families(sheet)
        refusing = [e.address for e in sheet.addresses if e.ip and e.ip.version in dead]
        if not refusing:
            continue
        shown = ", ".join(f"`{each}`" for each in refusing)
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="connecting was tried just now",
            title=f"{shown} refuses, and `{sheet.hop.host}` is also `{sheet.asked}`",
            text="Who takes the first address of the name, or all in turn, is refused now and then,"
            " or always. nginx makes a server of each.",
            advice=f"write `{sheet.asked}`, or let the backend listen on both",
            subject=f"probe {sheet.hop.label}",
            quotes=connects(sheet),
            proof=_proof(sheet.hop.port),
        )


def _proof(port: int) -> tuple[str, ...]:
    return tuple(each.replace("PORT", str(port)) for each in ABOUT.proof)


def _first(group: Group, server: Server, dead: set[int], down: Sequence[Tally]) -> Finding:
    """HAProxy takes one of the addresses, and which is not said."""
    keep = None if down else _kept(server, dead)
    return ABOUT.found(
        Severity.ERROR if down else Severity.INFO,
        Confidence.HIGH if down else Confidence.MEDIUM,
        because="the log says that it refuses, and the name has another address"
        if down
        else "which of both is taken depends on the machine's resolver",
        title=f"`{server.text}` is 127.0.0.1 or ::1, as the resolver happens to say first"
        + (", and it refuses" if down else ""),
        text="HAProxy takes the first address of a name. If the backend listens on the other family"
        " only, the server is down, or goes down with the next change of /etc/hosts.",
        advice=_advice(server, keep),
        subject=f"{group.name} {server.text}",
        place=server.host_place,
        fix=_fix(server, keep),
        quotes=quotes(down),
        proof=_proof(server.port),
    )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    """Tell of the dead half of a name where no configuration is at hand that has it."""
    written = [
        server
        for configuration in evidence.configurations
        for group in configuration.groups
        for server in group.servers
        if server.two_families
    ]
    ejections = by_peer(told(evidence.logs, "disabled"))
    for peer, tallies in dead_siblings(evidence.logs).items():
        host, port = split(peer)
        if any(s.port == port and host in map(str, s.addresses or ()) for s in written):
            continue
        six = tallies[0].family is Family.IPV6
        first, *others = lines(tallies)
        out = lines(ejections.get(peer, ()))[:1]
        alive = f"127.0.0.1:{port}" if six else f"[::1]:{port}"
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH if six else Confidence.MEDIUM,
            because=f"only `{peer}` refuses; nobody was refused by `{alive}`",
            title=f"`{peer}` refuses, and it is half of a name that is also `{alive}`",
            text=(
                f"{many(tallies, 'connection')} refused in {seconds(tallies)}s."
                " The backend listens on the other family. nginx takes the dead address out, sends"
                " the request on, and tries again with a live request when `fail_timeout` is over;"
                " other clients try one address after the other, or only the first."
            ),
            advice=f"write `{alive}` where the name stands in the configuration, most likely"
            f" `localhost:{port}`",
            subject=f"log {peer}",
            quotes=quoted([first, *out, *others]),
            proof=_proof(port),
        )


def _how_sure(server: Server, *, logged: bool, probed: bool) -> tuple[Severity, Confidence, str]:
    if probed:
        because = "just now one of its addresses refused, and another took a connection"
        return Severity.ERROR, Confidence.HIGH, because
    if logged:
        return Severity.ERROR, Confidence.HIGH, "the log shows one of its addresses refusing"
    if server.own_machine:
        because = (
            f"`{server.host}` has both loopback addresses, and few programs listen on both;"
            " whether yours does, only the machine itself can tell"
        )
        return Severity.WARNING, Confidence.HIGH, because
    return Severity.INFO, Confidence.LOW, "a backend may well listen on both"


def _peer(address: IPAddress, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004


def _kept(server: Server, refused: set[int]) -> IPAddress | None:
    """Give the address to write: one that no log saw refusing, IPv4 first; None if that's open."""
    alive = [each for each in server.addresses or () if each.version not in refused]
    alive.sort(key=lambda each: each.version)
    if not alive or not (refused or server.own_machine):
        return None
    return alive[0] if sum(each.version == alive[0].version for each in alive) == 1 else None


def _advice(server: Server, keep: IPAddress | None, *, sure: bool = False) -> str:
    if keep is None:
        return "make sure that the backend listens on both, or write the one address it has"
    written = _peer(keep, server.port)
    other = "127.0.0.1" if keep.version == 6 else f"[::1]:{server.port}"  # noqa: PLR2004
    if sure or not server.own_machine:
        return f"write `{written}`, or let the backend listen on both"
    return f"write `{written}` (or `{other}` if that is where the backend listens)"


def _fix(server: Server, keep: IPAddress | None) -> tuple[Edit, ...]:
    if keep is None:
        return ()
    text = f"[{keep}]" if keep.version == 6 else str(keep)  # noqa: PLR2004
    return (replace(server.host_place, text),)
