"""What is asked of sockets that no library has a word for."""

import socket
import struct

_AT_ONCE = struct.pack("ii", 1, 0)


def reset_on_close(sock: socket.socket) -> None:
    """From now on closing it sends RST and forgets what is pending, where it is a TCP socket."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
