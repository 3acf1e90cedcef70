"""One of the two sockets of a relayed connection."""

import errno
import fcntl
import socket
import struct
import termios

PIECE = 64 << 10
_ABORT = struct.pack("ii", 1, 0)
_RESETS = (errno.ECONNRESET, errno.EPIPE)


class Half:
    """A socket with what is still to be written to it. Nothing here blocks.

    `finished`: it has sent FIN, and all before it has been read. `error`: its errno, once it is
    broken. `shut`: we have sent FIN to it.
    """

    __slots__ = ("error", "fd", "finished", "mask", "pending", "shut", "shut_wanted", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.pending = b""
        self.mask = 0
        self.finished = False
        self.shut = False
        self.shut_wanted = False
        self.error: int | None = None

    def read(self, size: int = PIECE) -> bytes | None:
        """What is there; b"" at FIN, None if nothing is there or `error` is set."""
        try:
            data = self.sock.recv(size)
        except BlockingIOError:
            return None
        except OSError as error:
            self.fail(error.errno or errno.EIO)
            return None
        if not data:
            self.finished = True
        return data

    def write(self, data: bytes) -> None:
        """Send what the kernel takes, keep the rest."""
        if self.pending:
            self.pending += data
            return
        try:
            taken = self.sock.send(data)
        except BlockingIOError:
            self.pending = data
        except OSError as error:
            self.fail(error.errno or errno.EIO)
        else:
            if taken < len(data):
                self.pending = data[taken:]

    def flush(self) -> None:
        """Go on with what is pending, then with the FIN that waits behind it."""
        if self.pending and self.error is None:
            data, self.pending = self.pending, b""
            self.write(data)
        if self.shut_wanted and not self.pending and not self.shut:
            self.shut = True
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                # It was reset meanwhile: the system has the reason, or had told it before.
                self.look()
                self.fail(errno.ECONNRESET)

    def finish(self) -> None:
        """Send FIN behind what is pending."""
        self.shut_wanted = True
        self.flush()

    def fail(self, number: int) -> None:
        if self.error is None:
            self.error = number

    def look(self) -> None:
        """Ask the system for an error that it has noticed."""
        number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self.fail(number)

    @property
    def was_reset(self) -> bool:
        return self.error in _RESETS

    def unsent(self) -> int:
        """Bytes that the other machine has not confirmed; those of a unix socket are there."""
        if self.sock.family == socket.AF_UNIX or self.error is not None:
            return 0
        told = fcntl.ioctl(self.fd, termios.TIOCOUTQ, b"\0\0\0\0")
        return int(struct.unpack("i", told)[0])

    def abort(self) -> None:
        """Close with RST; a unix socket has none and is closed."""
        if self.sock.family != socket.AF_UNIX and self.error is None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.sock.close()

    def close(self) -> None:
        self.sock.close()
