"""Proxies as subjects: one configuration for all of them, each before origins of its own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from surehop.lab.clients import Lane, Outcome
from surehop.lab.log_lines import LogLine
from surehop.lab.measure import Client
from surehop.lab.origins import OriginProcess
from surehop.lab.programs import Found, find_all
from surehop.lab.scenarios import names
from surehop.lab.scenarios.as_haproxy import HaproxyFront
from surehop.lab.scenarios.as_nginx import NginxFront
from surehop.lab.scenarios.frame import Stage
from surehop.lab.scenarios.upstream import Upstream
from surehop.lab.subjects import Program, find_nginx, find_surehop
from surehop.lab.wire import Watched

# `surehop-nginx` is Surehop with `resilience off`: nginx's behaviour, to the letter.
FRONTS = ("surehop-proxy", "surehop-nginx", "nginx", "haproxy")
# The same programs, told to ask a DNS server for names while they run.
ASKING = ("nginx-resolve", "haproxy-resolve")
_LOOKS = 0.05  # seconds between two looks at the logs
_LATE = 1.25  # of the time in which a user could have asked all, it asks no more


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that was found."""

    name: str
    program: Program

    @property
    def asks(self) -> bool:
        """It asks for its servers' names while it runs."""
        return self.name in ASKING


@dataclass(frozen=True, slots=True)
class Hop:
    """What stands around each proxy, and what is asked of it.

    origins: what each is made with; those with a host of their own share one port. names: those
    that the servers have, with their addresses. lanes: one user each. meanwhile: what is done to a
    proxy and its origins while they run; called with the seconds.
    """

    upstream: Upstream
    origins: Sequence[Mapping[str, Any]]
    lanes: Sequence[Lane]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meanwhile: Callable[["Running", float], None] = lambda _, __: None


@dataclass(slots=True)
class Running:
    """A proxy that runs, with its origins. done: what `meanwhile` has seen to already.

    tries: of each request, how many servers the proxy tried; refusals: how often one refused.
    hosts: its own /etc/hosts, if it has one.
    """

    front: Front
    subject: NginxFront | HaproxyFront
    origins: Sequence[OriginProcess]
    hosts: Path | None = None
    log: list[LogLine] = field(default_factory=list)
    tries: Mapping[str, int] = field(default_factory=dict)
    refusals: int = 0
    done: set[str] = field(default_factory=set)
    came: list[tuple[Lane, Outcome]] = field(default_factory=list)

    def hops(self) -> Iterator[tuple[int, Watched]]:
        """What each port is."""
        yield self.subject.port, Watched(self.front.name, behind=False)
        for origin in self.origins:
            yield origin.port, Watched(self.front.name)

    def look(self, at: float) -> None:
        """Take what the error log has got since the last time."""
        self.log += [LogLine(at, *line) for line in self.subject.news()[len(self.log) :]]

    def end(self, at: float) -> None:
        """Stop it, and take what its logs say in the end."""
        self.subject.stop()
        self.look(at)
        self.tries = self.subject.tries()
        self.refusals = self.subject.refusals()


def find_fronts(nginx: str | None = None, haproxy: str | None = None) -> dict[str, Front | Found]:
    """Each proxy by name: found, or what is said of it as it is not here."""
    told = {one.name: one for one in find_all(nginx=nginx, haproxy=haproxy)}
    found = told["haproxy"]
    where, version = found.where, str(found.version)
    programs = {
        "surehop-proxy": find_surehop(),
        "surehop-nginx": find_surehop(compat=True),
        "nginx": find_nginx(nginx),
        "haproxy": Program("haproxy", (where,), version, resolves=False) if where else None,
    }
    programs |= {name: programs[name.removesuffix("-resolve")] for name in ASKING}
    return {
        name: Front(name, program) if program else told[name.partition("-")[0]]
        for name, program in programs.items()
    }


