"""The three proxies: configuration, start, and which of their processes does the work."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu

# nginx and Surehop read the same file. Logging is on for all, unbuffered: a line a request.
NGINX = """\
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 2048; }}
http {{
    access_log access.log;{nginx_only}
    upstream backend {{
        server {backend};
        keepalive {keepalive};
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

# What `--many` asks for: one location of many, of one server of many.
MANY_HOST, MANY_PATH = "s100.example.com", "/p250/"
_SERVERS, _LOCATIONS = 200, 500


def many() -> str:
    """The same with 200 servers that share an address, and 500 locations, most of them one's."""
    passing = 'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
    blocks = []
    for number in range(_SERVERS):
        name = f"s{number}.example.com"
        own = _LOCATIONS - _SERVERS if name == MANY_HOST else 0
        paths = ["/", *(f"/p{at}/" for at in range(own))]
        locations = "".join(f"\n        location {path} {{{{ {passing} }}}}" for path in paths)
        blocks.append(
            f"    server {{{{\n        listen 127.0.0.1:{{port}};\n        server_name {name}"
            f" *.s{number}.example.org;{locations}\n    }}}}\n"
        )
    head, server, _ = NGINX.partition("    server {{\n        listen")
    assert server, "the template has no server to take the place of"
    return f"{head}{''.join(blocks)}}}}}\n"


# Debian compiles absolute paths in, which only root may write to.
NGINX_ONLY = "".join(
    f"\n    {kind}_temp_path temp_{kind};"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)

# HAProxy writes no files of its own: its log goes to its standard output, which is the file. The
# line says what nginx's `combined` says.
HAPROXY = """\
global
    nbthread 1
    maxconn 2048
    log stdout len 2048 format raw local0
defaults
    mode http
    log global
    log-format '%ci - - [%trl] %{{+Q}}r %ST %B "%[capture.req.hdr(0)]" "%[capture.req.hdr(1)]"'
    timeout connect 60s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 75s
frontend front
    bind 127.0.0.1:{port}
    capture request header Referer len 256
    capture request header User-Agent len 256
    default_backend back
backend back
    http-reuse always
    server one {backend} pool-max-conn {keepalive}
"""


@dataclass(frozen=True)
class Server:
    name: str
    program: str
    template: str
    command: Callable[[str, Path, Path], list[str]]
    version: Callable[[str], list[str]]


SERVERS = {
    server.name: server
    for server in (
        Server(
            "nginx",
            "nginx",
            NGINX,
            lambda program, prefix, conf: [program, "-p", f"{prefix}/", "-c", str(conf)],
            lambda program: [program, "-V"],
        ),
        Server(
            "surehop",
            "surehop",
            NGINX,
            lambda program, prefix, conf: [program, "proxy", "-p", f"{prefix}/", "-c", str(conf)],
            lambda program: [program, "proxy", "-V"],
        ),
        Server(
            "haproxy",
            "haproxy",
            HAPROXY,
            lambda program, _prefix, conf: [program, "-db", "-f", str(conf)],
            lambda program: [program, "-vv"],
        ),
    )
}


def program_of(server: Server) -> str | None:
    """The program's path; Surehop's beside this interpreter first: no virtualenv need be active."""
    if server.name == "surehop":
        beside = Path(sys.executable).with_name("surehop")
        if beside.exists():
            return str(beside)
    # Debian installs nginx and haproxy where only root's PATH looks.
    return shutil.which(server.program) or shutil.which(server.program, path="/usr/sbin:/sbin")


def version_of(server: Server, program: str) -> str:
    out = subprocess.run(
        server.version(program),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return out.stdout.strip()


def free_port() -> int:
    """A port free a moment ago; nginx and HAProxy can't be asked which one they chose."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_accepting(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    limit = time.monotonic() + 20
    while True:
        if process.poll() is not None or time.monotonic() > limit:
            raise SystemExit(f"the server did not start; it said:\n{log.read_text()}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)


@dataclass(frozen=True)
class Running:
    """A started proxy: its first process, its port, and the directory that holds its logs."""

    pid: int
    port: int
    prefix: Path
    path: str = "/"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def processes(self) -> list[int]:
        found = [self.pid]
        for pid in found:
            found += cpu.children(pid)
        return found

    def data_process(self, work: Callable[[], object]) -> int:
        """The process that used the most CPU while `work` ran."""
        before = {pid: cpu.read(pid).total for pid in self.processes()}
        work()
        grown = {pid: cpu.read(pid).total - before.get(pid, 0.0) for pid in self.processes()}
        return max(grown, key=lambda pid: grown[pid])


@contextmanager
def started(
    server: Server,
    program: str,
    *,
    scratch: Path,
    core: int,
    backend: str,
    keepalive: int,
    of_many: bool = False,
) -> Iterator[Running]:
    """A proxy pinned to a core, stopped at the end; its directory is made anew.

    of_many: with the configuration of `many`.
    """
    prefix = scratch / server.name
    shutil.rmtree(prefix, ignore_errors=True)
    (prefix / "logs").mkdir(parents=True)
    port = free_port()
    conf = prefix / f"{server.name}.conf"
    template = many() if of_many else server.template
    text = template.format(
        port=port,
        backend=backend,
        keepalive=keepalive,
        nginx_only=NGINX_ONLY if server.name == "nginx" else "",
    )
    conf.write_text(text)
    command = ["taskset", "-c", str(core), *server.command(program, prefix, conf)]
    output, errors = prefix / "access.log", prefix / "stderr.log"
    with (
        output.open("ab") as out,
        errors.open("wb") as err,
        subprocess.Popen(command, stdout=out, stderr=err, cwd=prefix) as process,
    ):
        try:
            wait_until_accepting(process, port, errors)
            yield Running(process.pid, port, prefix, MANY_PATH if of_many else "/")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
