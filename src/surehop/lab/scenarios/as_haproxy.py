"""A scenario's upstream as HAProxy is told of it, and what its log says."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

from surehop.lab.scenarios.upstream import Line, Upstream
from surehop.lab.subjects import Program, Subject

# What most people have: checks, and another server to go to when one can't be connected to. All
# that is not told is HAProxy's own default. `short` puts a line's level before it.
_CONFIGURATION = """\
global
    log stdout format short local0
defaults
    mode http
    log global
    option httplog
    option redispatch
    timeout connect 5s
    timeout client 60s
    timeout server {read_timeout}ms
frontend front
    bind 127.0.0.1:@PORT@
    capture request header X-Request-Id len 100
    default_backend app
{resolvers}backend app
    default-server check inter {inter}ms{options}
{servers}
"""
_RESOLVERS = """\
resolvers lab
    nameserver lab 127.0.0.1:{port}
    hold valid 1s
    timeout resolve 1s
"""
_LINE = re.compile(r"^<(\d)>(.*)$")
# As `option httplog` has it: the server, how often another was connected to, what was captured.
_REQUEST = re.compile(
    r"^\S+ \[[^]]*\] front \S+/(?P<server>\S+) .* [\d/]+/\+?(?P<again>\d+) \S+ \{(?P<id>[^}]*)\} "
)
_LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug")
_SERVER = re.compile(r"^Server app/s(\d+) ")
_CHECKS = 5  # in a fail_timeout, as two seconds stand to ten where nobody says otherwise
_READ_TIMEOUT = 60.0


class HaproxyFront(Subject):
    """HAProxy before an upstream."""

    file = "haproxy.cfg"
    reloads_on = signal.SIGUSR2

    def __init__(self, program: Program, upstream: Upstream, prefix: Path | None = None) -> None:
        super().__init__(program, written(upstream), prefix=prefix)
        self._servers = upstream.servers

    def news(self) -> list[Line]:
        return list(self._news())

    def tries(self) -> dict[str, int]:
        # A server that is asked once has been connected to again no time.
        return {
            found["id"]: 0 if found["server"] == "<NOSRV>" else int(found["again"]) + 1
            for found in self._requests()
        }

    def refusals(self) -> int:
        return sum(int(found["again"]) for found in self._requests())

    def _text(self) -> str:
        return self._http

    def _argv(self) -> list[str]:
        # A master that starts a worker anew on USR2, in the foreground.
        return [*self.program.argv, "-W", "-db", "-f", str(self.prefix / self.file)]

    def _works(self) -> bool:
        return True

    def _lines(self) -> Iterator[tuple[str, str]]:
        text = (self.prefix / "logs/output.log").read_text("utf-8", "replace")
        for found in filter(None, map(_LINE.match, text.splitlines())):
            yield _LEVELS[int(found[1])], found[2]

    def _requests(self) -> Iterator[re.Match[str]]:
        yield from filter(None, (_REQUEST.match(message) for _, message in self._lines()))

    def _news(self) -> Iterator[Line]:
        for level, message in self._lines():
            if _REQUEST.match(message) or message.startswith("Proxy "):
                continue  # a request; a proxy ends, at each reload
            server = _SERVER.match(message)
            upstream = self._servers[int(server[1])] if server else ""
            yield level, message.partition(", check duration")[0], upstream, message


def written(upstream: Upstream) -> str:
    """The configuration."""
    resolver = upstream.resolver
    return _CONFIGURATION.format(
        read_timeout=round((upstream.read_timeout or _READ_TIMEOUT) * 1000),
        inter=round(upstream.fail_timeout * 1000 / _CHECKS),
        resolvers=_RESOLVERS.format(port=resolver) if resolver else "",
        options=" resolvers lab init-addr libc,none" if resolver else "",
        servers="\n".join(f"    server s{n} {one}" for n, one in enumerate(upstream.servers)),
    )