def ask_all(stage: Stage, hop: Hop, what: str) -> list[Running]:
    """Every proxy is asked at the same time; what came is kept, and what the logs say returned."""
    stop = threading.Event()
    running: list[Running] = []
    stage.extra["running"] = running
    stage.bar.begin("starting the proxies", len(stage.fronts))
    with ExitStack() as stack:
        for front in stage.fronts:
            one = stack.enter_context(_started(stage, front, hop))
            if one:
                running.append(one)
                stage.report.versions[front.name] = front.program.version
            stage.bar.step()
        stage.watch.on({port: hop for one in running for port, hop in one.hops()})
        stage.bar.begin(what, sum(lane.requests for lane in hop.lanes) * len(running))
        # nginx counts whole seconds: begun early in one, all that is ejected returns together.
        time.sleep(1.05 - time.time() % 1)
        stage.began = time.time()
        threads = [
            threading.Thread(target=_ask, args=(one, lane, number, stop), daemon=True)
            for one in running
            for number, lane in enumerate(hop.lanes)
        ]
        start = time.monotonic()
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                time.sleep(_LOOKS)
                for one in running:
                    hop.meanwhile(one, time.monotonic() - start)
                    one.look(time.monotonic() - start)
                    _keep(stage, one)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            for one in running:
                _keep(stage, one)
                one.end(time.monotonic() - start)
    return running


def _keep(stage: Stage, one: Running) -> None:
    count = len(one.came)
    stage.keep(one.front.name, one.came[:count])
    del one.came[:count]


@contextmanager
def _started(stage: Stage, front: Front, hop: Hop) -> Iterator[Running | None]:
    """One proxy with its origins; None, and told as skipped, where it can't have its names."""
    program, hosts = front.program, None
    resolve: Mapping[str, Sequence[str]] = {}
    with ExitStack() as stack:
        for name, addresses in hop.names.items():
            stage.names[name] = [one.strip("[]") for one in addresses]
        if hop.names and not front.asks:
            if not names.why_not():
                hosts = stack.enter_context(names.own_hosts(hop.names))
                program = names.with_hosts(program, hosts)
            elif program.resolves:
                resolve = hop.names
            else:
                stage.skip(front.name, names.why_not(), names.HINT)
                yield None
                return
        origins: list[OriginProcess] = []
        for told in hop.origins:
            shared = {"port": origins[0].port} if origins and "host" in told else {}
            origins.append(stack.enter_context(stage.origin(**told, **shared)))
        servers = hop.upstream.servers
        for number, origin in enumerate(origins):
            port = str(origin.port)
            servers = tuple(one.replace(f"@ORIGIN{number}@", port) for one in servers)
        resolver = hop.upstream.resolver if front.asks else 0
        upstream = replace(hop.upstream, servers=servers, resolver=resolver)
        prefix = stage.left_by(front.name)
        subject = (
            HaproxyFront(program, upstream, prefix)
            if program.name == "haproxy"
            else NginxFront(program, upstream, resolve, prefix)
        )
        stack.enter_context(subject)
        yield Running(front, subject, origins, hosts)


def _ask(one: Running, lane: Lane, number: int, stop: threading.Event) -> None:
    """One user of a proxy: its requests are never sent twice. Who is kept waiting asks less."""
    due = time.monotonic() + lane.after
    end = time.monotonic() + lane.seconds * _LATE + 1
    with Client(one.subject.port, lane.timeout) as client:
        for turn in range(lane.times):
            if stop.wait(max(0.0, due - time.monotonic())) or time.monotonic() > end:
                return
            due = max(due + lane.every, time.monotonic())
            name = f"{one.front.name}-{number}-{turn}"
            path = lane.paths[turn % len(lane.paths)] if lane.paths else "/"
            body = lane.body.encode() if lane.body is not None else None
            at, clock = time.time(), time.monotonic()
            headers = {"X-Request-Id": name, **lane.headers}
            status = client.ask(lane.method, path, body, headers)
            took = time.monotonic() - clock
            code = "" if status else "no answer"
            one.came.append((lane, Outcome(name, number, at, took, status, code)))
