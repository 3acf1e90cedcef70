"""The relay: one thread, one epoll, any number of connections."""

import contextlib
import errno
import heapq
import itertools
import os
import resource
import select
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from surehop.errors import AddressInUseError, StartError
from surehop.lab.tap.address import Place, addresses_of, named
from surehop.lab.tap.half import Half
from surehop.lab.tap.link import Link, Watcher
from surehop.lab.tap.names import Names
from surehop.lab.tap.record import Connection

CONNECT_TIMEOUT = 10.0
_BACKLOG = 4096
_ACCEPTS = 64
_NOBODY = -1
_PAUSE = 0.1  # seconds
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# A connection that was gone before it was taken is no failure of ours.
_GONE = (errno.ECONNABORTED, errno.EPROTO)


class Relay:
    """Listens, and connects on for everyone who comes. StartError where it can't."""

    def __init__(
        self,
        listen: Place,
        upstream: Place,
        watcher: Watcher | None = None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self.watcher = watcher or Watcher()
        self.connect_timeout = connect_timeout
        self.upstream = upstream
        self.full = 0
        self._numbers = itertools.count(1)
        self._links: dict[Link, None] = {}
        self._ready: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._stopped = False
        self._shut_ears = True
        self._listeners = _listeners(listen)
        if _meets_itself(upstream, self.addresses):
            for sock in self._listeners:
                sock.close()
            raise StartError(
                f"`{upstream}` is where the tap itself listens",
                hint="let it listen on another port, or say the server's own address",
            )
        self._epoll = select.epoll()
        self._waking = threading.RLock()  # a signal handler may come upon itself
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.on_readable(self._wake, self._woken)
        self._names = Names(upstream, self.wake)
        self._listen()

    @property
    def addresses(self) -> list[str]:
        """Where it listens."""
        return [named(sock.getsockname()) for sock in self._listeners]

    @property
    def port(self) -> int:
        """The first one that it listens on; 0 for a unix socket."""
        name = self._listeners[0].getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    @property
    def open(self) -> int:
        return len(self._links)

    def run(self) -> None:
        """Until `stop`; then every connection is closed."""
        try:
            while not self._stopped:
                self._turn()
        finally:
            self.close()

    def stop(self) -> None:
        """From any thread, or a signal handler."""
        self._stopped = True
        self.wake()

    def wake(self) -> None:
        with self._waking:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def on_readable(self, fd: int, call: Callable[[], None]) -> None:
        """Have something else watched in the same loop."""
        self._ready[fd] = lambda _: call()
        self._epoll.register(fd, select.EPOLLIN)

    def forget_readable(self, fd: int) -> None:
        if self._ready.pop(fd, None):
            self._epoll.unregister(fd)

    def every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            call()
            self.after(seconds, again)

        self.after(seconds, again)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), call))

    def watch(self, half: Half, ready: Callable[[int], None]) -> None:
        if half.fd not in self._ready:
            self._epoll.register(half.fd, 0)
            half.mask = 0
        self._ready[half.fd] = ready

    def want(self, half: Half, mask: int) -> None:
        if half.mask not in {mask, _NOBODY}:
            self._epoll.modify(half.fd, mask)
            half.mask = mask

    def forget(self, half: Half) -> None:
        if self._ready.pop(half.fd, None):
            self._epoll.unregister(half.fd)
        half.mask = _NOBODY

    def done(self, link: Link) -> None:
        del self._links[link]
        self._listen()

    def _turn(self) -> None:
        timeout = -1.0
        if self._timers:
            timeout = max(0.0, self._timers[0][0] - time.monotonic())
        for fd, events in self._epoll.poll(timeout):
            ready = self._ready.get(fd)
            if ready:
                ready(events)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _woken(self) -> None:
        os.eventfd_read(self._wake)
        self._names.deliver(time.monotonic())

    def _listen(self) -> None:
        if not self._shut_ears:
            return
        self._shut_ears = False
        for sock in self._listeners:
            self.on_readable(sock.fileno(), lambda sock=sock: self._accept(sock))  # type: ignore[misc]

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _FULL:
                    self._stop_listening()
                    return
                if error.errno in _GONE:
                    continue
                raise
            sock.setblocking(False)
            record = Connection(next(self._numbers), named(peer or "client"), time.monotonic())
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                record.client_local = named(sock.getsockname())
            link = Link(self, sock, record)
            self._links[link] = None
            self._names.ask(time.monotonic(), link.connect)

    def _stop_listening(self) -> None:
        """Out of descriptors: whoever ends makes room."""
        self.full += 1
        self._shut_ears = True
        for sock in self._listeners:
            self.forget_readable(sock.fileno())
        self.after(_PAUSE, self._listen)

    def close(self) -> None:
        """At the end of `run`, or where it never comes to that."""
        for link in list(self._links):
            link.close()
        for sock in self._listeners:
            name = sock.getsockname()
            sock.close()
            if isinstance(name, str) and name:
                Path(name).unlink(missing_ok=True)
        self._epoll.close()
        with self._waking:
            os.close(self._wake)
            self._wake = _NOBODY


def raise_limit() -> int:
    """Let this process have all the descriptors that it may; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _listeners(place: Place) -> list[socket.socket]:
    """One for each address of the place; the same port for all."""
    opened: list[socket.socket] = []
    try:
        for address in addresses_of(place):
            sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            opened.append(sock)
            sockaddr = address.sockaddr
            if isinstance(sockaddr, tuple):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if address.family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if not place.port and len(opened) > 1:
                    sockaddr = (sockaddr[0], opened[0].getsockname()[1], *sockaddr[2:])
            else:
                _remove_dead(str(sockaddr))
            sock.bind(sockaddr)
            sock.listen(_BACKLOG)
    except OSError as error:
        for sock in opened:
            sock.close()
        told = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"can't listen on `{place}`: {told}", hint="choose another port, or `:0` for any"
            ) from error
        raise StartError(f"can't listen on `{place}`: {told}") from error
    return opened


def _meets_itself(upstream: Place, listening: list[str]) -> bool:
    """Whether the relay would connect to itself, again and again."""
    try:
        return any(address.name in listening for address in addresses_of(upstream))
    except OSError:
        return False


def _remove_dead(path: str) -> None:
    """A socket's file that nobody listens on any more is in the way."""
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
        except OSError:
            return
