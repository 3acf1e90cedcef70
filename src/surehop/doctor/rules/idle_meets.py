"""SH004: the proxy keeps connections as long as the backend does, so they close under requests."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from surehop.conf.address import numeric, socket_text
from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Configuration, Group, Listener, Server
from surehop.doctor.finding import Confidence, Edit, Finding, Quote, Severity
from surehop.doctor.log_views import by_peer, captured, count, failed, lines, many, quotes
from surehop.doctor.probe_views import closed, closes, sheet_of
from surehop.doctor.rules.poison import blamed
from surehop.doctor.rules.thawed import asleep
from surehop.doctor.sections import insert_after, place, replace
from surehop.events import Cause, Reason

_BACK_MS = 75_000  # nginx: how long an idle client connection is kept
_MARGIN_MS = 1000
_HARDLY_MS = 200
_HIGH = Confidence.HIGH
_UNSAID = "that nginx keeps connections is true since 1.29.7, and `--nginx-version` was not given"
_RACES = (Reason.CLOSED, Reason.RESET, Reason.REUSED_CLOSED)
_ANY = {"", "*", "0.0.0.0", "[::]"}  # noqa: S104 (compared, not bound)

_BACKEND = """
server {{ listen 127.0.0.1:8081; keepalive_timeout {back}; }}
upstream app {{ server 127.0.0.1:8081; keepalive 16; keepalive_timeout {front}; }}
"""
_RESTED = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /
0.010 < 200
"""

ABOUT = About(
    id="SH004",
    name="idle-timeouts-meet",
    summary="connections to a server are kept as long as the server keeps them, or longer",
    symptom=(
        "now and then `upstream prematurely closed connection while reading response header`, on a"
        " connection that had been resting"
    ),
    cause=(
        "a server closes a connection that has rested for its idle time-out. If the proxy sends a"
        " request on it at that moment, the two cross, and the request dies unanswered"
    ),
    cure="the sender's idle time-out must be the shorter one: lower the proxy's `keepalive_timeout`"
    " in the `upstream`, or raise the backend's",
    needs="a configuration in which both sides stand, or one and `--probe`; or an error log of"
    " nginx, or a capture",
    examples=(
        Example(_BACKEND.format(back="10s", front="60s"), _BACKEND.format(back="75s", front="60s")),
        Example(
            "2026/01/05 10:00:00 [error] 11#11: *7 upstream prematurely closed connection while"
            " reading response header from upstream, client: 192.0.2.1, server: example.com,"
            ' request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "example.com"\n',
            "2026/01/05 10:00:00 [info] 11#11: *7 client prematurely closed connection while"
            " reading client request line, client: 192.0.2.1, server: example.com\n",
            kind="error log",
        ),
        Example(
            _RESTED + "5.010 < FIN\n5.011 > GET / unseen\n5.011 < RST\n",
            _RESTED + "4.000 > GET /\n4.010 < 200\n9.010 < FIN\n9.011 > FIN\n",
            kind="capture",
        ),
    ),
    proof=("surehop probe http://127.0.0.1:3000/",),
    scenario="keepalive-race",
)


class _Close(NamedTuple):
    """When a server closes idle connections; `quotes` where that was measured."""

    ms: float
    because: str
    quotes: tuple[Quote, ...] = ()
    tls: bool = False


def judge(evidence: Evidence) -> Iterator[Finding]:
    for group, server, close, sure in _meetings(evidence):
        peers = _peers(server)
        seen = [each for each in failed(evidence.logs, *_RACES) if each.peer in peers]
        yield _meeting(group, server, close, sure, seen)
    yield from raced(ABOUT, evidence, Reason.CLOSED)
    yield from _captured(evidence)


def _meetings(evidence: Evidence) -> Iterator[tuple[Group, Server, _Close, Confidence]]:
    """Give the servers that close when nginx still keeps, as configured or measured."""
    for configuration in evidence.nginx:
        for group in configuration.groups:
            sure = evidence.keeps(group)
            for server in group.servers:
                close = _close(evidence, configuration, server) if sure else None
                if close and sure and _meet(group, close) and (close.quotes or sure is _HIGH):
                    yield group, server, close, sure


def _peers(server: Server) -> list[str]:
    return [socket_text(each, server.port) for each in server.addresses or ()]


def _close(evidence: Evidence, configuration: Configuration, server: Server) -> _Close | None:
    """Tell when a server closes idle connections: as measured, or as configured here too."""
    sheet = sheet_of(evidence, server)
    if sheet and sheet.idle:
        rested = closed(sheet)
        if rested is None:
            return None  # it keeps them for longer than was waited
        return _Close(rested.ms, "it was measured just now", closes(sheet), sheet.hop.tls)
    listener = _listener(configuration, server)
    if listener is None:
        return None
    told = listener.section.time("keepalive_timeout")
    return _Close(_BACK_MS if told is None else told, "both time-outs stand in this configuration")


def _meet(group: Group, close: _Close) -> bool:
    return close.ms > 0 and group.rests_ms >= close.ms - _MARGIN_MS


