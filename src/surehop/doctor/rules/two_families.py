"""SH001: one name, two servers, and the backend on one of them."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group, IPAddress, Server
from surehop.doctor.finding import Confidence, Edit, Finding, Severity
from surehop.doctor.log_views import refused_families
from surehop.doctor.sections import replace

_BOTH = {"localhost": "127.0.0.1,[::1]"}

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
    needs="a configuration, and what its names resolve to: here, or `--resolve`, or `--hosts`",
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
    ),
    proof=("ss -ltn", "curl -sv -o /dev/null 'http://[::1]:PORT/'"),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                if server.two_families and not server.down:
                    yield _finding(evidence, group, server)


def _finding(evidence: Evidence, group: Group, server: Server) -> Finding:
    shown = ", ".join(_peer(address, server.port) for address in server.addresses or ())
    refused, quotes = refused_families(evidence.logs, server)
    severity, confidence, because = _how_sure(server, refused=bool(refused))
    keep = _kept(server, refused)
    proof = tuple(each.replace("PORT", str(server.port)) for each in ABOUT.proof)
    return ABOUT.found(
        severity,
        confidence,
        because=because,
        title=f"`{server.text}` is {server.count} servers: {shown}",
        text=(
            f"nginx shares the requests for {group.label} out among all of them. If the backend"
            " listens on one family only, each request to the other is refused, that address is"
            " taken out for `fail_timeout` (10s unless said otherwise), the request goes on to the"
            " next, and then it all begins again. When the one that is left fails too, even once,"
            " clients get 502 at once."
        ),
        advice=_advice(server, keep),
        subject=f"{group.name} {server.text}",
        place=server.host_place,
        fix=_fix(server, keep),
        quotes=quotes,
        proof=proof,
    )


def _how_sure(server: Server, *, refused: bool) -> tuple[Severity, Confidence, str]:
    if refused:
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


def _advice(server: Server, keep: IPAddress | None) -> str:
    if keep is None:
        return "make sure that the backend listens on both, or write the one address it has"
    other = "127.0.0.1" if keep.version == 6 else f"[::1]:{server.port}"  # noqa: PLR2004
    written = _peer(keep, server.port)
    if not server.own_machine:
        return f"write `{written}`, or let the backend listen on both"
    return f"write `{written}` (or `{other}` if that is where the backend listens)"


def _fix(server: Server, keep: IPAddress | None) -> tuple[Edit, ...]:
    if keep is None:
        return ()
    text = f"[{keep}]" if keep.version == 6 else str(keep)  # noqa: PLR2004
    return (replace(server.host_place, text),)
