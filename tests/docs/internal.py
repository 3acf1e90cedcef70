"""The names that docs/client.md asks: served here, and found by who looks them up."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from surehop.lab.origins import Fault, Origin


class Echo(BaseHTTPRequestHandler):
    """Tells what it was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = {"target": self.path, "headers": headers, "body": body}
        text = b"x" * 100_000 if self.path == "/large" else json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815  as http.server asks for them

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`api.internal`, `a.internal`, `flaky.internal` and `down.internal`, on ports of theirs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with Origin(faults=[Fault("fin", nth=2)]) as flaky:
        echo = server.server_address[1]
        ports = {"api.internal": echo, "a.internal": echo, "flaky.internal": flaky.port}
        ports["down.internal"] = 1
        found = socket.getaddrinfo

        def find(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
            if host in ports:
                return found("127.0.0.1", ports[host], *arguments, **options)
            return found(host, port, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", find)
        yield
    server.shutdown()
    thread.join()
    server.server_close()
