"""One connection of a probe. Nothing blocks: every wait has an end, and can be interrupted."""

import errno
import re
import select
import socket
import ssl
from types import TracebackType
from typing import Self

from surehop.doctor.probing.pace import Pace, clock
from surehop.events import Cause

_READ = 1 << 16
_WHERE = re.compile(r" \(_ssl\.c:\d+\)")  # a line of Python's own source
_CAUSES = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.ENOENT: Cause.REFUSED,  # of a unix socket
    errno.ENETUNREACH: Cause.UNREACHABLE,
    errno.EHOSTUNREACH: Cause.UNREACHABLE,
    errno.EAFNOSUPPORT: Cause.UNREACHABLE,
    errno.ETIMEDOUT: Cause.TIMED_OUT,
    errno.EADDRNOTAVAIL: Cause.NO_PORTS,
    errno.ECONNRESET: Cause.RESET,
}
Peer = tuple[str, int] | str


class ConnectError(Exception):
    """`why` is what the system said."""

    def __init__(self, cause: Cause, why: str) -> None:
        super().__init__(why)
        self.cause = cause
        self.why = why


class HandshakeError(Exception):
    """The handshake came to nothing; `certificate` is true where only the trust is missing."""

    def __init__(self, why: str, *, certificate: bool = False) -> None:
        super().__init__(why)
        self.certificate = certificate


class Silent(Exception):  # noqa: N818 (nothing came, and that is a fact)
    """Nothing came in time."""


class Wire:
    """A connection; `with` closes it. `peer` is an address and a port, or the path of a socket."""

    def __init__(self, peer: Peer, pace: Pace) -> None:
        self._pace = pace
        self._peer = peer
        family = socket.AF_UNIX
        if not isinstance(peer, str):
            family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise _failed(error.errno or 0) from None
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def connect(self, until: float) -> None:
        """Raises ConnectError."""
        try:
            code = self._socket.connect_ex(self._peer)
        except OSError as error:  # an address that is none here, such as of another's interface
            raise ConnectError(Cause.OTHER, _worded(error)) from None
        if code == errno.EINPROGRESS:
            if not self._ready(select.POLLOUT, until):
                raise ConnectError(Cause.TIMED_OUT, "nobody answered")
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise _failed(code)
        if not isinstance(self._peer, str):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def secure(self, context: ssl.SSLContext, name: str, until: float) -> ssl.SSLSocket:
        """Raises HandshakeError."""
        secured = context.wrap_socket(
            self._socket, server_hostname=name, do_handshake_on_connect=False
        )
        self._socket = secured
        while True:
            try:
                secured.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as want:
                reads = isinstance(want, ssl.SSLWantReadError)
                if not self._ready(select.POLLIN if reads else select.POLLOUT, until):
                    raise HandshakeError("the handshake was not answered in time") from None
            except ssl.SSLCertVerificationError as error:
                raise HandshakeError(error.verify_message, certificate=True) from None
            except (OSError, ValueError) as error:
                raise HandshakeError(_worded(error)) from None
            else:
                return secured

    def send(self, data: bytes, until: float) -> None:
        """Raises OSError, or Silent where nobody takes it."""
        while data:
            try:
                data = data[self._socket.send(data) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                if not self._ready(select.POLLOUT, until):
                    raise Silent from None

    def take(self) -> bytes | None:
        """Read what is there: None for nothing yet, b"" at FIN. Raises OSError at RST."""
        try:
            return self._socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as error:
            raise ConnectionError(_worded(error)) from None

    def receive(self, until: float) -> bytes:
        """Wait for bytes, b"" at FIN. Raises OSError at RST, Silent where none come in time."""
        while (found := self.take()) is None:
            if not self._ready(select.POLLIN, until):
                raise Silent
        return found

    def _ready(self, events: int, until: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, events)
        while True:
            now = clock()
            pause = self._pace.pause(until, now)
            if poll.poll(pause * 1000):
                return True
            if now >= until:
                return False


def _failed(code: int) -> ConnectError:
    text = errno.errorcode.get(code, str(code))
    return ConnectError(_CAUSES.get(code, Cause.OTHER), text)


def _worded(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    words = _WHERE.sub("", str(reason)).lower().replace("_", " ")
    return words or type(error).__name__
