"""The lab's failures behind a real proxy, and what it logs of them.

`python tests/doctor/incident_runs.py [NAME…]` writes tests/doctor/incidents anew.
"""

import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from surehop.lab.measure import Client
from surehop.lab.origins import Fault, OriginProcess
from surehop.lab.scenarios import SCENARIOS, as_nginx
from surehop.lab.scenarios.as_nginx import written
from surehop.lab.scenarios.running import Asked, perform
from surehop.lab.scenarios.upstream import Upstream
from surehop.lab.subjects import Subject, find_nginx, listens

INCIDENTS = Path(__file__).parent / "incidents"
_SCALE = 0.2  # of the lab's scenarios
_PATIENCE = 10.0
_LOGS = """\
    log_format upstreams '$remote_addr - $remote_user [$time_local] "$request" $status '
        '$body_bytes_sent "$http_referer" "$http_user_agent" $request_time '
        '[$upstream_addr] [$upstream_status] [$upstream_response_time]';
    access_log logs/upstreams.log upstreams;
"""
# What a log says of the machine that wrote it.
_OF_THE_MACHINE = re.compile(r"^.* (?:OS: |built by |getrlimit).*\n", re.MULTILINE)
_UPSTREAM = """\
    upstream app {{ server 127.0.0.1:@ORIGIN@; {upstream} }}
    server {{ listen 127.0.0.1:@PORT@; location / {{ proxy_pass http://app; {location} }} }}
"""
_REUSED = 'proxy_http_version 1.1; proxy_set_header Connection "";'
_HAPROXY = """\
global
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 500ms
    timeout client 10s
    timeout server 700ms
    timeout queue 300ms
    retries 0
frontend in
    bind 127.0.0.1:@PORT@
    default_backend app
backend app
    server one 127.0.0.1:@ORIGIN@ {server}
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: so many users, each so many times on a connection of its own."""

    times: int
    method: str = "GET"
    users: int = 1
    every: float = 0.02


@dataclass(frozen=True, slots=True)
class Incident:
    """A proxy before an origin that fails. upstream, location, server: more in those places."""

    origin: Mapping[str, Any]
    asking: tuple[Asking, ...]
    upstream: str = "keepalive 8;"
    location: str = _REUSED
    server: str = ""


_RACE = (Asking(30), Asking(12, "POST"))
_CROWD = (Asking(2, users=10),)
_SOME = (Asking(10),)
_MID_BODY = {"body": 200_000, "faults": (Fault("rst", nth=2, at="body"),)}
_FULL = {"profile": "unicorn", "backlog": 1, "delay": 2.0}
NGINX = {
    "keepalive-race": Incident({"faults": (Fault("fin", nth=4),)}, _RACE),
    "keepalive-race-reset": Incident({"faults": (Fault("rst", nth=4),)}, _RACE),
    "max-connections": Incident({"max_connections": 2, "delay": 0.3}, _CROWD, "keepalive 0;", ""),
    "reset-mid-body": Incident(_MID_BODY, _SOME),
    "garbage": Incident({"faults": (Fault("garbage", nth=2),)}, _SOME),
    "accept-queue-full": Incident(
        _FULL, (Asking(1, users=12),), location="proxy_connect_timeout 700ms;"
    ),
    "never-answers": Incident(
        {"faults": (Fault("hang", nth=2),)}, _SOME, location=f"{_REUSED} proxy_read_timeout 300ms;"
    ),
}
HAPROXY = {
    "haproxy-dead": Incident({"listen": "none"}, _SOME),
    "haproxy-slow": Incident({"delay": 1.5}, (Asking(3),)),
    "haproxy-mid-body": Incident(_MID_BODY, _SOME),
    "haproxy-queue": Incident({"delay": 0.6}, (Asking(1, users=4),), server="maxconn 1"),
    "haproxy-accept-queue-full": Incident({**_FULL, "delay": 0.5}, (Asking(1, users=10),)),
    "haproxy-max-connections": Incident({"max_connections": 2, "delay": 0.3}, _CROWD),
    "haproxy-garbage": Incident({"faults": (Fault("garbage", nth=2),)}, _SOME),
}
BALANCED = tuple(name for name, one in SCENARIOS.items() if "nginx" in one.only)


class _Logging(Subject):
    """One that also writes an access log as people have it."""

    def __init__(self, program: Any, http: str, **more: Any) -> None:
        super().__init__(program, _LOGS + http, **more)


def _logging(upstream: Upstream) -> str:
    return _LOGS + written(upstream)


def run_scenario(name: str, into: Path) -> None:
    """A scenario of the lab, with nginx as its subject."""
    with TemporaryDirectory() as folder, patch.object(as_nginx, "written", _logging):
        report = perform(SCENARIOS[name], Asked(["nginx"], _SCALE, evidence=Path(folder)))
        _keep(Path(folder) / "nginx", into)
    if not report.shown:
        raise RuntimeError(f"{name} was not shown")


def run_nginx(incident: Incident, into: Path) -> None:
    program = find_nginx()
    if program is None:
        raise FileNotFoundError("nginx")
    http = _UPSTREAM.format(upstream=incident.upstream, location=incident.location)
    with (
        OriginProcess(**incident.origin) as origin,
        _Logging(program, http.replace("@ORIGIN@", str(origin.port))) as subject,
    ):
        ask(subject.port, incident)
        subject.stop()
        _keep(subject.prefix, into)


def run_haproxy(incident: Incident, into: Path) -> None:
    with OriginProcess(**incident.origin) as origin:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        text = _HAPROXY.format(server=incident.server)
        text = text.replace("@PORT@", str(port)).replace("@ORIGIN@", str(origin.port))
        (into / "haproxy.cfg").write_text(text)
        with (into / "haproxy.log").open("wb") as log:
            process = subprocess.Popen(
                ["haproxy", "-db", "-f", str(into / "haproxy.cfg")],
                stdout=log,
                stderr=subprocess.DEVNULL,
            )
            try:
                deadline = time.monotonic() + _PATIENCE
                while not listens(port):
                    if time.monotonic() > deadline:
                        raise TimeoutError("haproxy does not listen")
                    time.sleep(0.02)
                ask(port, incident)
            finally:
                process.terminate()
                process.wait()


def ask(port: int, incident: Incident) -> None:
    for asking in incident.asking:
        threads = [threading.Thread(target=_user, args=(port, asking)) for _ in range(asking.users)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _user(port: int, asking: Asking) -> None:
    with Client(port) as client:
        for _ in range(asking.times):
            client.ask(asking.method, body=b"x" if asking.method == "POST" else None)
            time.sleep(asking.every)


def _keep(prefix: Path, into: Path) -> None:
    shutil.copy(prefix / "nginx.conf", into)
    shutil.copy(prefix / "logs/upstreams.log", into / "access.log")
    log = (prefix / "logs/error.log").read_text()
    (into / "error.log").write_text(_OF_THE_MACHINE.sub("", log))


def run(name: str, into: Path) -> None:
    """Have it happen, and leave the configuration and the logs in a folder."""
    into.mkdir(parents=True, exist_ok=True)
    if name in NGINX:
        run_nginx(NGINX[name], into)
    elif name in HAPROXY:
        run_haproxy(HAPROXY[name], into)
    else:
        run_scenario(name, into)


def main(names: list[str]) -> None:
    for name in names or (*BALANCED, *NGINX, *HAPROXY):
        print(name, flush=True)
        run(name, INCIDENTS / name)


if __name__ == "__main__":
    main(sys.argv[1:])
