"""Four proxies before one backend: Surehop in both its modes, nginx, and HAProxy."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from recording import Outcome, Recorder, play

from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject, listens
from waiting import eventually

# Whoever waits for more of a request waits this long.
_SHORT = "1s"
_NGINX = f"""
    client_header_timeout {_SHORT}; client_body_timeout {_SHORT}; keepalive_timeout {_SHORT};
    proxy_read_timeout 1s;
    upstream back {{ server 127.0.0.1:BACK max_fails=0; }}
    server {{
        listen 127.0.0.1:@PORT@;
        location / {{ proxy_pass http://back; }}
        location /flow/ {{ proxy_request_buffering off; proxy_pass http://back; }}
        location /anew/ {{ proxy_pass http://back/; }}
        location /line/ {{ proxy_set_header X-Path $uri; proxy_pass http://back; }}
        location /added/ {{ add_header X-Path $uri; return 204; }}
        location /moved/ {{ return 302 http://h$uri; }}
    }}
"""
_HAPROXY = """
global
    log stderr format raw local0 emerg
defaults
    mode http
    timeout connect 1s
    timeout client SHORT
    timeout http-request SHORT
    timeout http-keep-alive SHORT
    timeout server 1s
    option http-buffer-request
    retries 0
    http-reuse always
frontend front
    bind 127.0.0.1:PORT
    default_backend back
backend back
    server back 127.0.0.1:BACK
"""


class Fronts:
    """The proxies by name, and the backend behind all of them."""

    def __init__(
        self, sock: socket.socket, ports: Mapping[str, int], logs: Mapping[str, Path]
    ) -> None:
        self._sock = sock
        self._ports = ports
        self._logs = logs
        self._begun = dict.fromkeys(logs, 0)

    def play(
        self,
        front: str,
        cases: Sequence[bytes],
        answers: Mapping[str, tuple[bytes, bool]] | None = None,
    ) -> tuple[list[Outcome], list[str]]:
        """What came of the cases, and what reached the backend that can't be told for sure."""

        if front in self._logs:
            self._begun[front] = self._logs[front].stat().st_size

        async def played() -> tuple[list[Outcome], list[str]]:
            recorder = Recorder()
            recorder.answers = answers or {}
            await recorder.start(self._sock.dup())
            outcomes = await play(recorder, self._ports[front], cases)
            await recorder.stop()
            return outcomes, recorder.unclear

        return asyncio.run(played())

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def log(self, front: str) -> str:
        """The error log since the last play began."""
        return self._logs[front].read_bytes()[self._begun[front] :].decode("latin-1")


@contextmanager
def fronts(surehop: Program, surehop_nginx: Program, nginx: Program) -> Iterator[Fronts]:
    """All of them running; HAProxy if it is here."""
    with ExitStack() as stack:
        sock = stack.enter_context(socket.socket())
        sock.bind(("127.0.0.1", 0))
        sock.listen(512)
        sock.setblocking(False)
        back = str(sock.getsockname()[1])
        ports, logs = {}, {}
        for name, program in (("surehop", surehop), ("off", surehop_nginx), ("nginx", nginx)):
            subject = stack.enter_context(Subject(program, _NGINX.replace("BACK", back)))
            ports[name] = subject.port
            logs[name] = subject.prefix / "logs/error.log"
        if found := shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/sbin"):
            ports["haproxy"] = stack.enter_context(_haproxy(found, back))
        yield Fronts(sock, ports, logs)


@contextmanager
def _haproxy(binary: str, back: str) -> Iterator[int]:
    with Port() as port, tempfile.TemporaryDirectory(prefix="haproxy") as folder:
        conf = Path(folder) / "haproxy.cfg"
        text = _HAPROXY.replace("PORT", str(port.number)).replace("BACK", back)
        conf.write_text(text.replace("SHORT", _SHORT))
        running = subprocess.Popen(
            [binary, "-db", "-f", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            eventually(lambda: listens(port.number))
            yield port.number
        finally:
            running.kill()
            running.wait()
