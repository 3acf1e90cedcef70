"""Proxies as subjects: one configuration for all of them, each before origins of its own."""

import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surehop.lab.clients import Lane, Outcome
from surehop.lab.log_lines import LogLine, read_line
from surehop.lab.measure import Client
from surehop.lab.origins import OriginProcess
from surehop.lab.programs import Found, find_all
from surehop.lab.report.data import Skipped
from surehop.lab.scenarios import names
from surehop.lab.scenarios.frame import Stage
from surehop.lab.subjects import Program, Subject, find_nginx, find_surehop
from surehop.lab.wire import Watched

# `surehop-nginx` is Surehop with `resilience off`: nginx's behaviour, to the letter.
FRONTS = ("surehop", "surehop-nginx", "nginx")
_ACCESS = re.compile(r" \[(?P<addresses>.*)\] \[(?P<statuses>[^\[\]]*)\] (?P<id>\S+)$")
_LOOKS = 0.05  # seconds between two looks at the logs


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that was found."""

    name: str
    program: Program


@dataclass(frozen=True, slots=True)
class Hop:
    """What stands around each proxy, and what is asked of it.

    http: stands in `http {}`; `@PORT@` is the proxy's, `@ORIGIN0@` … the origins' ports. origins:
    the `Behaviour` of each. host: a name that has both 127.0.0.1 and ::1. lanes: one user each.
    meanwhile: what is done to a proxy and its origins while they run; called with the seconds.
    """

    http: str
    origins: Sequence[Mapping[str, Any]]
    lanes: Sequence[Lane]
    host: str = ""
    meanwhile: Callable[["Running", float], None] = lambda _, __: None


@dataclass(slots=True)
class Running:
    """A proxy that runs, with its origins. done: what `meanwhile` has seen to already."""

    front: Front
    subject: Subject
    origins: Sequence[OriginProcess]
    log: list[LogLine] = field(default_factory=list)
    tried: dict[str, tuple[str, str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    came: list[tuple[Lane, Outcome]] = field(default_factory=list)

    def hops(self) -> Iterator[tuple[int, Watched]]:
        """What each port is."""
        yield self.subject.port, Watched(self.front.name, behind=False)
        for origin in self.origins:
            yield origin.port, Watched(self.front.name)

    def look(self, at: float) -> None:
        """Take what the error log has got since the last time."""
        lines = [line for line in map(read_line, self.subject.error_log("info")) if line]
        self.log += [LogLine(at, *line) for line in lines[len(self.log) :]]

    def reload(self) -> None:
        """Have it read its configuration again."""
        os.kill(self.subject.pid, signal.SIGHUP)

    def end(self, at: float) -> None:
        """Stop it, and take the logs' last lines."""
        self.subject.stop()
        self.look(at)
        for line in self.subject.access_log():
            if found := _ACCESS.search(line):
                self.tried[found["id"]] = (found["addresses"], found["statuses"])


def find_fronts(nginx: str | None = None) -> dict[str, Front | Found]:
    """Each proxy by name: found, or what is said of it as it is not here."""
    programs = {
        "surehop": find_surehop(),
        "surehop-nginx": find_surehop(compat=True),
        "nginx": find_nginx(nginx),
    }
    told = {one.name: one for one in find_all(nginx=nginx)}
    return {
        name: Front(name, program) if program else told[name.removesuffix("-nginx")]
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
    program, resolve = front.program, {}
    with ExitStack() as stack:
        if hop.host:
            both = {hop.host: ["127.0.0.1", "[::1]"]}
            stage.names[hop.host] = ["127.0.0.1", "::1"]
            if not names.why_not():
                folder = Path(tempfile.mkdtemp(prefix="surehop-hosts-"))
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                folder.chmod(0o755)
                names.write_hosts(folder / "hosts", both)
                program = names.with_hosts(program, folder / "hosts")
            elif program.resolves:
                resolve = both
            else:
                hint = "run it as root, or allow user namespaces"
                stage.report.skipped.append(Skipped(front.name, names.why_not(), hint))
                yield None
                return
        origins = [stack.enter_context(stage.origin(**told)) for told in hop.origins]
        http = hop.http
        for number, origin in enumerate(origins):
            http = http.replace(f"@ORIGIN{number}@", str(origin.port))
        subject = stack.enter_context(
            Subject(
                program,
                http,
                resolve=resolve,
                variables=" $http_x_request_id",
                prefix=stage.left_by(front.name),
            )
        )
        yield Running(front, subject, origins)


def _ask(one: Running, lane: Lane, number: int, stop: threading.Event) -> None:
    """One user of a proxy: its requests are never sent twice."""
    due = time.monotonic() + lane.after
    with Client(one.subject.port, lane.timeout) as client:
        for turn in range(lane.times):
            if stop.wait(max(0.0, due - time.monotonic())):
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
