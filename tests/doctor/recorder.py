"""A server that writes down every byte it is sent."""

import contextlib
import socketserver
import ssl
import threading
from types import TracebackType
from typing import Any, Self

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
HEAD_END = b"\r\n\r\n"


class Recorder:
    """Answers each request with `answer`, and closes connections that rest for `idle` seconds.

    `greeting` is sent to everybody who connects. `heard` has the bytes of each connection.
    """

    def __init__(
        self,
        answer: bytes = ANSWER,
        *,
        idle: float = 0.3,
        greeting: bytes = b"",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.heard: list[bytearray] = []
        record = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                heard = bytearray()
                record.heard.append(heard)
                with contextlib.suppress(OSError):  # it has rested enough, or the other has gone
                    if tls:
                        self.request = tls.wrap_socket(self.request, server_side=True)
                    self.request.settimeout(idle)
                    self.request.sendall(greeting)
                    while data := self.request.recv(65536):
                        before = heard.count(HEAD_END)
                        heard += data
                        for _ in range(heard.count(HEAD_END) - before):
                            self.request.sendall(answer)
                self.request.close()

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def requests(self) -> int:
        return sum(each.count(HEAD_END) for each in self.heard)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
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


class _Server(socketserver.ThreadingTCPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        raise AssertionError(f"{client_address} could not be served")