def _meeting(
    group: Group, server: Server, close: _Close, sure: Confidence, seen: Sequence[Tally]
) -> Finding:
    unsaid = "" if sure is _HIGH else f"; {_UNSAID}"
    logged = f" The log has {many(seen, 'such connection')}." if seen else ""
    colon = ":" if server.unix else ""
    return ABOUT.found(
        Severity.WARNING,
        sure,
        because=close.because + unsaid,
        title=f"{group.label} keeps connections {_s(group.rests_ms)}, `{server.text}` closes them"
        f" after {_s(close.ms)}",
        text=(
            f"A request sent on a connection that has rested about {_s(close.ms)} may meet the"
            " server's close on the way and die unanswered. nginx charges that to the server."
            f"{logged}"
        ),
        advice=f"let the upstream's `keepalive_timeout` be shorter than {_s(close.ms)}",
        subject=f"{group.name} {server.text}",
        place=group.place,
        fix=_shorten(group, int(close.ms)),
        quotes=(*close.quotes, *quotes(seen)),
        proof=(f"surehop probe {'https' if close.tls else 'http'}://{server.text}{colon}/",),
    )


def _listener(configuration: Configuration, server: Server) -> Listener | None:
    loopback = numeric(server.host)
    local = server.host.lower() == "localhost" or (loopback is not None and loopback.is_loopback)
    for listener in configuration.listeners:
        if server.unix:
            if listener.host == server.unix:
                return listener
        elif listener.port == server.port and (
            listener.host == server.host or (local and listener.host in _ANY)
        ):
            return listener
    return None


def _shorten(group: Group, back: int) -> tuple[Edit, ...]:
    if group.settings is None or back <= 2 * _MARGIN_MS:
        return ()
    seconds = f"{max(back // 1000 - 5, back // 2000)}s"
    own = group.settings.own.get("keepalive_timeout")
    if own and own[-1].args:
        return (replace(place(own[-1], own[-1].args[0]), seconds),)
    keep = group.settings.own.get("keepalive") or group.settings.own.get("server")
    return (insert_after(keep[-1], f"keepalive_timeout {seconds};"),) if keep else ()


def raced(about: About, evidence: Evidence, mostly: Reason) -> Iterator[Finding]:
    """Tell of the servers whose connections ended under requests, mostly in this way."""
    told = {peer for _, server, *_ in _meetings(evidence) for peer in _peers(server)}
    dead = failed(evidence.logs, *_RACES)
    accounted = blamed(evidence)
    for peer, tallies in by_peer(dead).items():
        if peer in told or accounted(tallies):
            continue
        resets = sum(each.count for each in tallies if each.reason is Reason.RESET)
        closes = sum(each.count for each in tallies) - resets
        if (resets > closes) is not (mostly is Reason.RESET):
            continue
        yield about.found(
            Severity.WARNING,
            Confidence.MEDIUM,
            because="the log does not say whether the connection was reused; a crash of the"
            " backend looks the same",
            title=f"`{peer}` {'reset' if resets > closes else 'closed'}"
            f" {many(tallies, 'connection')} under a request",
            text=(
                f"The server ended the connection ({closes} by FIN, {resets} by RST)"
                " before the first byte of an answer. On a reused connection that is the keep-alive"
                " race: its idle time-out is over just as the next request comes."
            ),
            advice="let the upstream's `keepalive_timeout` be shorter than the backend's idle"
            " time-out (Node 5s, gunicorn 2s, uvicorn 5s unless told otherwise)",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )


def _captured(evidence: Evidence) -> Iterator[Finding]:
    ended = by_peer(captured(evidence.logs, "closed together"))
    for peer, tallies in by_peer(captured(evidence.logs, "race", "stale")).items():
        if peer in ended or asleep(tallies):
            continue  # SH034 tells of a server that ends, SH042 of a client that slept
        met, late = ([t for t in tallies if t.word == word] for word in ("race", "stale"))
        resets = count(each for each in met if each.cause is Cause.RESET)
        idle = _measured(evidence, peer)
        after = f", {_s(idle)} after its last answer" if idle else ""
        hardly = idle is not None and idle < _HARDLY_MS
        said = ["The connection had carried a request before, and rested."]
        if met:
            said.append(
                "The server ended it just as the next one came"
                f" ({count(met) - resets} by FIN, {resets} by RST), and nobody answered that."
            )
        if late:
            said.append(
                f"{many(late, 'request')} went out although the close had long been there: the"
                " client does not look at a connection before it uses it."
            )
        if hardly:
            said.append("No idle time-out is so short: the server ended, or was reloaded.")
        yield ABOUT.found(
            Severity.WARNING if hardly else Severity.ERROR,
            Confidence.HIGH,
            because="the packets show the close, the request, and how long the connection rested",
            title=f"`{peer}` closes connections at rest{after}, and"
            f" {many(tallies, 'request')} met the close",
            text=" ".join(said),
            advice="let who sends the requests give up connections sooner"
            + (f" than {_s(idle)}" if idle else " than the server does")
            + "; or raise the server's idle time-out above theirs",
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )


def _measured(evidence: Evidence, peer: str) -> int | None:
    """Give how long connections to a peer rested when it closed them; the median, in ms."""
    closes = by_peer(captured(evidence.logs, "idle close", "idle reset")).get(peer, [])
    rests = sorted(each.idle_ms for each in lines(closes) if each.idle_ms)
    return rests[len(rests) // 2] if rests else None


def _s(ms: float) -> str:
    if ms % _MARGIN_MS == 0:
        return f"{ms / 1000:.0f}s"
    return f"{ms / 1000:.1f}s" if ms > _MARGIN_MS else f"{ms:.0f}ms"
