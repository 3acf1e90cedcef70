"""A server whose pages are functions: for redirects, cookies and the like."""

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Page = Callable[["Asked"], tuple[int, dict[str, str], bytes]]


class Asked:
    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.method = handler.command
        self.target = handler.path
        self.path, _, self.query = handler.path.partition("?")
        self.headers = handler.headers
        self.body = body


class Pages:
    """Answers by path; what it does not know is echoed. `seen` is all that was asked."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, **pages: Page) -> None:
        self.pages = pages
        self.seen: list[Asked] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                except OSError:  # TLS that does not come about
                    self.raw_requestline = b""
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                owner.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            listener = self._server.socket
            # The handshake is done where the connection is served, not where it is accepted.
            self._server.socket = tls.wrap_socket(
                listener, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = Asked(handler, _body(handler))
        self.seen.append(asked)
        page = self.pages.get(asked.path.strip("/").split("/")[0], _echo)
        status, headers, body = page(asked)
        handler.send_response(status)
        for name, value in headers.items():
            for one in value.split("\n"):
                handler.send_header(name, one)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding") == "chunked":
        parts = []
        while size := int(handler.rfile.readline(), 16):
            parts.append(handler.rfile.read(size))
            handler.rfile.readline()
        handler.rfile.readline()
        return b"".join(parts)
    return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))


def _echo(asked: Asked) -> tuple[int, dict[str, str], bytes]:
    told = {
        "method": asked.method,
        "target": asked.target,
        "headers": {name.lower(): value for name, value in asked.headers.items()},
        "body": asked.body.decode("latin-1"),
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()


def to(location: str, status: int = 302, **headers: Any) -> Page:
    return lambda _: (status, {"Location": location, **headers}, b"elsewhere")
